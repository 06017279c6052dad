"""Requests to addresses that people typed in: public hosts only, one connection, bounded."""

import socket
import time
from pathlib import Path

import pytest

from campaigns.channels import guard
from campaigns.channels.guarded_request import NoAnswer, ask, parse_address
from core.errors import Refused
from core.settings import settings
from tests.abm.integrations.endpoints import serving


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f.1/", "http://0/", "http://[::1]/",
     "http://[::ffff:127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://localhost/", "http://169.254.169.254/latest",
     "http://10.0.0.1/", "http://100.64.0.1/", "http://[fd00:ec2::254]/", "http://[fe80::1]/", "http://224.0.0.1/",
     "http://１２７.0.0.1/", "http://127。0。0。1/"],
)
def test_the_own_network_is_not_reached_in_any_form(data_dir: Path, url: str) -> None:
    with pytest.raises(NoAnswer):
        ask(url, seconds=2)


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "file:///etc/passwd", "http://user@example.com/", "http://a b/",
     "http://example.com/\r\nX: y",
     "https://example.com:99999/", "http:///x", "javascript:alert(1)", "http://example.com\\@127.0.0.1/", "http://e.com/é"],
)
def test_odd_addresses_are_refused_before_anything_is_asked(url: str) -> None:
    with pytest.raises(Refused):
        parse_address(url)


def test_a_name_that_changes_its_address_is_looked_up_once(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["203.0.113.9", "127.0.0.1"])
    tried = []

    def look_up(host: str, port: int, **_more: object) -> list:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address: tuple, timeout: float) -> socket.socket:
        tried.append(address[0])
        raise OSError("no network in tests")

    monkeypatch.setattr(guard.socket, "getaddrinfo", look_up)
    monkeypatch.setattr(guard.socket, "create_connection", connect)
    monkeypatch.setattr(guard, "is_public", lambda address: not address.startswith("127."))
    with pytest.raises(NoAnswer):
        ask("http://rebinding.example.com/")
    assert tried == ["203.0.113.9"]
    with pytest.raises(NoAnswer, match="own network"):
        ask("http://rebinding.example.com/")


@pytest.fixture
def allowed(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABM_ALLOWED_HOSTS", "127.0.0.1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    settings.cache_clear()


def test_an_allowed_host_answers_and_the_environments_proxy_is_not_used(allowed: None) -> None:
    with serving(lambda path, _: (200, {"X-Path": path}, b"hello")) as (url, _asked):
        answer = ask(f"{url}/a?b=c")
    assert (answer.status, answer.body, answer.headers["x-path"]) == (200, b"hello", "/a?b=c")


def test_a_redirect_is_handed_back_and_not_followed(allowed: None) -> None:
    with serving(lambda *_: (302, {"Location": "/other"}, b"")) as (url, asked):
        assert ask(url).status == 302
    assert len(asked) == 1


def test_a_dripping_server_is_left_after_the_time_is_over(allowed: None) -> None:
    def drip(*_: object) -> tuple:
        time.sleep(1.5)
        return 200, {}, b"late"

    begun = time.monotonic()
    with serving(drip) as (url, _asked), pytest.raises(NoAnswer, match=r"within 0\.3 s"):
        ask(url, seconds=0.3)
    assert time.monotonic() - begun < 5
