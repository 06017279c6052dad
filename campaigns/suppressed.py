"""Which people of a batch have a stop on their address, domain, person or account."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.orm import Session

from campaigns.eligibility import Objection
from campaigns.keys import address_key, domain_key
from campaigns.outside import Recipient
from campaigns.states import Reason
from campaigns.value_rows import to_rows, value_rows

ALL_PURPOSES = "*"


class Stop(NamedTuple):
    """A row of the suppression list that holds now."""

    scope: str
    key: str
    purpose: str
    reason: str



_REASONS = {
    "unsubscribed": Reason.UNSUBSCRIBED, "opted_out": Reason.UNSUBSCRIBED, "opt_out": Reason.UNSUBSCRIBED,
    "complained": Reason.COMPLAINED, "complaint": Reason.COMPLAINED, "hard_bounce": Reason.HARD_BOUNCE,
    "erased": Reason.ERASED,
}


def find_suppressed(session: Session, people: Iterable[Recipient], *, purpose: str) -> dict[int, Objection]:
    """By contact id the stop that holds for this purpose (or for all); one query."""
    owners: dict[tuple[str, str], list[int]] = {}
    for person in people:
        for scope_and_key in _keys_of(person):
            owners.setdefault(scope_and_key, []).append(person.contact_id)
    found: dict[int, Objection] = {}
    for row in _active(session, owners, purpose):
        for contact_id in owners[(row.scope, row.key)]:
            found.setdefault(contact_id, _objection(row))
    return found


def _keys_of(person: Recipient) -> list[tuple[str, str]]:
    keys = [("contact", str(person.contact_id)), ("account", str(person.account_id))]
    if person.email:
        keys += [("address", address_key(person.email)), ("domain", domain_key(person.email))]
    return keys


_PAIRS = {"scope": "text", "key": "text"}


def _active(session: Session, owners: Collection[tuple[str, str]], purpose: str) -> list[Stop]:
    if not owners:
        return []
    pairs = to_rows(session, [{"scope": scope, "key": key} for scope, key in owners])
    rows = session.execute(text(
        f"SELECT s.scope, s.key, s.purpose, s.reason FROM {value_rows(session, _PAIRS)} "  # noqa: S608 - constants
        "JOIN suppression AS s ON s.scope = v.scope AND s.key = v.key "
        "WHERE s.lifted_at IS NULL AND s.purpose IN (:purpose, :all) ORDER BY s.id"),
        {"rows": pairs, "purpose": purpose, "all": ALL_PURPOSES})
    return [Stop(*row) for row in rows]


def _objection(row: Stop) -> Objection:
    what = "all mail" if row.purpose == ALL_PURPOSES else f"the purpose {row.purpose}"
    return Objection(_REASONS.get(row.reason, Reason.SUPPRESSED),
                     f"The {row.scope} is suppressed for {what} ({row.reason}); only an audited unsuppress lifts this.")
