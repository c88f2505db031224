"""Transforms of the tools of a request: pure rewritings, one file each."""
