"""The suite against itself: protections are taken away in turn, and tests must notice (`bin/mutants`)."""
