"""The product behind the engine, for whoever holds it to its promises."""

from tests.campaigns.conftest import engine_side

__all__ = ["engine_side"]
