"""Which lawful bases are enough for an e-mail to a person in which country. Pure.

The operator edits the table. Countries that it does not name follow `elsewhere`; a text on file that is no country at
all follows `unrecognised`, since a misspelt country may be one that asks for consent.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from campaigns.consent_expiry import is_implied

CONSENT, IMPLIED_CONSENT = "consent", "implied_consent"
CONTRACT, LEGITIMATE_INTEREST = "contract", "legitimate_interest"
BASES = (CONSENT, IMPLIED_CONSENT, CONTRACT, LEGITIMATE_INTEREST)
ELSEWHERE, UNRECOGNISED = "elsewhere", "unrecognised"

# What holds until the operator says otherwise. By name: countries whose law was looked up.
DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "AT": (CONSENT,), "CA": (CONSENT, IMPLIED_CONSENT), "DE": (CONSENT,),
    "FR": BASES, "GB": BASES, "US": BASES,
    ELSEWHERE: BASES, UNRECOGNISED: (CONSENT, IMPLIED_CONSENT, CONTRACT),
}


def base_of(lawful_basis: str, consent_kind: str | None) -> str:
    """A person's basis in the words of the table."""
    return IMPLIED_CONSENT if lawful_basis == CONSENT and is_implied(consent_kind) else lawful_basis


@dataclass(frozen=True)
class CountryRules:
    """`own`: what the operator set, by code (or elsewhere, unrecognised), over the defaults. `recognised`: every code
    of a country. Legitimate interest is for business addresses; `reaches_free_mail` lets it reach others too."""

    own: Mapping[str, Collection[str]] = field(default_factory=dict)
    recognised: Collection[str] = frozenset()
    reaches_free_mail: bool = False

    def allowed(self, country: str) -> Collection[str]:
        """The bases that are enough there; an empty country is one that nothing is set for."""
        return self._row(self.row_of(country))

    def row_of(self, country: str) -> str:
        """The row of the table that a country as it is on file falls under."""
        code = country.strip().upper()
        if code in self.own or code in DEFAULTS or not code:
            return code or ELSEWHERE
        return ELSEWHERE if not self.recognised or code in self.recognised else UNRECOGNISED

    def asks_consent(self, country: str) -> bool:
        """Whether a legitimate interest is not enough there."""
        return LEGITIMATE_INTEREST not in self.allowed(country)

    def rows(self) -> dict[str, tuple[str, ...]]:
        """The whole table in the order in which it is read: countries, elsewhere, unrecognised."""
        last = (ELSEWHERE, UNRECOGNISED)
        names = sorted({*DEFAULTS, *self.own} - set(last))
        return {name: tuple(base for base in BASES if base in self._row(name)) for name in (*names, *last)}

    def _row(self, name: str) -> Collection[str]:
        return self.own[name] if name in self.own else DEFAULTS.get(name, self.own.get(ELSEWHERE, DEFAULTS[ELSEWHERE]))
