"""Teams as planners, one file each."""
