import csv
import io
from datetime import date

import pytest
from sqlalchemy import event, func, select

from abm.accounts import pages as accounts_pages
from abm.accounts.models import Account, AccountEvent
from abm.audit.models import AuditEntry
from core import db
from tests.factories import make_account, make_order, make_user


@pytest.fixture
def companies(database):
    with db.transaction() as session:
        owner = make_user(session, name="Olga Owner")
        made = [
            make_account(session, name="Alpha Tools", country="DE", industry="Retail", tier="1", owner_id=owner.id),
            make_account(session, name="Beta Foods", country="FR", industry="Food"),
            make_account(session, name="=Gamma", country="FR", domain="gamma.example"),
        ]
        return [account.id for account in made]


def names(response) -> list[str]:
    text = response.get_data(as_text=True)
    return [name for name in ("Alpha Tools", "Beta Foods", "=Gamma") if f">{name}</a>" in text]


def test_an_empty_list_says_what_to_do_first(client_as, database):
    assert "Import accounts" in client_as("marketer").get("/accounts").get_data(as_text=True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Alpha Tools", "Beta Foods", "=Gamma"]),
        ("?q=beta", ["Beta Foods"]),
        ("?q=gamma.ex", ["=Gamma"]),
        ("?country=FR", ["Beta Foods", "=Gamma"]),
        ("?tier=1", ["Alpha Tools"]),
        ("?tier=-", ["Beta Foods", "=Gamma"]),
        ("?owner=Olga+Owner&country=DE", ["Alpha Tools"]),
        ("?q=%25", []),
        ("?q=_", []),
        ("?country=FR'+OR+'1'='1", []),
    ],
)
def test_the_list_is_searched_and_filtered(client_as, companies, query, expected):
    assert names(client_as("viewer").get(f"/accounts{query}")) == expected


@pytest.mark.parametrize(
    "query",
    [
        "?sort=id;drop table account",
        "?sort=-name desc",
        "?after=AAAA",
        "?after=WzEsMl0%3D",
        "?before=%FF",
        "?endpoint=x",
        "?_external=1&_scheme=javascript",
        "?kind=x&filename=y",
        "?sort=tier&after=W251bGwsMV0=",
        "?q=%00",
        "?country=%00",
        "?after=WyJcdTAwMDAiLCAxXQ==",
        "?after=WyJhIiwgOTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5XQ==",
    ],
)
def test_arguments_that_are_not_ours_do_no_harm(client_as, companies, query):
    response = client_as("viewer").get(f"/accounts{query}")
    assert response.status_code == (400 if "%00" in query else 200)
    assert "javascript:" not in response.get_data(as_text=True)


def test_pages_follow_each_other_without_gap_or_repeat_forwards_and_back(database):
    from abm.accounts.queries import Listing, list_order, select_accounts
    from abm.web.keyset import fetch_page, read_place

    with db.transaction() as session:
        for number in range(23):
            make_account(session, name=f"N{number % 4}", tier=None if number % 3 else str(number % 2 + 1))
    with db.reading() as session:
        for sort, down in (("name", False), ("name", True), ("tier", False), ("tier", True)):
            order = list_order(Listing(sort=sort, is_descending=down))
            query, seen, marks = select_accounts(Listing()), [], {}
            while True:
                page = fetch_page(session, query, order=order, place=read_place(marks, order), size=5)
                seen.append([row[0].id for row in page.rows])
                if not page.next_mark:
                    break
                marks = {"after": page.next_mark}
            assert len({one for part in seen for one in part}) == 23
            back = [seen[-1]]
            while page.previous_mark:
                page = fetch_page(
                    session, query, order=order, place=read_place({"before": page.previous_mark}, order), size=5
                )
                back.insert(0, [row[0].id for row in page.rows])
            assert back == seen


def test_the_list_asks_the_same_few_questions_however_many_accounts(client_as, companies):
    asked: list[str] = []
    event.listen(db.engine(), "before_cursor_execute", lambda _c, _cu, statement, *_more: asked.append(statement))
    client = client_as("viewer")
    client.get("/accounts")
    asked.clear()
    client.get("/accounts")
    few = list(asked)
    with db.transaction() as session:
        for _number in range(40):
            make_account(session, owner_id=make_user(session).id)
    asked.clear()
    client.get("/accounts")
    assert len(asked) <= len(few) < 20


def test_export_is_what_is_filtered_with_dangerous_cells_defused(client_as, companies):
    response = client_as("marketer").get("/accounts/export.csv?country=FR&sort=name")
    rows = list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))
    assert {row["name"] for row in rows} == {"Beta Foods", "'=Gamma"}
    assert client_as("marketer").get("/accounts/export.xlsx").data[:2] == b"PK"


