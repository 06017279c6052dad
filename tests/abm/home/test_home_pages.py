from datetime import date, timedelta

import pytest

from abm.home.queries import Messages, checklist, today_figures
from abm.wiring import connect_engine
from core import clock, db
from tests.campaigns.campaign_factory import deliveries, make_people, make_run
from tests.factories import make_account, make_contact, make_order


def test_an_empty_installation_shows_the_first_steps(client_as):
    page = client_as("marketer").get("/").get_data(as_text=True)
    assert "First steps" in page
    assert "0 of 5 done" in page


def test_a_step_is_ticked_by_doing_it(database):
    with db.transaction() as session:
        account = make_account(session)
        make_contact(session, account)
        make_order(session, account, on=date(2026, 1, 5))
        assert [step.is_done for step in checklist(session, has_sent=False)] == [True, False, False, False, False]


def test_messages_of_this_week_and_the_last_are_counted_with_those_in_doubt(session):
    connect_engine()
    make_people(session, 8)
    now, run = clock.now(), make_run(session)
    rows = deliveries(session, run)
    for row, (state, days) in zip(rows, [("sent", 1), ("bounced_hard", 7), ("delivered", 6), ("sent", 13),
                                         ("complained", 15), ("unknown", 1), ("suppressed", 1)], strict=False):
        row.state, row.sent_at = state, now - timedelta(days=days, minutes=1)
    session.flush()
    found = today_figures(session, user_id=1)
    assert found.messages == Messages(sent=5, this_week=2, last_week=2, in_doubt=1)
    assert (found.figures[0].value, found.figures[0].before) == (2, 2)


def test_the_last_step_is_ticked_once_something_was_sent(client_as, database):
    connect_engine()
    with db.transaction() as session:
        make_people(session)
        run = make_run(session)
    with db.transaction() as session:
        before = sum(step.is_done for step in checklist(session, has_sent=False))
        session.merge(deliveries(session, session.merge(run))[0]).state = "sent"
    assert f"{before + 1} of 5 done" in client_as("marketer").get("/").text


@pytest.fixture
def things(database):
    """One of each thing that the search finds."""
    from abm.targets.models import TargetList
    from campaigns.models import Campaign

    with db.transaction() as session:
        now = clock.now()
        account = make_account(session, name="Zebra & Sons")
        make_contact(session, account, first_name="Zebulon", last_name="Zebra")
        session.add(TargetList(name="zebra-list", title="Zebra list", kind="static", created_at=now, updated_at=now))
        session.add(
            Campaign(
                name="zebra", title="Zebra campaign", definition={}, definition_hash="x", created_at=now, updated_at=now
            )
        )


def test_the_search_finds_accounts_people_lists_and_campaigns(things, client_as):
    page = client_as("viewer").get("/search?q=zebra").get_data(as_text=True)
    assert all(kind in page for kind in ("Account", "Person", "Zebra list", "Zebra campaign"))
    assert "Zebra &amp; Sons" in page


def test_a_percent_sign_in_the_search_is_a_percent_sign(things, client_as):
    assert "Nothing is called that" in client_as("viewer").get("/search?q=%25%25").get_data(as_text=True)


def test_drafts_wait_on_the_first_page(things, client_as):
    assert "Zebra campaign" in client_as("marketer").get("/").get_data(as_text=True)


def test_the_links_of_the_first_page_lead_somewhere(client_as):
    import re

    client = client_as("admin")
    page = client.get("/").get_data(as_text=True)
    links = {link for link in re.findall(r'href="(/[^"]*)"', page) if not link.startswith("/static")}
    assert {link: code for link in links if (code := client.get(link).status_code) != 200} == {}


def test_settings_keep_what_was_typed_and_name_the_wrong_field(client_as):
    answer = client_as("admin").post(
        "/settings/company", data={"name": "Typed name", "timezone": "Mars", "currency": "EUR"}
    )
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Typed name" in page
    assert "IANA" in page


def test_changed_settings_hold_at_once_and_are_in_the_audit_log(client_as):
    client = client_as("admin")
    form = {
        "name": "Northwind",
        "postal_address": "1 Road",
        "timezone": "Europe/Paris",
        "currency": "EUR",
        "country": "FR",
        "working_days": ["mon", "tue"],
        "working_from": "08:00",
        "working_to": "18:00",
        "account_points_7_days": "6",
        "account_points_30_days": "16",
        "person_touches_7_days": "2",
        "person_touches_30_days": "5",
        "lock_days_after_reply": "14",
        "machine_seconds": "1.5",
        "machine_networks": "192.0.2.0/24",
        "cost_email": "0.05",
        "cost_call": "18",
        "cost_visit": "400",
    }
    assert client.post("/settings/company", data=form).status_code == 302
    assert "Northwind" in client.get("/settings").get_data(as_text=True)
    assert "company.set" in client.get("/settings/audit").get_data(as_text=True)


def test_health_names_each_part(client_as, queue_server):
    answer = client_as(None).get("/health")
    assert answer.status_code == 200
    assert set(answer.json) == {"database", "redis", "oldest_due_seconds", "workers"}


def test_every_page_says_so_while_the_queue_is_away(client_as, monkeypatch):
    from core.settings import settings

    client = client_as("marketer")
    monkeypatch.setenv("ABM_REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    told = client.get("/running").text
    assert "Background work waits" in told
    assert 'id="outage" hx-swap-oob' in told
    assert 'id="outage"' in client.get("/").text


def test_nothing_is_said_while_the_queue_answers(client_as, queue_server):
    assert "Background work waits" not in client_as("marketer").get("/running").text


def test_health_is_503_without_a_queue_server(client_as, monkeypatch):
    from core.jobs.queue import connection
    from core.settings import settings

    client = client_as(None)
    monkeypatch.setenv("ABM_REDIS_URL", "redis://127.0.0.1:1/0")
    settings.cache_clear()
    connection.cache_clear()
    assert client.get("/health").status_code == 503


def test_metrics_are_for_this_machine_only(client_as, queue_server):
    client = client_as(None)
    assert "abm_oldest_due_seconds 0.0" in client.get("/metrics").get_data(as_text=True)
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "10.1.2.3"}).status_code == 404


@pytest.mark.parametrize("path", ["/accounts", "/contacts", "/orders", "/products", "/imports"])
def test_the_tables_about_accounts_lead_to_each_other(client_as, path):
    page = client_as("marketer").get(path).get_data(as_text=True)
    assert all(f'href="{other}"' in page for other in ("/accounts", "/contacts", "/orders", "/products", "/imports"))


@pytest.mark.parametrize(("path", "lit"), [("/settings/analysis", "Settings"), ("/settings", "Settings"),
                                           ("/analysis", "Analysis"), ("/settings/engagement", "Settings")])
def test_the_menu_lights_the_entry_that_the_page_belongs_to(client_as, path, lit):
    page = client_as("admin").get(path).text
    menu = page[page.index('id="menu"'):page.index("</nav>")]
    shown = [part.split("</span>")[0] for part in menu.split('aria-current="page"')[1:]]
    assert len(shown) == 1
    assert f'<span class="nav-link-title">{lit}</span>' in menu.split('aria-current="page"')[1].split("</li>")[0]
