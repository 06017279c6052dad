"""Every table that a page shows can be taken out as CSV and XLSX, by one mechanism."""

import io
import re
from pathlib import Path

import pytest
from openpyxl import load_workbook

from abm.web.permissions import Permission, Role
from core.settings import ROOT
from tests.architecture.test_routes import rules

# A template with a table and no export of its own, with the reason.
WITHOUT = {
    "components/ui.html": "the macros themselves",
    "analysis/why_thing.html": "the arithmetic of one row",
    "analysis/why_scores.html": "the arithmetic of one number",
    "contacts/_people.html": "a panel; the people are exported from the list of people",
    "contacts/why_complete.html": "the arithmetic of one number",
    "dossier/sheet.html": "a sheet to print, made of tables that are exported where they stand",
    "dossier/_family.html": "a roll-up; its accounts are exported from the list of accounts",
    "dossier/white_space_cell.html": "the arithmetic of one number",
    "home/today.html": "a summary of tables that are exported where they stand",
    "identity/show.html": "two records beside each other",
    "imports/_report.html": "refused rows; their file is the export, in the form in which they came",
    "imports/mapping.html": "the first rows of the uploaded file",
    "contacts/show.html": "the consent log of one person, handed out by `abm contact export`",
    "dossier/_gaps.html": "a card of the call desk; white space stands on the account page",
    "settings/countries.html": "settings, not data: the lawful basis by country",
    "sending/receiving.html": "settings, not data: mailboxes and webhooks",
    "offers/_panel.html": "a panel; codes are exported from their offer",
    "portal/_tasks.html": "part of pages that export it",
    "portal/_orders.html": "part of pages that export it",
    "orders/_panel.html": "a panel; orders are exported from the list of orders",
    "outreach/_account_panel.html": "a panel; messages are exported from their campaign",
    "outreach/why_cost.html": "the arithmetic of one number",
    "outreach/why_effect.html": "the arithmetic of one number",
    "scorecards/_panel.html": "a panel; scores are exported from their scorecard",
    "scorecards/edit.html": "the criteria; they are downloaded as a file, in the form in which they come in",
    "work/call.html": "products to pick from, exported from the list of products",
    "work/_tasks.html": "part of pages that export it",
    "work/visit.html": "orders of one account, exported from the list of orders",
    "winback/_cases.html": "part of pages that export it",
    "winback/case.html": "one case",
}
CALL = re.compile(r"""exports\(["']([\w.]+)["']""")


def templates():
    folder = Path(ROOT) / "templates"
    return {path.relative_to(folder).as_posix(): path.read_text() for path in sorted(folder.rglob("*.html"))}


def export_rules(app):
    return [rule for rule in rules(app) if getattr(app.view_functions[rule.endpoint], "is_export", False)]


def test_every_template_with_a_table_offers_its_export():
    """Missing yours? `@exports(pages, path)` in abm/web/exports.py, and {{ ui.exports("area.endpoint", filters) }}."""
    lacking = [name for name, text in templates().items() if "<table" in text and not CALL.search(text)]
    assert [name for name in lacking if name not in WITHOUT] == []


def test_no_exception_is_kept_for_a_template_that_needs_none():
    present = templates()
    assert [name for name in WITHOUT if name not in present or "<table" not in present[name]] == []


def test_every_export_that_a_template_offers_is_one_of_the_mechanism(app):
    known = {rule.endpoint for rule in export_rules(app)}
    offered = {endpoint for text in templates().values() for endpoint in CALL.findall(text)}
    assert offered - known == set()


def test_only_those_who_may_export_reach_an_export(app):
    marks = {app.view_functions[rule.endpoint].access for rule in export_rules(app)}
    assert Permission.SEE not in marks


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_every_export_without_a_subject_answers_a_file_that_can_be_read(app, client_as, kind):
    client, partner = client_as(Role.ADMIN), client_as(Role.PARTNER)
    wrong = {}
    for rule in export_rules(app):
        if rule.arguments != {"ending"}:
            continue
        is_partners = app.view_functions[rule.endpoint].access == Permission.SERVE_AS_PARTNER
        answer = (partner if is_partners else client).get(rule.build({"ending": kind})[1])
        if answer.status_code == 404:
            continue
        disposition = answer.headers.get("Content-Disposition", "")
        is_named = disposition.startswith("attachment; filename*=UTF-8''")
        is_safe = answer.headers.get("X-Content-Type-Options") == "nosniff"
        if answer.status_code != 200 or not is_named or not is_safe or not _header(answer.data, kind):
            wrong[rule.rule] = (answer.status_code, disposition)
    assert wrong == {}


def _header(content: bytes, kind: str) -> list[str]:
    if kind == "csv":
        return content.decode().splitlines()[0].split(",")
    return [cell.value for cell in next(load_workbook(io.BytesIO(content), read_only=True).active.iter_rows())]
