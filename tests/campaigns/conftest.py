"""The engine with the application behind it."""

from pathlib import Path

import pytest

from abm.wiring import connect_engine


@pytest.fixture
def engine_side(database: Path) -> Path:
    """The application connected to the engine, on a database of the test's own; its data folder."""
    connect_engine()
    return database
