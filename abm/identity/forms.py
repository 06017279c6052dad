"""The comparison of two records: what stands side by side, and what was chosen of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.accounts.queries import find_account_by_external_id, get_account
from abm.contacts.models import Contact
from abm.identity.records import ACCOUNT_FIELDS, CONTACT_FIELDS, CUSTOM
from core.errors import InvalidInput

_LABELS = {"external_id": "Source id", "annual_revenue": "Yearly revenue", "first_name": "First name",
           "last_name": "Last name", "email": "E-mail", "phone": "Telephone", "buying_role": "Role",
           "reports_to": "Reports to", "timezone": "Time zone", "parent": "Parent company"}


@dataclass(frozen=True)
class Line:
    """One field of both records. `can_choose`: they differ and neither is empty; else `fills` says which one stands."""

    name: str
    label: str
    first: Any
    second: Any

    @property
    def can_choose(self) -> bool:
        return self.first != self.second and self.first not in (None, "") and self.second not in (None, "")

    @property
    def is_empty(self) -> bool:
        return self.first in (None, "") and self.second in (None, "")


def compare(session: Session, subject: str, first: Account | Contact, second: Account | Contact) -> Sequence[Line]:
    """The fields of both, in the order of the form; those that neither has are left out."""
    groups = ACCOUNT_FIELDS if subject == "account" else CONTACT_FIELDS
    lines = [Line(name, _label(name), _shown(session, name, first), _shown(session, name, second))
             for name in groups]
    own, other = first.custom or {}, second.custom or {}
    lines += [Line(CUSTOM + name, name, own.get(name), other.get(name)) for name in dict.fromkeys([*own, *other])]
    return [line for line in lines if not line.is_empty]


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _shown(session: Session, name: str, one: Any) -> Any:
    if name == "owner":
        return one.owner.name if one.owner else one.owner_email
    if name == "parent":
        return get_account(session, one.parent_id).name if one.parent_id else None
    if name == "reports_to":
        found = session.get(Contact, one.reports_to_id) if one.reports_to_id else None
        return f"{found.first_name or ''} {found.last_name or ''}".strip() if found else None
    return getattr(one, name)


def parse_merge(form: Mapping[str, str], *, first_id: int, second_id: int) -> tuple[int, int, dict[str, str]]:
    """(kept, dropped, choices) of the comparison: `keep` names who stays, `field.X` whose value is taken."""
    if form.get("keep") not in (str(first_id), str(second_id)):
        raise InvalidInput("Nothing was merged", {"keep": "Choose which of the two stays"})
    keep = int(form["keep"])
    drop = second_id if keep == first_id else first_id
    choices = {name.removeprefix("field."): "keep" if value == str(keep) else "drop"
               for name, value in form.items() if name.startswith("field.") and value in (str(keep), str(drop))}
    return keep, drop, choices


def parse_other(session: Session, form: Mapping[str, str], account: Account) -> Account:
    """The other account whose source id was typed. Raises InvalidInput."""
    typed = form.get("other", "").strip()[:200]
    other = find_account_by_external_id(session, typed) if typed else None
    if other is None:
        raise InvalidInput("Nothing to compare", {"other": f"There is no account with the id {typed or '(empty)'}"})
    if other.id == account.id:
        raise InvalidInput("Nothing to compare", {"other": "That is this account itself"})
    return other
