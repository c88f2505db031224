"""One small file per remedy: what it would have changed in a recorded run."""
