"""A small company to write campaigns for: a list of accounts with people, and its users."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.contacts.models import Contact
from abm.targets.models import ListMember, TargetList
from core import clock
from tests.factories import make_account, make_contact

WORKING_MOMENT = datetime(2026, 3, 3, 10, 0, tzinfo=UTC)  # a Tuesday

CAMPAIGN = """\
campaign: welcome-back
title: Welcome back
purpose: win-back
list: silent
sender: {name: Sales desk, email: sales@example.com, postal_address: "1 Example Street, Example Town"}
steps:
  - id: hello
    channel: email
    subject: "{{ account.name }}: what we have mended"
    html: hello.html
"""
HELLO = """<p>Hello {{ contact.first_name | default('there') }} of {{ account.name }}</p>
<p>{{ sender.postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>"""


def make_list(session: Session, *accounts: Account, name: str = "silent") -> TargetList:
    made = TargetList(name=name, title=name.capitalize(), kind="static", created_at=clock.now(), updated_at=clock.now(),
                      member_count=len(accounts))
    session.add(made)
    session.flush()
    session.add_all(ListMember(list_id=made.id, account_id=account.id, added_at=clock.now(), how="hand")
                    for account in accounts)
    session.flush()
    return made


def make_listed_people(session: Session, count: int, **values: Any) -> list[Contact]:
    """So many accounts on the list `silent`, with one person each."""
    people = [make_contact(session, make_account(session, country="GB"), **values) for _number in range(count)]
    make_list(session, *(session.get_one(Account, person.account_id) for person in people))
    return people


def write_campaign(folder: Path, text: str = CAMPAIGN, **files: str) -> Path:
    """The campaign file in a folder, with hello.html beside it."""
    (folder / "hello.html").write_text(HELLO)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content)
    path = folder / "welcome.yaml"
    path.write_text(text)
    return path
