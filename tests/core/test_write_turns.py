"""Who waits for SQLite's write lock: looks often, gives up in time, and leaves other waits as they were."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from core import db, write_turns


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    one, other = (db.make_engine(f"sqlite:///{tmp_path}/turns.db") for _ in range(2))
    with db.transaction(one) as session:
        session.execute(text("CREATE TABLE note (words TEXT)"))
    yield one, other
    one.dispose()
    other.dispose()


def test_who_waits_looks_again_within_milliseconds_and_writes_once_the_other_is_done(
    two: tuple[Engine, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, waiter = two
    looks: list[float] = []
    with holder.connect() as held:
        held.execute(text("INSERT INTO note VALUES ('first')"))

        def sleep(seconds: float) -> None:
            looks.append(seconds)
            if len(looks) == 20:
                held.commit()

        monkeypatch.setattr(write_turns.time, "sleep", sleep)
        with db.transaction(waiter) as session:
            session.execute(text("INSERT INTO note VALUES ('second')"))
    with db.reading(waiter) as session:
        assert session.scalars(text("SELECT words FROM note")).all() == ["first", "second"]
    assert len(looks) == 20
    assert max(looks) < 0.01


def test_who_waits_for_nothing_is_refused_when_patience_ends(
    two: tuple[Engine, Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, waiter = two
    monkeypatch.setattr(write_turns, "PATIENCE_SECONDS", 0.05)
    with holder.connect() as held:
        held.execute(text("INSERT INTO note VALUES ('first')"))
        with pytest.raises(OperationalError, match="database is locked"), db.transaction(waiter) as session:
            session.execute(text("INSERT INTO note VALUES ('second')"))


def test_what_is_wrong_besides_is_told_at_once(two: tuple[Engine, Engine], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_turns.time, "sleep", lambda _seconds: pytest.fail("waited"))
    with two[0].connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        driver.execute("BEGIN")
        with pytest.raises(OperationalError, match="within a transaction"):
            connection.execute(text("SELECT 1"))


def test_other_waits_stay_as_long_as_they_were(two: tuple[Engine, Engine]) -> None:
    with db.transaction(two[0]) as session:
        assert session.scalar(text("PRAGMA busy_timeout")) == 30_000
