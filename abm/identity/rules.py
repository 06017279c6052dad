"""What becomes of every row that refers to an account or a person when two of them are merged: one line per column.

A new table with such a column needs its line here; tests/architecture/test_merge_rules.py fails until it has one.

* MOVE: the row now speaks of the one that is kept.
* MOVE_UNLESS_PRESENT: the same where the kept one may have such a row already (a unique set): its own stays, the other
  is set aside and comes back when the merge is undone.
* FILL: one row per account: what the kept one's leaves empty is filled, the other row is set aside.
* DERIVED: made again from other rows; taken away here.
* LEAVE: history or a lock that must not change.
* SPECIAL: has its own function in special.py or contact_special.py, or is part of merging.py.
"""

from enum import StrEnum


class Rule(StrEnum):
    MOVE = "move"
    MOVE_UNLESS_PRESENT = "move_unless_present"
    FILL = "fill"
    DERIVED = "derived"
    LEAVE = "leave"
    SPECIAL = "special"


# The order is that of the moves.
ACCOUNT_RULES: dict[str, Rule] = {
    "account.parent_id": Rule.SPECIAL,
    "account_alias.account_id": Rule.SPECIAL,
    "account_key.account_id": Rule.DERIVED,
    "account_event.account_id": Rule.MOVE,
    "contact.account_id": Rule.MOVE,
    "customer_order.account_id": Rule.MOVE,
    "account_day.account_id": Rule.SPECIAL,
    "account_result.account_id": Rule.SPECIAL,
    "offer_grant.account_id": Rule.SPECIAL,
    "redemption.account_id": Rule.MOVE,
    "list_veto.account_id": Rule.SPECIAL,
    "list_member.account_id": Rule.MOVE_UNLESS_PRESENT,
    "list_spell.account_id": Rule.MOVE_UNLESS_PRESENT,
    "list_pending.account_id": Rule.LEAVE,
    "account_change.account_id": Rule.LEAVE,
    "scorecard_rating.account_id": Rule.MOVE_UNLESS_PRESENT,
    "account_score.account_id": Rule.MOVE_UNLESS_PRESENT,
    "qualification.account_id": Rule.MOVE_UNLESS_PRESENT,
    "qualification_answer.account_id": Rule.MOVE_UNLESS_PRESENT,
    "account_review.account_id": Rule.MOVE_UNLESS_PRESENT,
    "engagement_entry.account_id": Rule.MOVE,
    "account_engagement.account_id": Rule.MOVE_UNLESS_PRESENT,
    "qualification_change.account_id": Rule.MOVE,
    "engagement_cooling.account_id": Rule.MOVE_UNLESS_PRESENT,
    "winback_case.account_id": Rule.SPECIAL,
    "task.account_id": Rule.MOVE,
    "material_request.account_id": Rule.MOVE,
    "partner_account.account_id": Rule.MOVE_UNLESS_PRESENT,
    "decision.account_id": Rule.MOVE,
    "dossier.account_id": Rule.FILL,
    "dossier_link.account_id": Rule.MOVE,
    "tender.account_id": Rule.MOVE,
    "competitor.account_id": Rule.MOVE,
    "further_seat.account_id": Rule.MOVE_UNLESS_PRESENT,
    "approved_member.account_id": Rule.MOVE,
    "holdout_account.account_id": Rule.SPECIAL,
    "holdout_ghost.account_id": Rule.MOVE,
    "enrolment.account_id": Rule.MOVE,
    "delivery.account_id": Rule.MOVE,
    "event.account_id": Rule.MOVE,
    "touch.account_id": Rule.MOVE,
    "letter.account_id": Rule.MOVE,
    "conversation_lock.account_id": Rule.SPECIAL,
}

CONTACT_RULES: dict[str, Rule] = {
    "account_event.contact_id": Rule.MOVE,
    "contact_alias.contact_id": Rule.SPECIAL,
    "contact_address.contact_id": Rule.MOVE_UNLESS_PRESENT,
    "acquaintance.contact_id": Rule.MOVE_UNLESS_PRESENT,
    "further_seat.contact_id": Rule.MOVE_UNLESS_PRESENT,
    "contact.reports_to_id": Rule.SPECIAL,
    "offer_grant.contact_id": Rule.MOVE,
    "task.contact_id": Rule.MOVE,
    "material_request.contact_id": Rule.MOVE,
    "consent_event.contact_id": Rule.MOVE,
    "approved_member.contact_id": Rule.MOVE_UNLESS_PRESENT,
    "holdout_ghost.contact_id": Rule.MOVE_UNLESS_PRESENT,
    "enrolment.contact_id": Rule.SPECIAL,
    "delivery.contact_id": Rule.SPECIAL,
    "event.contact_id": Rule.MOVE,
    "touch.contact_id": Rule.MOVE,
    "letter.contact_id": Rule.MOVE,
    "engagement_entry.contact_id": Rule.MOVE,
    "merge.contact_id": Rule.LEAVE,
    "merge_step.contact_id": Rule.LEAVE,
}

RULES = {"account": ACCOUNT_RULES, "contact": CONTACT_RULES}
# Rows that refer to what was merged although no foreign key says so: a worker that began before may still add some.
LATE = {
    "account": ("enrolment.account_id", "delivery.account_id", "event.account_id", "touch.account_id",
                "letter.account_id", "holdout_ghost.account_id"),
    "contact": ("event.contact_id", "touch.contact_id", "letter.contact_id", "consent_event.contact_id",
                "account_event.contact_id", "engagement_entry.contact_id"),
}
