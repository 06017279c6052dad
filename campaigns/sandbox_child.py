"""Content that nobody has looked at yet runs here first: in a child process that may be killed and knows no secret.

The child has an empty environment, no database, at most 256 MB and 2 seconds of processor; it answers with text only.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

from campaigns.personalisation import BadValue, MissingValue, Values
from campaigns.sandbox_rules import ContentRefused
from core.errors import CannotRun

MEMORY_BYTES = 256 * 1024 * 1024
CPU_SECONDS = 2
WALL_SECONDS = 15
_ROOT = str(Path(__file__).resolve().parent.parent)
_MAX_ANSWER = 8_000_000
_STARTS = 3
_START = f"import sys; sys.path.insert(0, {_ROOT!r}); from campaigns.sandbox_child import main; main()"

Part = tuple[str, bool]


@lru_cache(maxsize=256)
def prove(parts: tuple[Part, ...]) -> None:
    """Compile every (source, is_html) in the child, unless that was done before. Raises ContentRefused."""
    from campaigns import proofs  # here, since the child itself imports this file and needs no settings

    if not proofs.is_proved(parts):
        _ask_child(parts, None)
        proofs.keep_proof(parts)


def render_in_child(parts: Sequence[Part], values: Values) -> list[str]:
    """Each part filled with `values`. Raises ContentRefused, MissingValue (all names of all parts) or BadValue."""
    return _ask_child(parts, values)


def _ask_child(parts: Sequence[Part], values: Values | None) -> list[str]:
    request = json.dumps({"parts": list(parts), "values": None if values is None else _tagged(values)})
    child = _run_child(request.encode("utf-8", "surrogatepass"))
    if child.returncode == -signal.SIGKILL:
        raise CannotRun("The process that tries content out was killed, perhaps for lack of memory; try again")
    if child.returncode != 0 or not 0 < len(child.stdout) < _MAX_ANSWER:
        raise ContentRefused("This content took too much time or memory and was stopped; make it shorter")
    return _read_answer(json.loads(child.stdout))


def _run_child(request: bytes) -> subprocess.CompletedProcess[bytes]:
    """A child that cannot be started or talked to says nothing about the content: it is tried again, then given up."""
    for left in range(_STARTS - 1, -1, -1):
        try:
            return subprocess.run([sys.executable, "-I", "-c", _START], input=request, capture_output=True,
                                  timeout=WALL_SECONDS, env={}, cwd="/", check=False)
        except subprocess.TimeoutExpired as error:  # content without end runs out of processor seconds before
            raise CannotRun("The process that tries content out did not get its turn; try again") from error
        except OSError as error:
            if not left:
                raise CannotRun(f"The process that tries content out cannot be started: {error}") from error
    raise AssertionError("unreachable: the loop returns or raises")


def _read_answer(answer: Mapping[str, Any]) -> list[str]:
    if "refused" in answer:
        raise ContentRefused(answer["refused"])
    if "missing" in answer:
        raise MissingValue(answer["missing"])
    if "bad" in answer:
        raise BadValue(answer["bad"])
    return list(answer["texts"])


def _tagged(value: Any) -> Any:
    """JSON that keeps dates and amounts what they are."""
    if isinstance(value, Mapping):
        return {"map": {str(key): _tagged(item) for key, item in value.items()}}
    if isinstance(value, list | tuple):
        return {"list": [_tagged(item) for item in value]}
    if isinstance(value, datetime):
        return {"moment": value.isoformat()}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    if isinstance(value, Decimal):
        return {"amount": str(value)}
    if value is None or isinstance(value, str | int | float):
        return value
    raise BadValue(f"A value of the kind {type(value).__name__} cannot be used in content")


def _untagged(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "map":
        return {key: _untagged(item) for key, item in inner.items()}
    if kind == "list":
        return [_untagged(item) for item in inner]
    read: dict[str, Callable[[str], Any]] = {
        "moment": datetime.fromisoformat,
        "day": date.fromisoformat,
        "amount": Decimal,
    }
    return read[kind](inner)


def limit_this_process() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """The child: limits first, then compile, then fill in when values were given."""
    limit_this_process()
    request = json.loads(sys.stdin.buffer.read().decode("utf-8", "surrogatepass"))
    json.dump(_answer(request["parts"], request["values"]), sys.stdout)


def _answer(parts: Sequence[Sequence[Any]], tagged: Any) -> dict[str, Any]:
    from campaigns.html_parts import compile_for_reading

    missing: list[str] = []
    try:
        templates = [compile_for_reading(source, is_html=is_html) for source, is_html in parts]
        values = _untagged(tagged)
        texts = [] if values is None else [render(values, missing) for render in templates]
    except ContentRefused as error:
        return {"refused": str(error)}
    except BadValue as error:
        return {"bad": str(error)}
    return {"missing": list(dict.fromkeys(missing))} if missing else {"texts": texts}
