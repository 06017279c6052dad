"""Server time of the pages that people open all day, on the made-up company, against the empty page's.

    python -m bench.pages [--folder FOLDER] [--scale 1.0] [--times 30] [--budget 150] [--ratio 10] [--only NAME]

ABM_BENCH_DATABASE_URL=postgresql://… measures PostgreSQL. Prints p50 and p95 in milliseconds over different accounts
and filters, the queries of each page, and the ratios of both to the page of the same frame without content; and of the
processor's milliseconds, ours and those of the database's process where it runs on this machine, which a busy machine
moves less. The empty page is measured again before each page, so that both stand under the same load. Exits 1 where a
page that is judged (marked *) has a p95 above the budget, or a median or p95 above so many times the empty page's; the
others are printed besides. A folder that is given is kept, so that the company is made once.
"""

import argparse
import contextlib
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, text

from bench.made_company import FIRST, INDUSTRIES, LAST_DAY, opened_company

EMPTY = "/search"
JUDGED = ("account list, filters", "account page", "list page", "analysis matrix")
Address = Callable[[int], str]


def addresses(accounts: Sequence[int]) -> dict[str, Address]:
    """An address per measurement and page: different accounts, large ones among them, and different filters."""

    def account(part: str = "") -> Address:
        return lambda number: f"/accounts/{accounts[number % len(accounts)]}{part}"

    def industry(number: int) -> str:
        return INDUSTRIES[number % len(INDUSTRIES)]

    return {
        "account list": lambda _number: "/accounts",
        "account list, filters": lambda number: f"/accounts?industry={industry(number)}&class=A&sort=-value",
        "account list, rhythm": lambda number: f"/accounts?rhythm=lapsed&tier={number % 3 + 1}&sort=-last_order",
        "account list, by value": lambda _number: "/accounts?sort=-value",
        "account list, search": lambda number: f"/accounts?q=steel%20{number * 10 + 3}",
        "account page": account(), "account, people": account("/people"), "account, orders": account("/orders"),
        "account, scores": account("/scores"), "account, dossier": account("/dossier"),
        "account, timeline": account("/timeline"), "account, white space": account("/white-space"),
        "account, sheet": account("/sheet"), "people": lambda _number: "/contacts",
        "people of a role": lambda _number: "/contacts?role=champion", "list page": lambda _number: "/lists/big",
        "people, search": lambda number: f"/contacts?q={FIRST[number % len(FIRST)].lower()}",
        "analysis matrix": lambda _number: "/analysis", "analysis, who moved": lambda _number: "/analysis/compare",
        "scorecards": lambda _number: "/scorecards", "scorecard, ranking": lambda _number: "/scorecards/golden-key",
        "scorecard, all accounts": lambda _number: "/scorecards/golden-key/accounts",
        "scorecard, compare": lambda _number: "/scorecards/golden-key/compare",
        "scorecard, back-test": lambda _number: "/scorecards/golden-key/back-test",
        "scorecard matrix": lambda _number: "/scorecards/matrix",
        "scorecard matrix, cell": lambda _number: "/scorecards/matrix/accounts?attractiveness=middle",
        "sources": lambda _number: "/sources",
    }


def signed_in(engine: Engine) -> Any:
    """A browser of an administrator, on the real application."""
    from sqlalchemy.orm import Session

    from abm.app import create_app
    from abm.users.actions import open_session
    from abm.users.models import User

    client = create_app().test_client()
    with Session(engine) as session, session.begin():
        token = open_session(session, user=session.get_one(User, 1), ip="127.0.0.1", agent="bench")
    with client.session_transaction() as cookie:
        cookie["token"] = token
    return client


def make_list(engine: Engine) -> None:
    """A list by rules of about 40,000 accounts, once."""
    from sqlalchemy.orm import Session

    from abm.targets.actions import save_list
    from abm.targets.files import load_yaml, read_definition
    from abm.targets.scopes import get_vocabulary

    rules = ("{list: big, title: Big, "
             "who: {all: [{field: account.tier, is: '3'}, {field: analysis.orders, at_least: 10}]}}")
    with Session(engine) as session, session.begin():
        if not session.scalar(text("SELECT count(*) FROM target_list WHERE name = 'big'")):
            save_list(session, definition=read_definition(load_yaml(rules), get_vocabulary(session)))


