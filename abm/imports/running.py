"""Bringing a file in, from its bytes to the report. Opens many small transactions of its own: call it at the edge."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.orm import Session

from abm.company.queries import get_company
from abm.imports.checkpoints import Checkpoint
from abm.imports.columns import Batch, ColumnReader
from abm.imports.mapping import Mapping
from abm.imports.opening import HeadedTable, find_header, open_table
from abm.imports.registry import Importer, Run, find_importer
from abm.imports.rejects import RejectsFile
from abm.imports.report import Report
from abm.imports.staging import Stage
from abm.imports.tables import BYTE_ORDER_MARK, RawBatch, ReadingOptions, Refusal
from core import clock, db
from core.errors import Refused

MANY_NEW = 1000
GROWING_TABLES = ("account", "contact", "product", "customer_order", "order_line", "account_day")

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Task:
    """A file to bring in; people call it `name`. Refused rows go to `rejects` (`keep_rejects`: even if none)."""

    kind: str
    path: Path
    rejects: Path
    name: str = ""
    mapping: Mapping | None = None
    options: ReadingOptions = field(default_factory=ReadingOptions)
    is_dry_run: bool = False
    keep_rejects: bool = False
    place: Checkpoint | None = None

    @property
    def file_name(self) -> str:
        return self.name or self.path.name


def bring_in(task: Task, progress: Progress = lambda _done, _total: None) -> Report:
    """Import the file. Raises Refused, with nothing changed, when it cannot be read or a required column is missing.

    Rows that cannot be taken go to the rejects file and never stop the others. Should the process die midway, what was
    merged so far stays, and importing the same file again goes on from there. `progress` is told thousandths.
    """
    begun = time.monotonic()
    importer = find_importer(task.kind)
    table = open_table(task.path, task.options)
    headed = find_header(task.file_name, table, task.mapping or Mapping(importer.layout))
    if task.rejects.resolve() == task.path.resolve():
        raise Refused("The rejects file must not be the imported file itself; name another")
    report = Report(
        task.kind,
        is_dry_run=task.is_dry_run,
        encoding=table.encoding,
        delimiter=table.delimiter,
        sheet=table.sheet,
        header=headed.header,
    )
    with RejectsFile(task.rejects, headed.header, always=task.keep_rejects) as rejects, importer.make_stage() as stage:
        stage.place = task.place
        run = _run(task, headed, report, lambda rows: progress(500 + 500 * rows // max(report.read, 1), 1000))
        _stage_rows(importer, stage, headed, rejects, run, progress)
        counts = importer.merge(stage, run)
        if counts.created > MANY_NEW and not task.is_dry_run:
            with db.transaction() as session:
                db.refresh_statistics(session, *GROWING_TABLES)
        report.rejected, report.rejects_file = rejects.count, rejects.written
    report.created, report.updated, report.unchanged = counts.created, counts.updated, counts.unchanged
    report.seconds = time.monotonic() - begun
    progress(1000, 1000)
    return report


def _run(task: Task, headed: HeadedTable, report: Report, progress: Callable[[int], None]) -> Run:
    with db.reading() as session:
        company = get_company(session)
    return Run(
        file_name=task.file_name,
        moment=clock.now(),
        company=company,
        present=frozenset(headed.plan.sources),
        report=report,
        is_dry_run=task.is_dry_run,
        has_custom=bool(headed.plan.custom),
        finds_accounts=headed.plan.match is not None,
        empty_clears=headed.plan.empty_clears,
        progress=progress,
    )


def _stage_rows(
    importer: Importer, stage: Stage, headed: HeadedTable, rejects: RejectsFile, run: Run, progress: Progress
) -> None:
    reader = ColumnReader(importer.layout, headed.plan, len(headed.header), semicolons=headed.table.delimiter == ";")
    for raw in headed.batches:
        raw = _without_headers(_without_blank(raw), headed.header)
        run.report.read += len(raw.rows) + len(raw.refused)
        batch = reader.read(raw)
        rejects.add(batch.drop_refused(headed.header, headed.plan))
        with db.reading() as session:
            _prepare(importer, session, batch, run)
        rejects.add(batch.drop_refused(headed.header, headed.plan))
        rejects.add(raw.refused)
        stage.load(batch.raw.numbers, batch.columns)
        progress(500 * raw.position // max(headed.table.size, 1), 1000)
    stage.finish_loading()


def _prepare(importer: Importer, session: Session, batch: Batch, run: Run) -> None:
    if not batch.raw.rows:
        return
    importer.prepare(session, batch, run)
    if batch.custom:
        batch.columns["custom"] = [json.dumps(values, ensure_ascii=False) for values in batch.custom]


def _without_headers(raw: RawBatch, header: list[str]) -> RawBatch:
    """Files that were put together repeat the header, and begin each part with a byte order mark: no part of an id."""
    for row in raw.rows:
        if row[0].startswith(BYTE_ORDER_MARK):
            row[0] = row[0].lstrip(BYTE_ORDER_MARK)
    if header not in raw.rows:
        return raw
    repeated = [Refusal(number, row, "", "the row repeats the header; the file seems to be put together from several")
                for number, row in zip(raw.numbers, raw.rows, strict=True) if row == header]
    kept = [index for index, row in enumerate(raw.rows) if row != header]
    return RawBatch([raw.numbers[i] for i in kept], [raw.rows[i] for i in kept], raw.refused + repeated, raw.position)


def _without_blank(raw: RawBatch) -> RawBatch:
    """A row whose every cell is empty (spreadsheets export many) is no row."""
    if all(map(any, raw.rows)):
        return raw
    kept = [index for index, row in enumerate(raw.rows) if any(cell.strip() for cell in row)]
    return RawBatch([raw.numbers[i] for i in kept], [raw.rows[i] for i in kept], raw.refused, raw.position)
