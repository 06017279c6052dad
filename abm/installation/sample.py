"""The sample company: something true to look at on the first start."""

import os
import secrets
import tempfile
from datetime import date, timedelta
from pathlib import Path

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.actions import run_analysis
from abm.analysis.queries import latest_run
from abm.company.queries import company_today
from abm.contacts.models import Contact
from abm.imports.mapping import mapping_from
from abm.imports.recording import add_finished_run
from abm.imports.registry import find_importer
from abm.imports.running import Task, bring_in
from abm.installation.sample_files import CUSTOM, SALES, write_sample_files
from abm.installation.sample_sign_in import is_loading, loading_mark, sign_in_path
from abm.installation.sample_work import add_sample_work
from abm.outreach.actions import apply_campaign
from abm.outreach.campaign_files import read_campaign_file
from abm.targets.actions import save_list
from abm.targets.files import load_yaml, read_definition
from abm.targets.scopes import get_vocabulary
from abm.users.actions import create_user
from abm.users.models import User
from abm.users.queries import count_users
from core import db

FILES = Path(__file__).parent / "sample_company"
QUARTER = 91
_PEOPLE = (
    ("andrew.fuller@example.com", "Andrew Fuller", "admin"),
    ("laura.callahan@example.com", "Laura Callahan", "marketer"),
    (SALES[0], "Nancy Davolio", "sales"),
    (SALES[1], "Robert King", "sales"),
    ("anne.dodsworth@example.com", "Anne Dodsworth", "viewer"),
    ("pat.fischer@example.com", "Pat Fischer", "partner"),
)


def load_sample_company() -> bool:
    """Fill an empty installation with the sample company; False, changing nothing, where there is data already.

    Its dates are shifted by whole days so that the last order was yesterday. A load that was cut off goes on where it
    stood: every step either is one transaction or may be repeated.
    """
    with db.transaction() as session:
        if not is_loading() and not _is_empty(session):
            return False
        loading_mark().touch()
        if not count_users(session):
            _create_users(session)
        yesterday = company_today(session) - timedelta(days=1)
    _bring_in_files(yesterday)
    with db.transaction() as session:
        if latest_run(session) is None:
            session.execute(update(Account).values(is_sample=True))
            session.execute(update(Contact).values(is_sample=True))
            run_analysis(session, as_of=yesterday - timedelta(days=QUARTER))  # so that there is something to compare
            run_analysis(session)
            add_sample_work(session)
    _apply_lists_and_campaign()
    loading_mark().unlink()
    return True


def _bring_in_files(yesterday: date) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for kind, path in write_sample_files(Path(folder), last_order_on=yesterday).items():
            mapping = mapping_from({"custom": list(CUSTOM.get(kind, ()))}, find_importer(kind).layout)
            report = bring_in(Task(kind=kind, path=path, rejects=Path(folder) / "rejects.csv", mapping=mapping))
            with db.transaction() as session:
                add_finished_run(session, report, f"sample {kind}")


def _is_empty(session: Session) -> bool:
    return not session.scalar(select(exists(select(User.id)) | exists(select(Account.id))))


def _create_users(session: Session) -> None:
    """One user for each role; their passwords are random and kept in a file that only its owner may read."""
    lines = []
    for email, name, role in _PEOPLE:
        password = secrets.token_urlsafe(12)
        create_user(session, email=email, name=name, role=role, password=password, is_sample=True)
        lines.append(f"{role:9} {email:30} {password}")
    path = sign_in_path()
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")


def _apply_lists_and_campaign() -> None:
    for path in sorted(FILES.glob("list-*.yaml")):
        with db.transaction() as session:
            save_list(session, definition=read_definition(load_yaml(path.read_text("utf-8")), get_vocabulary(session)))
    raw = read_campaign_file(FILES / "campaign.yaml")
    with db.transaction() as session:
        apply_campaign(session, raw=raw)
