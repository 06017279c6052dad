"""Companies we sell to or want to sell to, with their sites."""
