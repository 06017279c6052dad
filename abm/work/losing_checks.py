"""The five ways to lose a customer, each looked at before the call. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KnownBefore:
    """What is on file about the account and this call. `our_late`: titles of what we owe them and is late."""

    our_late: Sequence[str] = ()
    was_annoyed: bool = False
    annoyed_note: str = ""
    has_decision_maker: bool = True
    has_preparation: bool = True
    not_available: Sequence[str] = ()
    without_application: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One way to lose them: whether nothing speaks for it, and what does."""

    way: str
    is_fine: bool
    words: str


def check_before_call(known: KnownBefore) -> list[Check]:
    """Lateness, open conflict, not knowing the customer, going unprepared, not knowing the product, in this order."""
    return [
        Check("We are late", not known.our_late, _names("We owe them: ", known.our_late) or "Nothing of ours is late."),
        Check("A conflict is open", not known.was_annoyed,
              f"They were annoyed the last time. {known.annoyed_note}".strip() if known.was_annoyed
              else "The last talk on file was not in anger."),
        Check("We do not know them", known.has_decision_maker,
              "Somebody who decides is known." if known.has_decision_maker else "Nobody who decides is known: ask."),
        Check("We go unprepared", known.has_preparation,
              "There is a script or a note." if known.has_preparation
              else "No script and no note: say to yourself first what this call is for."),
        _product(known),
    ]


def _product(known: KnownBefore) -> Check:
    words = " ".join(filter(None, (
        _names("Not available now: ", known.not_available),
        _names("No application note: ", known.without_application))))
    return Check("We do not know the product", not words, words or "What they buy is available and described.")


def _names(before: str, names: Sequence[str]) -> str:
    return f"{before}{', '.join(names[:3])}{' …' if len(names) > 3 else ''}." if names else ""
