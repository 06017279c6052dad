"""One engine for web, workers and commands; `transaction()` is the only place that commits."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    Date,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    create_engine,
    event,
    text,
    types,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Session

from core import long_readers
from core.settings import settings
from core.write_turns import BUSY_MILLISECONDS, begin_writing

MONEY_SCALE = 10_000
_SCALE = Decimal(MONEY_SCALE)
CACHE_KIBIBYTES = 16_384  # of SQLite's pages, for each connection; what it does not hold, the system's own cache does

Id = BigInteger().with_variant(Integer, "sqlite")
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UtcDateTime(types.TypeDecorator[datetime]):
    """Aware UTC moments; SQLite keeps them as naive text that sorts by time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is UTC:
            return value
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None] | None:
        """SQLite's text is read in one step: a batch of messages has thousands of moments."""
        return _from_sqlite if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _from_sqlite(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(f"{written}+00:00")


class Money(types.TypeDecorator[Decimal]):
    """Exact amounts with 4 decimals, kept as whole ten-thousandths so that both databases add them exactly."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | int | str | None, dialect: Dialect) -> int | None:
        return None if value is None else to_scaled(Decimal(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(int(value)) / _SCALE


def to_scaled(amount: Decimal) -> int:
    """Ten-thousandths of an amount, rounded half to even; the form in which `Money` is stored."""
    return int((amount * _SCALE).to_integral_value(rounding=ROUND_HALF_EVEN))


class Base(DeclarativeBase):
    """Every table's base. Constraints get names by convention."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, date: Date, Decimal: Money, dict[str, Any]: Json, list[Any]: Json}


_commits = {"durable": False}


@lru_cache(maxsize=1)
def engine() -> Engine:
    """This process's engine. Dispose it after a fork (`dispose`)."""
    return make_engine(settings().database_url, durable=_commits["durable"])


def make_engine(url: str, *, durable: bool = False) -> Engine:
    """An engine for `url`. `durable`: every SQLite commit waits for the disk, as sending needs."""
    if not url.startswith("sqlite"):
        os.environ.setdefault("PGTZ", "UTC")  # days are counted alike whatever the server's zone
        return create_engine(url, hide_parameters=True, pool_pre_ping=True, pool_size=10, max_overflow=20)
    made = create_engine(url, hide_parameters=True, connect_args={"timeout": 30, "check_same_thread": False})
    synchronous = "FULL" if durable else "NORMAL"

    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            f"busy_timeout={BUSY_MILLISECONDS}",
            "foreign_keys=ON",
            f"cache_size=-{CACHE_KIBIBYTES}",
            "temp_store=MEMORY",
            f"journal_size_limit={long_readers.KEPT_LOG_BYTES}",
        ):
            connection.execute(f"PRAGMA {pragma}")
        # SQLite's own lower() knows ASCII only; PostgreSQL's knows every letter.
        connection.create_function("unicode_lower", 1, _lower, deterministic=True)

    def begin(connection: Any) -> None:
        options = connection.get_execution_options()
        chosen = options.get("sqlite_begin", "BEGIN IMMEDIATE")
        if chosen == "BEGIN IMMEDIATE":
            begin_writing(connection)
        else:
            connection.exec_driver_sql(chosen)
        driver = connection.connection.dbapi_connection
        if options.get("may_be_cut"):
            long_readers.watch_reader(driver, made.url.database or "")
        else:
            long_readers.unwatch(driver)

    event.listen(made, "connect", prepare)
    event.listen(made, "begin", begin)
    return made


def _lower(text: object) -> object:
    return text.lower() if isinstance(text, str) else text


def dispose() -> None:
    """Forget the pool without closing the parent's connections; a forked child calls this first."""
    if engine.cache_info().currsize:
        engine().dispose(close=False)


def use_durable_commits(*, durable: bool = True) -> None:
    """From here on this process's SQLite commits wait for the disk, as sending needs (PostgreSQL's always do)."""
    if _commits["durable"] == durable:
        return
    if engine.cache_info().currsize:
        engine().dispose()
    _commits["durable"] = durable
    engine.cache_clear()


@contextmanager
def transaction(bind: Engine | Connection | None = None) -> Iterator[Session]:
    """A writing transaction: commits on leaving, rolls back on an exception, then runs what waited for the commit."""
    with Session(bind or engine(), expire_on_commit=False) as session:
        with session.begin():
            yield session
        for call in session.info.pop("after_commit", []):
            call()


@contextmanager
def reading(bind: Engine | None = None) -> Iterator[Session]:
    """A transaction for reads only: takes no write lock on SQLite and is rolled back on leaving."""
    chosen = (bind or engine()).execution_options(sqlite_begin="BEGIN", may_be_cut=True)
    with Session(chosen, expire_on_commit=False, autoflush=False) as session:
        session.info["only_reads"] = True
        yield session
        session.rollback()


def after_commit(session: Session, call: Callable[[], object]) -> None:
    """Run `call` once the transaction that `session` belongs to is committed; not at all if it is rolled back."""
    session.info.setdefault("after_commit", []).append(call)


def is_postgres(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def refresh_statistics(session: Session, *tables: str, columns: Sequence[str] = ()) -> None:
    """Let the database look at tables that just grew: plans made for empty tables can be a thousand times too slow.
    SQLite looks at a part of each large index, which takes a moment whatever the size; PostgreSQL at a sample of every
    column, or of `columns`: it looks at the others by itself a little later."""
    if not is_postgres(session):
        session.execute(text("PRAGMA analysis_limit=100000"))
    only = f" ({', '.join(columns)})" if columns and is_postgres(session) else ""
    for table in tables:
        session.execute(text(f'ANALYZE "{table}"{only}'))
