"""The operator's table of countries: which lawful bases are enough for an e-mail where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from abm.accounts.countries import country_code, country_codes, country_name
from abm.company.actions import set_company_value
from abm.company.policy import Company
from abm.company.queries import get_company
from campaigns.country_rules import BASES, ELSEWHERE, UNRECOGNISED, CountryRules
from campaigns.stops import bump
from core.errors import InvalidInput

BASE_WORDS = {"consent": "Consent", "implied_consent": "Implied consent", "contract": "Contract",
              "legitimate_interest": "Legitimate interest"}
_ROWS = {ELSEWHERE: "Everywhere else", UNRECOGNISED: "Text that is no country we know"}


@dataclass(frozen=True)
class CountryRow:
    """A row of the table: `is_own` where the operator set it."""

    name: str
    title: str
    bases: Sequence[str]
    is_own: bool


def country_rules(company: Company) -> CountryRules:
    """The rules as the engine asks for them."""
    return CountryRules(company.country_bases, country_codes(), company.reaches_free_mail)


def list_country_rows(session: Session) -> list[CountryRow]:
    """The whole table, defaults included."""
    company = get_company(session)
    return [CountryRow(name, _ROWS.get(name) or country_name(name), bases, name in company.country_bases)
            for name, bases in country_rules(company).rows().items()]


def set_country_bases(session: Session, *, country: str, bases: Iterable[str]) -> CountryRow:
    """Say which bases are enough there; none means that nobody there is written to. Sending processes notice at once.

    `country` is a code or name, `elsewhere` or `unrecognised`. Raises InvalidInput, audited by the setting.
    """
    name, wanted = read_country(country), set(bases)
    if unknown := sorted(wanted - set(BASES)):
        raise InvalidInput(f"{unknown[0]!r} is not a lawful basis; use {', '.join(BASES)}",
                           {"bases": f"Choose among {', '.join(BASES)}"})
    own, kept = get_company(session).country_bases, [base for base in BASES if base in wanted]
    if own.get(name) != kept:
        _keep(session, {**own, name: kept})
    return next(row for row in list_country_rows(session) if row.name == name)


def reset_country_bases(session: Session, *, country: str) -> bool:
    """Take the operator's own row away; True when there was one."""
    name, own = read_country(country), get_company(session).country_bases
    if name not in own:
        return False
    _keep(session, {code: bases for code, bases in own.items() if code != name})
    return True


def _keep(session: Session, own: dict[str, list[str]]) -> None:
    set_company_value(session, name="country_bases", value=dict(sorted(own.items())))
    session.flush()
    bump(session)


def set_reaches_free_mail(session: Session, *, allowed: bool) -> None:
    """Whether a legitimate interest is enough for addresses at free mail services too."""
    if get_company(session).reaches_free_mail is not allowed:
        set_company_value(session, name="reaches_free_mail", value=allowed)
        bump(session)


def read_country(text: str) -> str:
    """The row that is meant. Raises InvalidInput for what is no country."""
    word = text.strip()
    if word.lower() in (ELSEWHERE, UNRECOGNISED):
        return word.lower()
    code = country_code(word) if word else None
    if code is None:
        raise InvalidInput(f"{word[:60]!r} is not a country that we know: write its code or English name, or "
                           f"{ELSEWHERE} or {UNRECOGNISED}", {"country": "Write a country's code or name"})
    return code
