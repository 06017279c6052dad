"""Real parts for every test: its own database (SQLite file or PostgreSQL), data folder and clock.

ABM_TEST_DATABASE_URL=postgresql://… runs the same suite on PostgreSQL; each test process makes its own database there.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url

from abm.all_models import metadata
from abm.audit.actions import SYSTEM, act_as
from abm.web import rate_limits
from campaigns.visit_log import visit_log
from core import clock, db
from core.jobs.embedded import stop_embedded
from core.settings import settings

hypothesis.settings.register_profile("shared machine", deadline=None)
hypothesis.settings.load_profile("shared machine")

TEST_SERVER = os.environ.get("ABM_TEST_DATABASE_URL", "")
SHARED_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


@pytest.fixture(autouse=True, scope="session")
def _only_loopback() -> Iterator[None]:
    """A test that reaches out of this machine fails."""
    real = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise RuntimeError(f"a test tried to reach {address}")
        real(self, address)

    socket.socket.connect = guarded  # type: ignore[method-assign]
    yield
    socket.socket.connect = real  # type: ignore[method-assign]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """An empty database with every table: a SQLite file to copy, or this process's own PostgreSQL database."""
    if not TEST_SERVER:
        path = tmp_path_factory.mktemp("template") / "template.db"
        made = db.make_engine(f"sqlite:///{path}")
        metadata.create_all(made)
        with made.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.exec_driver_sql("BEGIN")
        made.dispose()
        yield str(path)
        return
    name = f"abm_test_{worker_id}_{os.getpid()}"
    server = create_engine(TEST_SERVER.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    url = make_url(TEST_SERVER).set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    made = db.make_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    metadata.create_all(made)
    made.dispose()
    yield url
    _postgres(url).dispose()
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    server.dispose()


@pytest.fixture(scope="session")
def worker_id(request: pytest.FixtureRequest) -> str:
    return getattr(request.config, "workerinput", {}).get("workerid", "main")


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: str) -> Iterator[Path]:
    """A data folder of the test's own with an empty database; settings read it afresh."""
    folder = tmp_path / "var"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("ABM_") and name != "ABM_TEST_DATABASE_URL"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ABM_DATA_DIR", str(folder))
    monkeypatch.setenv("ABM_SECRET_KEY", "test-key-of-at-least-thirty-two-characters")
    if TEST_SERVER:
        monkeypatch.setenv("ABM_DATABASE_URL", empty_database)
    else:
        shutil.copy(empty_database, folder / "abm.db")
    _forget_process_state()
    yield folder
    stop_embedded(folder)
    if db.engine.cache_info().currsize:
        db.engine().dispose()
    if TEST_SERVER:
        _empty_all_tables(empty_database)
    _forget_process_state()


def _forget_process_state() -> None:
    from core.jobs.queue import connection

    act_as(SYSTEM)
    settings.cache_clear()
    db.engine.cache_clear()
    connection.cache_clear()


def _empty_all_tables(url: str) -> None:
    """Delete what the test left; deleting is quicker than truncating when tables are small. What a killed process asked
    for is still being done, so its connections end first: a commit that comes later would be the next test's."""
    with _postgres(url).begin() as connection:
        _end_others(connection)
        connection.exec_driver_sql("SET session_replication_role = replica")
        for table in metadata.tables.values():
            connection.exec_driver_sql(f'DELETE FROM "{table.name}"')


_END_OTHERS = text("SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname = "
                   "current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'")


def _end_others(connection: Connection) -> None:
    connection.execute(_END_OTHERS)


@lru_cache(maxsize=1)
def _postgres(url: str) -> Any:
    return db.make_engine(url.replace("postgresql://", "postgresql+psycopg://"))


@pytest.fixture
def database(data_dir: Path) -> Path:
    """For tests that open their own transactions with `core.db.transaction()`."""
    return data_dir


@pytest.fixture
def session(data_dir: Path) -> Iterator[db.Session]:
    """One open writing transaction, rolled back at the end. Not for code that opens transactions itself."""
    with db.Session(db.engine(), expire_on_commit=False) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[datetime], None]]:
    """Set the product's clock: `at(datetime(2026, 1, 5, 10, tzinfo=UTC))`."""

    def set_to(moment: datetime) -> None:
        clock.set_clock(lambda: moment)

    yield set_to
    clock.set_clock(None)


@pytest.fixture
def queue_server(data_dir: Path) -> str:
    """A real Redis-protocol server for this test's data folder."""
    from core.jobs.embedded import embedded_url

    return embedded_url(data_dir)


@pytest.fixture
def app(data_dir: Path) -> Any:
    """The real application on this test's database; CSRF checks are off unless a test turns them on."""
    made = _application()
    made.config["WTF_CSRF_ENABLED"] = False
    for limit in (rate_limits.exports, rate_limits.failed_sign_ins, rate_limits.wrong_tokens, rate_limits.api_calls):
        limit.forget()
    yield made
    visit_log.settle(10)


@lru_cache(maxsize=1)
def _application() -> Any:
    from abm.app import create_app

    made = create_app()
    made.config["TESTING"] = False
    return made


@pytest.fixture
def client_as(app: Any) -> Callable[..., Any]:
    """`client_as("marketer")` is a browser signed in with that role; `client_as(None)` is nobody's."""

    def make(role: str | None = "admin") -> Any:
        client = app.test_client()
        if role is None:
            return client
        from abm.users.actions import open_session
        from tests.factories import make_user

        with db.transaction() as opened:
            user = make_user(opened, role=role)
            token = open_session(opened, user=user, ip="127.0.0.1", agent="test")
        with client.session_transaction() as cookie:
            cookie["token"] = token
        client.user_id = user.id
        return client

    return make
