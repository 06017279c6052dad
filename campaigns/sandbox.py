"""User content, compiled only here: a locked jinja sandbox behind an allow-list, without globals, calls or loaders.

Content of text and values alone (most of it) does not enter jinja's runtime at all: it is cut into pieces at compile
time, which gives the same result (a property test holds them together) at a tenth of the cost.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from campaigns.filling import Filler, Flat, Piece, Printer, filler_of, join_bounded, printer_of
from campaigns.personalisation import BadValue, Fields, MissingValue, Values, look_up
from campaigns.sandbox_filters import EACH, FILTERS, OUR_FILTERS, Blank, Dash, look_up_or_blank, printable
from campaigns.sandbox_rules import Checked, ContentRefused, Path, check_source, path_of

Expression = Callable[[Flat], Any]


class _LockedEnvironment(ImmutableSandboxedEnvironment):
    """Knows our filters and nothing else; attributes are items of plain dicts, calls never happen."""

    def __init__(self, *, is_html: bool) -> None:
        super().__init__(
            autoescape=is_html,
            undefined=Blank,
            optimized=False,
            cache_size=0,
            keep_trailing_newline=True,
            finalize=printable,
        )
        self.globals.clear()
        self.tests.clear()
        self.filters = {**FILTERS, **OUR_FILTERS}

    def getattr(self, obj: Any, attribute: str) -> Any:
        if type(obj) is Fields:
            found = obj.get(attribute)
            return Blank(name=attribute) if found is None else found
        if type(obj) is LoopContext and attribute in ("index", "first", "last"):
            return getattr(obj, attribute)
        if isinstance(obj, Blank):
            return obj
        raise SecurityError(f"{attribute} is not a value")

    def getitem(self, obj: Any, argument: Any) -> Any:
        return self.getattr(obj, argument)

    def call(self, *_anything: Any, **_more: Any) -> Any:
        raise SecurityError("calls are not part of content")


_ENVIRONMENTS = {is_html: _LockedEnvironment(is_html=is_html) for is_html in (False, True)}


@dataclass(frozen=True)
class Template:
    """Compiled content. `pieces` is None where it has if, for or set; then `run` renders it in the sandbox."""

    paths: tuple[Path, ...]
    is_html: bool
    pieces: tuple[Piece, ...] | None
    fills: Filler | None
    run: Callable[[dict[str, Any]], str] | None

    def render_with_dashes(self, values: Values) -> str:
        """The filled text for somebody of ours to read; what is not known and has no stand-in shows as a dash."""
        return self.fill([Dash(name=".".join(path)) if (found := look_up(values, path)) is None else found
                          for path in self.paths])

    def render(self, values: Values) -> str:
        """The filled text. Raises BadValue, or MissingValue with every name that would be printed and is not known."""
        missing: list[str] = []
        text = self.render_noting(values, missing)
        if missing:
            raise MissingValue(missing)
        return text

    def render_noting(self, values: Values, missing: list[str], known: dict[Path, Any] | None = None) -> str:
        """Like `render`, but adds what is missing to `missing` and leaves nothing in its place."""
        return self.fill(self.flat(values, missing, known))

    def flat(self, values: Values, missing: list[str], known: dict[Path, Any] | None = None) -> list[Any]:
        """The values of `paths`, in order; Blank where there is none. `known` is shared by the parts of a message, so
        that each name is looked up once."""
        known = {} if known is None else known
        for path in self.paths:
            if path not in known:
                known[path] = look_up_or_blank(values, path, missing)
        return [known[path] for path in self.paths]

    def fill(self, flat: Flat) -> str:
        if self.fills is None:
            return self._run_in_sandbox(flat)
        return join_bounded((self.fills(flat),))

    def _run_in_sandbox(self, flat: Flat) -> str:
        assert self.run is not None
        try:
            return self.run({f"_p{number}": value for number, value in enumerate(flat)})
        except (TypeError, ValueError, RecursionError, TemplateError) as error:
            raise BadValue(f"The content cannot be filled in for this person: {error}") from error


@lru_cache(maxsize=512)
def compile_template(source: str, *, is_html: bool, is_ours: bool = False) -> Template:
    """Check and compile content. Raises ContentRefused with the line and what to write instead.

    `is_ours`: the source was checked as the author wrote it and has since got names and filters of ours.
    """
    environment = _ENVIRONMENTS[is_html]
    checked = check_source(environment, source, is_ours=is_ours)
    paths = tuple(checked.paths)
    if checked.is_simple:
        pieces = tuple(_pieces(checked, is_html=is_html))
        return Template(paths, is_html, pieces, filler_of(pieces, is_html=is_html), None)
    return Template(paths, is_html, None, None, _runner(environment, checked))


def compile_in_sandbox(source: str, *, is_html: bool) -> Template:
    """Like `compile_template`, but never takes the shortcut; the property test compares the two."""
    environment = _ENVIRONMENTS[is_html]
    checked = check_source(environment, source)
    return Template(tuple(checked.paths), is_html, None, None, _runner(environment, checked))


def split_tags(source: str) -> list[tuple[bool, str]]:
    """The source cut into (is_tag, text), as jinja itself cuts it; comments are left out."""
    parts: list[tuple[bool, str]] = []
    tag: list[str] = []
    for _line, kind, value in _ENVIRONMENTS[False].lex(source):
        if kind.startswith("comment"):
            continue
        if kind == "data":
            parts.append((False, value))
            continue
        tag.append(value)
        if kind in ("variable_end", "block_end"):
            parts.append((True, "".join(tag)))
            tag = []
    return parts


class _Flattener(NodeTransformer):
    """Dotted paths become flat names that no author can write; what a `for` goes over is bounded."""

    def __init__(self, checked: Checked) -> None:
        self.checked = checked

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:
        return self._flat(node) or node

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        return self._flat(node) or node

    def visit_Name(self, node: nodes.Name) -> nodes.Node:
        return self._flat(node) or node

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, EACH, [], [], None, None, lineno=node.lineno)
        return node

    def _flat(self, node: nodes.Node) -> nodes.Name | None:
        path = path_of(node)
        if path is None or path not in self.checked.paths:
            return None
        return nodes.Name(f"_p{self.checked.paths.index(path)}", "load", lineno=node.lineno)


def _runner(environment: _LockedEnvironment, checked: Checked) -> Callable[[dict[str, Any]], str]:
    tree = _Flattener(checked).visit(checked.tree)
    try:
        code = environment.compile(tree)
    except (RecursionError, SyntaxError, MemoryError, TemplateError) as error:
        raise ContentRefused("This is nested too deeply") from error
    template = environment.template_class.from_code(environment, code, {})

    def run(names: dict[str, Any]) -> str:
        return join_bounded(template.root_render_func(template.new_context(names)))

    return run


def _pieces(checked: Checked, *, is_html: bool) -> list[Piece]:
    pieces: list[Piece] = []
    for output in checked.tree.body:
        assert isinstance(output, nodes.Output)
        for node in output.nodes:
            pieces.append(node.data if isinstance(node, nodes.TemplateData) else _printer(node, checked, is_html))
    return _merged(pieces)


def _printer(node: nodes.Node, checked: Checked, is_html: bool) -> Printer:
    prints = printer_of(_expression(node, checked), is_html=is_html)
    path = _only_path(node)
    if path is None:
        return Printer(prints)
    return Printer(prints, checked.paths.index(path), path, is_bare=path_of(node) == path)


def _merged(pieces: list[Piece]) -> list[Piece]:
    merged: list[Piece] = []
    for piece in pieces:
        if merged and isinstance(piece, str) and isinstance(merged[-1], str):
            merged[-1] += piece
        else:
            merged.append(piece)
    return merged


def _only_path(node: nodes.Node) -> Path | None:
    """The one value that an expression uses; its filters depend on nothing else."""
    while isinstance(node, nodes.Filter):
        if node.node is None or not all(isinstance(argument, nodes.Const) for argument in node.args):
            return None
        node = node.node
    return path_of(node)


def _expression(node: nodes.Node, checked: Checked) -> Expression:
    """A value or a chain of filters as a function of the flat values; other expressions go through the sandbox."""
    if isinstance(node, nodes.Const):
        constant = node.value
        return lambda _flat: constant
    if isinstance(node, nodes.Filter):
        assert node.node is not None
        value = _expression(node.node, checked)
        arguments = [_expression(argument, checked) for argument in node.args]
        function = FILTERS.get(node.name) or OUR_FILTERS[node.name]
        return lambda flat: function(value(flat), *[argument(flat) for argument in arguments])
    path = path_of(node)
    assert path is not None
    return itemgetter(checked.paths.index(path))
