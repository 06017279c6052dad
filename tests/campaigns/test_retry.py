from datetime import UTC, datetime, timedelta

import pytest

from campaigns.retry import next_try

FIRST = datetime(2026, 1, 5, 10, tzinfo=UTC)


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 1), (2, 5), (3, 15), (4, 60), (5, 240), (9, 240)])
def test_each_try_waits_longer_up_to_four_hours(attempts: int, minutes: int) -> None:
    assert next_try(attempts=attempts, first_tried_at=FIRST, at=FIRST, chance=0.5) == FIRST + timedelta(minutes=minutes)


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 48), (0.999999, 72)])
def test_the_wait_is_spread_by_a_fifth(chance: float, seconds: int) -> None:
    again = next_try(attempts=1, first_tried_at=FIRST, at=FIRST, chance=chance)
    assert again is not None
    assert round((again - FIRST).total_seconds()) == seconds


def test_it_gives_up_a_day_after_the_first_try() -> None:
    assert next_try(attempts=7, first_tried_at=FIRST, at=FIRST + timedelta(hours=21), chance=0.5) is None
