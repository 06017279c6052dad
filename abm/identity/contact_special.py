"""What moving alone would get wrong when two records of a person become one: nobody gets a message twice, and what was
stopped or withdrawn for either record is so for the one that stays."""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import and_, exists, select

from abm.identity.moving import Move, add_row, change_row, move_rows, remove_rows, rows_of
from abm.identity.special import table
from campaigns.keys import address_key, domain_key
from campaigns.states import DeliveryState, EnrolmentState, Reason
from campaigns.stopping import STOPPABLE
from core import clock

_CLAIMED = (DeliveryState.CLAIMED, DeliveryState.RENDERED)


def join_enrolments(move: Move) -> None:
    """Of two ways through one run the one that ended stays, else the one that is further; the other's waiting messages
    are never sent. What is being handed over this moment goes on, and takes the place of the other's same step."""
    ways = table("enrolment")
    mine, theirs = ways.alias("mine"), ways.alias("theirs")
    runs = select(mine.c.run_id).join(theirs, theirs.c.run_id == mine.c.run_id).where(
        mine.c.contact_id == move.kept, theirs.c.contact_id == move.dropped)
    for run_id in move.session.scalars(runs).all():
        both = rows_of(move.session, ways, and_(ways.c.run_id == run_id,
                                                ways.c.contact_id.in_((move.kept, move.dropped))))
        stays, goes = sorted(both, key=_how_far, reverse=True)
        _cancel_waiting(move, run_id, goes["contact_id"])
        _take_over(move, run_id, stays, goes)
        remove_rows(move, ways, ways.c.id == goes["id"])
    move_rows(move, ways.c.contact_id)


def _how_far(way: Mapping[str, Any]) -> tuple[bool, int, int]:
    return way["state"] != EnrolmentState.ACTIVE, way["next_position"], -way["id"]


def _cancel_waiting(move: Move, run_id: int, contact_id: int, position: int | None = None) -> None:
    deliveries = table("delivery")
    chosen = and_(deliveries.c.run_id == run_id, deliveries.c.contact_id == contact_id,
                  deliveries.c.state.in_(STOPPABLE))
    if position is not None:
        chosen = and_(chosen, deliveries.c.position == position)
    for row in rows_of(move.session, deliveries, chosen):
        # A claim is over by the time somebody undoes this: it would wait again.
        before = {**row, "state": DeliveryState.QUEUED.value} if row["state"] in _CLAIMED else row
        change_row(move, deliveries, before, {
            "state": DeliveryState.CANCELLED.value, "reason": Reason.SAME_MAILBOX.value, "ended_at": clock.now()})


def _take_over(move: Move, run_id: int, stays: Mapping[str, Any], goes: Mapping[str, Any]) -> None:
    deliveries = table("delivery")
    for row in rows_of(move.session, deliveries, and_(
            deliveries.c.run_id == run_id, deliveries.c.contact_id == goes["contact_id"],
            deliveries.c.state == DeliveryState.HANDING)):
        _cancel_waiting(move, run_id, stays["contact_id"], row["position"])
        change_row(move, deliveries, row, {"enrolment_id": stays["id"]})


def move_deliveries(move: Move) -> None:
    """Every message stays on the books. One that both records had bears a generation of its own, below zero."""
    deliveries = table("delivery")
    twin = deliveries.alias("twin")
    has_twin = exists().where(
        twin.c.run_id == deliveries.c.run_id, twin.c.position == deliveries.c.position,
        twin.c.generation == deliveries.c.generation, twin.c.contact_id == move.kept)
    for row in rows_of(move.session, deliveries, and_(deliveries.c.contact_id == move.dropped, has_twin)):
        change_row(move, deliveries, row, {"generation": -row["id"]})
    move_rows(move, deliveries.c.contact_id)


def keep_stops(move: Move, kept: Mapping[str, Any], dropped: Mapping[str, Any], email: str | None) -> None:
    """A stop of the address that is given up becomes one of the person: another address does not open the way again."""
    stops = table("suppression")
    given_up = [one for one in (kept["email"], dropped["email"]) if one and one != email]
    keys = [key for address in given_up for key in (address_key(address), domain_key(address))]
    own = {str(move.kept)}
    present = set(move.session.scalars(select(stops.c.purpose).where(
        stops.c.scope == "contact", stops.c.key.in_(own), stops.c.lifted_at.is_(None))))
    for row in rows_of(move.session, stops, and_(stops.c.scope.in_(("address", "domain")), stops.c.key.in_(keys),
                                                 stops.c.lifted_at.is_(None))):
        if row["purpose"] not in present:
            present.add(row["purpose"])
            add_row(move, stops, {"scope": "contact", "key": str(move.kept), "purpose": row["purpose"],
                                  "reason": row["reason"], "hint": row["hint"], "source": "merge",
                                  "created_at": clock.now()})


def move_reports(move: Move) -> None:
    """Who reported to the dropped record reports to the kept one."""
    people = table("contact")
    move_rows(move, people.c.reports_to_id, people.c.id != move.dropped)


SPECIAL: Mapping[str, Callable[[Move], None]] = {
    "contact.reports_to_id": move_reports,
    "enrolment.contact_id": join_enrolments,
    "delivery.contact_id": move_deliveries,
}
