"""Tasks, calls and my day."""