def test_a_viewer_may_neither_export_nor_edit(client_as, companies):
    client = client_as("viewer")
    assert client.get("/accounts/export.csv").status_code == 403
    assert client.post(f"/accounts/{companies[0]}", data={"name": "X"}).status_code == 403


def test_an_account_is_made_by_hand_and_recorded(client_as, database):
    client = client_as("sales")
    response = client.post(
        "/accounts",
        data={
            "name": "  New   Co ",
            "domain": "https://www.new.example/x",
            "country": "Germany",
            "custom": "Segment: gold",
            "tier": "2",
        },
    )
    assert response.status_code == 302
    with db.reading() as session:
        account = session.scalars(select(Account)).one()
        assert (account.name, account.domain, account.country, account.custom) == (
            "New Co",
            "new.example",
            "DE",
            {"Segment": "gold"},
        )
        assert session.scalars(select(AuditEntry.action).where(AuditEntry.subject == "account")).all() == [
            "account.create"
        ]


def test_wrong_values_are_kept_with_a_sentence_beside_each(client_as, database):
    response = client_as("sales").post(
        "/accounts", data={"name": "", "employees": "many", "domain": "no domain", "timezone": "Mars"}
    )
    text = response.get_data(as_text=True)
    assert response.status_code == 422
    assert all(
        sentence in text for sentence in ("Give the company", "A number of zero", "like example.com", "IANA name")
    )
    assert 'value="many"' in text


def test_a_namesake_is_asked_about_first(client_as, companies):
    client = client_as("sales")
    assert client.post("/accounts", data={"name": "alpha  tools"}).status_code == 422
    assert client.post("/accounts", data={"name": "alpha  tools", "is_another": "yes"}).status_code == 302


def test_a_change_is_recorded_with_what_was_before(client_as, companies):
    from abm.audit.models import AuditDetail

    client_as("sales").post(f"/accounts/{companies[0]}", data={"name": "Alpha Tools", "tier": "3", "country": "DE"})
    with db.reading() as session:
        detail = session.scalars(select(AuditDetail)).one()
        assert (detail.before["tier"], detail.after["tier"]) == ("1", "3")
        assert session.scalars(select(AccountEvent.title)).all() == ["Owner is now nobody"]


def test_an_account_cannot_come_to_stand_below_itself(client_as, companies):
    with db.transaction() as session:
        upper, lower = session.get_one(Account, companies[0]), session.get_one(Account, companies[1])
        lower.parent_id = upper.id
        lower_id = lower.external_id
    response = client_as("sales").post(f"/accounts/{companies[0]}", data={"name": "Alpha Tools", "parent": lower_id})
    assert response.status_code == 422
    assert "below itself" in response.get_data(as_text=True)


def test_the_page_of_an_account_shows_facts_sites_and_timeline(client_as, companies):
    client = client_as("sales")
    client.post(f"/accounts/{companies[0]}/notes", data={"text": "Met at the fair\nWants samples"})
    with db.transaction() as session:
        session.get_one(Account, companies[1]).parent_id = companies[0]
    parts = {part: client.get(f"/accounts/{companies[0]}{part}").text for part in ("", "/dossier", "/timeline")}
    assert "Alpha Tools" in parts[""]
    assert "Olga Owner" in parts[""]
    assert "Beta Foods" in parts["/dossier"]
    assert "Met at the fair" in parts["/timeline"]
    assert client.get("/accounts/999999").status_code == 404


def test_hostile_text_is_inert(client_as, database):
    with db.transaction() as session:
        account = make_account(session, name="<img src=x onerror=alert(1)>", industry='"><svg onload=x>', city="<b>")
        make_order(session, account, on=date(2026, 1, 1))
        session.add(
            AccountEvent(
                account_id=account.id, at=account.created_at, kind="note", title="<script>x", link="javascript:x"
            )
        )
    client = client_as("viewer")
    for part in ("", f"/{account.id}", f"/{account.id}/timeline", f"/{account.id}/orders"):
        text = client.get(f"/accounts{part}").get_data(as_text=True)
        assert not any(bad in text for bad in ("<img src=x", "<svg onload", "<script>x", 'href="javascript'))


def test_many_accounts_are_counted_after_the_page(client_as, companies, monkeypatch):
    monkeypatch.setattr(accounts_pages, "COUNTED_AT_ONCE", 1)
    viewer = client_as("viewer")
    page = viewer.get("/accounts?sort=-value").text
    assert "more than 1 accounts" in page
    assert 'hx-get="/accounts/count?sort=-value"' in page
    counted = viewer.get("/accounts/count?sort=-value").text
    with db.reading() as session:
        assert counted == f"{session.scalar(select(func.count()).select_from(Account))} accounts"
