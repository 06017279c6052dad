"""A scene for the test's own database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.scene import Scene, open_scene


@pytest.fixture
def scene(tmp_path: Path, database: Path) -> Iterator[Scene]:
    with open_scene(tmp_path) as opened:
        yield opened
