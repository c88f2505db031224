"""Where recorded runs spent their money, and what would have saved it."""
