"""Trainers, one to a file."""
