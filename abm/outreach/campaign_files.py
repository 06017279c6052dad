"""Campaign files: YAML with content beside it, read into one mapping with all content inside, and written back.

A file may name other files only inside its own folder; symbolic links are followed and held to the same rule.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, cast

import yaml

from campaigns.definition import parse
from campaigns.definition_branches import DEEPEST
from core.errors import InvalidInput, Refused

MAX_BYTES = 1_000_000
MAX_VALUES = 20_000
_CONTENT_NAMES = ("html", "mjml", "text", "script", "body", "brief")
_FILE_ENDING = re.compile(r".*\.(html?|mjml|txt|text|md|markdown|j2|jinja2?)", re.IGNORECASE)
_MARKUP = ("<", "{{", "{%", "://")


class _Loader(yaml.SafeLoader):
    """Safe YAML, where only true and false are switches, days and times stay text, and a repeated name is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _value in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.MarkedYAMLError(problem=f'"{name}" stands there twice', problem_mark=key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)


_UNTYPED = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _UNTYPED]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$", re.IGNORECASE), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9][0-9]*)$"), list("-0123456789"))


def read_campaign_file(path: Path) -> dict[str, Any]:
    """The campaign in the form of `campaigns.definition.parse`, the text of named files inlined.

    Raises Refused for a file that cannot be read, InvalidInput with every wrong place otherwise.
    """
    raw = _load(_read_text(path, str(path)), path.name)
    complaints: dict[str, str] = {}
    for place, holder, name in _contents(raw):
        _inline(holder, name, f"{place}.{name}", path, complaints)
    if complaints:
        raise _with_the_rest(raw, complaints)
    return raw


def read_campaign_text(text: str) -> dict[str, Any]:
    """The same from text typed or pasted in the browser, where no files stand beside it."""
    return _load(text, "the text")


def write_campaign_text(raw: Mapping[str, Any]) -> str:
    """The campaign as YAML that `read_campaign_text` and `abm campaigns apply` understand."""
    return yaml.dump(dict(raw), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Longer texts as blocks, so that content reads like content."""


def _dump_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _dump_text)


def _load(text: str, shown_as: str) -> dict[str, Any]:
    try:
        raw = _copied(yaml.load(text, Loader=_Loader), iter(range(MAX_VALUES)), shown_as)  # noqa: S506  a SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{shown_as}, line {mark.line + 1}, column {mark.column + 1}" if mark else shown_as
        raise Refused(f"{where}: this is not YAML as expected: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Refused(f"{shown_as} is not YAML that can be read: {error}") from error
    if not isinstance(raw, dict):
        raise Refused(f"{shown_as}: a campaign file starts with names and values, such as campaign: welcome-back")
    return cast(dict[str, Any], raw)


def _copied(value: Any, budget: Iterator[int], shown_as: str) -> Any:
    """A copy without shared parts; a file whose aliases unfold without end is refused before it fills the memory."""
    if next(budget, None) is None:
        raise Refused(f"{shown_as} holds more than {MAX_VALUES:,} values; a campaign file is much smaller")
    if isinstance(value, dict):
        return {name: _copied(inner, budget, shown_as) for name, inner in value.items()}
    if isinstance(value, list):
        return [_copied(inner, budget, shown_as) for inner in value]
    return value


def _read_text(path: Path, shown_as: str) -> str:
    if not path.is_file():
        raise Refused(f"There is no file {shown_as}; give the path of a campaign file")
    content = path.read_bytes()
    if len(content) > MAX_BYTES:
        raise Refused(f"{shown_as} has {len(content):,} bytes; at most {MAX_BYTES:,} are possible")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused(f"{shown_as} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    if "\x00" in text:
        raise Refused(f"{shown_as} is not a text file")
    return text.replace("\r\n", "\n")


def _contents(raw: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Every place that may name a content file: (place, the mapping it stands in, its name there)."""
    yield from _contents_of_steps(raw.get("steps"), "steps", 1)


def _contents_of_steps(steps: Any, place: str, depth: int) -> Iterator[tuple[str, dict[str, Any], str]]:
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        holders = [(f"{place}[{index}]", step)]
        branch = step.get("branch") if isinstance(step, dict) else None
        arms = branch if isinstance(branch, dict) and depth <= DEEPEST else {}
        for arm in ("then", "else"):
            yield from _contents_of_steps(arms.get(arm), f"{place}[{index}].branch.{arm}", depth + 1)
        for kind in ("languages", "variants"):
            inner = step.get(kind) if isinstance(step, dict) else None
            pairs = inner.items() if isinstance(inner, dict) else ()
            holders += [(f"{place}[{index}].{kind}.{name}", holder) for name, holder in pairs]
        for where, holder in holders:
            if isinstance(holder, dict):
                yield from ((where, holder, name) for name in _CONTENT_NAMES if isinstance(holder.get(name), str))


def _inline(holder: dict[str, Any], name: str, place: str, beside: Path, complaints: dict[str, str]) -> None:
    value = holder[name].strip() if "\n" not in holder[name] else ""
    if not _is_file_name(value):
        return
    try:
        holder[name] = _read_text(_inside(value, beside), value)
    except Refused as error:
        complaints[place] = str(error)


def _is_file_name(value: str) -> bool:
    """One line that looks like a path; whoever means such a line as the text itself writes it as a block."""
    if not value or len(value) > 255 or any(mark in value for mark in _MARKUP):
        return False
    looks_like_path = " " not in value and ("/" in value or "\\" in value)
    return looks_like_path or bool(_FILE_ENDING.fullmatch(value))


def _inside(name: str, beside: Path) -> Path:
    folder = beside.parent.resolve()
    wanted = (folder / name).resolve()
    if Path(name).is_absolute() or not wanted.is_relative_to(folder):
        raise Refused(f'"{name}" lies outside the folder of {beside.name}; put the file beside it')
    if not wanted.is_file():
        there = [str(file.relative_to(folder)) for file in folder.iterdir() if file.is_file()]
        near = get_close_matches(name, there, n=1)
        hint = f', did you mean "{near[0]}"?' if near else "; write the text itself as a block, with | after the name"
        raise Refused(f'there is no file "{name}" beside {beside.name}{hint}')
    return wanted


def _with_the_rest(raw: Mapping[str, Any], complaints: dict[str, str]) -> InvalidInput:
    """All that is wrong at once: the files that are not there and what the reader of the format finds."""
    try:
        parse(raw)
    except InvalidInput as error:
        complaints = {**error.fields, **complaints}
    return InvalidInput("; ".join(f"{place}: {sentence}" for place, sentence in complaints.items()), complaints)
