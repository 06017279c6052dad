"""What a file may do to people's lawful basis: never raise it after they withdrew, never lose its evidence."""

from collections.abc import Iterator
from typing import Any, cast

from sqlalchemy import ColumnElement, String, Table, and_, exists, func, literal, or_, select, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.orm import Session

from abm.contacts.models import Contact
from abm.imports.registry import Run
from abm.imports.staging import Stage
from campaigns.keys import address_key
from campaigns.models import ConsentEvent, Suppression

_CONTACT = cast(Table, Contact.__table__)
_WITHDRAWALS = ("withdrawn", "objected")
_AT_ONCE = 5_000


def freeze_withdrawn(session: Session, stage: Stage, run: Run) -> None:
    """Give staged rows of people who withdrew (by person or by address) the basis that is stored, or none.

    A file may still lower a basis to none. A stop for one purpose counts too: what somebody took back in part is not
    raised by a file.
    """
    rows = stage.rows
    raised = rows.c.lawful_basis != "none"
    stopped = [*_stopped_people(session, stage)]
    for ids in _portions(stopped):
        session.execute(
            update(rows)
            .where(raised, rows.c.external_id.in_(ids))
            .values(
                lawful_basis=func.coalesce(_stored(stage, "lawful_basis"), "none"),
                basis_source=_stored(stage, "basis_source"),
                basis_at=_stored(stage, "basis_at"),
                consent_kind=_stored(stage, "consent_kind"),
            )
        )
    for external_id in stopped[:50]:
        run.report.warn(f"The contact {external_id!r} withdrew or is suppressed; the lawful basis was not raised")


def _stopped_people(session: Session, stage: Stage) -> Iterator[str]:
    """Outside ids of staged people, with a basis in the file, who withdrew or are suppressed."""
    rows = stage.rows
    person = sql_cast(_CONTACT.c.id, String)
    by_person = or_(
        exists().where(ConsentEvent.contact_id == _CONTACT.c.id, ConsentEvent.kind.in_(_WITHDRAWALS)),
        exists().where(Suppression.scope == "contact", Suppression.key == person, Suppression.lifted_at.is_(None)),
    )
    yield from session.scalars(
        select(rows.c.external_id)
        .join(_CONTACT, _CONTACT.c.external_id == rows.c.external_id)
        .where(rows.c.lawful_basis != "none", by_person)
    )
    withdrawn = set(session.scalars(select(ConsentEvent.address_key).where(ConsentEvent.kind.in_(_WITHDRAWALS))))
    withdrawn |= set(
        session.scalars(select(Suppression.key).where(Suppression.scope == "address", Suppression.lifted_at.is_(None)))
    )
    if not withdrawn:
        return
    candidates = select(rows.c.external_id, func.coalesce(rows.c.email_key, _stored(stage, "email_key"))).where(
        rows.c.lawful_basis != "none"
    )
    for external_id, email in session.execute(candidates):
        if email and address_key(email) in withdrawn:
            yield external_id


def _portions(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]


def _stored(stage: Stage, name: str) -> ColumnElement[Any]:
    kept = _CONTACT.alias("kept")
    return (
        select(kept.c[name])
        .where(kept.c.external_id == stage.rows.c.external_id)
        .correlate(stage.rows)
        .scalar_subquery()
    )


def keep_known_evidence(session: Session, stage: Stage, run: Run) -> None:
    """Fill what the file does not say of a basis: what is stored for the same basis, else this file and now.

    So importing the same file again changes nothing. A kind of consent that the file leaves out stays as it was, and
    only consent has one.
    """
    rows = stage.rows
    session.execute(update(rows).where(rows.c.lawful_basis != "consent").values(consent_kind=None))
    kept = _CONTACT.alias("kept")
    same = and_(kept.c.external_id == rows.c.external_id, kept.c.lawful_basis == rows.c.lawful_basis)
    for name, otherwise in (("basis_source", run.file_name[:300]), ("basis_at", run.moment)):
        stored = select(kept.c[name]).where(same).correlate(rows).scalar_subquery()
        session.execute(
            update(rows)
            .where(rows.c[name].is_(None))
            .values({name: func.coalesce(stored, literal(otherwise, rows.c[name].type))})
        )
    stored = select(kept.c.consent_kind).where(same).correlate(rows).scalar_subquery()
    session.execute(
        update(rows).where(rows.c.consent_kind.is_(None), rows.c.lawful_basis == "consent").values(consent_kind=stored)
    )
