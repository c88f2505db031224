"""The numbered steps that make a store's file."""
