"""Numbered Alembic revisions: schema first, code after."""
