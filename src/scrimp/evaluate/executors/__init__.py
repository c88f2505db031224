"""Where the trials of an experiment run: in this process, or on a cluster."""
