"""What an oracle says to the prompts of selectors, gates and methods of tool use."""
