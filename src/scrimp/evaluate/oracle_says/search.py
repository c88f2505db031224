"""What an oracle says to the prompts of planners that search or mind their budget."""
