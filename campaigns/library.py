"""The library of ready plays in `campaigns/plays`: whom a play is for, what it promises, and its campaign.

A play's messages are paragraphs of plain text in English and at least one other language; the letter's end (who signs,
the postal address and the way out) is added here once for all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from core.errors import NotFound

WORDS = frozenset({"subject", "body", "script", "brief"})
FOLDER = Path(__file__).parent / "plays"
_SIGNED = "{{ owner.name | default(sender.name) }}"
_GREETING = {"en": "Kind regards", "de": "Mit freundlichen Grüßen"}
_BY_HAND = "\n\n\n\n"  # empty lines above the name, to sign in
_ADDRESS = "<p><small>{{ sender.postal_address }} · "
_STOP = {"en": "No more messages of this kind", "de": "Keine weiteren Nachrichten dieser Art"}


@dataclass(frozen=True)
class Play:
    """`who` is a target list's rule; `offer` what must be promised first, or None; `campaign` is in the form of a
    campaign file without name, list and sender; `bodies`: the plain paragraphs by step id and language."""

    name: str
    title: str
    about: str
    system: str
    list_title: str
    who: Mapping[str, Any]
    offer: Mapping[str, Any] | None
    campaign: Mapping[str, Any]
    bodies: Mapping[str, Mapping[str, str]]

    @property
    def tells_a_program(self) -> bool:
        """Whether a step of it is a message to another program, whose address only the user knows."""
        return any(step.get("channel") == "webhook" for step in self.campaign["steps"])

    @property
    def languages(self) -> list[str]:
        """Those that every message, script and brief of the play is written in, English first."""
        worded = [step for step in self.campaign["steps"] if not WORDS.isdisjoint(step)]
        others = [set(step.get("languages", {})) for step in worded]
        return ["en", *sorted(set.intersection(*others))] if others else ["en"]


@lru_cache(maxsize=1)
def list_plays() -> tuple[Play, ...]:
    """Every play, by its title."""
    found = [_read(path) for path in FOLDER.glob("*.yaml")]
    return tuple(sorted(found, key=lambda play: play.title))


def get_play(name: str) -> Play:
    """Raises NotFound with the names there are."""
    for play in list_plays():
        if play.name == name:
            return play
    raise NotFound(f"There is no play {name}; there are {', '.join(play.name for play in list_plays())}")


def _read(path: Path) -> Play:
    raw = yaml.safe_load(path.read_text("utf-8"))
    campaign = {**raw["campaign"], "steps": [_written(step) for step in raw["campaign"]["steps"]]}
    return Play(name=raw["play"], title=raw["title"], about=raw["about"], system=raw["system"],
                list_title=raw["list"]["title"], who=raw["list"]["who"], offer=raw.get("offer"), campaign=campaign,
                bodies={step["id"]: _bodies(step) for step in raw["campaign"]["steps"] if "body" in step})


def _bodies(step: Mapping[str, Any]) -> dict[str, str]:
    others = {language: words["body"] for language, words in step.get("languages", {}).items()}
    return {language: "\n\n".join(_paragraphs(body)) for language, body in {"en": step["body"], **others}.items()}


def _paragraphs(body: str) -> list[str]:
    return [" ".join(part.split()) for part in body.strip().split("\n\n")]


def _written(step: Mapping[str, Any]) -> dict[str, Any]:
    """The step with its plain paragraphs as a letter's text or as HTML, in every language."""
    if step.get("channel") in ("call", "visit"):
        return dict(step)
    if step.get("channel") == "letter":
        others = {language: {**words, "body": to_letter(words["body"], language)}
                  for language, words in step.get("languages", {}).items()}
        return {**step, "body": to_letter(step["body"], "en"), "languages": others}
    written = {name: value for name, value in step.items() if name not in ("body", "languages")}
    if "body" in step:
        written["html"] = to_html(step["body"], "en")
    if "languages" in step:
        written["languages"] = {language: {"subject": words["subject"], "html": to_html(words["body"], language)}
                                for language, words in step["languages"].items()}
    return written


def to_letter(body: str, language: str) -> str:
    """Paragraphs, the greeting and the signature; the addresses are put on the page when it is printed."""
    return "\n\n".join((*_paragraphs(body), f"{_GREETING[language]}{_BY_HAND}{_SIGNED}")) + "\n"


def to_html(body: str, language: str) -> str:
    """Paragraphs parted by empty lines, then the greeting, signature, address and the link that ends it."""
    html = [f"<p>{paragraph}</p>" for paragraph in (*_paragraphs(body), f"{_GREETING[language]}<br>{_SIGNED}")]
    end = f'{_ADDRESS}<a href="{{{{ unsubscribe_url }}}}">{_STOP[language]}</a></small></p>'
    return "\n\n".join([*html, end]) + "\n"
