"""Classes, RFM and rhythm of every account against DuckDB computing the same table from Parquet, in the same run.

    python -m bench.analysis [FOLDER] [--scale 1.0] [--budget 3.0]

FOLDER keeps the made-up company (bench.made_company) between runs; ABM_BENCH_DATABASE_URL=postgresql://… measures
PostgreSQL. DuckDB reads Parquet files of the order lines with their orders, as an export would give them: the floor
that is judged. Printed besides is how long it takes over Parquet of our own rollup by account and day, which somebody
would have to keep up to date first, as our import does. It is given the same two orders of things: read, then
compute. Ours reads `account_day` in the database. Printed: the best of three for each, the ratios, seconds for the
fits and for storing the run (and our processor's, which a busy machine moves less), and the peak of our memory
(measured in a process of its own). Exits 1 when the ratio, the two fits together, storing or the memory is above its
budget.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.made_company import opened_company
from bench.memory import peak_megabytes

JUDGED = "order lines"
MOST_SECONDS, MOST_MEGABYTES, TIMES = 2.0, 400, 3
DAYS_OF_LINES = """(SELECT account_id, day, count(DISTINCT order_id) AS orders, sum(amount) AS amount
                    FROM '{folder}/lines.parquet' GROUP BY 1, 2)"""
SAME_TABLE = """
CREATE OR REPLACE TABLE result AS
WITH d AS MATERIALIZED (SELECT * FROM {source}),
e AS (SELECT max(day) AS as_of, datediff('{period}', min(day), max(day)) + 1 AS periods FROM d),
g AS (SELECT account_id, day - lag(day) OVER (PARTITION BY account_id ORDER BY day) AS gap FROM d),
gm AS (SELECT account_id, median(gap) AS gap FROM g WHERE gap IS NOT NULL GROUP BY 1),
s AS (SELECT account_id, sum(orders) AS orders, sum(amount) AS value, count(*) AS order_days, min(day) AS first_on,
             max(day) AS last_on FROM d GROUP BY 1),
r AS (SELECT *, sum(value) OVER (ORDER BY value DESC, account_id::text ROWS UNBOUNDED PRECEDING) AS upto,
             sum(value) OVER () AS total FROM s),
q AS (SELECT account_id, date_trunc('{period}', day) AS part, sum(amount) AS value FROM d GROUP BY 1, 2),
c AS (SELECT account_id, sqrt(greatest(sum(value::double * value) / any_value(periods)
                 - (sum(value) / any_value(periods)) ** 2, 0)) / (sum(value) / any_value(periods)) AS cv
      FROM q, e GROUP BY 1),
l AS (SELECT quantile_cont(-(as_of - last_on), [.2, .4, .6, .8]) AS rq, quantile_cont(orders, [.2, .4, .6, .8]) AS fq,
             quantile_cont(value, [.2, .4, .6, .8]) AS mq FROM s, e)
SELECT r.account_id, r.orders, value, value / total AS share, upto / total AS cumulative_share,
       CASE WHEN (upto - value) / total < .8 - 1e-12 THEN 'A' WHEN (upto - value) / total < .95 - 1e-12 THEN 'B'
            ELSE 'C' END AS abc,
       cv, CASE WHEN cv <= .5 THEN 'X' WHEN cv <= 1 THEN 'Y' ELSE 'Z' END AS xyz, as_of - last_on AS days_since_last,
       1 + len(list_filter(rq, lambda x: x < -(as_of - last_on))) AS r,
       1 + len(list_filter(fq, lambda x: x < r.orders)) AS f, 1 + len(list_filter(mq, lambda x: x < value)) AS m,
       order_days, gap AS median_gap_days, (as_of - last_on) / gap AS overdue_ratio,
       CASE WHEN order_days < 3 THEN 'unknown' WHEN (as_of - last_on) / gap <= 1 THEN 'active'
            WHEN (as_of - last_on) / gap <= 2 THEN 'slowing' ELSE 'lapsed' END AS rhythm
