"""`abm receive`: bounces, complaints, auto-replies and replies from mail files."""

from collections import Counter
from pathlib import Path
from typing import Any

import click

from abm.web.terminal import DONE, PARTLY, answer, progress_bar
from campaigns.receipts import receive_message
from core.db import transaction
from core.errors import Refused

MAX_BYTES = 25_000_000


@click.command("receive")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def receive(path: Path, as_json: bool) -> int:
    """Read a mail file, or every file of a folder, and apply what it says."""
    files = mail_files(path)
    draw = progress_bar("Reading mail")
    rows = []
    for number, file in enumerate(files, 1):
        rows.append(_receive_file(file))
        draw(number, len(files))
    result = summary(rows)
    answer(result, as_json=as_json, text=_in_words(result))
    return PARTLY if result["failed"] else DONE


def mail_files(path: Path) -> list[Path]:
    """The file itself, or the .eml files below a folder (every file where none is called so), in order of name."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise Refused(f"{path} is neither a file nor a folder; name a mail file (.eml) or a folder of them")
    every = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    named = [file for file in every if file.suffix.lower() == ".eml"]
    if not every:
        raise Refused(f"{path} holds no file; put the mail files (.eml) there first")
    return named or every


def _receive_file(file: Path) -> dict[str, Any]:
    """One file in a transaction of its own: a bad one never undoes the others."""
    row: dict[str, Any] = {"file": file.name}
    try:
        if file.stat().st_size > MAX_BYTES:
            return row | {"kind": "failed", "outcome": "failed", "error": "larger than 25 MB"}
        raw = file.read_bytes()
    except OSError as error:
        return row | {"kind": "failed", "outcome": "failed", "error": f"cannot be read: {error.strerror}"}
    if b":" not in raw[:4_000] or b"\x00" in raw[:4_000]:
        return row | {"kind": "failed", "outcome": "failed", "error": "not a mail message: it has no header"}
    with transaction() as session:
        return row | receive_message(session, raw).as_mapping()


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts by kind and by outcome, and what became of each file."""
    outcomes = Counter(row["outcome"] for row in rows)
    kinds = Counter(row["kind"] for row in rows if row["outcome"] != "failed")
    return {
        "read": len(rows),
        "applied": outcomes["applied"],
        "duplicate": outcomes["duplicate"],
        "unmatched": outcomes["unmatched"],
        "failed": outcomes["failed"],
        "by_kind": dict(sorted(kinds.items())),
        "files": rows,
    }


def _in_words(result: dict[str, Any]) -> str:
    kinds = ", ".join(f"{count} {kind.replace('_', ' ')}" for kind, count in result["by_kind"].items()) or "none"
    lines = [
        f"{result['read']} read: {kinds}. {result['applied']} applied, {result['duplicate']} known already, "
        f"{result['unmatched']} about nothing of ours, {result['failed']} not readable."
    ]
    lines += [f"  {row['file']}: {row['error']}" for row in result["files"] if row.get("error")]
    return "\n".join(lines)
