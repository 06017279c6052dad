"""What content may be made of: an allow-list over the syntax tree, asked before anything is compiled."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from jinja2 import Environment, nodes
from jinja2.exceptions import TemplateSyntaxError

from campaigns.personalisation import NAMES, SINGLE_NAMES, is_known_path, nearest_name
from campaigns.sandbox_filters import ARGUMENTS, FILTERS, OUR_FILTERS
from core.errors import Refused

MAX_SOURCE_BYTES = 100_000
MAX_DEPTH = 30
MAX_LOOP_DEPTH = 2
MAX_TAGS = 2_000
MAX_BRANCHES = 50
_MAX_CONSTANT = 10**12
_MAX_CONSTANT_TEXT = 1_000
_STRUCTURE = (nodes.Template, nodes.Output, nodes.If, nodes.For, nodes.Assign)
_EXPRESSIONS = (
    nodes.TemplateData,
    nodes.Const,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Filter,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Name,
)
_LOOP_FACTS = frozenset({"index", "first", "last"})
_RESERVED = frozenset(
    {"loop", "self", "super", "caller", "varargs", "kwargs", "true", "false", "none", *NAMES, *SINGLE_NAMES}
)
_WORDS = {
    nodes.Call: "a call",
    nodes.Mul: "*",
    nodes.Pow: "**",
    nodes.Mod: "%",
    nodes.Add: "+",
    nodes.Sub: "-",
    nodes.Div: "/",
    nodes.FloorDiv: "//",
    nodes.Concat: "~",
    nodes.Test: "is",
    nodes.CondExpr: "an if inside {{ }}",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "import",
    nodes.Extends: "extends",
    nodes.Macro: "macro",
    nodes.Block: "block",
    nodes.FilterBlock: "a filter block",
    nodes.CallBlock: "call",
    nodes.AssignBlock: "a set block",
    nodes.List: "a list",
    nodes.Dict: "a dict",
    nodes.Tuple: "a tuple",
    nodes.Slice: "a slice",
}

OUR_NAMES = ("_link", "_pixel", "_trap")

Path = tuple[str, ...]


class ContentRefused(Refused):
    """Content that may not be used, with the line and what to write instead."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"Line {line}: {message}" if line else message)
        self.line, self.reason = line, message


@dataclass
class Checked:
    """A tree that passed, with the names it uses in the order they appear."""

    tree: nodes.Template
    paths: list[Path] = field(default_factory=list)
    locals: set[str] = field(default_factory=set)
    is_ours: bool = False

    @property
    def is_simple(self) -> bool:
        """Only text, values and filters: no if, for or set, no comparison."""
        printed = [node for output in self.tree.body if isinstance(output, nodes.Output) for node in output.nodes]
        return (
            all(isinstance(node, nodes.Output) for node in self.tree.body)
            and not self.locals
            and all(_is_plain_print(node) for node in printed)
        )


def _is_plain_print(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Filter):
        return node.node is not None and all(_is_plain_print(part) for part in (node.node, *node.args))
    return isinstance(node, nodes.TemplateData | nodes.Const | nodes.Getattr | nodes.Getitem | nodes.Name)


def check_source(environment: Environment, source: str, *, is_ours: bool = False) -> Checked:
    """The tree of `source`. Raises ContentRefused for everything that is not on the allow-list."""
    if not is_ours and len(source.encode("utf-8", "replace")) > MAX_SOURCE_BYTES:
        raise ContentRefused("The content is longer than 100 kB, more than mailbox providers show")
    if "\x00" in source or any("\ud800" <= char <= "\udfff" for char in source):
        raise ContentRefused("The content holds characters that cannot be sent (NUL or half a surrogate pair)")
    try:
        _refuse_towers(environment, source)
        checked = Checked(environment.parse(source), is_ours=is_ours)
    except TemplateSyntaxError as error:
        raise ContentRefused(error.message or "This cannot be read", error.lineno) from error
    except (RecursionError, ValueError, OverflowError, MemoryError) as error:
        raise ContentRefused("This is nested too deeply or holds a number that is too long") from error
    checked.locals = _stored_names(checked.tree)
    _walk(checked)
    return checked


def _refuse_towers(environment: Environment, source: str) -> None:
    """Refuse what would drive the parser into deep recursion, by looking at tokens only."""
    depth = run = tags = branches = blocks = 0
    for line, kind, value in environment.lex(source):
        if kind == "raw_begin":
            raise ContentRefused("raw may not be used in content; use values, filters, if and for", line)
        if kind in ("variable_begin", "block_begin"):
            depth, run, tags = 0, 0, tags + 1
        elif kind == "operator":
            depth += (value in "([{") - (value in ")]}")
            run = run + 1 if value in "+-" else 0
        elif kind == "name":
            run = run + 1 if value == "not" else 0
            branches += value == "elif"
            blocks += (value in ("if", "for")) - (value in ("endif", "endfor"))
        if max(depth, run, blocks) > MAX_DEPTH or branches > MAX_BRANCHES:
            raise ContentRefused(f"This is nested more than {MAX_DEPTH} deep", line)
        if tags > MAX_TAGS:
            raise ContentRefused(f"There are more than {MAX_TAGS} places to fill in", line)


