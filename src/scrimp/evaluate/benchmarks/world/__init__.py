"""The functions of the tool world, one file per family, and the generator of its tasks."""
