"""One file per kind of waste: the rule that finds it, with its evidence."""
