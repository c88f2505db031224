"""What an oracle says to the prompts of teams."""
