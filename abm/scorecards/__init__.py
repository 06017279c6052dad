"""Scorecards: accounts judged by weighted criteria, from data and by hand, with versions and back-tests."""
