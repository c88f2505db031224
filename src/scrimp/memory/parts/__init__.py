"""Pieces that memory methods share."""
