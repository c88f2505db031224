"""Transforms of the conversation: pure rewritings of a request, one file each."""
