"""What an agent keeps: `context/` in its prompt, `methods/` for longer."""
