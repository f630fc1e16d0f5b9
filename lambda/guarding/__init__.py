"""What the guards have in common: they tell what they stop."""
