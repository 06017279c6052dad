"""`abm account show`: what the account page says, for scripts and the terminal."""

from typing import Any

import click

from abm.accounts.models import Account
from abm.accounts.queries import find_account_by_external_id
from abm.analysis.queries import find_result, latest_run
from abm.analysis.results import EXPORT_COLUMNS
from abm.company.queries import company_today, get_company
from abm.contacts.centre_queries import Centre, read_centre
from abm.dossier.family import read_family
from abm.dossier.known import orders_known_until
from abm.dossier.peers import read_grid
from abm.dossier.queries import COMPETITOR_COLUMNS, TENDER_COLUMNS, list_competitors, list_tenders
from abm.dossier.relationship import read_chart, read_relationship
from abm.dossier.words import TEXTS
from abm.web.terminal import answer
from core import clock
from core.db import Session, reading
from core.errors import NotFound

_FACTS = ("name", "domain", "industry", "employees", "annual_revenue", "country", "region", "city", "tier", "source")


@click.group()
def account() -> None:
    """One account."""


@account.command()
@click.argument("account_id")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(account_id: str, as_json: bool) -> None:
    """What is known of the account with this id of the source system."""
    with reading() as session:
        found = find_account_by_external_id(session, account_id)
        if found is None:
            raise NotFound(f"There is no account {account_id}; the ids are those of the imported files")
        facts = read_facts(session, found)
    answer(facts, as_json=as_json, text=_sentences(facts))


def read_facts(session: Session, found: Account) -> dict[str, Any]:
    """Everything as plain JSON values; amounts as numbers in the company's currency."""
    company, today, now = get_company(session), company_today(session), clock.now()
    known_until = orders_known_until(session, today=today)
    chart = read_chart(session, found.id, today=today, known_until=known_until)
    relationship = read_relationship(session, found.id, chart=chart, now=now)
    family = read_family(session, found.id, today=known_until, now=now)
    grid = read_grid(session, found, today=known_until)
    dossier = relationship.dossier
    return {
        "account_id": found.external_id, **{name: getattr(found, name) for name in _FACTS},
        "owner": found.owner.name if found.owner else found.owner_email, "custom": found.custom or {},
        "analysis": _analysis(session, found),
        "buying_centre": _centre(read_centre(session, found.id, required=company.required_roles, at=now,
                                             fresh_days=company.map_fresh_days)),
        "stage": dossier.stage if dossier else None, "next_step": dossier.next_step if dossier else None,
        "dossier": {name: getattr(dossier, name) for name in TEXTS} if dossier else {},
        "last_order_on": _plain(chart.last_on if chart else None),
        "orders_known_until": _plain(known_until),
        "expected_order_on": _plain(chart.expected_on if chart else None), "finding": chart.title if chart else None,
        "sites": family.count,
        "rolled_up": {name: {"sum": float(one.sum), "mean": one.mean, "max": float(one.most)}
                      for name, one in family.rolled_up.items()},
        "tenders": [_row(tender, TENDER_COLUMNS) for tender in list_tenders(session, found.id)],
        "competitors": [_row(one, COMPETITOR_COLUMNS) for one in list_competitors(session, found.id)],
        "white_space": [{"category": row.category, "peers": row.peers, "buying_peers": row.buying_peers,
                         "median": row.median} for row in grid.gaps],
    }


def _analysis(session: Session, found: Account) -> dict[str, Any]:
    run = latest_run(session)
    result = find_result(session, run_id=run.id, account_id=found.id) if run else None
    return {name: _plain(getattr(result, name)) for name in EXPORT_COLUMNS[1:]} if result else {}


def _centre(centre: Centre) -> dict[str, Any]:
    return {
        "completeness": centre.completeness, "is_single_threaded": centre.is_single_threaded,
        "not_confirmed_lately": len(centre.stale),
        "gaps": {seat.role: seat.missing for seat in centre.gaps},
        "people": [{"contact_id": person.contact.external_id, "name": person.name, "title": person.title,
                    "role": person.role, "influence": person.contact.influence, "attitude": person.contact.attitude,
                    "known_by": {tie.name: tie.strength for tie in person.ties}} for person in centre.people.values()],
    }


def _row(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: _plain(getattr(row, name)) for name in names}


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value if value is None or isinstance(value, str | int | float | bool) else float(value)


def _sentences(facts: dict[str, Any]) -> str:
    centre, analysis = facts["buying_centre"], facts["analysis"]
    gaps = ", ".join(role.replace("_", " ") for role in centre["gaps"]) or "none"
    complete = "–" if centre["completeness"] is None else f"{centre['completeness']:.0f} %"
    lines = [f"{facts['name']} ({facts['account_id']}), {facts['industry'] or 'industry not known'}, owner "
             f"{facts['owner'] or 'nobody'}",
             f"Class {analysis.get('cell') or '–'}, {analysis.get('rhythm') or 'no rhythm'}. {facts['finding'] or ''}",
             f"Buying centre complete to {complete}, {len(centre['people'])} people, missing: {gaps}",
             f"Next: {facts['next_step'] or 'nothing agreed'}; next order expected "
             f"{facts['expected_order_on'] or 'at no known day'}",
             "White space: " + (", ".join(row["category"] for row in facts["white_space"]) or "none")]
    return "\n".join(lines)
