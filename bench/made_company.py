"""A made-up company, the same at every run: 100,000 accounts, 1,000,000 people, 10,000,000 order lines at scale 1.

    python -m bench.made_company FOLDER [--scale 1.0] [--analyse]

makes FOLDER/abm.db (or fills ABM_BENCH_DATABASE_URL=postgresql://…, an empty database) with bulk statements and prints
the seconds; a folder that holds the same company already is used as it is. Other benchmarks import

    with opened_company(folder, scale=1.0) as engine: …

Every value comes from whole-number arithmetic over the row's number, in SQL that both databases run: a few accounts
order much, many little (1 % order 400 times in four years, 40 % five times); one account in ten is a site of another.
"""

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, Engine, bindparam, text

LAST_DAY = date(2026, 6, 30)
AT = "2026-07-01 06:00:00+00:00"
ACCOUNTS, PEOPLE_EACH, LINES_EACH, PRODUCTS, CATEGORIES, DAYS = 100_000, 10, 4, 500, 20, 1461
INDUSTRIES = ("Retail", "Wholesale", "Food", "Steel", "Chemicals", "Machinery", "Health", "Energy", "Logistics",
              "Paper")
COUNTRIES = ("DE", "FR", "IT", "ES", "PL", "NL", "SE", "US")
ROLES = ("decision_maker", "champion", "economic_buyer", "influencer", "technical_buyer", "user", "gatekeeper")
SOURCES = ("fair", "referral", "trade press", "database", "web")
FIRST = ("Ada", "Bruno", "Clara", "Dario", "Elsa", "Frank", "Grete", "Hugo", "Ines", "Jonas", "Karla", "Leon")
LAST = ("Abel", "Brandt", "Conti", "Dubois", "Ek", "Fischer", "Garcia", "Hansen", "Ivanov", "Jansen", "Kowalski",
        "Lund")
# Out of 100 accounts: so many up to here, with so many orders each.
ORDERS_EACH = ((1, 400), (5, 150), (20, 50), (60, 14), (100, 5))
LATER = ("ix_order_line_product", "ix_customer_order_day", "ix_contact_email_key")


@dataclass(frozen=True)
class Dialect:
    """What the two databases say differently."""

    is_postgres: bool

    def day(self, back: str) -> str:
        """The day so many days before the last one."""
        if self.is_postgres:
            return f"(CAST('{LAST_DAY}' AS date) - CAST({back} AS integer))"
        return f"date('{LAST_DAY}', '-' || ({back}) || ' days')"

    @property
    def moment(self) -> str:
        return f"CAST('{AT}' AS timestamptz)" if self.is_postgres else f"'{AT[:19]}.000000'"

    def moment_before(self, back: str) -> str:
        """The moment so many hours before the last one."""
        if self.is_postgres:
            return f"({self.moment} - ({back}) * interval '1 hour')"
        return f"strftime('%Y-%m-%d %H:%M:%S.000000', '{AT[:19]}', '-' || ({back}) || ' hours')"


def _series(name: str, top: int) -> str:
    return f"{name}(n) AS (SELECT CAST(1 AS bigint) UNION ALL SELECT n + 1 FROM {name} WHERE n < {top})"


def _pick(values: tuple[str, ...], number: str) -> str:
    cases = " ".join(f"WHEN {place} THEN '{value}'" for place, value in enumerate(values))
    return f"CASE ({number}) % {len(values)} {cases} END"


def _mixed(*parts: str) -> str:
    """A number between 0 and 1,000,002 that looks random, from whole numbers."""
    primes = (7919, 104729, 15485)
    total = " + ".join(f"({part}) * {prime}" for part, prime in zip(parts, primes, strict=False))
    return f"((({total}) % 1000003) * 613 % 1000003)"


def _orders_each(number: str) -> str:
    cases = " ".join(f"WHEN ({_mixed(number)}) % 100 < {upto} THEN {orders}" for upto, orders in ORDERS_EACH)
    return f"CASE {cases} END"


@dataclass(frozen=True)
class Rows:
    """Rows to make: an expression per column, over `source`, with the series that `source` names. Columns left out get
    the defaults of their model, so that a new column needs no change here."""

    series: str
    columns: dict[str, str]
    source: str


