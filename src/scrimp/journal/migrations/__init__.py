"""Numbered SQL steps of the journal, applied in order once each."""
