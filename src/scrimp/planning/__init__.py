"""Strategies of a whole run."""
