"""Reading a mapping that a person wrote: every complaint names its place, what is wrong and the nearest right name."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from core.errors import InvalidInput

_BREAKS_A_HEADER = frozenset(chr(code) for code in (*range(32), 0x7F, 0x85, 0x2028, 0x2029))


def nearest(word: str, known: Iterable[str]) -> str:
    """`, did you mean "x"?` for the known word closest to a wrong one, else the empty text."""
    found = get_close_matches(word.casefold(), sorted(known), n=1, cutoff=0.5)
    return f', did you mean "{found[0]}"?' if found else ""


@dataclass
class Complaints:
    """All that is wrong in one file, by place, so that a person mends it in one go."""

    by_place: dict[str, str] = field(default_factory=dict)

    def add(self, place: str, sentence: str) -> None:
        self.by_place.setdefault(place, sentence)

    def raise_if_any(self) -> None:
        """InvalidInput with one sentence per place."""
        if self.by_place:
            sentences = [f"{place}: {sentence}" if place else sentence for place, sentence in self.by_place.items()]
            raise InvalidInput("; ".join(sentences), self.by_place)


class RawFields:
    """One mapping of the file. Readers return the value, or the default after noting the complaint."""

    def __init__(self, raw: Any, place: str, complaints: Complaints, known: Sequence[str]) -> None:
        self.complaints, self._place = complaints, place
        self.raw: Mapping[str, Any] = {}
        if not isinstance(raw, Mapping):
            self.complaints.add(place, f"expected names with values, found {describe(raw)}")
            return
        self.raw = {str(name): value for name, value in raw.items() if value is not None}
        for name in self.raw:
            if name not in known:
                self.wrong(name, f'"{name}" is not known here{nearest(name, known)}')

    def place(self, name: str) -> str:
        return f"{self._place}.{name}" if self._place else name

    def wrong(self, name: str, sentence: str) -> None:
        self.complaints.add(self.place(name), sentence)

    def text(self, name: str, default: str = "", *, required: bool = False, longest: int = 200) -> str:
        """One line of text, stripped, without characters that could break a mail header."""
        value = self.raw.get(name, default)
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            self.wrong(name, f"expected text, found {describe(value)}")
            return default
        line = str(value).strip()
        if not line and required:
            self.wrong(name, "is missing")
        elif _BREAKS_A_HEADER & set(line):
            self.wrong(name, "must be one line without control characters")
        elif len(line) > longest:
            self.wrong(name, f"has {len(line)} characters, at most {longest} are possible")
        return line

    def content(self, name: str) -> str | None:
        """Text over several lines, None when left out or blank."""
        value = self.raw.get(name)
        if value is not None and not isinstance(value, str):
            self.wrong(name, f"expected text, found {describe(value)}")
            return None
        return value if value and value.strip() else None

    def choice(self, name: str, known: Sequence[str], default: str) -> str:
        value = self.raw.get(name, default)
        if value in known:
            return str(value)
        self.wrong(name, f"{describe(value)} is not one of {', '.join(known)}{nearest(str(value), known)}")
        return default

    def yes(self, name: str, *, default: bool = False) -> bool:
        """true or false; `default` when left out."""
        value = self.raw.get(name, default)
        if isinstance(value, bool):
            return value
        if str(value).strip().casefold() in ("yes", "no", "true", "false"):
            return str(value).strip().casefold() in ("yes", "true")
        self.wrong(name, f"expected true or false, found {describe(value)}")
        return False

    def choices(self, name: str, known: Sequence[str], default: tuple[str, ...]) -> tuple[str, ...]:
        """A list of known words (one word may stand alone), without repeats."""
        chosen = []
        for word in self.words(name, default):
            if word in known:
                chosen.append(word)
            else:
                self.wrong(name, f'"{word}" is not one of {", ".join(known)}{nearest(word, known)}')
        return tuple(dict.fromkeys(chosen))

    def words(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = self.raw.get(name, default)
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, (list, tuple)) or not all(isinstance(word, str) for word in listed):
            self.wrong(name, f"expected a list of words, found {describe(value)}")
            return default
        return tuple(dict.fromkeys(word.strip() for word in listed if word.strip()))

    def whole(self, name: str, default: int | None, *, lowest: int, highest: int) -> int | None:
        value = self.raw.get(name, default)
        text = str(value).strip()
        if value is default or (not isinstance(value, bool) and text.isdecimal() and lowest <= int(text) <= highest):
            return default if value is default else int(text)
        self.wrong(name, f"expected a whole number from {lowest} to {highest}, found {describe(value)}")
        return default

    def percent(self, name: str, default: int, *, highest: int) -> int:
        """`10%`, `10` or `none`: whole percent."""
        value = self.raw.get(name, default)
        text = str(value).strip().removesuffix("%").strip()
        if text.casefold() == "none" or value is False:
            return 0
        if isinstance(value, bool) or not text.isdecimal() or int(text) > highest:
            self.wrong(name, f"expected a whole percentage from 0% to {highest}%, found {describe(value)}")
            return default
        return int(text)


def describe(value: Any) -> str:
    """A wrong value as a person would recognise it, cut to a readable length."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    text = str(value)
    return f'"{text[:60]}…"' if len(text) > 60 else f'"{text}"'
