"""One company, one account: duplicates found, merged with everything they have, and parted again."""
