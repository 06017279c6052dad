"""How deep markup is nested: asked before anything is handed to parsers that recurse, which would end the process."""

import re

MAX_DEPTH = 200
_TAG = re.compile(r"<!--.*?-->|<(/?)([a-zA-Z][^\s/>]*)", re.DOTALL)
_NEVER_HOLD = frozenset(
    re.findall(
        r"\w+",
        """area base br col embed hr img input link meta source track wbr
    p li dt dd tr td th tbody thead tfoot option""",
    )
)


def is_too_deep(markup: str) -> bool:
    """Whether more than MAX_DEPTH elements stand open at once. Those that the next of their kind ends do not count."""
    if markup.count("<") <= MAX_DEPTH:
        return False
    open_by_name: dict[str, int] = {}
    depth = 0
    for closes, name in _tags(markup):
        if name in _NEVER_HOLD:
            continue
        if not closes:
            open_by_name[name] = open_by_name.get(name, 0) + 1
            depth += 1
        elif open_by_name.get(name):
            open_by_name[name] -= 1
            depth -= 1
        if depth > MAX_DEPTH:
            return True
    return False


def _tags(markup: str) -> list[tuple[str, str]]:
    return [(closes, name.lower()) for closes, name in _TAG.findall(markup) if name]
