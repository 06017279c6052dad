"""Orders, their lines, and the rollup by account and day."""
