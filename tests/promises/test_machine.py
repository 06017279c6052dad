"""Hypothesis looks for an order of happenings that breaks a promise.

PROMISES_EXAMPLES=2000 looks longer and elsewhere each time; PROMISES_SHRINK=1 then makes what it finds short (minutes).
"""

import os
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from core import clock
from core.settings import settings as product_settings
from tests.promises.machine import Outbox, World

EXAMPLES = int(os.environ.get("PROMISES_EXAMPLES", "0"))
SHRINKS = "PROMISES_SHRINK" in os.environ
STEPS = 40


@pytest.fixture
def world(engine_side: Path, monkeypatch: pytest.MonkeyPatch):
    yield World(engine_side, lambda name, value: monkeypatch.setattr(clock, name, value))
    clock.set_clock(None)


def test_no_order_of_happenings_breaks_a_promise(world: World) -> None:
    few = 20 if product_settings().is_sqlite else 8
    run_state_machine_as_test(partial(Outbox, world), settings=settings(
        max_examples=EXAMPLES or few, stateful_step_count=STEPS, derandomize=not EXAMPLES, deadline=None,
        suppress_health_check=list(HealthCheck), phases=list(Phase) if SHRINKS else (Phase.generate,)))
