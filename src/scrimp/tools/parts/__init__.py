"""Pieces that tool methods share."""
