"""`abm receive`"""

import json
from pathlib import Path

import pytest

from abm.cli import main
from campaigns.models import Delivery, EarlierMessageId
from core import clock
from core.db import reading, transaction
from tests.campaigns.campaign_factory import deliveries, make_people, make_run

BOUNCE = """From: MAILER-DAEMON@mx.example.com
Subject: Undelivered
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; jane@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--b
Content-Type: message/rfc822

Message-ID: <m1@example.com>

Hi
--b--
"""


@pytest.fixture
def sent_id(engine_side: Path) -> int:
    with transaction() as session:
        make_people(session)
        delivery = deliveries(session, make_run(session))[0]
        delivery.state, delivery.sent_at = "sent", clock.now()
        delivery.message_id = "<m1@example.com>"
        session.add(EarlierMessageId(message_id="<m1@example.com>", delivery_id=delivery.id))
        return delivery.id


@pytest.fixture
def engine_side(database: Path) -> Path:
    from abm.wiring import connect_engine

    connect_engine()
    return database


def receive(capsys: pytest.CaptureFixture[str], path: Path) -> tuple[int, dict[str, object]]:
    code = main(["receive", str(path), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_bounce_file_is_applied_once(capsys: pytest.CaptureFixture[str], tmp_path: Path, sent_id: int) -> None:
    (tmp_path / "bounce.eml").write_text(BOUNCE)
    code, found = receive(capsys, tmp_path / "bounce.eml")
    again = receive(capsys, tmp_path / "bounce.eml")[1]

    assert (code, found["by_kind"], found["applied"], again["duplicate"]) == (0, {"bounce_hard": 1}, 1, 1)
    with reading() as session:
        assert session.get(Delivery, sent_id).state == "bounced_hard"


def test_a_folder_is_read_whole_and_a_bad_file_never_stops_the_others(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, sent_id: int
) -> None:
    mails = tmp_path / "mails"
    (mails / "more").mkdir(parents=True)
    (mails / "1-bad.eml").write_bytes(b"\x00\x01 not mail")
    (mails / "more" / "2.eml").write_text(BOUNCE)
    (mails / "3.eml").write_text("From: a@example.org\nSubject: Hello\n\nHi")
    code, found = receive(capsys, mails)

    assert (code, found["read"], found["applied"], found["unmatched"], found["failed"]) == (1, 3, 1, 1, 1)
    assert [row["file"] for row in found["files"]] == ["1-bad.eml", "3.eml", "2.eml"]


def test_a_path_that_is_not_there_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, engine_side: Path
) -> None:
    assert main(["receive", str(tmp_path / "none.eml"), "--json"]) == 2
    assert "none.eml" in capsys.readouterr().err


def test_people_are_told_in_words(capsys: pytest.CaptureFixture[str], tmp_path: Path, sent_id: int) -> None:
    (tmp_path / "bounce.eml").write_text(BOUNCE)
    main(["receive", str(tmp_path / "bounce.eml")])

    assert "1 read: 1 bounce hard. 1 applied" in capsys.readouterr().out
