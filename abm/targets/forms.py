"""The list's form: names and rules as typed, turned into a definition or into one sentence per place."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from abm.targets.builder import Row, errors_by_path, finished, from_form, row_from_rule, to_raw_rules
from abm.targets.files import ListDefinition, dump, read_definition
from abm.targets.vocabulary import Field, Subject, Vocabulary
from abm.web.slugs import slug
from core.errors import InvalidInput


@dataclass(frozen=True)
class ListForm:
    """What was typed on the builder's page. `name` is what files and campaigns say; empty: made from the title."""

    title: str = ""
    name: str = ""
    top_by: str = ""
    top_count: str = ""
    rows: Row | None = None

    @property
    def typed(self) -> dict[str, str]:
        return {"title": self.title, "name": self.name, "top.by": self.top_by, "top.count": self.top_count}

    @property
    def ranks(self) -> bool:
        return bool(self.top_by or self.top_count)


def read_form(form: Mapping[str, str]) -> ListForm:
    """Everything that was typed, as it was typed."""
    return ListForm(form.get("title", "").strip(), form.get("name", "").strip(), form.get("top.by", ""),
                    form.get("top.count", "").strip(), from_form(form))


def form_of(definition: ListDefinition) -> ListForm:
    top = definition.top
    return ListForm(definition.title, definition.name, top.by if top else "", str(top.count) if top else "",
                    row_from_rule(definition.who) if definition.who is not None else None)


def to_definition(form: ListForm, vocabulary: Vocabulary, *, only_finished: bool = False) -> ListDefinition:
    """The list meant. `only_finished`: rows still being typed are left out. Raises InvalidInput with places as keys."""
    rows = finished(form.rows) if only_finished else form.rows
    raw: dict[str, Any] = {"list": form.name or slug(form.title) or ("list" if only_finished else ""),
                           "title": form.title}
    if rows is not None:
        raw["who"] = to_raw_rules(rows)
    if form.ranks and not (only_finished and not (form.top_by and form.top_count)):
        raw["top"] = {"by": form.top_by, "count": form.top_count}
    return read_definition(raw, vocabulary)


def to_text(form: ListForm) -> str:
    """The form as YAML, unfinished rows and slips included; what is right means the same there."""
    document: dict[str, Any] = {"list": form.name or slug(form.title) or "list", "title": form.title}
    if form.rows is not None:
        document["who"] = to_raw_rules(form.rows)
    if form.ranks:
        document["top"] = {"by": form.top_by, "count": form.top_count}
    return dump(document)


def errors_of(form: ListForm, error: InvalidInput, *, only_finished: bool = False) -> dict[str, str]:
    """The complaints by the form's own names: paths of rows, and title, name, top.by, top.count."""
    own = {"list": "name"}
    complaints = {own.get(place, place): sentence for place, sentence in error.fields.items()}
    return errors_by_path(form.rows, complaints, only_finished=only_finished)


def fit_operators(row: Row | None, vocabulary: Vocabulary, subject: Subject | None = None) -> Row | None:
    """After a field was chosen anew: an operator that does not fit it becomes the first that does."""
    if row is None:
        return None
    within = subject or vocabulary.accounts
    if row.kind == "has" and row.subject in vocabulary.subjects:
        within = vocabulary.subjects[row.subject]
    field = vocabulary.find_field(within, row.field) if row.field else None
    parts = tuple(part for part in (fit_operators(each, vocabulary, within) for each in row.parts) if part is not None)
    if field is not None and row.operator not in field.operators:
        return replace(row, operator=field.operators[0].value, value=_fitting_value(row, field), parts=parts)
    return replace(row, parts=parts)


def _fitting_value(row: Row, field: Field) -> str:
    return row.value if not field.choices or row.value in field.choices else ""
