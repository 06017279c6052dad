"""What commands share: JSON answers, exit codes, a progress bar on a terminal."""

import json
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import click

DONE, PARTLY, REFUSED, COULD_NOT_RUN = 0, 1, 2, 3


def plain(value: object) -> Any:
    """Dates as ISO text and amounts as numbers, for `json.dumps(default=plain)`."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def answer(result: Mapping[str, Any], *, as_json: bool, text: str) -> None:
    """Print the one JSON object, or the text for people."""
    click.echo(json.dumps(result, default=plain, ensure_ascii=False) if as_json else text)


def progress_bar(label: str) -> Callable[[int, int], None]:
    """A function (done, total) that draws a bar on standard error, on a terminal only. Total 0: not known."""
    if not sys.stderr.isatty():
        return lambda _done, _total: None

    def draw(done: int, total: int) -> None:
        share = f"{done / total:4.0%}" if total else f"{done:,}"
        print(f"\r{label} {share}", end="\n" if total and done >= total else "", file=sys.stderr, flush=True)

    return draw
