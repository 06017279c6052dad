"""People at accounts: the buying centre."""
