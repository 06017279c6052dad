"""Every page is visited with texts in it that would run if they were not escaped; and every page guards its reader."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from abm.accounts.models import Account
from abm.catalogue.models import Product
from abm.targets.models import TargetList
from abm.web.access import PUBLIC, access_of
from abm.web.api_access import Scope
from campaigns.models import Campaign, Delivery, Run
from core import clock, db
from tests.abm.partners.shares import sign_in
from tests.abm.web.poisoned_rows import POISON, poison, poison_together
from tests.architecture.test_routes import rules
from tests.campaigns.campaign_factory import CALL, HELLO, make_people, make_run
from tests.factories import make_order, make_user

RUNS = ("<img src=x", "<svg onload", "597529", "onerror=alert(1)>\"'><svg")
# Pages that must have been looked at with such texts in them, whatever else shows them.
SHOW = {"accounts.show", "contacts.show", "meetings.index", "meetings.show", "meetings.minutes", "offers.index",
        "offers.show", "offers.edit", "partners.index", "partners.show", "partners.edit", "winback.index",
        "winback.cases", "winback.show", "imports.index", "imports.new", "imports.mapping",
        "imports.show", "imports.progress", "integrations.index", "integrations.edit", "work.show", "work.edit",
        "work.call"}
SHOW_PARTNERS = {"portal.home", "portal.accounts", "portal.account", "portal.tasks", "portal.task", "portal.orders",
                 "portal.order"}


@pytest.fixture
def poisoned(database: Any) -> dict[str, Any]:
    """A small company with a campaign, every free text of which is poison."""
    now = clock.now()
    with db.transaction() as session:
        people = make_people(session, 2)
        account = session.get_one(Account, people[0].account_id)
        account.custom = {POISON: POISON}
        make_order(session, account, on=now.date() - timedelta(days=3))
        product = Product(sku="S1", name=POISON, created_at=now, updated_at=now)
        session.add(product)
        run = make_run(session, steps=[HELLO, CALL])
        session.flush()
        for row in (account, *people, session.get_one(Campaign, run.campaign_id), *session.scalars(select(TargetList))):
            poison(row)
        session.flush()
        more = poison_together(session, account, people[0])
        session.execute(update(Delivery).values(detail=POISON))
        user = make_user(session, name=POISON, email="poison@example.com", signature=POISON, role="sales")
        campaign = session.get_one(Campaign, run.campaign_id)
        return {"account_id": account.id, "contact_id": people[0].id, "campaign_id": campaign.id, "name": campaign.name,
                "list_name": "key-accounts", "run_id": session.scalars(select(Run.id)).first(),
                "delivery_id": session.scalars(select(Delivery.id)).first(), "user_id": user.id,
                "product_id": product.id, **more}


def _addresses(app: Any, known: dict[str, Any]) -> Any:
    for rule in rules(app):
        mark = access_of(app, rule.endpoint)
        if "GET" not in rule.methods or isinstance(mark, Scope) or getattr(
                app.view_functions[rule.endpoint], "is_export", False):
            continue
        values = {name: known.get(name, 1 if "int" in repr(rule._converters[name]).lower() else "key-accounts")
                  for name in rule.arguments}
        try:
            yield rule.endpoint, mark, rule.build(values)[1]
        except (TypeError, ValueError, KeyError):
            continue


def test_no_text_of_a_row_runs_on_any_page_and_every_page_has_its_guards(
        app: Any, client_as: Any, poisoned: dict[str, Any]) -> None:
    found = _look(app, client_as("admin"), poisoned)
    report = {**poisoned, "import_id": poisoned["done_id"]}
    found += _look(app, client_as("admin"), report, only="imports")
    assert found.running == {}
    assert found.unguarded == {}
    assert SHOW - found.showing == set()


def test_no_text_of_a_row_runs_on_the_pages_of_partners(app: Any, poisoned: dict[str, Any]) -> None:
    found = _look(app, sign_in(app, poisoned["partner_id"]), poisoned, only="portal")
    assert found.running == {}
    assert SHOW_PARTNERS - found.showing == set()


@dataclass
class Looked:
    """Pages by what they were found to be: texts running, guards missing, and showing the texts as texts."""

    running: dict[str, Any]
    unguarded: dict[str, Any]
    showing: set[str]

    def __add__(self, other: "Looked") -> "Looked":
        return Looked({**self.running, **other.running}, {**self.unguarded, **other.unguarded},
                      self.showing | other.showing)


def _look(app: Any, client: Any, known: dict[str, Any], *, only: str = "") -> Looked:
    looked = Looked({}, {}, set())
    for endpoint, mark, address in _addresses(app, known):
        if only and endpoint.partition(".")[0] != only:
            continue
        answer = client.get(address)
        if not all(guards := _guards(answer, mark)):
            looked.unguarded[endpoint] = guards
        if answer.mimetype != "text/html":
            continue
        page = answer.get_data(as_text=True)
        found = [bad for bad in RUNS if bad in page]
        if found or answer.status_code == 500:
            looked.running[endpoint] = (address, answer.status_code, found)
        if "&lt;img src=x" in page:
            looked.showing.add(endpoint)
    return looked


def _guards(answer: Any, mark: Any) -> tuple[bool, ...]:
    """A page names its nonce in the policy; what is no page needs none, since nothing inline runs there."""
    headers = answer.headers
    policy = headers.get("Content-Security-Policy", "")
    own = all(part in policy for part in ("object-src 'none'", "base-uri 'none'", "script-src 'self'"))
    has_nonce = "nonce-" in policy or answer.mimetype != "text/html" or answer.status_code == 302
    return (headers.get("X-Content-Type-Options") == "nosniff", "Referrer-Policy" in headers,
            (own and has_nonce and "unsafe" not in policy) or policy.startswith("sandbox"),
            mark == PUBLIC or "no-store" in headers.get("Cache-Control", ""))
