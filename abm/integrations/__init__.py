"""Sources: other systems that rows are pulled from, on request or on a schedule."""
