"""The engine with the application behind it."""

from tests.campaigns.conftest import engine_side

__all__ = ["engine_side"]
