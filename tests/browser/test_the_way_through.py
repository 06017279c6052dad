"""A newcomer's way from files to a sent message, an unsubscription and a finished task, in a real browser."""

import re
import time
import urllib.request
from datetime import date, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser import leaks
from tests.browser.conftest import PASSWORDS

# One product and one story: the tests stay together, in this order.
pytestmark = pytest.mark.browser

RELAY_SECRET = "seven-quiet-owls-at-dusk"
HTML = """<p>Dear {{ contact.first_name | default("customer") }},</p><p>we have news for {{ account.name }}.
See <a href="https://example.com/news">what is new</a>.</p>
<p>{{ sender.postal_address }} <a href="{{ unsubscribe_url }}">No more messages like this</a></p>"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A small company: four accounts, four people, orders of which half ended long ago."""
    folder = tmp_path_factory.mktemp("files")
    names = ["Aster", "Birch", "Cedar", "Dahlia"]
    today = date.today()
    accounts = "account_id,name,industry,country\n" + "".join(f"{n[0]},{n} Ltd,Retail,GB\n" for n in names)
    contacts = "contact_id,account_id,first_name,last_name,email,phone,lawful_basis\n" + "".join(
        f"{n[0]}1,{n[0]},{n}ina,Smith,{n.lower()}@example.com,020 7946 000{len(n)},legitimate_interest\n" for n in names
    )
    orders = "order_id,account_id,ordered_on,amount\n"
    for index, name in enumerate(names):
        for k in range(6):
            on = today - timedelta(days=20 * k + (200 if index > 1 else 1))
            orders += f"{name[0]}-{k},{name[0]},{on.isoformat()},{(index + 1) * 100}\n"
    for kind, content in {"accounts": accounts, "contacts": contacts, "orders": orders}.items():
        (folder / f"{kind}.csv").write_text(content)
    return folder


def bring_in(page, product, path, kind):
    page.goto(f"{product.address}/imports/new")
    page.select_option("#kind", kind)
    page.set_input_files("#file", str(path))
    page.click("text=Upload and look at it")
    page.click("button:has-text('Import now')")
    expect(page.locator("main")).to_contain_text(re.compile("created", re.I), timeout=30_000)


def make_list(page, product):
    page.goto(f"{product.address}/lists")
    page.click("text=New list by rules")
    page.fill("#title", "Retail in Britain")
    page.select_option("select.rule-field >> nth=0", "account.industry")
    expect(page.locator("select.rule-operator").first).to_be_visible()
    page.locator("input[id$='-value'], select[id$='-value']").first.fill("Retail")
    expect(page.locator("main")).to_contain_text(re.compile(r"Accounts\s*4\s*People"))
    page.click("button:has-text('Save list')")
    expect(page.locator("main")).to_contain_text("Aster Ltd")


def make_campaign(page, product):
    page.goto(f"{product.address}/campaigns/new")
    page.fill("#title", "News in spring")
    page.fill("#purpose", "news")
    page.select_option("#list", "retail-in-britain")
    page.fill("#sender_name", "Sales desk")
    page.fill("#sender_email", "sales@example.com")
    page.fill("#sender_postal_address", "1 Example Street, Example Town")
    page.check("input[name=window][value=own]")
    for day in page.locator("input[name=days]").all():
        day.check()
    page.fill("#opens", "00:00")
    page.fill("#closes", "23:59")
    page.click("button:has-text('Make campaign')")


def add_steps(page, campaign):
    page.fill("#subject", "{{ account.name }}: news for you")
    page.fill("#html", HTML)
    page.click("button:has-text('Save step')")
    page.goto(campaign)
    page.click("button[name=channel][value=call]")
    page.fill("#script", "Ask {{ contact.first_name | default('them') }} what they think.")
    page.fill("#after_amount", "0")
    page.click("button:has-text('Save step')")
    expect(page.locator("main")).to_contain_text("Saved")


@pytest.fixture(scope="module")
def way(files):
    return {}


def test_files_become_accounts_and_an_analysis(sign_in, product, files):
    page = sign_in("author")
    for kind in ("accounts", "contacts", "orders"):
        bring_in(page, product, files / f"{kind}.csv", kind)
    page.goto(f"{product.address}/analysis/runs/new")
    page.click("button:has-text('Analyse')")
    expect(page.locator("main")).to_contain_text(re.compile("Gini"), timeout=30_000)
    page.goto(f"{product.address}/accounts")
    expect(page.locator("main")).to_contain_text("Lapsed")


def test_a_list_and_a_campaign_are_made_and_launched_by_two_people(sign_in, product, way):
    author = sign_in("author")
    make_list(author, product)
    make_campaign(author, product)
    way["campaign"] = author.url.split("/steps")[0]
    add_steps(author, way["campaign"])
    approver = sign_in("approver")
    approver.goto(way["campaign"])
    approver.click("text=Check and launch")
    expect(approver.locator("main")).to_contain_text("4 people")
    with approver.expect_navigation():
        approver.click("main button:has-text('Approve')")
    approver.goto(way["campaign"] + "/check")
    with approver.expect_navigation():
        approver.click("main button:has-text('Launch')")
    approver.goto(way["campaign"] + "/results")
    expect(approver.locator("main")).to_contain_text("8 planned = 8 sent", timeout=60_000)


