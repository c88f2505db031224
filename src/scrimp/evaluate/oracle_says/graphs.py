"""What an oracle says to the prompts of planners that plan calls as a graph."""
