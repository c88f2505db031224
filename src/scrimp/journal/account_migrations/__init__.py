"""Numbered SQL steps of the accounts that processes share, applied in order once each."""
