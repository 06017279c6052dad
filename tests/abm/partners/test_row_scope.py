"""A partner sees its own share and nothing else, whatever address is asked."""

import io
import zipfile
from datetime import date
from itertools import product

import pytest
from sqlalchemy import event, select

from abm.accounts.models import Account
from abm.all_models import metadata
from abm.partners.models import Partner, PartnerAccount
from core import db
from tests.abm.partners.shares import SECRET, make_partner, make_share, sign_in
from tests.architecture.test_routes import rules
from tests.factories import make_order

# Rows that signing in and refused tries leave anyway.
OF_SIGNING_IN = {"user_session", "audit_entry", "audit_detail", "app_user", "partner_user", "sign_in_throttle"}


@pytest.fixture
def shares(app):
    """Mine, that of another partner, and an account that no partner has."""
    with db.transaction() as session:
        mine = make_partner(session, sees_people=True, sees_all_orders=True)
        other = make_partner(session, name=f"{SECRET} Trading")
        return {"partner": mine.id, "mine": make_share(session, mine, word="Meadow"),
                "other": make_share(session, other, word=SECRET),
                "nobody": make_share(session, None, word=f"{SECRET}two")}


def every_address(app, shares, *, methods):
    """Every route with the ids of the others' rows, and with every word that a route may take."""
    foreign = sorted({value for name in ("other", "nobody") for value in shares[name].values()}
                     - set(shares["mine"].values()))  # a number may be that of a row of mine in another table
    for rule in rules(app):
        choices = [_choices(rule, name, foreign) for name in sorted(rule.arguments)]
        for values in product(*choices):
            address = rule.build(dict(zip(sorted(rule.arguments), values, strict=True)))[1]
            for method in sorted(rule.methods & methods):
                yield rule, method, address


def _choices(rule, name, foreign):
    from werkzeug.routing import AnyConverter, IntegerConverter

    converter = rule._converters[name]
    if isinstance(converter, AnyConverter):
        return list(converter.items)
    return foreign if isinstance(converter, IntegerConverter) else ["nothing"]


def words_of(answer):
    """What a person reads of an answer; the cells of a spreadsheet too."""
    content = answer.data
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            content = b"".join(packed.read(name) for name in packed.namelist())
    return content.decode("utf-8", "replace") + answer.headers.get("Content-Disposition", "")


def test_no_address_shows_a_partner_anything_of_another_account(app, shares):
    client = sign_in(app, shares["partner"])
    part = SECRET[1:4]  # a page that repeats what was asked for does not hold the word itself
    queries = ("", f"?q={part}&line_sku={part}&account_id={shares['other']['account']}&state=closed")
    leaks = [address for _rule, method, address in every_address(app, shares, methods={"GET"}) for query in queries
             if SECRET.lower() in words_of(client.open(address + query, method=method)).lower()]
    assert leaks == []


def test_what_is_its_own_is_shown_and_exported(app, shares):
    client, mine = sign_in(app, shares["partner"]), shares["mine"]
    wanted = [f"/portal{end}" for end in (
        "", "/accounts", f"/accounts/{mine['account']}", "/tasks", f"/tasks/{mine['task']}", "/orders",
        f"/orders/{mine['order']}", "/accounts/export.csv", "/tasks/export.xlsx", "/orders/export.csv",
        f"/orders/{mine['order']}/lines.csv", f"/accounts/{mine['account']}/order")]
    assert [address for address in wanted if "Meadow" not in words_of(client.get(address))] == []


def test_margins_and_our_own_remarks_are_never_shown(app, shares):
    client, mine = sign_in(app, shares["partner"]), shares["mine"]
    pages = [f"/portal/accounts/{mine['account']}", f"/portal/orders/{mine['order']}", "/portal/orders/export.csv"]
    shown = "".join(words_of(client.get(page)) for page in pages)
    assert "77.3" not in shown
    assert "internal remark" not in shown


def test_no_form_changes_a_row_of_another_account(app, shares):
    client = sign_in(app, shares["partner"])
    before = _all_rows()
    form = {"note": "x", "reason": "x", "outcome": "reached", "ordered_on": "2026-06-01", "amount": "5"}
    for rule, method, address in every_address(app, shares, methods={"POST", "PUT", "PATCH", "DELETE"}):
        if rule.endpoint in ("users.sign_out", "users.save_own_signature") or rule.endpoint.startswith("public."):
            continue
        client.open(address, method=method, data=form)
    assert _all_rows() == before


def test_an_account_that_is_withdrawn_is_gone_with_its_tasks_and_orders_at_once(app, shares):
    client, mine = sign_in(app, shares["partner"]), shares["mine"]
    with db.transaction() as session:
        session.delete(session.get_one(PartnerAccount, mine["account"]))
    pages = ["", "/accounts", "/tasks", "/orders", "/tasks?state=closed"]
    assert "Meadow" not in "".join(client.get(f"/portal{page}").text for page in pages)
    assert [client.get(f"/portal/{one}s/{mine[one]}").status_code for one in ("account", "task", "order")] == [404] * 3


def test_orders_that_others_brought_are_shown_only_where_that_is_allowed(app, shares):
    with db.transaction() as session:
        order = make_order(session, session.get_one(Account, shares["mine"]["account"]),
                           on=date(2026, 6, 2), external_id="by-somebody-else")
    client = sign_in(app, shares["partner"])
    assert "by-somebody-else" in client.get("/portal/orders").text
    with db.transaction() as session:
        session.get_one(Partner, shares["partner"]).sees_all_orders = False
    assert "by-somebody-else" not in client.get("/portal/orders").text
    assert client.get(f"/portal/orders/{order.id}").status_code == 404


def test_people_are_shown_only_where_that_is_allowed(app, shares):
    client, address = sign_in(app, shares["partner"]), f"/portal/accounts/{shares['mine']['account']}"
    assert "Meadow buyer" in client.get(address).text
    with db.transaction() as session:
        session.get_one(Partner, shares["partner"]).sees_people = False
    assert "Meadow buyer" not in client.get(address).text


def test_a_partner_that_is_switched_off_sees_nothing(app, shares):
    client = sign_in(app, shares["partner"])
    with db.transaction() as session:
        session.get_one(Partner, shares["partner"]).is_active = False
    assert client.get("/portal").status_code == 404


def test_somebody_with_the_role_but_no_partner_sees_nothing(app, shares, client_as):
    assert client_as("partner").get("/portal/accounts").status_code == 404


def test_every_read_of_accounts_tasks_and_orders_names_the_partners_share(app, shares):
    """Beside what comes out: no statement of the partner's lists reads a table of ours without its share."""
    client, seen = sign_in(app, shares["partner"]), []
    listen = lambda _c, _k, statement, *_rest: seen.append(statement)  # noqa: E731
    event.listen(db.engine(), "before_cursor_execute", listen)
    for page in ("", "/accounts", "/tasks", "/orders"):
        client.get(f"/portal{page}")
    event.remove(db.engine(), "before_cursor_execute", listen)
    ours = [one for one in seen if any(f"FROM {table}" in one for table in ("account ", "task ", "customer_order "))]
    assert len(ours) >= 4
    assert [one for one in ours if "partner_account" not in one] == []


def _all_rows():
    with db.reading() as session:
        return {name: sorted(map(repr, session.execute(select(table)).all())) for name, table in
                metadata.tables.items() if name not in OF_SIGNING_IN}
