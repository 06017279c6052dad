"""Lines that are kept as they were encoded stay those of their value."""

from typing import Any

from campaigns.bodies import Body, compile_bodies
from campaigns.contents import Words


def _body(source: str) -> Body:
    text, _html = compile_bodies(Words("Hello", None, source))
    return text


def _filled(body: Body, first_name: Any) -> tuple[bytes, list[str]]:
    missing: list[str] = []
    return body.encode(body.template.flat({"contact": {"first_name": first_name}}, missing)), missing


def test_each_value_gets_its_own_line_in_any_order() -> None:
    body = _body("Dear {{ contact.first_name }},\nhello")
    assert [_filled(body, name)[0] for name in ("Ann", "Zoë", "Ann")] == [
        b"Dear Ann,\r\nhello", b"Dear Zo=C3=AB,\r\nhello", b"Dear Ann,\r\nhello"]


def test_a_missing_value_is_told_every_time() -> None:
    body = _body("Dear {{ contact.first_name }}")
    assert [_filled(body, name)[1] for name in (None, "Ann", None)] == [["contact.first_name"], [],
                                                                        ["contact.first_name"]]
