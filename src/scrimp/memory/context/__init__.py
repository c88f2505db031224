"""Context policies: what stays in the prompt."""
