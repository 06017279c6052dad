"""What every item of the agenda is made of: the time it looks at, and its rows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

SHOWN = 7
AgendaRow = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Period:
    """What the agenda looks at: from the last meeting to now; days are the company's."""

    since: datetime
    since_on: date
    today: date


def make_row(kind: str, number: object, title: str, facts: Sequence[str], *, link: str, value: float = 0.0,
             account_id: int | None = None) -> AgendaRow:
    """Plain JSON: `key` (stable), `title`, `facts`, `link`, `value` (what the rows are ranked by)."""
    return {"key": f"{kind}:{number}", "title": title, "facts": " · ".join(fact for fact in facts if fact),
            "link": link, "value": value, "account_id": account_id}
