"""Which accounts changed: the database notes it itself, whoever writes, in the same transaction.

A list is refreshed for the accounts that changed, so a change that nobody tells of would leave it wrong. Triggers
cannot be forgotten. They note the account under the table's name in `account_change`; `abm.targets.refreshing` hands it
on to the lists whose rules follow that table. PostgreSQL notes once per statement, without a unique key, so that
writers never wait for each other; SQLite once per row, unless it stands there already.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event, inspect

from core.db import Base

EVERYBODY = 0
_EVENTS = ("insert", "update", "delete")


@dataclass(frozen=True)
class Tracked:
    """A table whose rows bear on accounts.

    `accounts` selects `account_id` from the changed rows, written `{rows} r`, which have the `columns`. `watched`: an
    update counts only where one of these columns differs (empty: always), old and new rows matched by `key`.
    """

    table: str
    columns: tuple[str, ...] = ("account_id",)
    accounts: str = "SELECT r.account_id AS account_id FROM {rows} r"
    watched: tuple[str, ...] = ()
    events: tuple[str, ...] = _EVENTS
    key: tuple[str, ...] = ("id",)


_OF_EVERYBODY = "SELECT 0 AS account_id FROM {rows} r"
_tracked: dict[str, Tracked] = {}


def track(*tables: Tracked) -> None:
    """Note the changes of these tables from the next upgrade of the database on."""
    for each in tables:
        _tracked[each.table] = each


track(
    Tracked("account", ("id",), "SELECT r.id AS account_id FROM {rows} r"),
    Tracked("contact"),
    Tracked("customer_order"),
    Tracked("order_line", ("order_id",), "SELECT o.account_id AS account_id FROM {rows} r "
                                         "JOIN customer_order o ON o.id = r.order_id"),
    Tracked("product", ("id",), "SELECT o.account_id AS account_id FROM {rows} r JOIN order_line l "
                                "ON l.product_id = r.id JOIN customer_order o ON o.id = l.order_id",
            watched=("sku", "name", "category"), events=("update",)),
    Tracked("app_user", ("id",), "SELECT a.id AS account_id FROM {rows} r JOIN account a ON a.owner_id = r.id",
            watched=("email",), events=("update",)),
    Tracked("enrolment", watched=("account_id", "state", "end_reason")),
    Tracked("campaign", ("id",), _OF_EVERYBODY, watched=("name", "state", "purpose"), events=("update",)),
    Tracked("event", watched=("account_id", "kind", "is_machine")),
    Tracked("touch", watched=("account_id", "at", "points")),
    Tracked("list_spell", watched=("account_id", "left_at")),
    Tracked("list_veto", watched=("until_on", "ended_at")),
    Tracked("account_score", watched=("score", "coverage", "membership", "place"),
            key=("version_id", "account_id")),
    Tracked("qualification", watched=("state", "gates_passed", "kind", "kind_proposed", "chase", "potential",
                                      "complexity", "partnership", "need", "solvency", "authority"),
            key=("account_id",)),
    Tracked("scorecard", ("id",), _OF_EVERYBODY, watched=("published_number",), events=("update",)),
    # The id of the stop itself: whose account that is only the digests of addresses tell.
    Tracked("suppression", ("id",), "SELECT r.id AS account_id FROM {rows} r", watched=("lifted_at", "purpose")),
)


def install_tracking(connection: Connection) -> None:
    """Make every trigger anew. Migrations that copy a table on SQLite drop its triggers, so this ends each upgrade."""
    present = set(inspect(connection).get_table_names())
    write = _for_postgres if connection.dialect.name == "postgresql" else _for_sqlite
    for each in _tracked.values():
        if each.table in present:
            for statement in write(each):
                connection.exec_driver_sql(statement)


@event.listens_for(Base.metadata, "after_create")
def _track_new_tables(_target: Any, connection: Connection, **_options: Any) -> None:
    install_tracking(connection)


def _differs(watched: tuple[str, ...], old: str, new: str, words: str) -> str:
    return " OR ".join(f"{old}.{name} {words} {new}.{name}" for name in watched)


def _for_sqlite(each: Tracked) -> Iterator[str]:
    for kind in _EVENTS:
        name = f"track_{each.table}_{kind}"
        yield f"DROP TRIGGER IF EXISTS {name}"
        if kind not in each.events:
            continue
        sides = {"insert": ("NEW",), "delete": ("OLD",), "update": ("NEW", "OLD")}[kind]
        rows = " UNION ".join("SELECT " + ", ".join(f"{side}.{column} AS {column}" for column in each.columns)
                              for side in sides)
        is_watched = kind == "update" and each.watched
        when = f" WHEN {_differs(each.watched, 'OLD', 'NEW', 'IS NOT')}" if is_watched else ""
        # Every part of these statements is a constant of this module.
        yield (f"CREATE TRIGGER {name} AFTER {kind} ON {each.table} FOR EACH ROW{when} BEGIN "  # noqa: S608
               f"INSERT INTO account_change (kind, account_id) SELECT DISTINCT '{each.table}', s.account_id "
               f"FROM ({each.accounts.format(rows=f'({rows})')}) s WHERE s.account_id IS NOT NULL AND NOT EXISTS "
               f"(SELECT 1 FROM account_change c WHERE c.kind = '{each.table}' AND c.account_id = s.account_id); END")


def _for_postgres(each: Tracked) -> Iterator[str]:
    tables = {"insert": "NEW TABLE AS new_rows", "delete": "OLD TABLE AS old_rows",
              "update": "NEW TABLE AS new_rows OLD TABLE AS old_rows"}
    for kind in _EVENTS:
        name = f"track_{each.table}_{kind}"
        yield f"DROP TRIGGER IF EXISTS {name} ON {each.table}"
        if kind not in each.events:
            continue
        changed = each.accounts.format(rows=f"({_changed_rows(each, kind)})")
        yield (f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "  # noqa: S608
               f"INSERT INTO account_change (kind, account_id) SELECT DISTINCT '{each.table}', s.account_id "
               f"FROM ({changed}) s WHERE s.account_id IS NOT NULL; RETURN NULL; END $$")
        yield (f"CREATE TRIGGER {name} AFTER {kind} ON {each.table} REFERENCING {tables[kind]} "
               f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()")


def _changed_rows(each: Tracked, kind: str) -> str:
    new, old = (", ".join(f"{side}.{column}" for column in each.columns) for side in ("n", "o"))
    if kind != "update":
        return f"SELECT {new} FROM {'new' if kind == 'insert' else 'old'}_rows n"  # noqa: S608
    if not each.watched:
        return f"SELECT {new} FROM new_rows n UNION SELECT {old} FROM old_rows o"  # noqa: S608
    both = "FROM new_rows n JOIN old_rows o ON " + " AND ".join(f"o.{name} = n.{name}" for name in each.key)
    differs = _differs(each.watched, "o", "n", "IS DISTINCT FROM")
    return f"SELECT {new} {both} WHERE {differs} UNION SELECT {old} {both} WHERE {differs}"
