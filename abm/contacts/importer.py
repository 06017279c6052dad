"""People from a file."""

from typing import Any, cast
from zoneinfo import available_timezones

from sqlalchemy import Column, ColumnElement, Table
from sqlalchemy.orm import Session

from abm.accounts.aliases import account_lookup
from abm.contacts.addresses import address_for_comparison, checked_address
from abm.contacts.aliases import fold_contacts
from abm.contacts.lawful_basis import freeze_withdrawn, keep_known_evidence
from abm.contacts.matching import (
    BY_PERSON,
    Match,
    find_accounts_of,
    find_decided,
    keep_decided_accounts,
    prepare_matching,
)
from abm.contacts.models import Contact
from abm.imports.columns import COMPANY, Batch
from abm.imports.custom_fields import merged_custom
from abm.imports.layout import Field, Layout
from abm.imports.merging import Counts, Upsert, merge_all
from abm.imports.registry import Run
from abm.imports.staging import Stage
from abm.imports.values import BadValue, parse_moment
from campaigns.consent_expiry import IMPLIED_INQUIRY, IMPLIED_PURCHASE, KINDS

_CONTACT = cast(Table, Contact.__table__)
BASES = ("consent", "contract", "legitimate_interest", "none")
_NAMED_OTHERWISE = {"legitimate_interests": "legitimate_interest", "no": "none", "opt_in": "consent"}


def parse_basis(text: str) -> str:
    word = text.strip().casefold().replace(" ", "_").replace("-", "_")
    word = _NAMED_OTHERWISE.get(word, word)
    if word not in BASES:
        raise BadValue(f"{text[:40]!r} is not a lawful basis; use {', '.join(BASES)}")
    return word


def parse_consent_kind(text: str) -> str:
    word = text.strip().casefold().replace(" ", "_").replace("-", "_")
    word = {"purchase": IMPLIED_PURCHASE, "inquiry": IMPLIED_INQUIRY}.get(word.removeprefix("implied_"), word)
    if word not in KINDS:
        raise BadValue(f"{text[:40]!r} is not a kind of consent; use {', '.join(KINDS)}")
    return word


def parse_role(text: str) -> str:
    word = "_".join(text.casefold().replace("-", " ").split())
    if len(word) > 60:
        raise BadValue("buying_role has more than 60 characters")
    return word


def parse_language(text: str) -> str:
    code = text.casefold().replace("_", "-")
    if len(code) > 20:
        raise BadValue(f"{text[:40]!r} is not a language code such as fr or pt-br")
    return code


LAYOUT = Layout(
    kind="contacts",
    fields=(
        Field("contact_id", hint="the source system's own id"),
        Field("account_id", hint="an account that is there already"),
        Field("first_name"),
        Field("last_name"),
        Field("email", checked_address),
        Field("phone", limit=60),
        Field("title"),
        Field("department"),
        Field("buying_role", parse_role, hint="decision_maker, champion …"),
        Field("language", parse_language, hint="fr, pt-br …"),
        Field("timezone", limit=60, hint="Europe/Paris …"),
        Field("lawful_basis", parse_basis, hint=", ".join(BASES)),
        Field("basis_source", limit=300),
        Field("basis_at", parse_moment),
        Field("consent_kind", parse_consent_kind, hint=", ".join(KINDS)),
    ),
    required=("contact_id", "account_id"),
    one_of=(("email",), ("phone",)),
    takes_custom=True,
)
_PLAIN = ("first_name", "last_name", "phone", "title", "department", "buying_role", "language", "timezone")


