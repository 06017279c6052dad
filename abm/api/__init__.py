"""The JSON API for other programs, and the tokens that open it."""
