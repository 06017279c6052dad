"""Every page is visited with texts in it that would run if they were not escaped; and every page guards its reader."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import String, Text, inspect, select, update

from abm.accounts.models import Account
from abm.catalogue.models import Product
from abm.targets.models import TargetList
from abm.web.access import PUBLIC, access_of
from abm.web.api_access import Scope
from campaigns.models import Campaign, Delivery, Run
from core import clock, db
from tests.architecture.test_routes import rules
from tests.campaigns.campaign_factory import CALL, HELLO, make_people, make_run
from tests.factories import make_order, make_user

POISON = "<img src=x onerror=alert(1)>\"'><svg onload=alert(2)>{{7*7}}"
RUNS = ("<img src=x", "<svg onload", "49</", "onerror=alert(1)>\"'><svg")
# Words that the database or the code compares, and places that are no text.
KEPT = frozenset({"name_key", "email_key", "address_key", "state", "kind", "channel", "role", "lawful_basis", "step",
                  "currency", "country", "timezone", "language", "password_hash", "external_id", "url_hash", "digest",
                  "definition_hash", "message_id", "consent_kind", "buying_role", "tier", "content_hash", "variant",
                  "sku", "code", "scope", "window", "key", "token_digest", "url", "domain", "purpose", "reason",
                  "rhythm", "match_rule", "attitude", "event_key", "phase", "outcome", "zone", "page", "how",
                  "source_kind"})


@pytest.fixture
def poisoned(database: Any) -> dict[str, Any]:
    """A small company with a campaign, every free text of which is poison."""
    now = clock.now()
    with db.transaction() as session:
        people = make_people(session, 2)
        account = session.get_one(Account, people[0].account_id)
        account.custom = {POISON: POISON}
        make_order(session, account, on=now.date() - timedelta(days=3))
        session.add(Product(sku="S1", name=POISON, created_at=now, updated_at=now))
        run = make_run(session, steps=[HELLO, CALL])
        session.flush()
        for row in (account, *people, session.get_one(Campaign, run.campaign_id), *session.scalars(select(TargetList))):
            _poison(row)
        session.execute(update(Delivery).values(detail=POISON))
        make_user(session, name=POISON, email="poison@example.com", signature=POISON, role="sales")
        campaign = session.get_one(Campaign, run.campaign_id)
        return {"account_id": account.id, "contact_id": people[0].id, "campaign_id": campaign.id, "name": campaign.name,
                "list_name": "key-accounts", "run_id": session.scalars(select(Run.id)).first(),
                "delivery_id": session.scalars(select(Delivery.id)).first(), "user_id": 1, "product_id": 1,
                "order_id": 1}


def _poison(row: Any) -> None:
    for column in inspect(type(row)).columns:
        if isinstance(column.type, String | Text) and column.key not in KEPT and not column.foreign_keys:
            setattr(row, column.key, POISON[:column.type.length or 400])


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
    client, running, unguarded, seen = client_as("admin"), {}, {}, 0
    for endpoint, mark, address in _addresses(app, poisoned):
        answer = client.get(address)
        if not all(guards := _guards(answer, mark)):
            unguarded[endpoint] = guards
        if answer.mimetype != "text/html":
            continue
        page = answer.get_data(as_text=True)
        seen += "&lt;img src=x" in page
        found = [bad for bad in RUNS if bad in page]
        if found or answer.status_code == 500:
            running[endpoint] = (address, answer.status_code, found)
    assert running == {}
    assert unguarded == {}
    assert seen > 15


def _guards(answer: Any, mark: Any) -> tuple[bool, ...]:
    """A page names its nonce in the policy; what is no page needs none, since nothing inline runs there."""
    headers = answer.headers
    policy = headers.get("Content-Security-Policy", "")
    own = all(part in policy for part in ("object-src 'none'", "base-uri 'none'", "script-src 'self'"))
    has_nonce = "nonce-" in policy or answer.mimetype != "text/html" or answer.status_code == 302
    return (headers.get("X-Content-Type-Options") == "nosniff", "Referrer-Policy" in headers,
            (own and has_nonce and "unsafe" not in policy) or policy.startswith("sandbox"),
            mark == PUBLIC or "no-store" in headers.get("Cache-Control", ""))