class ContactImporter:
    """People by `contact_id`. A basis of `none` is never written to; nothing here raises one after a withdrawal."""

    layout = LAYOUT

    def __init__(self) -> None:
        self._accounts = account_lookup()
        self._has_keys = False

    def make_stage(self) -> Stage:
        own = {
            "external_id",
            "account_id",
            "email",
            "email_key",
            "lawful_basis",
            "basis_source",
            "basis_at",
            "consent_kind",
            "custom",
            "match_rule",
            "match_score",
            *_PLAIN,
        }
        return Stage(
            [Column(column.name, column.type) for column in _CONTACT.columns if column.name in own], key=["external_id"]
        )

    def prepare(self, session: Session, batch: Batch, run: Run) -> None:
        columns = batch.columns
        columns["external_id"] = columns.pop("contact_id")
        if run.finds_accounts and not self._has_keys:
            prepare_matching()
            self._has_keys = True
        self._resolve_accounts(session, batch, run)
        if "email" in columns:
            columns["email_key"] = [email and address_for_comparison(email) for email in columns["email"]]
        if "timezone" in columns:
            columns["timezone"] = [zone and self._zone(zone, run) for zone in columns["timezone"]]
        columns["lawful_basis"] = [
            basis or "none" for basis in columns.get("lawful_basis", [None] * len(batch.raw.rows))
        ]

    def _resolve_accounts(self, session: Session, batch: Batch, run: Run) -> None:
        columns = batch.columns
        outside: list[str | None] = columns.setdefault("account_id", [None] * len(batch.raw.rows))
        known = self._accounts.find(session, outside)
        columns["account_id"] = [known.get(account or "") for account in outside]
        open_rows = [index for index, account_id in enumerate(columns["account_id"]) if account_id is None]
        if run.finds_accounts and open_rows:
            self._match(session, batch, open_rows)
        for index in open_rows:
            if columns["account_id"][index] is None:
                batch.refuse(index, "account_id", self._why_refused(outside[index], run))

    @staticmethod
    def _why_refused(account: str | None, run: Run) -> str:
        matched = "; its address and company lead to no single account" if run.finds_accounts else ""
        named = f"there is no account {account!r}" if account else "account_id is empty"
        return f"{named}{matched or '; import the accounts first'}"

    def _match(self, session: Session, batch: Batch, open_rows: list[int]) -> None:
        columns = batch.columns
        empty: list[Any] = [None] * len(columns["account_id"])
        columns["match_rule"], columns["match_score"] = list(empty), list(empty)
        emails, companies = columns.get("email", empty), columns.get(COMPANY, empty)
        found = find_accounts_of(session, [(emails[index], companies[index]) for index in open_rows])
        decided = find_decided(session, [columns["external_id"][index] for index in open_rows])
        for index, match in zip(open_rows, found, strict=True):
            own = decided.get(columns["external_id"][index])
            match = Match(own, BY_PERSON, 100) if own is not None else match
            if match is not None:
                columns["account_id"][index] = match.account_id
                columns["match_rule"][index], columns["match_score"][index] = match.rule, match.score

    @staticmethod
    def _zone(text: str, run: Run) -> str | None:
        if text in available_timezones():
            return text
        run.report.warn(f"{text!r} is not a time zone such as Europe/Paris and was left out")
        return None

    def merge(self, stage: Stage, run: Run) -> Counts:
        fold_contacts(stage)
        with stage.preparing() as session:
            if "lawful_basis" in run.present:
                freeze_withdrawn(session, stage, run)
            keep_known_evidence(session, stage, run)
            keep_decided_accounts(session, stage)
        return merge_all(stage, _upsert(stage, run), is_dry_run=run.is_dry_run, progress=run.progress)


def _upsert(stage: Stage, run: Run) -> Upsert:
    rows = stage.rows.c
    basis = ("lawful_basis", "basis_source", "basis_at", "consent_kind")
    changes_basis = "lawful_basis" in run.present
    given = [name for name in _PLAIN if name in run.present] + ["account_id", "match_rule", "match_score"]
    given += ["email", "email_key"] if "email" in run.present else []
    sets: dict[str, ColumnElement[Any]] = {name: rows[name] for name in given}
    first: dict[str, Any] = {"is_active": True, "is_sample": False, "created_at": run.moment}
    (sets if changes_basis else first).update({name: rows[name] for name in basis})
    if run.has_custom:
        sets["custom"] = merged_custom(stage, _CONTACT)
    return Upsert(
        _CONTACT,
        key={"external_id": rows.external_id},
        sets=sets,
        kept_where_empty={} if run.empty_clears else {**dict(zip(_PLAIN, _PLAIN, strict=True)), "email": "email",
                                                      "email_key": "email"},
        on_create=first,
        on_change={"updated_at": run.moment},
    )
