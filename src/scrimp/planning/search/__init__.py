"""The shared search: one tree, expanded in different orders."""
