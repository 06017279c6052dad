"""Engagement: a ledger of points per event, qualified accounts, and relations that decay."""
