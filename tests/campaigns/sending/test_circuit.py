from datetime import UTC, datetime, timedelta

from campaigns.sending.circuit import Circuit, Opening

NOW = datetime(2026, 3, 11, 12, tzinfo=UTC)
REFUSED = Opening(False, "connect", None, "Connection refused")
NO_LOGIN = Opening(False, "auth", 535, "5.7.8 bad credentials")


def minutes(circuit: Circuit, at: datetime = NOW) -> float:
    assert circuit.until is not None
    return (circuit.until - at).total_seconds() / 60


def test_ten_failures_in_a_row_pause_for_a_minute_and_nine_do_not() -> None:
    assert Circuit().after([REFUSED] * 9, NOW).until is None
    assert minutes(Circuit().after([REFUSED] * 10, NOW)) == 1


def test_one_success_between_failures_starts_the_count_anew() -> None:
    assert Circuit().after([*[REFUSED] * 9, Opening(True), *[REFUSED] * 9], NOW).until is None


def test_a_refused_login_pauses_at_once_and_a_passing_one_does_not() -> None:
    assert minutes(Circuit().after([NO_LOGIN], NOW)) == 1
    assert Circuit().after([Opening(False, "auth", 454, "later")], NOW).until is None


def test_a_line_that_is_not_safe_pauses_at_once_and_a_passing_trouble_with_tls_does_not() -> None:
    untrusted = Opening(False, "starttls", None, "the server's certificate is not trusted")
    assert minutes(Circuit().after([untrusted], NOW)) == 1
    assert minutes(Circuit().after([Opening(False, "tls", None, "not trusted")], NOW)) == 1
    assert Circuit().after([Opening(False, "starttls", 454, "TLS not available for now")], NOW).until is None


def test_who_asks_to_be_left_alone_is_for_as_long_whatever_else_opens() -> None:
    asked = Opening(False, "http", 429, "daily quota", wait=3_600)
    circuit = Circuit().after([REFUSED, asked, Opening(True), asked, Opening(True)], NOW)
    assert (minutes(circuit), circuit.reason, circuit.pauses) == (60, "http: 429 daily quota", 0)
    assert circuit.after([Opening(True)], NOW + timedelta(hours=2)) == Circuit()


def test_each_further_pause_is_longer_up_to_fifteen_minutes() -> None:
    circuit, at, seen = Circuit(), NOW, []
    for _ in range(6):
        circuit = circuit.after([NO_LOGIN], at)
        seen.append(minutes(circuit, at))
        at = at + timedelta(minutes=20)
    assert seen == [1, 2, 4, 8, 15, 15]


def test_after_a_pause_one_failure_is_enough_and_one_success_ends_it() -> None:
    paused = Circuit().after([REFUSED] * 10, NOW)
    later = NOW + timedelta(minutes=2)
    assert minutes(paused.after([REFUSED], later), later) == 2
    assert paused.after([Opening(True)], later) == Circuit()


def test_connections_that_were_under_way_do_not_lengthen_a_pause() -> None:
    paused = Circuit().after([NO_LOGIN], NOW)
    assert paused.after([REFUSED] * 30, NOW) == paused
