"""Promises that are rules: the order of events does not matter, and history tells every state."""

import random

import pytest

from campaigns.events import STATE_OF_KIND, states_raised_by
from campaigns.states import BOOK_OF_STATE, OPEN_STATES, DeliveryState
from tests.promises.books import counted_tries, derive

SEED, ORDERS = 20261126, 10_000
AFTER_HAND_OVER = (DeliveryState.SENT, DeliveryState.UNKNOWN, DeliveryState.UNKNOWN_FINAL)


def _end(state: str, kinds: list[str]) -> str:
    for kind in kinds:
        if state in states_raised_by(kind):
            state = STATE_OF_KIND[kind]
    return state


def test_ten_thousand_orders_of_events_make_no_difference() -> None:
    chance, differences = random.Random(SEED), 0
    for _ in range(ORDERS):
        begin = chance.choice(AFTER_HAND_OVER)
        kinds = chance.choices(sorted(STATE_OF_KIND), k=chance.randint(1, 6))
        shuffled = kinds + chance.choices(kinds, k=chance.randint(0, 4))
        chance.shuffle(shuffled)
        differences += _end(begin, kinds) != _end(begin, shuffled)
    assert differences == 0


def test_a_complaint_outranks_whatever_came_before_or_after() -> None:
    for kind in STATE_OF_KIND:
        assert _end("sent", ["complaint", kind]) == _end("sent", [kind, "complaint"]) == "complained"


def test_no_event_moves_what_was_not_handed_over() -> None:
    untouched = set(DeliveryState) - {DeliveryState(state) for state, book in BOOK_OF_STATE.items()
                                      if book in ("sent", "unknown")}
    assert not untouched & {state for kind in STATE_OF_KIND for state in states_raised_by(kind)}


def test_every_state_is_open_or_final_and_in_one_book() -> None:
    assert set(BOOK_OF_STATE) == set(DeliveryState)
    assert {"planned", "queued", "claimed", "rendered", "handing", "deferred", "unknown"} == OPEN_STATES


@pytest.mark.parametrize(("outcomes", "kinds", "state"), [
    (["deferred", "sent"], [], "sent"), (["unknown"], [], "unknown"), (["unknown"], ["bounce_hard"], "bounced_hard"),
    (["unknown", "sent"], ["open"], "sent"), (["sent"], ["delivered", "bounce_soft"], "delivered"),
    (["refused"], ["bounce_hard"], "failed_permanent"), (["sent"], ["complaint", "delivered"], "complained")])
def test_history_tells_the_state(outcomes: list[str], kinds: list[str], state: str) -> None:
    assert state in derive(outcomes, kinds)
    assert len(derive(outcomes, kinds)) <= 2


def test_late_proof_of_acceptance_is_no_further_try() -> None:
    assert counted_tries(["deferred", "unknown", "sent"]) == ["deferred", "sent"]
