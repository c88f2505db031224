"""Tool selectors: which tools the model is offered."""