def _accounts(say: Dialect, accounts: int) -> Rows:
    n, mixed = "s.n", _mixed("s.n")
    name = f"{_pick(LAST, mixed)} || ' ' || {_pick(INDUSTRIES, n)} || ' ' || {n}"
    return Rows(_series("s", accounts), {
        "id": n, "external_id": f"'A' || {n}", "name": name, "name_key": f"lower({name})",
        "domain": f"'a' || {n} || '.example'", "industry": _pick(INDUSTRIES, n), "employees": f"{mixed} % 5000",
        "annual_revenue": f"{mixed} * 1000.0", "country": _pick(COUNTRIES, mixed), "region": f"'Region ' || ({n} % 40)",
        "city": f"'City ' || ({n} % 400)", "owner_id": f"1 + {n} % 20",
        "parent_id": f"CASE WHEN {n} % 50 = 0 THEN {n} - 10 WHEN {n} % 10 = 0 THEN {n} - 9 END",
        "tier": f"CASE WHEN {mixed} % 100 < 1 THEN '1' WHEN {mixed} % 100 < 5 THEN '2' ELSE '3' END",
        "source": _pick(SOURCES, mixed), "created_at": say.moment, "updated_at": say.moment}, "s")


def _people(say: Dialect, accounts: int) -> Rows:
    n, mixed = "s.n", _mixed("s.n")
    account = f"(({n} - 1) / {PEOPLE_EACH} + 1)"
    address = f"'c' || {n} || '@a' || {account} || '.example'"
    return Rows(_series("s", accounts * PEOPLE_EACH), {
        "id": n, "external_id": f"'C' || {n}", "account_id": account, "first_name": _pick(FIRST, mixed),
        "last_name": _pick(LAST, mixed + " / 12"), "email": address, "email_key": address,
        "title": f"'Title ' || ({mixed} % 30)", "buying_role": _pick(ROLES, mixed), "influence": f"{mixed} % 11",
        "attitude": _pick(("supporter", "neutral", "sceptic", "opponent"), mixed), "language": "'en'",
        "lawful_basis": _pick(("consent", "contract", "legitimate_interest", "none"), mixed), "basis_source": "'fair'",
        "is_active": f"{mixed} % 20 <> 0", "created_at": say.moment, "updated_at": say.moment}, "s")


def _orders(say: Dialect, _accounts_count: int) -> Rows:
    gap, mixed = f"({DAYS} / o.orders)", _mixed("o.id", "j.n")
    buyers = f"(SELECT id, {_orders_each('id')} AS orders FROM account) AS o"
    return Rows(_series("j", 400), {
        "external_id": "'O' || o.id || '-' || j.n", "account_id": "o.id",
        "ordered_on": say.day(f"(o.orders - j.n) * {gap} + {mixed} % ({gap} + 1)"), "amount": f"100000 + {mixed} * 40",
        "currency": "'EUR'", "margin_amount": f"20000 + {mixed} * 8", "status": "'shipped'",
        "is_cancelled": f"{mixed} % 50 = 0", "created_at": say.moment, "updated_at": say.moment},
        f"{buyers} JOIN j ON j.n <= o.orders ORDER BY o.id, j.n")


def _lines(_say: Dialect, _accounts_count: int) -> Rows:
    mixed = _mixed("o.id", "l.n")
    return Rows(_series("l", LINES_EACH), {
        "order_id": "o.id", "line_key": "CAST(l.n AS text)",
        "product_id": f"1 + {_mixed('o.account_id', 'l.n', 'o.id % 3')} % {PRODUCTS}", "quantity": f"1 + {mixed} % 20",
        "unit_price_amount": "o.amount / 40", "discount": "0", "amount": f"o.amount / {LINES_EACH}"},
        "customer_order o CROSS JOIN l ORDER BY o.id, l.n")


def _days(_say: Dialect, _accounts_count: int) -> Rows:
    return Rows(_series("s", 1), {
        "account_id": "account_id", "day": "ordered_on", "orders": "count(*)", "amount": "sum(amount)",
        "margin_amount": "sum(margin_amount)", "units": "40.0 * count(*)"},
        "customer_order WHERE NOT is_cancelled AND amount > 0 GROUP BY account_id, ordered_on "
        "ORDER BY account_id, ordered_on")


def _products(say: Dialect, _accounts_count: int) -> Rows:
    return Rows(_series("s", PRODUCTS), {
        "id": "s.n", "sku": "'P' || s.n", "name": "'Product ' || s.n",
        "category": f"'Category ' || (s.n % {CATEGORIES})",
        "price_amount": "100000 + s.n * 1000", "currency": "'EUR'", "is_available": "s.n % 7 <> 0",
        "created_at": say.moment, "updated_at": say.moment}, "s")


def _users(say: Dialect, _accounts_count: int) -> Rows:
    return Rows(_series("s", 20), {
        "id": "s.n", "email": "'seller' || s.n || '@example.com'", "name": "'Seller ' || s.n",
        "role": "CASE s.n WHEN 1 THEN 'admin' ELSE 'sales' END", "created_at": say.moment}, "s")


