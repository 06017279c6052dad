"""`abm campaigns …` from a file to sent mail: books, exit codes, refusals."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from abm.cli import main
from abm.outreach.queries import find_campaign_by_name
from campaigns import jobs, planning_jobs
from campaigns.models import Campaign, Delivery
from core import db
from core.settings import settings
from tests.abm.outreach.companies import CAMPAIGN, WORKING_MOMENT, make_listed_people, write_campaign
from tests.factories import make_account, make_contact, make_user

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture(autouse=True)
def _working_hours(at: Callable[..., None]) -> None:
    at(WORKING_MOMENT)


@pytest.fixture
def file(database: Path, tmp_path: Path) -> Path:
    """The campaign file, with three people on its list and a marketer who may approve."""
    with db.transaction() as session:
        make_user(session, email="boss@example.com", name="Boss", role="marketer")
        make_listed_people(session, 3)
    return write_campaign(tmp_path)


def carried_out() -> None:
    """What `abm work --burst` does, without processes."""
    for _round in range(4):
        planning_jobs.advance_runs()
        jobs.drain_outbox()


def answered(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    capsys.readouterr()
    assert main(["campaigns", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def launched(file: Path) -> None:
    codes = [main(["campaigns", "apply", str(file)]),
             main(["campaigns", "approve", "welcome-back", "--by", "boss@example.com"]),
             main(["campaigns", "launch", "welcome-back"])]
    assert codes == [0, 0, 0]


def test_a_file_is_applied_approved_launched_and_sent(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    launched(file)
    carried_out()
    status = answered(capsys, "status", "welcome-back")
    assert status["by_state"] == {"queued": 0, "sent": 3, "suppressed": 0, "failed": 0, "unknown": 0}
    assert len(list(settings().outbox_dir.glob("*.eml"))) == 3


def test_status_has_exactly_the_promised_fields(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    launched(file)
    assert list(answered(capsys, "status", "welcome-back")) == [
        "campaign", "state", "planned", "held_out", "by_state", "reasons", "replied", "clicked", "opened_human",
        "opened_machine", "bounced", "complained", "unsubscribed", "cost", "orders"]


def test_planned_is_the_sum_of_the_books_with_everybody_in_it(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with db.transaction() as session:
        account = make_account(session, country="GB")
        make_contact(session, account, lawful_basis="none")
        make_contact(session, account, email=None)
        from abm.targets.models import ListMember, TargetList
        from core import clock
        found = session.query(TargetList).one()
        session.add(ListMember(list_id=found.id, account_id=account.id, added_at=clock.now(), how="hand"))
    launched(file)
    carried_out()
    status = answered(capsys, "status", "welcome-back")
    assert status["planned"] == sum(status["by_state"].values()) == 5
    assert status["reasons"] == {"no_address": 1, "no_basis": 1}


def test_applying_the_same_file_again_changes_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answered(capsys, "apply", str(file))["change"] == "created"
    main(["campaigns", "approve", "welcome-back", "--by", "boss@example.com"])
    again = answered(capsys, "apply", str(file))
    assert (again["change"], again["state"]) == ("unchanged", "approved")


def test_a_changed_file_voids_the_approval(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    launched_after_change = main(["campaigns", "apply", str(file)])
    main(["campaigns", "approve", "welcome-back", "--by", "boss@example.com"])
    (file.parent / "hello.html").write_text("<p>Other words {{ sender.postal_address }} {{ unsubscribe_url }}</p>")
    assert answered(capsys, "apply", str(file))["state"] == "draft"
    assert (launched_after_change, main(["campaigns", "launch", "welcome-back"])) == (0, 2)


@pytest.mark.parametrize(("email", "role", "active", "says"), [
    ("sales@example.com", "sales", True, "may not approve"),
    ("gone@example.com", "marketer", False, "disabled"),
    ("nobody@example.com", None, True, "no user"),
])
def test_only_an_active_marketer_or_admin_may_approve(
        file: Path, capsys: pytest.CaptureFixture[str], email: str, role: str | None, active: bool, says: str) -> None:
    if role:
        with db.transaction() as session:
            make_user(session, email=email, role=role, is_active=active)
    main(["campaigns", "apply", str(file)])
    assert main(["campaigns", "approve", "welcome-back", "--by", email]) == 2
    assert says in capsys.readouterr().err


def test_ignoring_caps_needs_an_admin(file: Path, tmp_path: Path) -> None:
    write_campaign(tmp_path, CAMPAIGN + "caps: exempt\n")
    with db.transaction() as session:
        make_user(session, email="admin@example.com", role="admin")
    main(["campaigns", "apply", str(file)])
    assert main(["campaigns", "approve", "welcome-back", "--by", "boss@example.com"]) == 2
    assert main(["campaigns", "approve", "welcome-back", "--by", "admin@example.com"]) == 0


def test_a_launch_without_approval_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["campaigns", "apply", str(file)])
    assert main(["campaigns", "launch", "welcome-back"]) == 2
    assert "approve" in capsys.readouterr().err


@pytest.mark.parametrize(("wrong", "right", "says"), [
    ("list: silent", "list: silnt", 'list: there is no list "silnt", did you mean "silent"?'),
    ("purpose:", "porpose:", 'did you mean "purpose"?'),
    ("html: hello.html", "html: helo.html", 'did you mean "hello.html"?'),
    ("subject: \"{{ account.name }}", "subject: \"{{ acount.name }}", "account.name"),
    ("channel: email", "channel: emial", 'did you mean "email"?'),
])
def test_a_wrong_name_is_refused_with_its_place_and_the_nearest_right_one(
        file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: str, right: str, says: str) -> None:
    write_campaign(tmp_path, CAMPAIGN.replace(wrong, right))
    assert main(["campaigns", "apply", str(file)]) == 2
    assert says in capsys.readouterr().err


def test_a_refused_file_leaves_nothing_behind(file: Path, tmp_path: Path) -> None:
    write_campaign(tmp_path, CAMPAIGN.replace("channel: email", "channel: emial"))
    main(["campaigns", "apply", str(file)])
    with db.reading() as session:
        assert find_campaign_by_name(session, "welcome-back") is None


def test_the_check_says_what_a_launch_would_do(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["campaigns", "apply", str(file)])
    found = answered(capsys, "check", "welcome-back")
    assert (found["people"], found["accounts"], found["blocked"]) == (3, 3, False)
    assert found["sentence"] == "3 people will be written to from now on; nobody is left out."


def test_the_check_on_a_weekend_names_monday_and_that_zones_are_peoples_own(
        file: Path, capsys: pytest.CaptureFixture[str], at: Callable[..., None]) -> None:
    at(datetime(2026, 3, 7, 12, tzinfo=UTC))
    main(["campaigns", "apply", str(file)])
    assert answered(capsys, "check", "welcome-back")["sentence"] == (
        "3 people will be written to from Monday 9 March 09:00 in their own zones; nobody is left out.")


def test_content_without_an_unsubscribe_link_refuses_a_launch(
        file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (file.parent / "hello.html").write_text("<p>Hello</p>")
    main(["campaigns", "apply", str(file)])
    assert main(["campaigns", "check", "welcome-back"]) == 2
    assert "unsubscribe" in capsys.readouterr().out


def test_pause_holds_and_resume_sends_exactly_the_rest(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    launched(file)
    planning_jobs.advance_runs()
    assert answered(capsys, "pause", "welcome-back")["state"] == "paused"
    jobs.drain_outbox()
    assert answered(capsys, "status", "welcome-back")["by_state"]["queued"] == 3
    assert answered(capsys, "resume", "welcome-back")["state"] == "running"
    carried_out()
    assert answered(capsys, "status", "welcome-back")["by_state"]["sent"] == 3


def test_cancel_keeps_the_books_balanced(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    launched(file)
    planning_jobs.advance_runs()
    assert answered(capsys, "cancel", "welcome-back")["state"] == "cancelled"
    status = answered(capsys, "status", "welcome-back")
    assert (status["by_state"]["suppressed"], status["reasons"]) == (3, {"campaign_cancelled": 3})


def test_a_dry_run_says_what_goes_on_which_day_and_changes_nothing(
        file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["campaigns", "apply", str(file)])
    found = answered(capsys, "dry-run", "welcome-back", "--from", "2026-03-09", "--days", "5")
    assert (found["goes"], found["by_day"][0]["day"]) == (3, "2026-03-09")
    assert answered(capsys, "status", "welcome-back")["planned"] == 0


def test_the_export_has_the_promised_columns_and_a_row_per_message(file: Path, tmp_path: Path) -> None:
    launched(file)
    carried_out()
    target = tmp_path / "out.csv"
    assert main(["campaigns", "export", "welcome-back", "--csv", str(target)]) == 0
    with open(target, newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert list(rows[0]) == ["account_id", "contact_id", "email", "step", "channel", "state", "reason", "due_at",
                             "sent_at", "message_id", "attempts"]
    assert ([row["state"] for row in rows], rows[0]["attempts"]) == (["sent"] * 3, "1")


def test_cells_that_a_spreadsheet_would_run_are_defused_in_the_export(file: Path, tmp_path: Path) -> None:
    with db.transaction() as session:
        from abm.contacts.models import Contact
        session.query(Contact).order_by(Contact.id).first().external_id = "=1+1"
    launched(file)
    carried_out()
    main(["campaigns", "export", "welcome-back", "--csv", str(tmp_path / "out.csv")])
    assert "'=1+1" in (tmp_path / "out.csv").read_text()


def test_an_export_that_cannot_be_written_is_refused(file: Path) -> None:
    main(["campaigns", "apply", str(file)])
    assert main(["campaigns", "export", "welcome-back", "--csv", "/nowhere/out.csv"]) == 2


@pytest.mark.parametrize("command", ["check", "status", "launch", "pause", "resume", "cancel", "dry-run"])
def test_a_campaign_that_does_not_exist_is_refused_by_every_command(
        file: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    main(["campaigns", "apply", str(file)])
    assert main(["campaigns", command, "welcome-bak"]) == 2
    assert 'did you mean "welcome-back"?' in capsys.readouterr().err


def test_what_is_applied_on_the_command_line_has_the_system_as_author(file: Path) -> None:
    main(["campaigns", "apply", str(file)])
    with db.reading() as session:
        campaign = session.query(Campaign).one()
        assert (campaign.editor_id, campaign.editor_name) == (None, "system")


def test_a_message_in_doubt_is_listed_and_sent_again_by_command(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    launched(file)
    carried_out()
    with db.transaction() as session:
        doubtful = session.query(Delivery).order_by(Delivery.id).first()
        doubtful.state, doubtful.sent_at, number = "unknown", None, str(doubtful.id)
    (row,) = answered(capsys, "doubt", "welcome-back")["in_doubt"]
    assert str(row["message"]) == number
    answered(capsys, "resend", "welcome-back", number)
    carried_out()
    status = answered(capsys, "status", "welcome-back")
    assert (status["planned"], status["by_state"]["sent"], status["by_state"]["unknown"]) == (4, 3, 1)
    assert main(["campaigns", "resend", "welcome-back", number]) == 2
    assert main(["campaigns", "confirm", "welcome-back", "999"]) == 2


def test_the_gates_decisions_replay_the_same_by_command(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    launched(file)
    carried_out()
    assert answered(capsys, "replay", "welcome-back") == {"checked": 3, "differing": []}
