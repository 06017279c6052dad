"""The kinds of file that can be brought in. An area adds its importer with a line here; it is imported when used."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from abm.company.policy import Company
from abm.imports.columns import Batch
from abm.imports.layout import Layout
from abm.imports.merging import Counts
from abm.imports.report import Report
from abm.imports.staging import Stage
from core.errors import NotFound

IMPORTERS: dict[str, str] = {
    "accounts": "abm.accounts.importer:AccountImporter",
    "contacts": "abm.contacts.importer:ContactImporter",
    "products": "abm.catalogue.importer:ProductImporter",
    "orders": "abm.orders.importer:OrderImporter",
    "order-lines": "abm.orders.line_importer:OrderLineImporter",
}


@dataclass(frozen=True)
class Run:
    """One import under way: `present` are the canonical columns that the file sets, `progress` takes rows merged."""

    file_name: str
    moment: datetime
    company: Company
    present: frozenset[str]
    report: Report
    is_dry_run: bool
    has_custom: bool = False
    finds_accounts: bool = False
    empty_clears: bool = False
    progress: Callable[[int], None] = field(default=lambda _rows: None)


class Importer(Protocol):
    """How one kind of file becomes rows. One object serves one import and may keep what it has looked up."""

    layout: Layout

    def make_stage(self) -> Stage:
        """A staging table with a column for each canonical column that is stored."""

    def prepare(self, session: Session, batch: Batch, run: Run) -> None:
        """Look up and check a batch, set-based: refuse rows with `batch.refuse`, replace outside ids by ours."""

    def merge(self, stage: Stage, run: Run) -> Counts:
        """Bring the staged rows into the real tables (or count, in a dry run)."""


def find_importer(kind: str) -> Importer:
    """A fresh importer for `kind`. Raises NotFound."""
    if kind not in IMPORTERS:
        raise NotFound(f"There is no kind of import called {kind!r}; there are {', '.join(IMPORTERS)}")
    module, name = IMPORTERS[kind].split(":")
    made: Importer = getattr(importlib.import_module(module), name)()
    return made
