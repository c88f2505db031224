"""What an oracle says to the prompts of memories and context policies."""
