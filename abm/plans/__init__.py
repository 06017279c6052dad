"""Plans: which accounts are key and why, asked again regularly."""
