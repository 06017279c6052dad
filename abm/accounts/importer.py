"""Accounts from a file."""

from typing import Any, cast

from sqlalchemy import Column, ColumnElement, String, Table
from sqlalchemy.orm import Session

from abm.accounts.aliases import fold_accounts
from abm.accounts.countries import country_code
from abm.accounts.models import Account
from abm.accounts.names import name_key, plain_domain
from abm.accounts.parents import parent_differs, set_parents, settle_parents
from abm.imports.columns import Batch
from abm.imports.custom_fields import merged_custom
from abm.imports.layout import Field, Layout
from abm.imports.lookups import Lookup
from abm.imports.merging import Counts, Upsert, merge_all
from abm.imports.registry import Run
from abm.imports.staging import Stage
from abm.imports.values import parse_count, parse_number
from abm.users.models import User

_ACCOUNT = cast(Table, Account.__table__)


def _revenue(text: str, *, comma_is_decimal: bool = False) -> float:
    return float(parse_number(text, comma_is_decimal=comma_is_decimal))


LAYOUT = Layout(
    kind="accounts",
    fields=(
        Field("account_id", hint="the source system's own id"),
        Field("name", limit=300),
        Field("domain", limit=255),
        Field("industry"),
        Field("employees", parse_count, is_number=True),
        Field("annual_revenue", _revenue, is_number=True),
        Field("country", limit=100, hint="a code or a name"),
        Field("region"),
        Field("city"),
        Field("parent_id", hint="the account_id of the parent company"),
        Field("owner_email", limit=320),
        Field("tier", limit=20),
        Field("source"),
    ),
    required=("account_id", "name"),
    takes_custom=True,
)
_PLAIN = (
    "domain",
    "industry",
    "employees",
    "annual_revenue",
    "country",
    "region",
    "city",
    "owner_email",
    "tier",
    "source",
)


class AccountImporter:
    """Accounts by `account_id`. Parents may stand later in the file; unknown ones are left out with a warning."""

    layout = LAYOUT

    def __init__(self) -> None:
        self._owners = Lookup(User.email, User.id)

    def make_stage(self) -> Stage:
        own = {"external_id", "name", "name_key", "owner_id", *_PLAIN}
        columns = [Column(column.name, column.type) for column in _ACCOUNT.columns if column.name in own]
        return Stage(
            [*columns, Column("parent", String), Column("custom", _ACCOUNT.c.custom.type)], key=["external_id"]
        )

    def prepare(self, session: Session, batch: Batch, run: Run) -> None:
        columns = batch.columns
        columns["external_id"] = columns.pop("account_id")
        columns["name_key"] = [name and name_key(name) for name in columns["name"]]
        if "domain" in columns:
            columns["domain"] = [domain and self._domain(domain, run) for domain in columns["domain"]]
        if "country" in columns:
            columns["country"] = [country and self._country(country, run) for country in columns["country"]]
        if "owner_email" in columns:
            self._link_owners(session, batch)
        if "parent_id" in columns:
            columns["parent"] = columns.pop("parent_id")
            for index, (own, parent) in enumerate(zip(columns["external_id"], columns["parent"], strict=True)):
                if parent is not None and own == parent:
                    batch.refuse(index, "parent_id", "an account cannot be its own parent")

    @staticmethod
    def _domain(text: str, run: Run) -> str | None:
        found = plain_domain(text)
        if found is None:
            run.report.warn(f"{text[:60]!r} is not a web domain and was left out")
        return found

    @staticmethod
    def _country(text: str, run: Run) -> str:
        code = country_code(text)
        if code is None:
            run.report.warn(f"{text!r} is not a country that we know; it was kept as it stands")
        return code or text

    def _link_owners(self, session: Session, batch: Batch) -> None:
        emails = [email and email.lower() for email in batch.columns["owner_email"]]
        known = self._owners.find(session, emails)
        batch.columns["owner_email"] = emails
        batch.columns["owner_id"] = [known.get(email) if email else None for email in emails]

    def merge(self, stage: Stage, run: Run) -> Counts:
        fold_accounts(stage, has_parents="parent_id" in run.present)
        if "parent_id" in run.present:
            settle_parents(stage, run)
        upsert = _upsert(stage, run)
        counts = merge_all(stage, upsert, is_dry_run=run.is_dry_run, progress=run.progress)
        if "parent_id" in run.present and not run.is_dry_run:
            set_parents(stage, run)
        return counts


def _upsert(stage: Stage, run: Run) -> Upsert:
    rows = stage.rows.c
    given = [name for name in ("name", *_PLAIN) if name in run.present]
    given += ["name_key"] + (["owner_id"] if "owner_email" in run.present else [])
    sets: dict[str, ColumnElement[Any]] = {name: rows[name] for name in given}
    if run.has_custom:
        sets["custom"] = merged_custom(stage, _ACCOUNT)
    return Upsert(
        _ACCOUNT,
        key={"external_id": rows.external_id},
        sets=sets,
        kept_where_empty={} if run.empty_clears else {**dict(zip(_PLAIN, _PLAIN, strict=True)),
                                                      "owner_id": "owner_email"},
        on_create={"is_sample": False, "created_at": run.moment},
        on_change={"updated_at": run.moment},
        also_differs=[parent_differs(stage)] if "parent_id" in run.present else [],
    )
