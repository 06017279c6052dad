"""How long consent holds, and which bases are enough where: tables, and SQL against the same rule in Python."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from abm.contacts.consent import basis_in_force
from abm.contacts.models import Contact
from campaigns.consent_expiry import IMPLIED_INQUIRY, IMPLIED_PURCHASE, first_day_in_force, last_day
from campaigns.country_rules import BASES, CountryRules
from campaigns.eligibility import objection_to
from campaigns.outside import Recipient
from campaigns.states import Channel, Reason
from core.db import Session
from tests.factories import make_account, make_contact

RULES = CountryRules(recognised=frozenset({"CA", "CH", "DE", "FR"}))


def somebody(**values: object) -> Recipient:
    given: dict[str, object] = {
        "contact_id": 1, "account_id": 1, "email": "jo@example.com", "phone": "1", "country": "CA", "zone": "UTC",
        "account_zone": "UTC", "language": "", "lawful_basis": "consent", "tier": "", "is_active": True}
    return Recipient(**{**given, **values})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "given_on", "last"),
    [
        ("express", date(2010, 1, 1), None),
        (None, date(2010, 1, 1), None),
        ("implied_purchase", date(2024, 3, 10), date(2026, 3, 10)),
        ("implied_purchase", date(2024, 2, 29), date(2026, 2, 28)),
        ("implied_inquiry", date(2025, 9, 10), date(2026, 3, 10)),
        ("implied_inquiry", date(2025, 8, 31), date(2026, 2, 28)),
        ("implied_inquiry", None, date.min),
        ("implied_purchase", date(9999, 1, 1), date.max),
    ],
)
def test_express_consent_stays_and_implied_consent_has_a_last_day(
    kind: str | None, given_on: date | None, last: date | None
) -> None:
    assert last_day(kind, given_on) == last


@pytest.mark.parametrize("kind", ["implied_purchase", "implied_inquiry"])
def test_messages_go_on_the_last_day_and_not_on_the_day_after(kind: str) -> None:
    person = somebody(consent_kind=kind, basis_on=date(2025, 9, 10))
    ended = last_day(kind, date(2025, 9, 10))
    assert ended is not None
    evening = datetime.combine(ended, time(23, 59), UTC)
    assert objection_to(person, channel=Channel.EMAIL, rules=RULES, at=evening) is None
    found = objection_to(person, channel=Channel.EMAIL, rules=RULES, at=evening + timedelta(minutes=1))
    assert found is not None
    assert found.reason == Reason.CONSENT_EXPIRED
    assert ended.isoformat() in found.detail


def test_the_day_is_the_persons_own() -> None:
    person = somebody(consent_kind="implied_inquiry", basis_on=date(2025, 9, 10), zone="America/Vancouver")
    early = datetime(2026, 3, 11, 6, tzinfo=UTC)  # the evening of the 10th in Vancouver
    assert objection_to(person, channel=Channel.EMAIL, rules=RULES, at=early) is None


@given(st.sampled_from([IMPLIED_PURCHASE, IMPLIED_INQUIRY]), st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_the_first_day_in_force_is_exactly_where_the_last_day_turns(kind: str, on: date) -> None:
    first = first_day_in_force(kind, on)
    before, after = last_day(kind, first - timedelta(days=1)), last_day(kind, first)
    assert before is not None
    assert after is not None
    assert before < on <= after


def test_sql_and_python_agree_who_has_a_basis_in_force(session: Session, database: Path) -> None:
    account, today = make_account(session), date(2026, 2, 28)
    rows = [("none", None, 1), ("contract", None, 3_000), ("consent", None, 3_000), ("consent", "express", 3_000)]
    rows += [("consent", kind, ago) for kind in ("implied_purchase", "implied_inquiry")
             for ago in (0, 179, 180, 181, 182, 183, 184, 729, 730, 731, 732)]
    for basis, kind, ago in rows:
        make_contact(session, account, lawful_basis=basis, consent_kind=kind,
                     basis_at=datetime.combine(today - timedelta(days=ago), time(15, 30), UTC))
    make_contact(session, account, lawful_basis="consent", consent_kind="implied_purchase", basis_at=None)
    found = set(session.scalars(select(Contact.id).where(basis_in_force(today))))
    expected = {one.id for one in session.scalars(select(Contact)) if one.lawful_basis != "none" and (
        (last := last_day(one.consent_kind, one.basis_at.date() if one.basis_at else None)) is None or today <= last)}
    assert found == expected
    assert 10 < len(found) < len(rows)


@pytest.mark.parametrize(
    ("country", "allowed"),
    [
        ("DE", {"consent"}),
        ("AT", {"consent"}),
        ("CA", {"consent", "implied_consent"}),
        ("US", set(BASES)),
        ("FR", set(BASES)),
        ("GB", set(BASES)),
        ("CH", set(BASES)),
        ("", set(BASES)),
        ("Atlantis", {"consent", "implied_consent", "contract"}),
    ],
)
def test_what_is_enough_where_nobody_set_anything(country: str, allowed: set[str]) -> None:
    assert set(RULES.allowed(country)) == allowed


@pytest.mark.parametrize(
    ("own", "country", "allowed"),
    [
        ({"CH": ["consent"]}, "ch", {"consent"}),
        ({"DE": ["consent", "contract"]}, "DE", {"consent", "contract"}),
        ({"elsewhere": ["consent"]}, "CH", {"consent"}),
        ({"elsewhere": ["consent"]}, "US", set(BASES)),
        ({"CH": []}, "CH", set()),
        ({"unrecognised": []}, "Atlantis", set()),
    ],
)
def test_the_operators_rows_go_before_the_defaults(own: dict[str, list[str]], country: str, allowed: set[str]) -> None:
    assert set(CountryRules(own, RULES.recognised).allowed(country)) == allowed


@pytest.mark.parametrize(
    ("values", "free_mail_too", "reason"),
    [
        ({"country": "CA", "lawful_basis": "contract"}, False, Reason.CONSENT_NEEDED),
        ({"country": "DE", "consent_kind": "implied_purchase", "basis_on": date(2026, 1, 1)}, False,
         Reason.CONSENT_NEEDED),
        ({"country": "FR", "lawful_basis": "legitimate_interest"}, False, None),
        ({"country": "FR", "lawful_basis": "legitimate_interest", "email": "jo@GMail.com"}, False,
         Reason.CONSENT_NEEDED),
        ({"country": "FR", "lawful_basis": "legitimate_interest", "email": "jo@gmail.com"}, True, None),
        ({"country": "FR", "lawful_basis": "consent", "email": "jo@gmail.com"}, False, None),
    ],
)
def test_an_email_needs_a_basis_that_is_enough_in_the_country(
    values: dict[str, object], free_mail_too: bool, reason: Reason | None
) -> None:
    rules = CountryRules(recognised=RULES.recognised, reaches_free_mail=free_mail_too)
    found = objection_to(somebody(**values), channel=Channel.EMAIL, rules=rules, at=datetime(2026, 3, 3, tzinfo=UTC))
    assert (found.reason if found else None) == reason


def test_the_table_is_about_email_and_a_call_needs_its_own_number_alone() -> None:
    person = somebody(country="DE", lawful_basis="legitimate_interest")
    assert objection_to(person, channel=Channel.CALL, rules=RULES, at=datetime(2026, 3, 3, tzinfo=UTC)) is None
