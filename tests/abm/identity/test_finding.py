"""Duplicates are proposed for what speaks for them, and for nothing else."""

import csv

import pytest
from sqlalchemy import select

from abm.accounts.aliases import add_alias
from abm.accounts.company_names import core_name, fold_name, is_free_mail, matching_domain, registrable_domain
from abm.accounts.models import Account
from abm.accounts.names import name_key, plain_domain
from abm.identity.actions import dismiss_pair
from abm.identity.finding import find_duplicates
from abm.identity.models import DuplicatePair
from abm.identity.scoring import Card, score_pair
from tests.conftest import SHARED_DATA
from tests.factories import make_account, make_contact

SAME = [
    ("Müller & Söhne GmbH & Co. KG", "MULLER UND SOHNE", "DE"), ("Apple Inc.", "apple", "US"),
    ("ООО «Ромашка»", "Ромашка, ООО", "RU"), ("Крушик д.о.о.", "ДОО Крушик", "RS"), ("Dupont S.A.", "SA Dupont", "FR"),
    ("北京小米科技有限责任公司", "北京小米科技", "CN"), ("株式会社日立製作所", "日立製作所", "JP"),
    ("A. O. Smith", "A.O. Smith Corp.", "US"),
    ("The Coca-Cola Company", "Coca Cola", "US"), ("Foo Sp. z o.o.", "FOO", "PL"), ("Æther A/S", "aether as", "DK"),
    ("Johnson&Johnson", "Johnson and Johnson", ""), ("Société Générale", "Societe Generale SA", "FR"),
    ("E.ON SE", "EON", "DE"), ("Home Depot (The)", "The Home Depot, Inc.", "US"),
]
DIFFERENT = [("Depot 4", "Depot 5", ""), ("Co", "Inc", "US"), ("Bank of America", "Bank of Ireland", "US"),
             ("SE", "AG", "DE")]


@pytest.mark.parametrize(("one", "other", "country"), SAME)
def test_names_that_differ_in_writing_only_have_one_core(one, other, country):
    assert core_name(one, country) == core_name(other, country)


@pytest.mark.parametrize(("one", "other", "country"), DIFFERENT)
def test_names_of_different_companies_have_different_cores(one, other, country):
    assert core_name(one, country) != core_name(other, country)


@pytest.mark.parametrize("name", ["GmbH", "...", "", "&", "Co. KG", "🙂", "'"])
def test_a_name_that_is_nothing_but_its_form_is_kept_as_it_is(name):
    assert core_name(name, "DE") == core_name(fold_name(name), "DE")


@pytest.mark.parametrize(("text", "found"), [
    ("stock.walmart.com", "walmart.com"), ("shop.example.co.uk", "example.co.uk"), ("Acme.DE", "acme.de"),
    ("shop.acme.internal", "acme.internal"), ("acme.example", "acme.example"), ("acme..example", None),
    ("localhost", None), ("co.uk", None), ("10.0.0.1", None)])
def test_the_registrable_domain_is_found_without_asking_anybody(text, found):
    assert registrable_domain(text) == found


@pytest.mark.parametrize("domain", ["gmail.com", "Yahoo.co.uk", "mail.gmx.de", "qq.com", "mail.ru"])
def test_free_mail_says_nothing_about_a_company(domain):
    assert is_free_mail(domain)
    assert matching_domain(domain) is None


ACME = Card("Acme GmbH", "acme", "DE", "Bonn", frozenset({"acme.de"}))


@pytest.mark.parametrize(("other", "likeness", "low", "high"), [
    (Card("ACME", "acme", "DE", "Bonn", frozenset({"acme.de"})), 100, 95, 100),
    (Card("ACME", "acme"), 100, 85, 95),
    (Card("ACME", "acme", "DE", "Bonn", frozenset({"acme.org"})), 100, 70, 80),
    (Card("ACME", "acme", "FR"), 100, 60, 75),
    (Card("ACME", "acme", "FR", "Paris", frozenset({"acme.fr"})), 100, 0, 59),
    (Card("Zeta", "zeta", "DE", "", frozenset({"acme.de"})), 0, 50, 70),
])
def test_the_score_weighs_what_speaks_for_and_against(other, likeness, low, high):
    score, reasons = score_pair(ACME, other, same_name=likeness == 100, likeness=likeness)
    assert low <= score <= high
    assert reasons


def pairs(session, subject="account"):
    return {(row.first_id, row.second_id): row for row in session.scalars(
        select(DuplicatePair).where(DuplicatePair.subject == subject, DuplicatePair.state == "open"))}


