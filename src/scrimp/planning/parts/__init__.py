"""Pieces that planners share."""
