"""Losses, cases and their proof."""
