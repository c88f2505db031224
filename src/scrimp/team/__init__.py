"""Teams: several agents on one task."""
