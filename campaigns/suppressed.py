"""Which people of a batch have a stop on their address, domain, person or account."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import NamedTuple

import orjson
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from campaigns.eligibility import Objection
from campaigns.keys import address_key, domain_key
from campaigns.outside import Recipient
from campaigns.states import Reason
from core.db import is_postgres

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
    owners = _owners(people)
    found: dict[int, Objection] = {}
    for stop in _active(session, owners, purpose) if owners["contact"] else ():
        for contact_id in owners[stop.scope][stop.key]:
            found.setdefault(contact_id, _objection(stop))
    return found


def _owners(people: Iterable[Recipient]) -> dict[str, dict[str, list[int]]]:
    """By scope and key the people that a stop there means."""
    contacts: dict[str, list[int]] = {}
    accounts, addresses, domains = (defaultdict[str, list[int]](list) for _scope in range(3))
    for person in people:
        contacts[str(person.contact_id)] = [person.contact_id]
        accounts[str(person.account_id)].append(person.contact_id)
        if person.email:
            addresses[address_key(person.email)].append(person.contact_id)
            domains[domain_key(person.email)].append(person.contact_id)
    return {"contact": contacts, "account": accounts, "address": addresses, "domain": domains}


def _active(session: Session, owners: Mapping[str, Mapping[str, object]], purpose: str) -> list[Stop]:
    keys = {scope: orjson.dumps(list(known)).decode() for scope, known in owners.items()}
    rows = session.connection().execute(_stops_among(is_postgres(session)),
                                        {**keys, "purpose": purpose, "all": ALL_PURPOSES})
    return [Stop(*row) for row in rows]


@cache
def _stops_among(is_postgres: bool) -> TextClause:
    """The stops on keys that are given as a JSON list for each scope."""
    listed = "jsonb_array_elements_text(CAST(:{0} AS jsonb))" if is_postgres else "json_each(:{0})"
    keys = " UNION ALL ".join(f"SELECT '{scope}' AS scope, value AS key FROM {listed.format(scope)} AS one"  # noqa: S608
                              for scope in ("contact", "account", "address", "domain"))
    return text(
        f"SELECT s.scope, s.key, s.purpose, s.reason FROM ({keys}) AS v "  # noqa: S608 - constants
        "JOIN suppression AS s ON s.scope = v.scope AND s.key = v.key "
        "WHERE s.lifted_at IS NULL AND s.purpose IN (:purpose, :all) ORDER BY s.id")


def _objection(row: Stop) -> Objection:
    what = "all mail" if row.purpose == ALL_PURPOSES else f"the purpose {row.purpose}"
    return Objection(_REASONS.get(row.reason, Reason.SUPPRESSED),
                     f"The {row.scope} is suppressed for {what} ({row.reason}); only an audited unsuppress lifts this.")