def _events(say: Dialect, accounts: int) -> Rows:
    mixed = _mixed("s.n")
    return Rows(_series("s", accounts * 5), {
        "account_id": f"({mixed} * 31 + s.n) % {accounts} + 1", "at": say.moment_before(f"{mixed} % 20000"),
        "kind": _pick(("note", "task", "call", "message", "account"), "s.n"), "title": "'Event ' || s.n",
        "actor": "'Seller ' || (s.n % 20 + 1)"}, "s")


def _touches(say: Dialect, accounts: int) -> Rows:
    account = f"{_mixed('s.n')} % {accounts}"
    return Rows(_series("s", accounts), {
        "account_id": f"{account} + 1", "contact_id": f"({account}) * {PEOPLE_EACH} + 1", "channel": "'email'",
        "points": "1", "at": say.moment_before(f"{_mixed('s.n')} % 1400")}, "s")


STEPS = {"app_user": _users, "account": _accounts, "contact": _people, "product": _products, "customer_order": _orders,
         "order_line": _lines, "account_day": _days, "account_event": _events, "touch": _touches}


def fill(connection: Connection, *, accounts: int = ACCOUNTS, report: bool = False) -> None:
    """Fill the empty tables of a database whose schema is there."""
    is_postgres = connection.dialect.name == "postgresql"
    say = Dialect(is_postgres)
    indexes = _set_aside(connection)
    for table, statement in STEPS.items():
        started = time.perf_counter()
        _insert(connection, table, statement(say, accounts))
        if is_postgres and table != "account_day":
            connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"))
        if report:
            rows = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            print(f"{table:16} {rows:>12,} rows {time.perf_counter() - started:8.1f} s", flush=True)
    for statement in indexes:
        connection.execute(text(statement))
    connection.execute(text("ANALYZE"))


def _insert(connection: Connection, table: str, rows: Rows) -> None:
    from abm.all_models import metadata

    columns = metadata.tables[table].columns
    left_out = {column.name: column.default.arg for column in columns
                if column.name not in rows.columns and column.default is not None and column.default.is_scalar}
    chosen = [*(f"{sql} AS {name}" for name, sql in rows.columns.items()), *(f":{name}" for name in left_out)]
    statement = text(f"WITH RECURSIVE {rows.series} INSERT INTO {table} ({', '.join([*rows.columns, *left_out])}) "
                     f"SELECT {', '.join(chosen)} FROM {rows.source}")
    typed = statement.bindparams(*(bindparam(name, value, columns[name].type) for name, value in left_out.items()))
    connection.execute(typed)


def _set_aside(connection: Connection) -> list[str]:
    """Drop the indexes that are dear to fill row by row; answers the statements that make them again."""
    from sqlalchemy.schema import CreateIndex

    from abm.all_models import metadata

    found = [index for table in metadata.tables.values() for index in table.indexes if index.name in LATER]
    for index in found:
        index.drop(connection)
    return [str(CreateIndex(index).compile(dialect=connection.dialect)) for index in found]


@contextmanager
def opened_company(folder: Path, *, scale: float = 1.0, analyse: bool = False,
                   report: bool = False) -> Iterator[Engine]:
    """The company's database, made when it is not there. Sets the product's own settings to it, so that everything that
    the product does in this process happens there."""
    url = os.environ.get("ABM_BENCH_DATABASE_URL", "")
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.update(ABM_DATA_DIR=str(folder), ABM_SECRET_KEY="bench-key-of-at-least-thirty-two-characters",
                      ABM_DATABASE_URL=url or f"sqlite:///{folder / 'abm.db'}")
    from abm.all_models import metadata
    from core import clock, db

    clock.set_clock(None)
    mark = folder / f"company-{scale}{'-postgres' if url else ''}{'-analysed' if analyse else ''}"
    is_there = mark.exists() or (not analyse and mark.with_name(f"{mark.name}-analysed").exists())
    if not is_there:
        with db.engine().begin() as connection:
            metadata.create_all(connection)
            fill(connection, accounts=max(100, int(ACCOUNTS * scale)), report=report)
        if analyse:
            _analyse(report)
        mark.touch()
    yield db.engine()
    db.engine().dispose()


def _analyse(report: bool) -> None:
    from abm.analysis.actions import run_analysis
    from core import db

    started = time.perf_counter()
    with db.transaction() as session:
        run_analysis(session)
    if report:
        print(f"{'analysis':16} {'':>12}      {time.perf_counter() - started:8.1f} s", flush=True)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--analyse", action="store_true")
    chosen = options.parse_args()
    started = time.perf_counter()
    with opened_company(chosen.folder, scale=chosen.scale, analyse=chosen.analyse, report=True):
        print(f"ready in {time.perf_counter() - started:.1f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
