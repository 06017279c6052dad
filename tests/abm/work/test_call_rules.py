"""The desk's rules on plain values: scripts, hours, next tries, order lines, costs, checks."""

from datetime import UTC, datetime, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abm.company.policy import Company
from abm.work.call_costs import cost_of
from abm.work.calling_hours import Clock, closed_clocks, moment_of, opening_of
from abm.work.forms import parse_call_result
from abm.work.losing_checks import KnownBefore, check_before_call
from abm.work.order_lines import TypedLine, read_lines, typed_lines
from abm.work.outcomes import next_try
from abm.work.scripts import END, parse_script, walk
from campaigns.schedule import Hours
from core.errors import InvalidInput

SCRIPT = """# Opening
Thank them.
? Did it come in time?
- yes -> #re-order
- no
Say sorry.
? Angry?
- yes -> end
- no -> #nowhere
# Re order
Ask for the next one."""


def test_a_script_with_answers_becomes_steps() -> None:
    steps = parse_script(SCRIPT).steps
    assert [(step.section, step.text, step.question) for step in steps] == [
        ("Opening", "Thank them.", "Did it come in time?"), ("Opening", "Say sorry.", "Angry?"),
        ("Re order", "Ask for the next one.", "")]
    assert [[choice.leads_to for choice in step.choices] for step in steps] == [[2, 1], [END, None], []]


@pytest.mark.parametrize("plain", [
    "Hello, how was it?", "# Opening\n- ask for news\n- ask for the order", "? A question nobody answers", "",
    "Why?\n- so",
])
def test_a_plain_script_stays_as_it_is(plain: str) -> None:
    assert parse_script(plain).steps == ()


def test_a_section_that_does_not_exist_is_told_to_the_author() -> None:
    assert parse_script(SCRIPT).faults == ("The answer “no” leads to #nowhere, which is no section.",)
    assert parse_script("# A\n? x\n- y\n# a\n").faults == ("There are two sections called a: the first one counts.",)


APART = """? Did it come in time?
- yes -> #thanks
- no -> #sorry
# Thanks
Ask for the next order.{thanks}
# Sorry
Say sorry.
? Angry?
- yes
- no{sorry}
# Close
Say goodbye."""


def test_a_section_that_runs_on_into_that_of_another_answer_is_told_to_the_author() -> None:
    [fault] = parse_script(APART.format(thanks="", sorry="")).faults
    assert fault.startswith("The section Thanks runs on into Sorry, which belongs to another answer")
    assert parse_script(APART.format(thanks="\n-> end", sorry="")).faults == ()


def test_a_line_with_an_aim_says_where_the_section_goes_on() -> None:
    script = parse_script(APART.format(thanks="\n-> Close", sorry="\n-> end"))
    assert walk(script, [0, 0]).now == script.steps[3]
    assert [choice.leads_to for choice in script.steps[2].choices] == [END, END]
    assert script.steps[1].text == "Ask for the next order."
    assert parse_script(APART.format(thanks="\n-> nowhere", sorry="")).faults == (
        "The section Thanks goes on to nowhere, which is no section.",)
    assert walk(parse_script(APART.format(thanks="\n-> nowhere", sorry="")), [0, 0]).now is not None


@pytest.mark.parametrize(("answers", "passed", "now"), [
    ([], [], "Did it come in time?"),
    ([0], ["yes"], ""),
    ([0, 0], ["yes", ""], None),
    ([1], ["no"], "Angry?"),
    ([1, 0], ["no", "yes"], None),
    ([1, 1], ["no", "no"], ""),
    ([7], [], "Did it come in time?"),
    ([-1], [], "Did it come in time?"),
    ([1, 0, 0, 0], ["no", "yes"], None),
])
def test_answers_lead_through_the_script(answers: list[int], passed: list[str], now: str | None) -> None:
    found = walk(parse_script(SCRIPT), answers)
    assert [one.answer for one in found.passed] == passed
    assert (found.now.question if found.now else None) == now


@given(st.text(alphabet="#?-> \nab", max_size=80), st.lists(st.integers(-2, 3), max_size=8))
def test_no_text_and_no_answers_break_a_script(text: str, answers: list[int]) -> None:
    found = walk(parse_script(text), answers)
    assert len(found.passed) <= len(answers)


FRIDAY_NOON = datetime(2026, 6, 12, 12, tzinfo=UTC)


@pytest.mark.parametrize(("clock", "at", "opens"), [
    (Clock("Europe/Berlin"), FRIDAY_NOON, FRIDAY_NOON),
    (Clock(None, "America/Los_Angeles", "US"), FRIDAY_NOON, datetime(2026, 6, 12, 16, tzinfo=UTC)),
    (Clock(None, None, "JP"), FRIDAY_NOON, datetime(2026, 6, 15, 0, tzinfo=UTC)),
    (Clock(None, None, "no such country"), FRIDAY_NOON, FRIDAY_NOON),
    # Bastille day is a holiday of France, not of Germany.
    (Clock(None, "Europe/Paris", "FR"), datetime(2026, 7, 14, 10, tzinfo=UTC), datetime(2026, 7, 15, 7, tzinfo=UTC)),
    (Clock(None, "Europe/Berlin", "DE"), datetime(2026, 7, 14, 10, tzinfo=UTC), datetime(2026, 7, 14, 10, tzinfo=UTC)),
])
def test_people_are_called_in_their_own_working_hours(clock: Clock, at: datetime, opens: datetime) -> None:
    assert opening_of(clock, Company(), at) == opens
    assert closed_clocks([clock], Company(), at) == ({} if opens == at else {clock: opens})


