"""Which accounts changed: the database notes it itself, whoever writes, in the same transaction.

A list is refreshed for the accounts that changed, so a change that nobody tells of would leave it wrong. Triggers
cannot be forgotten. They note the account under the table's name in `account_change`; `abm.targets.refreshing` hands it
on to the lists whose rules follow that table. PostgreSQL notes once per statement, without a unique key, so that
writers never wait for each other, and everybody where a statement changed very many; SQLite once per row, unless it
stands there already. Imports of millions of rows pay for this, so the row's trigger sets nothing up when there is
nothing to note: the question stands in its WHEN.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, event, inspect

from core.db import Base

EVERYBODY = 0
MANY = 10_000
_EVENTS = ("insert", "update", "delete")


@dataclass(frozen=True)
class Tracked:
    """A table whose rows bear on accounts.

    `account` is the account of a changed row `r` that has the `columns`, looked up `via` other tables where `on` holds
    (`is_one`: in one row at most). `watched`: an update counts only where one of these columns differs (empty: always),
    old and new rows matched by `key`. `sums_up`: more than MANY accounts at once may be noted as everybody.
    """

    table: str
    columns: tuple[str, ...] = ("account_id",)
    account: str = "r.account_id"
    via: str = ""
    on: str = ""
    is_one: bool = True
    watched: tuple[str, ...] = ()
    events: tuple[str, ...] = _EVENTS
    key: tuple[str, ...] = ("id",)
    sums_up: bool = True


_tracked: dict[str, Tracked] = {}


def track(*tables: Tracked) -> None:
    """Note the changes of these tables from the next upgrade of the database on."""
    for each in tables:
        _tracked[each.table] = each


track(
    Tracked("account", ("id",), "r.id"),
    # The digests of addresses are made again for the accounts noted here.
    Tracked("contact", sums_up=False),
    Tracked("customer_order"),
    Tracked("order_line", ("order_id",), "o.account_id", "customer_order o", "o.id = r.order_id"),
    Tracked("product", ("id",), "o.account_id", "order_line l JOIN customer_order o ON o.id = l.order_id",
            "l.product_id = r.id", is_one=False, watched=("sku", "name", "category"), events=("update",)),
    Tracked("app_user", ("id",), "a.id", "account a", "a.owner_id = r.id", is_one=False, watched=("email",),
            events=("update",)),
    Tracked("enrolment", watched=("account_id", "state", "end_reason")),
    Tracked("campaign", ("id",), str(EVERYBODY), watched=("name", "state", "purpose"), events=("update",)),
    Tracked("event", watched=("account_id", "kind", "is_machine")),
    Tracked("touch", watched=("account_id", "at", "points")),
    Tracked("list_spell", watched=("account_id", "left_at")),
    Tracked("list_veto", watched=("until_on", "ended_at")),
    Tracked("account_score", watched=("score", "coverage", "membership", "place"),
            key=("version_id", "account_id")),
    Tracked("qualification", watched=("state", "gates_passed", "kind", "kind_proposed", "chase", "potential",
                                      "complexity", "partnership", "need", "solvency", "authority"),
            key=("account_id",)),
    Tracked("scorecard", ("id",), str(EVERYBODY), watched=("published_number",), events=("update",)),
    # The id of the stop itself: whose account that is only the digests of addresses tell.
    Tracked("suppression", ("id",), "r.id", watched=("lifted_at", "purpose"), sums_up=False),
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
        sides = {"insert": ("NEW",), "delete": ("OLD",), "update": ("NEW", "OLD")}[kind]
        for side in sides:
            name = f"track_{each.table}_{kind}" + ("_from" if kind == "update" and side == "OLD" else "")
            yield f"DROP TRIGGER IF EXISTS {name}"
            if kind in each.events:
                yield _row_trigger(each, name, kind, side)


def _row_trigger(each: Tracked, name: str, kind: str, side: str) -> str:
    """One for the row as it is now; for an update another one for what it was, where that led to another account."""
    account, on = (part.replace("r.", f"{side}.") for part in (each.account, each.on))
    is_new = (f"NOT EXISTS (SELECT 1 FROM account_change c WHERE c.kind = '{each.table}' "  # noqa: S608
              f"AND c.account_id = {account})")
    conditions = []
    if kind == "update" and each.watched:
        conditions.append(f"({_differs(each.watched, 'OLD', 'NEW', 'IS NOT')})")
    if kind == "update" and side == "OLD":
        conditions.append(f"({_differs(each.columns, 'OLD', 'NEW', 'IS NOT')})")
    if each.via:
        distinct = "" if each.is_one else "DISTINCT "
        # Every part of these statements is a constant of this module.
        noted = (f"SELECT {distinct}'{each.table}', {account} FROM {each.via} "  # noqa: S608
                 f"WHERE {on} AND {account} IS NOT NULL AND {is_new}")
    else:
        conditions += [f"{account} IS NOT NULL", is_new]
        noted = f"VALUES ('{each.table}', {account})"
    when = f"WHEN {' AND '.join(conditions)} " if conditions else ""
    return (f"CREATE TRIGGER {name} AFTER {kind} ON {each.table} FOR EACH ROW {when}"
            f"BEGIN INSERT INTO account_change (kind, account_id) {noted}; END")


def _for_postgres(each: Tracked) -> Iterator[str]:
    tables = {"insert": "NEW TABLE AS new_rows", "delete": "OLD TABLE AS old_rows",
              "update": "NEW TABLE AS new_rows OLD TABLE AS old_rows"}
    for kind in _EVENTS:
        name = f"track_{each.table}_{kind}"
        yield f"DROP TRIGGER IF EXISTS {name} ON {each.table}"
        if kind not in each.events:
            continue
        yield (f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
               f"{_note_for_postgres(each, kind)}; RETURN NULL; END $$")
        yield (f"CREATE TRIGGER {name} AFTER {kind} ON {each.table} REFERENCING {tables[kind]} "
               f"FOR EACH STATEMENT EXECUTE FUNCTION {name}()")


def _note_for_postgres(each: Tracked, kind: str) -> str:
    joined = f" JOIN {each.via} ON {each.on}" if each.via else ""
    found = (f"SELECT DISTINCT s.account_id FROM (SELECT {each.account} AS account_id "  # noqa: S608
             f"FROM ({_changed_rows(each, kind)}) r{joined}) s WHERE s.account_id IS NOT NULL")
    note = f"INSERT INTO account_change (kind, account_id) SELECT '{each.table}'"
    if not each.sums_up:
        return f"{note}, f.account_id FROM ({found}) f"
    # More notes than lists are refreshed by make them judge everybody anyway.
    return (f"WITH found AS MATERIALIZED ({found}), "  # noqa: S608
            f"size AS MATERIALIZED (SELECT count(*) > {MANY} AS is_large FROM found) "
            f"{note}, f.account_id FROM found f, size WHERE NOT size.is_large "
            f"UNION ALL SELECT '{each.table}', {EVERYBODY} FROM size WHERE size.is_large")


def _changed_rows(each: Tracked, kind: str) -> str:
    new, old = (", ".join(f"{side}.{column}" for column in each.columns) for side in ("n", "o"))
    if kind != "update":
        return f"SELECT {new} FROM {'new' if kind == 'insert' else 'old'}_rows n"  # noqa: S608
    if not each.watched:
        return f"SELECT {new} FROM new_rows n UNION ALL SELECT {old} FROM old_rows o"  # noqa: S608
    both = "FROM new_rows n JOIN old_rows o ON " + " AND ".join(f"o.{name} = n.{name}" for name in each.key)
    differs = _differs(each.watched, "o", "n", "IS DISTINCT FROM")
    return f"SELECT {new} {both} WHERE {differs} UNION ALL SELECT {old} {both} WHERE {differs}"
