"""What comes in by the API: rows by the very rules of files, and events for the timeline of accounts."""

import csv
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from abm.accounts.actions import add_account_event
from abm.accounts.queries import find_account_by_external_id
from abm.api.bodies import is_storable
from abm.api.models import ApiEvent
from abm.api.reading import find_contact_id
from abm.contacts.models import Contact
from abm.imports.mapping import REJECT_COLUMNS
from abm.imports.recording import add_finished_run
from abm.imports.running import Task, bring_in
from abm.imports.tables import ReadingOptions
from core import clock, db
from core.errors import InvalidInput
from core.settings import settings

BASIS_FIELDS = frozenset({"lawful_basis", "basis_source", "basis_at", "consent_kind"})
_EVENT_FIELDS = {"id": 200, "account_id": 200, "contact_id": 200, "title": 300, "text": 4_000, "at": 40}
_NEEDED = ("id", "account_id", "title")
_OLDEST = timedelta(days=3_660)


def take_rows(kind: str, header: Sequence[str], cells: Sequence[Sequence[str]], *, token_name: str,
              is_dry_run: bool = False) -> dict[str, Any]:
    """Bring rows in as a file of the kind would be. Opens transactions of its own. The answer counts them and says of
    each refused one the row (from 1), the field and why."""
    folder = settings().uploads_dir
    folder.mkdir(parents=True, exist_ok=True)
    own = secrets.token_hex(16)
    path, rejects = folder / f"{own}.upload", folder / f"rejects-{own}.csv"
    try:
        lines = _write(path, header, cells)
        report = bring_in(Task(kind, path, rejects, name=f"API: {token_name}", is_dry_run=is_dry_run,
                               options=ReadingOptions("utf-8", ",")))
        refused = _read_rejects(rejects, lines) if report.rejects_file else []
    finally:
        path.unlink(missing_ok=True)
        rejects.unlink(missing_ok=True)
    report.rejects_file = None
    with db.transaction() as session:
        add_finished_run(session, report, f"API: {token_name}")
    answer = {name: value for name, value in report.as_json().items() if name != "rejects_file"}
    return {**answer, "refused": refused}


def _write(path: Path, header: Sequence[str], cells: Sequence[Sequence[str]]) -> dict[int, int]:
    """The row's number (from 1) by the line that it begins on; imports tell lines, and texts may have several."""
    lines, line = {}, 2
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(header)
        for number, row in enumerate(cells, 1):
            written = [cell.replace("\r\n", "\n").replace("\r", "\n") for cell in row]
            writer.writerow(written)
            lines[line] = number
            line += 1 + sum(cell.count("\n") for cell in written)
    return lines


def _read_rejects(path: Path, lines: Mapping[int, int]) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    line, column, error = REJECT_COLUMNS
    told = [{"row": lines.get(int(one[line]), 0), "field": one[column], "error": one[error]} for one in rows]
    return sorted(told, key=itemgetter("row"))


def take_events(session: Session, events: Sequence[Mapping[str, Any]], *, token_id: int) -> dict[str, Any]:
    """Add events to the timeline of their accounts. One that came before is left alone, so a call can be repeated.
    They are notes: none changes a person's standing, and none counts as a reply. Raises InvalidInput, nothing taken."""
    checked = [_check(event, number) for number, event in enumerate(events, 1)]
    created = 0
    refused: list[dict[str, Any]] = []
    for number, event in enumerate(checked, 1):
        outcome = _take_event(session, event, token_id)
        created += outcome == ""
        if outcome not in ("", _KNOWN):
            refused.append({"row": number, "field": outcome, "error": f"there is no such {outcome[:-3]}"})
    return {"read": len(checked), "created": created, "unchanged": len(checked) - created - len(refused),
            "refused": refused}


_KNOWN = "known"


def _take_event(session: Session, event: Mapping[str, Any], token_id: int) -> str:
    """Empty: added; `known`: was there; else the field that names nobody."""
    key = hashlib.sha256(f"{token_id}\0{event['id']}".encode()).hexdigest()
    if session.get(ApiEvent, key) is not None:
        return _KNOWN
    account = find_account_by_external_id(session, event["account_id"])
    if account is None:
        return "account_id"
    contact_id = find_contact_id(session, event["contact_id"]) if event.get("contact_id") else None
    if event.get("contact_id") and session.scalar(select(Contact.id).where(
            Contact.id == contact_id, Contact.account_id == account.id)) is None:
        return "contact_id"
    added = add_account_event(session, account_id=account.id, contact_id=contact_id, kind="api", title=event["title"],
                              text=event.get("text") or "", at=event["at"])
    session.add(ApiEvent(key=key, account_event_id=added.id))
    session.flush()
    return ""


def _check(event: Mapping[str, Any], number: int) -> dict[str, Any]:
    errors: dict[str, str] = {}
    for name, value in event.items():
        if name not in _EVENT_FIELDS:
            errors[name] = "is not a field"
        elif not _is_text(value, _EVENT_FIELDS[name]):
            errors[name] = f"must be a text of at most {_EVENT_FIELDS[name]:,} characters"
    errors |= {name: "is missing" for name in _NEEDED if name not in errors and not event.get(name)}
    at = clock.now()
    if "at" not in errors and event.get("at"):
        try:
            at = _read_moment(event["at"])
        except ValueError:
            errors["at"] = "must be a moment with its zone within the last ten years, such as 2026-05-01T09:30:00Z"
    if errors:
        raise InvalidInput(f"Event {number} cannot be taken", errors)
    return {**event, "at": at}


def _is_text(value: Any, limit: int) -> bool:
    if value is None:
        return True
    return type(value) is str and len(value) <= limit and is_storable(value)


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    now = clock.now()
    if moment.tzinfo is None or not now - _OLDEST < moment < now + timedelta(minutes=5):
        raise ValueError(text)
    return moment.astimezone(UTC)