def account(session, name, **values):
    return make_account(session, name=name, name_key=name_key(name), **values)


def test_equal_and_alike_names_and_shared_domains_are_proposed_with_their_reasons(session):
    one, two = account(session, "Northwind Traders GmbH"), account(session, "NORTHWIND TRADERS")
    alike = account(session, "Northwind Tradres")
    far = account(session, "Alpha", domain="shop.same.example.com")
    near = account(session, "Alpha Group", domain="example.com")
    find_duplicates(session)
    found = pairs(session)
    assert {(one.id, two.id), (one.id, alike.id), (two.id, alike.id), (far.id, near.id)} == found.keys()
    assert "legal form" in found[one.id, two.id].reasons[0]
    assert "example.com" in " ".join(found[far.id, near.id].reasons)


def test_free_mail_domains_sites_of_one_parent_and_other_numbers_are_not_proposed(session):
    account(session, "Erste", domain="gmail.com")
    account(session, "Zweite", domain="gmail.com")
    head = account(session, "Retail Corp", domain="retail.example.com")
    for city in ("Bonn", "Köln"):
        account(session, "Retail Corp", parent_id=head.id, city=city, domain="retail.example.com")
    account(session, "Warehouse 14")
    account(session, "Warehouse 15")
    find_duplicates(session)
    assert pairs(session) == {}


def test_what_was_dismissed_is_never_proposed_again_and_what_no_longer_holds_goes(session):
    one, two = account(session, "Acme"), account(session, "ACME")
    account(session, "Zeta")
    four = account(session, "Zeta Ltd")
    find_duplicates(session)
    dismiss_pair(session, pair_id=pairs(session)[one.id, two.id].id)
    four.name, four.name_key, four.updated_at = "Other", "other", four.updated_at.replace(year=2099)
    session.flush()
    find_duplicates(session)
    find_duplicates(session)
    assert pairs(session) == {}
    assert session.scalars(select(DuplicatePair.state)).all() == ["dismissed"]


def test_an_alias_is_compared_as_if_it_were_a_name_or_domain(session):
    one, two = account(session, "International Business Machines"), account(session, "IBM", domain="ibm.com")
    add_alias(session, account_id=one.id, kind="name", value="IBM")
    find_duplicates(session)
    assert (one.id, two.id) in pairs(session)


def test_people_with_one_address_or_one_name_at_an_account_are_proposed(session):
    here, there = account(session, "Here"), account(session, "There")
    people = [make_contact(session, where, first_name=first, last_name="Lee", email=email, email_key=email)
              for where, first, email in ((here, "Ann", "a@x.example"), (here, "A.", "a@x.example"),
                                          (here, "ANN", None), (there, "Ann", "a@x.example"))]
    find_duplicates(session)
    found = pairs(session, "contact")
    assert {key: row.score for key, row in found.items()} == {
        (people[0].id, people[1].id): 97, (people[0].id, people[2].id): 80}


def test_real_companies_from_two_lists_are_found_and_hardly_anything_else(session):
    """Fortune 1000 and S&P 500: the ticker says which two are one company."""
    folder = SHARED_DATA / "company_reference"
    if not folder.is_dir():
        pytest.skip(f"the lists of companies are not in {folder}")
    now = make_account(session).updated_at
    tickers = {}
    for name, ticker, domain, city, file in _companies(folder):
        made = Account(external_id=f"{file}-{len(tickers)}", name=name, name_key=name_key(name), country="US",
                       city=city, domain=plain_domain(domain), created_at=now, updated_at=now)
        session.add(made)
        session.flush()
        tickers[made.id] = (file, ticker)
    by_ticker = {}
    for number, key in tickers.items():
        by_ticker[key] = number
    truth = {(number, by_ticker["sp", ticker]) for (file, ticker), number in by_ticker.items()
             if file == "fortune" and ticker and ("sp", ticker) in by_ticker}
    find_duplicates(session)
    found = set(pairs(session))
    assert len(truth & found) / len(truth) > 0.85
    assert len(truth & found) / len(found) > 0.97


def _companies(folder):
    with (folder / "fortune1000_2022.csv").open() as file:
        for row in csv.DictReader(file):
            yield row["company"], row["Ticker"], row["domain"] or "", row["city"], "fortune"
    with (folder / "sp500_constituents.csv").open() as file:
        for row in csv.DictReader(file):
            yield row["Security"], row["Symbol"], "", row["Headquarters Location"].split(",")[0], "sp"
