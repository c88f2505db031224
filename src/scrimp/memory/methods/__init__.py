"""Long-term memories by name."""
