"""What an approval holds fast: the content as a version, the people as members, and a fingerprint of each."""

import hashlib
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal, select, update
from sqlalchemy.orm import Session

from campaigns.definition import Definition
from campaigns.models import Approval, ApprovedMember, Campaign, CampaignVersion
from campaigns.outside import outside
from core import clock
from core.errors import Refused


class MeansNobody(Refused):
    """There is nobody in the list whom the campaign means."""


def find_approval(session: Session, campaign: Campaign) -> Approval | None:
    """The latest approval that no edit has voided, be it waiting for a second one."""
    return session.scalar(select(Approval).where(Approval.campaign_id == campaign.id, Approval.voided_at.is_(None))
                          .order_by(Approval.id.desc()).limit(1))


def fingerprint_of(session: Session, people: Select[Any]) -> str:
    """A fingerprint of exactly these people, worked out by the database over the column contact_id."""
    found = people.subquery()
    return _hash(session.execute(select(*_sums(found.c.contact_id))).one())


def freeze(session: Session, campaign: Campaign, definition: Definition, *, approver_id: int | None,
           approver_name: str) -> Approval:
    """A new approval of the campaign as it is, which voids those before it. Raises MeansNobody."""
    session.execute(update(Approval).where(Approval.campaign_id == campaign.id, Approval.voided_at.is_(None))
                    .values(voided_at=clock.now()))
    version = _freeze_version(session, campaign)
    approval = Approval(campaign_id=campaign.id, version_id=version.id, approved_by_id=approver_id,
                        approved_by=approver_name, approved_at=clock.now())
    session.add(approval)
    session.flush()
    _freeze_members(session, approval, definition)
    most = outside().company.policy(session).second_approval_above
    approval.needs_second = bool(most) and approval.members > most
    campaign.version_id = version.id
    return approval


def _freeze_version(session: Session, campaign: Campaign) -> CampaignVersion:
    latest = session.scalar(select(CampaignVersion).where(CampaignVersion.campaign_id == campaign.id)
                            .order_by(CampaignVersion.number.desc()).limit(1))
    if latest is not None and latest.definition_hash == campaign.definition_hash:
        return latest
    version = CampaignVersion(campaign_id=campaign.id, number=latest.number + 1 if latest else 1,
                              definition=campaign.definition, definition_hash=campaign.definition_hash,
                              created_at=clock.now())
    session.add(version)
    session.flush()
    return version


def _freeze_members(session: Session, approval: Approval, definition: Definition) -> None:
    people = outside().people.select_members(session, list_name=definition.list_name, roles=definition.people.roles,
                                             per_account=definition.people.per_account).subquery()
    chosen = select(literal(approval.id), people.c.contact_id, people.c.account_id)
    session.connection().execute(ApprovedMember.__table__.insert().from_select(  # type: ignore[attr-defined]
        ["approval_id", "contact_id", "account_id"], chosen))
    *sums, accounts = session.execute(
        select(*_sums(ApprovedMember.contact_id), func.count(ApprovedMember.account_id.distinct()))
        .where(ApprovedMember.approval_id == approval.id)).one()
    if not sums[0]:
        raise MeansNobody(f"{definition.name} would be written to nobody: the list {definition.list_name} has no "
                          "people that fit, so check the list and the roles")
    approval.members, approval.accounts, approval.audience_hash = sums[0], accounts, _hash(sums)


def _sums(contact_id: Any) -> tuple[ColumnElement[Any], ...]:
    """Number, sum and a sum of mixed ids: two different sets of people agree in all three by mere chance only."""
    mixed = (contact_id % 1_000_003) * (contact_id % 999_983) % 1_000_033
    return func.count(), func.sum(contact_id), func.sum(mixed)


def _hash(sums: Any) -> str:
    return hashlib.sha256("/".join(str(int(one or 0)) for one in sums).encode()).hexdigest()