FROM r JOIN c USING (account_id) LEFT JOIN gm USING (account_id), e, l
"""


def best_of(run: Callable[[], object], times: int = TIMES) -> float:
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        run()
        spent.append(time.perf_counter() - started)
    return min(spent)


def write_parquet(folder: Path) -> None:
    """The order lines and the rollup out of the database, once, through the driver."""
    import duckdb

    from core import db

    if (folder / "days.parquet").exists():
        return
    lines = ("SELECT o.id, o.account_id, o.ordered_on, l.product_id, l.quantity, l.amount FROM order_line l "
             "JOIN customer_order o ON o.id = l.order_id WHERE NOT o.is_cancelled AND o.amount > 0")
    days = "SELECT account_id, day, orders, amount FROM account_day"
    for name, query, columns in (
        ("lines", lines, "order_id bigint, account_id bigint, day date, product_id bigint, quantity double, "
         "amount bigint"),
        ("days", days, "account_id bigint, day date, orders bigint, amount bigint"),
    ):
        path = folder / f"{name}.csv"
        with path.open("w") as file, db.engine().connect() as connection:
            for part in connection.execution_options(yield_per=50_000).exec_driver_sql(query).partitions():
                file.writelines(",".join(map(str, row)) + "\n" for row in part)
        kinds = ", ".join(f"'{one.split()[0]}': '{one.split()[1]}'" for one in columns.split(", "))
        duckdb.execute(f"COPY (SELECT * FROM read_csv('{path}', header=false, columns={{{kinds}}})) "
                       f"TO '{folder / name}.parquet' (FORMAT parquet)")
        path.unlink()


def floor_seconds(source: str, period: str) -> tuple[float, dict[tuple[str, str], int]]:
    """Seconds of DuckDB, and the counts by ABC and rhythm, to be compared with ours."""
    import duckdb

    connection = duckdb.connect()
    seconds = best_of(lambda: connection.execute(SAME_TABLE.format(source=source, period=period)))
    rows = connection.execute("SELECT abc || xyz, rhythm, count(*) FROM result GROUP BY 1, 2").fetchall()
    return seconds, {(cell, rhythm): count for cell, rhythm, count in rows}


def processor_of(run: Callable[[], object]) -> float:
    used = time.process_time()
    run()
    return time.process_time() - used


def our_seconds(period: str) -> tuple[dict[str, float], dict[tuple[str, str], int]]:
    """Seconds by part, best of three, and the counts."""
    from collections import Counter

    from abm.analysis import bgnbd, gamma_gamma
    from abm.analysis.abc_xyz import Period
    from abm.analysis.computing import Question, compute_classes
    from abm.analysis.loading import load_order_days
    from abm.analysis.modelling import repeat_means
    from core import db

    spent, found = {}, {}
    with db.reading() as session:
        def classes() -> None:
            days = load_order_days(session, as_of=None, from_on=None, value_kind="revenue")
            found["days"], found["classes"] = days, compute_classes(days, Question(period=Period(period)))

        spent["classes, RFM and rhythm"] = best_of(classes)
        days, (end, sums, steady, silence, _scores) = found["days"], found["classes"]
        x = sums.order_days - 1
        fits = {"fit BG/NBD": lambda: bgnbd.fit(x, sums.last - sums.first, end - sums.first),
                "fit Gamma-Gamma": lambda: gamma_gamma.fit(x, repeat_means(days, sums.order_days))}
        spent |= {name: best_of(fit) for name, fit in fits.items()}
        spent |= {f"{name}, processor": processor_of(fit) for name, fit in fits.items()}
    cells = [a + b for a, b in zip(sums.ranking.abc.tolist(), steady.xyz.tolist(), strict=True)]
    return spent, dict(Counter(zip(cells, silence.labels.tolist(), strict=True)))


def store_once() -> tuple[float, float]:
    """Seconds for storing a run (rolled back), and for the whole run without storing."""
    from abm.analysis.actions import Wanted, compute, keep_results, plan_analysis
    from core import db

    with db.Session(db.engine()) as session:
        run = plan_analysis(session, Wanted())
        started = time.perf_counter()
        analysis = compute(session, run=run)
        computed = time.perf_counter()
        keep_results(session, run=run, analysis=analysis)
        stored = time.perf_counter()
        session.rollback()
    return stored - computed, computed - started


def run_once(folder: Path, scale: float) -> int:
    """One whole run, for its memory alone."""
    with opened_company(folder, scale=scale):
        store_once()
    print(round(peak_megabytes()))
    return 0


def megabytes_of_a_run(folder: Path, scale: float) -> int:
    command = [sys.executable, "-m", "bench.analysis", str(folder), "--scale", str(scale), "--memory"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=dict(os.environ))
    return int(done.stdout.split()[-1])


def measure(folder: Path, scale: float, budget: float, period: str = "quarter") -> int:
    with opened_company(folder, scale=scale, report=True):
        write_parquet(folder)
        ours, our_counts = our_seconds(period)
        floors = {"order lines": floor_seconds(DAYS_OF_LINES.format(folder=folder), period),
                  "rollup": floor_seconds(f"'{folder}/days.parquet'", period)}
        stored, computed = map(min, zip(*(store_once() for _ in range(TIMES)), strict=True))
    for name, (seconds, counts) in floors.items():
        if counts != our_counts:
            print(f"DuckDB's table from {name} differs: {set(counts.items()) ^ set(our_counts.items())}")
            return 1
        ratio = ours["classes, RFM and rhythm"] / seconds
        judged = "" if name == JUDGED else " (not judged)"
        print(f"DuckDB from Parquet of the {name}: {seconds:.2f} s, ratio {ratio:.2f}{judged}")
    for name, seconds in {**ours, "storing the run": stored, "whole run without storing": computed}.items():
        print(f"{name}: {seconds:.2f} s")
    peak = megabytes_of_a_run(folder, scale)
    print(f"peak memory: {peak} MB")
    ratio = ours["classes, RFM and rhythm"] / floors[JUDGED][0]
    fits = ours["fit BG/NBD"] + ours["fit Gamma-Gamma"]
    over = {f"the ratio is above {budget:g}": ratio > budget,
            f"the fits take more than {MOST_SECONDS:g} s": fits > MOST_SECONDS,
            f"storing takes more than {MOST_SECONDS:g} s": stored > MOST_SECONDS,
            f"the memory is not under {MOST_MEGABYTES} MB": peak >= MOST_MEGABYTES}
    for sentence in (each for each, is_over in over.items() if is_over):
        print(f"over budget: {sentence}")
    return int(any(over.values()))


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path, nargs="?", default=Path("var/bench-company"))
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--budget", type=float, default=3.0)
    options.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.memory:
        return run_once(chosen.folder, chosen.scale)
    return measure(chosen.folder, chosen.scale, chosen.budget)


if __name__ == "__main__":
    raise SystemExit(main())