def _stored_names(tree: nodes.Template) -> set[str]:
    """Names that for and set make. Iterative, like `_walk`: the tree may be deeper than Python's stack."""
    waiting: list[nodes.Node] = [tree]
    found: set[str] = set()
    while waiting:
        node = waiting.pop()
        if isinstance(node, nodes.Name) and node.ctx == "store":
            found.add(node.name)
        waiting.extend(node.iter_child_nodes())
    return found


def _walk(checked: Checked) -> None:
    """Ask every node; iterative, so that depth is counted and never suffered."""
    waiting: list[tuple[nodes.Node, int, int]] = [(checked.tree, 0, 0)]
    while waiting:
        node, depth, loops = waiting.pop()
        if depth > MAX_DEPTH:
            raise ContentRefused(f"This is nested more than {MAX_DEPTH} deep", node.lineno)
        loops += isinstance(node, nodes.For)
        if loops > MAX_LOOP_DEPTH:
            raise ContentRefused(f"Loops may be nested {MAX_LOOP_DEPTH} deep at most", node.lineno)
        children = list(_checked_children(node, checked))
        waiting.extend((child, depth + 1, loops) for child in reversed(children))


def _checked_children(node: nodes.Node, checked: Checked) -> Iterator[nodes.Node]:
    if not isinstance(node, _STRUCTURE + _EXPRESSIONS):
        what = _WORDS.get(type(node), type(node).__name__.lower())
        raise ContentRefused(f"{what} may not be used in content; use values, filters, if and for", node.lineno)
    if isinstance(node, nodes.Getattr | nodes.Getitem | nodes.Name):
        _check_name(node, checked)
        return
    if isinstance(node, nodes.Const):
        _check_constant(node)
    elif isinstance(node, nodes.Filter):
        _check_filter(node, checked)
    elif isinstance(node, nodes.For | nodes.Assign):
        _check_target(node)
    yield from node.iter_child_nodes()


def _check_name(node: nodes.Node, checked: Checked) -> None:
    path = path_of(node)
    if path is None:
        raise ContentRefused("Only names such as contact.first_name may be used here", node.lineno)
    is_ours = checked.is_ours and path[0] in OUR_NAMES
    for part in path:
        if part.startswith("_") and not is_ours:
            raise ContentRefused(f"{part!r}: names that begin with _ may not be used", node.lineno)
    if path[0] in checked.locals or path[0] == "loop":
        _check_local(path, node)
    elif is_ours or is_known_path(path):
        if path not in checked.paths:
            checked.paths.append(path)
    elif path[0] == "snippet":
        said = f"There is no snippet {'.'.join(path[1:])} here; snippets stand in e-mails, printed as they are"
        raise ContentRefused(said, node.lineno)
    else:
        raise ContentRefused(f"{'.'.join(path)} is not known; did you mean {nearest_name(path)}?", node.lineno)


def _check_local(path: Path, node: nodes.Node) -> None:
    if path[0] == "loop" and (len(path) != 2 or path[1] not in _LOOP_FACTS):
        raise ContentRefused("Of a loop only loop.index, loop.first and loop.last may be used", node.lineno)
    if len(path) > 3:
        raise ContentRefused(f"{'.'.join(path)} reaches too deep", node.lineno)


def path_of(node: nodes.Node) -> Path | None:
    """`contact.custom["Area"]` as (contact, custom, Area); None where something else than names is in it."""
    parts: list[str] = []
    while not isinstance(node, nodes.Name):
        if isinstance(node, nodes.Getattr):
            parts.append(node.attr)
        elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
            parts.append(node.arg.value)
        else:
            return None
        if len(parts) > MAX_DEPTH:
            raise ContentRefused("A name with so many dots is not known", node.lineno)
        node = node.node
    return (node.name, *reversed(parts))


def _check_constant(node: nodes.Const) -> None:
    value = node.value
    if isinstance(value, str) and len(value) > _MAX_CONSTANT_TEXT:
        raise ContentRefused(f"A text in quotes may be {_MAX_CONSTANT_TEXT} characters long", node.lineno)
    if isinstance(value, int | float) and not abs(value) <= _MAX_CONSTANT:
        raise ContentRefused("That number is too large", node.lineno)


def _check_filter(node: nodes.Filter, checked: Checked) -> None:
    if checked.is_ours and node.node is not None and node.name in OUR_FILTERS:
        return
    if node.node is None or node.name not in FILTERS:
        raise ContentRefused(f"The filter {node.name} is not known; there are {', '.join(FILTERS)}", node.lineno)
    least, most = ARGUMENTS.get(node.name, (0, 0))
    if node.kwargs or node.dyn_args or node.dyn_kwargs or not least <= len(node.args) <= most:
        raise ContentRefused(f"The filter {node.name} takes {most or 'no'} value in brackets", node.lineno)


def _check_target(node: nodes.For | nodes.Assign) -> None:
    target = node.target
    if not isinstance(target, nodes.Name) or target.name.startswith("_") or target.name.lower() in _RESERVED:
        raise ContentRefused("for and set take one new name, not one of ours and without _ in front", node.lineno)
    if isinstance(node, nodes.For) and (node.recursive or path_of_iterated(node) is None):
        raise ContentRefused("for goes over one of the names, such as account.custom.products", node.lineno)


def path_of_iterated(node: nodes.For) -> Path | None:
    return path_of(node.iter) if isinstance(node.iter, nodes.Name | nodes.Getattr | nodes.Getitem) else None
