"""Source ids of people who were merged into another record: rows of files that name them reach what was kept."""

from collections.abc import Mapping, Sequence
from typing import cast

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from abm.contacts.models import Contact, ContactAlias
from abm.imports.alias_rows import AliasTable, Row, fold_alias_rows
from abm.imports.staging import Stage
from core.id_lists import is_among

_ALIAS = cast(Table, ContactAlias.__table__)
_CONTACT = cast(Table, Contact.__table__)
_PLAIN = ("first_name", "last_name", "phone", "title", "department", "buying_role", "language", "timezone")
_BASIS = ("lawful_basis", "basis_source", "basis_at", "consent_kind")
_FIELDS = {**{name: (name,) for name in _PLAIN}, "email": ("email", "email_key"), "basis": _BASIS}


def fold_contacts(stage: Stage) -> None:
    """Let staged rows of merged people reach who was kept."""
    with stage.preparing() as session:
        fold_alias_rows(session, stage, AliasTable(_ALIAS, "contact_id", _CONTACT, _FIELDS, _read_stored))


def _read_stored(session: Session, ids: Sequence[int]) -> Mapping[str, Row]:
    columns = [_CONTACT.c[name] for names in _FIELDS.values() for name in names]
    query = select(_CONTACT.c.external_id, _CONTACT.c.custom, _CONTACT.c.account_id, _CONTACT.c.match_rule,
                   _CONTACT.c.match_score, *columns)
    return {row["external_id"]: {name: row[name] for name in row if name != "external_id"}
            for row in session.execute(query.where(is_among(_CONTACT.c.id, ids))).mappings()}
