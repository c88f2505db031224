"""Pieces that teams share: who hears whom, what is told, when to stop, how to decide."""
