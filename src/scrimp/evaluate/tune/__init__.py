"""Searching the space of Systems for the cheapest that holds a quality, or the best at a cost."""