def test_a_field_chosen_in_the_builder_stays_chosen_when_the_answer_is_slow(sign_in, product):
    page = sign_in("author")
    page.route("**/lists/-/builder", lambda route: (time.sleep(0.7), route.continue_()))
    page.goto(f"{product.address}/lists/-/new")
    page.select_option("select.rule-field >> nth=0", "account.industry")

    expect(page.locator("select.rule-operator").first).to_be_visible()


def test_the_message_is_readable_in_the_outbox_and_its_link_unsubscribes(sign_in, product, browser):
    page = sign_in("author")
    for _ in range(40):
        page.goto(f"{product.address}/outbox")
        if page.locator("text=Aster Ltd: news for you").count():
            break
        page.wait_for_timeout(500)
    page.locator("text=Aster Ltd: news for you").first.click()
    expect(page.locator("main")).to_contain_text("aster@example.com")
    source = next(
        path.read_text() for path in (product.folder / "outbox").glob("*.eml") if "aster@" in path.read_text()
    )
    link = re.search(r"List-Unsubscribe: <([^>]+)>", source).group(1)
    stranger = browser.new_context().new_page()
    stranger.goto(link)
    expect(stranger.locator("body")).not_to_contain_text("aster@example.com")
    stranger.locator("button[type=submit]").first.click()
    expect(stranger.locator("body")).to_contain_text(re.compile("unsubscribed|no more|will not", re.I))


def test_the_results_count_every_message_and_the_unsubscription(sign_in, product, way):
    page = sign_in("author")
    page.goto(way["campaign"] + "/results")
    expect(page.locator("main")).to_contain_text(re.compile("unsubscribed", re.I))
    status = product.command("campaigns", "status", "news-in-spring", "--json")
    import json

    told = json.loads(status)
    assert told["planned"] == sum(told["by_state"].values())
    assert told["unsubscribed"] == 1


def test_the_call_of_the_campaign_is_done_at_the_call_desk(sign_in, product):
    page = sign_in("approver")
    page.goto(f"{product.address}/tasks?owner=nobody&kind=call&state=open")
    page.locator("tr:has-text('Birch Ltd') a").first.click()
    expect(page.locator("main")).to_contain_text("Birchina")
    task = page.url.rstrip("/").rsplit("/", 1)[1]
    page.goto(f"{product.address}/calls/{task}")
    expect(page.locator("main")).to_contain_text("Ask Birchina what they think.")
    page.check("input[name=outcome][value=reached]")
    page.click("button:has-text('Save and go to the next call')")
    page.goto(f"{product.address}/tasks/{task}")
    expect(page.locator("main")).to_contain_text("Done")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/accounts",
        "/analysis",
        "/lists",
        "/campaigns",
        "/my-day",
        "/meetings",
        "/win-back",
        "/imports",
        "/settings",
        "/outbox",
    ],
)
def test_no_page_is_wider_than_a_phone(sign_in, product, path):
    page = sign_in("approver", width=390, height=844)
    page.goto(product.address + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_what_is_secret_or_personal_stands_in_no_log_queue_table_or_backup(sign_in, product):
    """After all of the above, with a relay's password, an API token and two people's passwords in use."""
    page = sign_in("approver")
    page.goto(f"{product.address}/settings/senders/new")
    page.fill("#name", "Own relay")
    page.fill("#email", "relay@example.org")
    page.select_option("#kind", "smtp")
    page.fill("#host", "127.0.0.1")
    page.fill("#user_name", "relay")
    page.fill("#secret", RELAY_SECRET)
    page.click("button:has-text('Save identity')")
    expect(page.locator("main")).to_contain_text("stored encrypted")
    token = product.command("tokens", "create", "approver@example.com", "--name", "probe", "--scope", "accounts:read")
    opened = urllib.request.Request(f"{product.address}/api/v1/accounts",
                                    headers={"Authorization": f"Bearer {_token_in(token)}"})
    assert b"Aster Ltd" in urllib.request.urlopen(opened, timeout=20).read()
    backup = product.folder / "whole.backup"
    product.command("backup", str(backup), "--passphrase-stdin", given="nine slow snails cross the wet road\n")

    secrets = [RELAY_SECRET, _token_in(token), *PASSWORDS.values(), product.environment["ABM_SECRET_KEY"]]
    tables = leaks.table_text(product.environment.get("ABM_DATABASE_URL") or f"sqlite:///{product.folder}/abm.db")
    assert "Aster Ltd" in tables
    assert [secret for secret in secrets if secret in tables] == []
    stored = backup.read_bytes()
    assert [secret for secret in [*secrets, "Aster Ltd"] if secret.encode() in stored] == []

    said = "\n".join(leaks.log_lines(product.folder))
    queue = leaks.queue_text(product.folder)
    assert "rq:" in queue
    people = [f"{name}@example.com" for name in ("aster", "birch", "cedar", "dahlia", "author", "approver")]
    for where in (said, queue):
        assert [word for word in [*secrets, *people, "Asterina", "7946"] if word in where] == []


def _token_in(said):
    return re.search(r"abm_[\w-]+", said).group(0)
