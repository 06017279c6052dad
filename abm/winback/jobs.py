"""Win-back by the clock."""
