"""Which content has been tried out already, so that a new sending process need not start a child for it again.

A proof is an empty file whose name is a keyed digest of the content and of the code that compiles it: nobody without
the secret key can make one, and new code asks for new proofs.
"""

import hashlib
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from core.settings import settings
from core.signing import keyed_digest

_COMPILERS = ("html_parts.py", "mjml_parts.py", "personalisation.py", "sandbox.py", "sandbox_child.py",
              "sandbox_filters.py", "sandbox_rules.py")


def is_proved(parts: Sequence[tuple[str, bool]]) -> bool:
    """Whether this content compiled in the child before, under this code."""
    return _file(parts).exists()


def keep_proof(parts: Sequence[tuple[str, bool]]) -> None:
    """Remember it. Where the file cannot be written, the content is tried out again next time."""
    file = _file(parts)
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def _file(parts: Sequence[tuple[str, bool]]) -> Path:
    return settings().data_dir / "proofs" / keyed_digest("content-proof", f"{_code()}\n{parts!r}")


@lru_cache(maxsize=1)
def _code() -> str:
    folder = Path(__file__).parent
    known = hashlib.sha256(f"{sys.version} {version('jinja2')} {version('markupsafe')}".encode())
    for name in _COMPILERS:
        known.update((folder / name).read_bytes())
    return known.hexdigest()