def test_a_promised_time_is_on_the_persons_clock() -> None:
    assert moment_of(FRIDAY_NOON.date(), time(14, 30), "America/New_York") == datetime(2026, 6, 12, 18, 30, tzinfo=UTC)


_NINE_TO_FIVE = Hours(frozenset(range(5)), time(9), time(17))


@pytest.mark.parametrize(("tries", "at", "zone", "country", "expected"), [
    (1, datetime(2026, 6, 10, 8, tzinfo=UTC), "UTC", "", datetime(2026, 6, 11, 14, tzinfo=UTC)),
    (1, datetime(2026, 6, 10, 15, tzinfo=UTC), "UTC", "", datetime(2026, 6, 11, 9, 30, tzinfo=UTC)),
    (2, datetime(2026, 6, 12, 8, tzinfo=UTC), "UTC", "", datetime(2026, 6, 15, 14, tzinfo=UTC)),
    (1, datetime(2026, 6, 10, 15, tzinfo=UTC), "America/New_York", "", datetime(2026, 6, 11, 18, tzinfo=UTC)),
    (1, datetime(2026, 7, 13, 8, tzinfo=UTC), "Europe/Paris", "FR", datetime(2026, 7, 15, 12, tzinfo=UTC)),
    (3, datetime(2026, 6, 10, 8, tzinfo=UTC), "UTC", "", None),
])
def test_the_next_try_is_at_another_time_of_a_working_day(tries: int, at: datetime, zone: str, country: str,
                                                          expected: datetime | None) -> None:
    assert next_try(tries=tries, at=at, hours=_NINE_TO_FIVE, zone=zone, country=country) == expected


def test_who_works_in_the_morning_only_is_tried_when_they_open() -> None:
    mornings = Hours(frozenset(range(5)), time(9), time(12))
    assert next_try(tries=1, at=datetime(2026, 6, 10, 10, tzinfo=UTC), hours=mornings, zone="UTC") == datetime(
        2026, 6, 11, 9, tzinfo=UTC)


@pytest.mark.parametrize(("typed", "amount"), [
    (TypedLine("11", "3", "21", ""), "63.00"), (TypedLine("11", "2,5", "9,99", "10"), "22.48"),
    (TypedLine("11", "", "21.005", ""), "21.01"), (TypedLine("11", "1", "100", "33.333 %"), "66.67"),
])
def test_a_line_comes_to_quantity_times_price_less_discount(typed: TypedLine, amount: str) -> None:
    assert read_lines([typed]).total == Decimal(amount)


@pytest.mark.parametrize(("typed", "words"), [
    (TypedLine("", "1", "2"), "Say which product"), (TypedLine("11", "0", "2"), "not a quantity above zero"),
    (TypedLine("11", "x", "2"), "x is not a quantity"), (TypedLine("11", "1", ""), "Say what one 11 costs"),
    (TypedLine("11", "1", "nan"), "nan is not a price"), (TypedLine("11", "1", "2", "101"), "not a discount"),
])
def test_a_line_that_cannot_be_understood_says_why(typed: TypedLine, words: str) -> None:
    assert words in read_lines([typed]).errors[1]


def test_empty_rows_of_the_form_are_no_lines() -> None:
    columns = {"sku": ["11", "", ""], "quantity": ["2", "1", ""], "price": ["3"], "discount": []}
    assert typed_lines(columns) == [TypedLine("11", "2", "3", "")]


@pytest.mark.parametrize(("text", "seconds"), [
    ("4:30", 270), ("4.5", 270), ("4,5", 270), ("5", 300), ("", 0), ("0:07", 7),
])
def test_minutes_are_written_as_people_write_them(text: str, seconds: int) -> None:
    form = {"outcome": "reached", "minutes": text}
    assert parse_call_result(form, today=FRIDAY_NOON.date()).seconds == seconds


@pytest.mark.parametrize("text", ["soon", "4:75", "-3", "4:3", "10000"])
def test_what_is_no_length_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_call_result({"outcome": "reached", "minutes": text}, today=FRIDAY_NOON.date())
    assert "not a length" in refused.value.fields["minutes"]


@pytest.mark.parametrize(("seconds", "rate", "cost"), [(720, "1.50", "18.00"), (61, "1", "1.02"), (0, "1", "0.00")])
def test_a_call_costs_its_minutes_times_the_rate(seconds: int, rate: str, cost: str) -> None:
    assert cost_of(seconds, rate) == Decimal(cost)


@pytest.mark.parametrize(("known", "speaks"), [
    (KnownBefore(), None), (KnownBefore(our_late=["Send the part"]), "We are late"),
    (KnownBefore(was_annoyed=True), "A conflict is open"),
    (KnownBefore(has_decision_maker=False), "We do not know them"),
    (KnownBefore(has_preparation=False), "We go unprepared"),
    (KnownBefore(not_available=["Chai"]), "We do not know the product"),
    (KnownBefore(without_application=["Chai"]), "We do not know the product"),
])
def test_each_way_to_lose_them_is_looked_at(known: KnownBefore, speaks: str | None) -> None:
    checks = check_before_call(known)
    assert len(checks) == 5
    assert [check.way for check in checks if not check.is_fine] == ([speaks] if speaks else [])
