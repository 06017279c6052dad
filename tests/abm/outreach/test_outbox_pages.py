"""Reading what would have been sent."""

from pathlib import Path
from typing import Any

import pytest

from campaigns.tracking import open_url

MAIL = b"""Date: Sun, 22 Nov 2026 02:50:42 +0000\r
To: "Doe, Jane" <jane@example.com>\r
From: Sales <sales@example.com>\r
Subject: =?utf-8?b?R3LDvMOfZQ==?=\r
List-Unsubscribe: <http://127.0.0.1:8000/u/abc>\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative; boundary="b"\r
\r
--b\r
Content-Type: text/plain; charset=utf-8\r
\r
Plain <words>\r
--b\r
Content-Type: text/html; charset=utf-8\r
\r
<html><head></head><body><p>Rich</p><script>alert(1)</script><img src="PIXEL"></body></html>\r
--b--\r
"""


@pytest.fixture
def outbox(app: Any, data_dir: Path) -> Path:
    folder = data_dir / "outbox"
    folder.mkdir()
    (folder / "0000000001.eml").write_bytes(MAIL.replace(b"PIXEL", open_url(1).encode()))
    return folder


def test_the_list_shows_decoded_heads_and_finds_by_words(client_as: Any, outbox: Path) -> None:
    browser = client_as("marketer")

    assert "Grüße" in browser.get("/outbox").text
    assert "Doe, Jane" in browser.get("/outbox?q=jane").text
    assert "Nothing matches" in browser.get("/outbox?q=nobody").text


def test_a_message_is_read_with_its_links(client_as: Any, outbox: Path) -> None:
    page = client_as("marketer").get("/outbox/0000000001.eml").text

    assert "Plain &lt;words&gt;" in page
    assert 'href="http://127.0.0.1:8000/u/abc"' in page
    assert "/outbox/0000000001.eml/html" in page


def test_the_html_runs_nothing_and_reading_it_is_no_open(client_as: Any, outbox: Path) -> None:
    answer = client_as("marketer").get("/outbox/0000000001.eml/html")
    policy = answer.headers["Content-Security-Policy"]

    assert policy.startswith("sandbox ")
    assert "default-src 'none'" in policy
    assert "allow-scripts" not in policy
    assert '<base target="_blank">' in answer.text
    assert "/o/" not in answer.text


@pytest.mark.parametrize("name", ["..%2Fsecret.key", "0000000009.eml", ".hidden.eml", "x.txt", "..%2F..%2Fx.eml"])
def test_only_messages_of_the_outbox_can_be_read(client_as: Any, outbox: Path, name: str) -> None:
    (outbox.parent / "x.eml").write_bytes(MAIL)

    assert client_as("marketer").get(f"/outbox/{name}").status_code == 404
    assert client_as("marketer").get(f"/outbox/{name}/source").status_code == 404


@pytest.mark.parametrize(("role", "status"), [("admin", 200), ("marketer", 200), ("sales", 403), ("viewer", 403)])
def test_who_may_read_the_outbox(client_as: Any, outbox: Path, role: str, status: int) -> None:
    assert client_as(role).get("/outbox").status_code == status


def test_an_empty_outbox_says_what_fills_it(client_as: Any) -> None:
    assert "Launch a campaign" in client_as("marketer").get("/outbox").text
