"""Public test doubles, and one conformance suite per protocol."""
