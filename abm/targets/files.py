"""A list in a YAML file. Scalars stay text until a field's type says what they are: `NO` is Norway, `007` an id."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from abm.targets.rule_tree import Rule, Top, to_raw
from abm.targets.rules import read_rules, read_top
from abm.targets.vocabulary import Vocabulary
from campaigns.raw_fields import Complaints, RawFields, describe
from core.errors import InvalidInput

LARGEST_FILE = 5_000_000
MOST_ACCOUNTS = 500_000
LONGEST_ID = 200
_KEYS = ("list", "title", "who", "top", "accounts")
_NAME = re.compile(r"[^\W_][\w.-]{0,99}")
_TRUTH, _NOTHING = re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), re.compile(r"(?:~|null|Null|NULL|)$")


@dataclass(frozen=True)
class ListDefinition:
    """What a file or the builder says of a list: by rules (`who`, `top`), or by hand (`accounts`: the source's ids)."""

    name: str
    title: str
    who: Rule | None = None
    top: Top | None = None
    accounts: tuple[str, ...] | None = None

    @property
    def is_static(self) -> bool:
        return self.accounts is not None


class NotYaml(InvalidInput):
    """The text is no YAML; `line`, from 1, is where reading broke off."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message, {"yaml": message})
        self.line = line


class _Loader(yaml.SafeLoader):
    """Safe, text for everything but true, false and null, and no name twice."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f'"{key.value}" is said twice', problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _TRUTH, list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", _NOTHING, ["~", "n", "N", ""])


def load_yaml(text: str) -> Any:
    """The document, scalars as text. Raises InvalidInput with line and column."""
    if len(text) > LARGEST_FILE:
        raise InvalidInput(f"The list has {len(text):,} characters, at most {LARGEST_FILE:,} are read")
    try:
        return yaml.load(text, _Loader)  # noqa: S506
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise NotYaml(f"The YAML cannot be read{where}: {error.problem}", mark.line + 1 if mark else None) from error
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        raise NotYaml("The YAML cannot be read: it has characters or nesting that YAML does not allow") from error


def read_definition(raw: Any, vocabulary: Vocabulary) -> ListDefinition:
    """The list that a file's content says. Raises InvalidInput naming every mistake with its place."""
    complaints = Complaints()
    fields = RawFields(raw, "", complaints, _KEYS)
    name = read_name(fields)
    title = fields.text("title", name) or name
    raw = fields.raw
    if "accounts" in raw:
        for other in ("who", "top"):
            if other in raw:
                complaints.add(other, "a list of `accounts` is kept by hand and has no rules; leave one of them out")
        definition = ListDefinition(name, title, accounts=_read_accounts(raw["accounts"], complaints))
    else:
        definition = ListDefinition(name, title, _read_who(raw, vocabulary, complaints),
                                    read_top(raw.get("top"), vocabulary, complaints))
    complaints.raise_if_any()
    return definition


def read_name(fields: RawFields) -> str:
    """The name that files and campaigns use."""
    name = fields.text("list", required=True)
    if name and not _NAME.fullmatch(name):
        fields.wrong("list", f"{describe(name)} cannot be a name: at most 100 letters, digits, - . and _, no blanks")
    return name


def _read_who(raw: Mapping[str, Any], vocabulary: Vocabulary, complaints: Complaints) -> Rule | None:
    if "who" in raw:
        return read_rules(raw["who"], vocabulary, complaints=complaints)
    if "top" not in raw:
        complaints.add("who", "is missing: say who belongs to the list, or `accounts: [id, …]` for one kept by hand")
    return None


def _read_accounts(raw: Any, complaints: Complaints) -> tuple[str, ...]:
    if not isinstance(raw, list) or any(isinstance(each, dict | list) or each is None for each in raw):
        complaints.add("accounts", f"expected a list of account ids, found {describe(raw)}")
        return ()
    if len(raw) > MOST_ACCOUNTS:
        complaints.add("accounts", f"has {len(raw):,} ids, at most {MOST_ACCOUNTS:,} are possible")
        return ()
    ids = tuple(dict.fromkeys(str(each).strip() for each in raw))
    for index, each in enumerate(ids):
        if not each or len(each) > LONGEST_ID or "\x00" in each:
            complaints.add(f"accounts[{index}]", f"{describe(each)} cannot be an account id")
    return ids


def to_document(definition: ListDefinition) -> dict[str, Any]:
    """The list as a file says it; `read_definition` gives the same back."""
    document: dict[str, Any] = {"list": definition.name, "title": definition.title}
    if definition.who is not None:
        document["who"] = to_raw(definition.who)
    if definition.top is not None:
        document["top"] = {"by": definition.top.by, "count": definition.top.count}
    if definition.accounts is not None:
        document["accounts"] = list(definition.accounts)
    return document


def to_yaml(definition: ListDefinition) -> str:
    """The file's text, conditions one per line."""
    return dump(to_document(definition))


def dump(document: dict[str, Any]) -> str:
    """A document as text, as `to_yaml` writes it."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110,
                     default_flow_style=False)


class _Dumper(yaml.SafeDumper):
    """Conditions as `{field: …, is: …}` on one line; lists and groups as blocks."""

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        is_leaf = "field" in mapping or set(mapping) in ({"in_list"}, {"by", "count"})
        return super().represent_mapping(tag, mapping, flow_style=True if is_leaf else flow_style)

    def ignore_aliases(self, data: Any) -> bool:
        return True
