"""Today, search, settings."""
