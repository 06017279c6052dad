"""Benchmarks: each is one command and prints a ratio against its floor, measured in the same run."""
