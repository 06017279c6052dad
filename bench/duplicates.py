"""Looking for duplicates among 100,000 accounts: `python -m bench.duplicates [--accounts N]`.

Names are made of words by whole-number arithmetic; one account in twenty is written again in another way (legal form,
case, a letter doubled). Prints the seconds of the first search (keys included), of a second one after nothing has
changed, the share of planted pairs found, and the memory taken.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime

from sqlalchemy import insert, select

FIRST = ("Alpen", "Baltic", "Cedar", "Delta", "Elbe", "Fjord", "Granit", "Hansa", "Iris", "Jura", "Karst", "Linden",
         "Mosel", "Nord", "Ost", "Pinie", "Quarz", "Rhein", "Saar", "Tauern", "Ural", "Vesta", "Weser", "Xenon",
         "Ypsilon", "Zeder")
SECOND = ("bau", "chemie", "druck", "energie", "farben", "glas", "holz", "kraft", "licht", "metall", "netz", "optik",
          "papier", "stahl", "technik", "werk")
THIRD = ("Bremen", "Celle", "Dessau", "Erfurt", "Fulda", "Gera", "Hagen", "Jena", "Kassel", "Lingen", "Mainz", "Nauen",
         "Olpe", "Passau", "Rostock", "Soest", "Trier", "Ulm", "Vechta", "Worms", "Zwickau")
FORMS = ("GmbH", "AG", "KG", "Ltd", "SE")
FAMILIES = ("Abel", "Brandt", "Conti", "Dubois", "Eklund", "Fischer", "Garcia", "Hansen", "Ivanov", "Jansen", "Kowal",
            "Lund", "Moreau", "Novak", "Olsen", "Petrov")


def name_of(number: int) -> str:
    """A different company for every number."""
    first, rest = FIRST[number % 26], number // 26
    second, rest = SECOND[rest % 16], rest // 16
    third, rest = THIRD[rest % 21], rest // 21
    return f"{first}{second} {FAMILIES[rest % 16]} {third}"


def written_otherwise(name: str, number: int) -> str:
    ways = (name.upper(), f"{name} {FORMS[number % 5]}", name.replace(" ", " & ", 1), name[:5] + name[4] + name[5:])
    return ways[number % 4]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    wanted = parser.parse_args().accounts
    os.environ.setdefault("ABM_SECRET_KEY", "bench" * 8)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ABM_DATA_DIR"] = folder
        measure(wanted)


def measure(wanted: int) -> None:
    from abm.accounts.models import Account
    from abm.accounts.names import name_key
    from abm.all_models import metadata
    from abm.identity.finding import find_duplicates
    from abm.identity.models import DuplicatePair
    from core import db

    metadata.create_all(db.engine())
    moment, originals = datetime(2026, 1, 1, tzinfo=UTC), wanted * 20 // 21
    names = [name_of(number) for number in range(originals)]
    names += [written_otherwise(names[number * 20], number) for number in range(wanted - originals)]
    rows = [{"external_id": f"A{number}", "name": name, "name_key": name_key(name), "is_sample": False,
             "created_at": moment, "updated_at": moment} for number, name in enumerate(names)]
    with db.transaction() as session:
        session.execute(insert(Account), rows)
    planted = {(number * 20 + 1, originals + number + 1) for number in range(wanted - originals)}
    del rows, names
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(2):
        begun = time.perf_counter()
        with db.transaction() as session:
            found = find_duplicates(session)
        seconds.append(time.perf_counter() - begun)
    with db.reading() as session:
        pairs = {tuple(row) for row in session.execute(select(DuplicatePair.first_id, DuplicatePair.second_id))}
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sys.stdout.write(
        f"{wanted:,} accounts: first search {seconds[0]:.1f} s, again {seconds[1]:.1f} s "
        f"(ratio {seconds[1] / seconds[0]:.2f}); {found.accounts:,} pairs, "
        f"{len(planted & pairs) / len(planted):.1%} of "
        f"{len(planted):,} planted found; {(after - before) // 1024} MB more at the peak\n")


if __name__ == "__main__":
    main()