def largest_and_others(engine: Engine) -> list[int]:
    """Twenty accounts: the five that order most, five with sites below them, and ten picked over all ids."""
    with engine.connect() as connection:
        many = connection.execute(text(
            "SELECT account_id FROM account_result ORDER BY orders DESC, account_id LIMIT 5")).scalars().all()
        upper = connection.execute(text("SELECT DISTINCT parent_id FROM account WHERE parent_id IS NOT NULL "
                                        "ORDER BY parent_id LIMIT 5")).scalars().all()
        total = connection.execute(text("SELECT max(id) FROM account")).scalar_one()
    return [*many, *upper, *(1 + place * 7919 % total for place in range(1, 11))]


def used_processor(servers: set[int]) -> float:
    """Milliseconds of this process and of the database's processes, as far as this machine runs them."""
    used = time.process_time() * 1000
    for pid in servers:
        with contextlib.suppress(OSError):
            used += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1_000_000
    return used


def servers_of(engine: Engine) -> set[int]:
    """The processes that serve this engine's connections from here on."""
    found: set[int] = set()

    def connected(driver: Any, _record: Any) -> None:
        found.add(driver.info.backend_pid)

    if engine.dialect.name == "postgresql":
        engine.dispose()
        event.listen(engine, "connect", connected)
    return found


@dataclass(frozen=True)
class Spent:
    """Milliseconds of each answer in order of size, of the processor per answer, and the most queries of one."""

    answers: list[float]
    processor: float
    queries: int


def measure(client: Any, engine: Engine, address: Address, times: int, servers: set[int]) -> Spent:
    counted: list[int] = []

    def count(*_arguments: Any) -> None:
        counted[-1] += 1

    event.listen(engine, "before_cursor_execute", count)
    spent = []
    used = 0.0
    for number in range(-2, times):
        if number == 0:
            used = used_processor(servers)
        counted.append(0)
        started = time.perf_counter()
        status = client.get(address(number % 1_000)).status_code
        if number >= 0:
            spent.append((time.perf_counter() - started) * 1000)
        if status not in (200, 404):
            raise SystemExit(f"{address(number)} answers {status}")
    event.remove(engine, "before_cursor_execute", count)
    return Spent(sorted(spent), (used_processor(servers) - used) / times, max(counted))


def percentile(spent: Sequence[float], share: float) -> float:
    return spent[min(len(spent) - 1, int(len(spent) * share))]


def keep_figures() -> None:
    """What jobs by the clock keep for pages of large companies, the shipped scorecards with their scores, and a second
    run of the analysis to compare with."""
    from abm.analysis.actions import run_analysis
    from abm.analysis.queries import list_done_runs
    from abm.dossier.sources import count_sources
    from abm.scorecards import actions
    from core import db

    usual, actions.AT_ONCE_UP_TO = actions.AT_ONCE_UP_TO, 10**9  # no worker waits here
    with db.transaction() as session:
        count_sources(session)
        if len(list_done_runs(session, "account")) < 2:
            run_analysis(session, as_of=LAST_DAY - timedelta(days=180))
            run_analysis(session)
        actions.ship_scorecards(session)
    actions.AT_ONCE_UP_TO = usual


def is_too_slow(name: str, spent: Spent, empty: Spent, limits: tuple[float, float]) -> bool:
    """Print a line; whether the page is judged and above a limit (milliseconds at p95, ratio to the empty page)."""
    middle, late = percentile(spent.answers, 0.5), percentile(spent.answers, 0.95)
    ratios = middle / percentile(empty.answers, 0.5), late / percentile(empty.answers, 0.95)
    is_over = late > limits[0] or max(ratios) > limits[1]
    print(f"{name + (' *' if name in JUDGED else ''):26} p50 {middle:7.1f} ms {ratios[0]:5.1f} x   p95 {late:7.1f} ms "
          f"{ratios[1]:5.1f} x   processor {spent.processor:6.1f} ms {spent.processor / empty.processor:5.1f} x   "
          f"queries {spent.queries:3}{'  OVER' if is_over else ''}", flush=True)
    return is_over and name in JUDGED


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--times", type=int, default=30)
    options.add_argument("--budget", type=float, default=150.0)
    options.add_argument("--ratio", type=float, default=10.0)
    options.add_argument("--only", default="")
    chosen = options.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as own, opened_company(
            chosen.folder or Path(own), scale=chosen.scale, analyse=True, report=True) as engine:
        make_list(engine)
        keep_figures()
        servers, client = servers_of(engine), signed_in(engine)
        for name, address in addresses(largest_and_others(engine)).items():
            if chosen.only not in name:
                continue
            empty = measure(client, engine, lambda _number: EMPTY, chosen.times, servers)
            spent = measure(client, engine, address, chosen.times, servers)
            failed = is_too_slow(name, spent, empty, (chosen.budget, chosen.ratio)) or failed
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
