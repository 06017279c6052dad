"""Target-account lists by rules and by hand."""
