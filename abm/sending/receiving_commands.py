"""`abm mailboxes …` and `abm hooks …`: where answers and reports come in."""

import sys

import click

from abm.sending import receiving
from abm.web.terminal import DONE, PARTLY, answer
from campaigns.hook_forms import FORMS
from campaigns.mailboxes import poll_all
from core.db import reading, transaction

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


@click.group()
def mailboxes() -> None:
    """Mailboxes that are looked into every minute."""


@mailboxes.command(name="list")
@JSON
def list_mailboxes(as_json: bool) -> None:
    """Every mailbox, when it was looked into, and what stands in the way."""
    with reading() as session:
        rows = [{"name": one.name, "kind": one.kind, "folder": one.folder, "host": one.host, "messages": one.messages,
                 "checked_at": one.checked_at, "problem": one.problem} for one in receiving.list_mailboxes(session)]
    text = "\n".join(f"{row['name']}\t{row['host'] or row['folder']}\t{row['messages']} read\t{row['problem']}"
                     for row in rows)
    answer({"mailboxes": rows}, as_json=as_json, text=text or "No mailbox yet: abm mailboxes add NAME …")


@mailboxes.command(name="add")
@click.argument("name")
@click.option("--maildir", default="", help="The whole path of a Maildir folder.")
@click.option("--imap", "host", default="", help="The mail server's name.")
@click.option("--user", default="", help="The IMAP user.")
@click.option("--folder", default="INBOX", show_default=True)
@click.option("--tls", default="implicit", type=click.Choice([*receiving.TLS]), show_default=True)
@click.option("--port", default="", help="Left out: the usual one.")
@JSON
def add_mailbox(as_json: bool, **typed: str) -> None:
    """Look into a Maildir folder or an IMAP mailbox; the password is asked for."""
    form = {**typed, "user_name": typed["user"], "kind": "maildir" if typed["maildir"] else "imap"}
    form["folder"] = typed["maildir"] or typed["folder"]
    form["secret"] = "" if typed["maildir"] else click.prompt("Password", hide_input=True, err=True)
    with transaction() as session:
        mailbox = receiving.create_mailbox(session, form=form)
        told = {"name": mailbox.name, "kind": mailbox.kind, "folder": mailbox.folder}
    answer(told, as_json=as_json, text=f"{told['name']} is looked into every minute from now on")


@mailboxes.command()
@JSON
def poll(as_json: bool) -> int:
    """Look into every mailbox now."""
    found = poll_all(is_now=True)
    rows = [{"name": one.name, "messages": one.messages, "problem": one.problem} for one in found]
    text = "\n".join(f"{one.name}: {one.messages} read{', ' + one.problem if one.problem else ''}" for one in found)
    answer({"mailboxes": rows}, as_json=as_json, text=text or "There is no mailbox")
    return PARTLY if any(one.problem for one in found) else DONE


@mailboxes.command(name="remove")
@click.argument("name")
def remove_mailbox(name: str) -> None:
    """Look into it no more; what was read stays."""
    with transaction() as session:
        receiving.remove_mailbox(session, name=name)


@click.group()
def hooks() -> None:
    """Webhooks that providers call with events."""


@hooks.command(name="list")
@JSON
def list_hooks(as_json: bool) -> None:
    """Every webhook with its address."""
    with reading() as session:
        rows = [{"name": one.name, "form": one.form, "url": receiving.hook_url(one), "events": one.events,
                 "last_at": one.last_at} for one in receiving.list_hooks(session)]
    text = "\n".join(f"{row['name']}\t{row['url']}\t{row['events']} events" for row in rows)
    answer({"hooks": rows}, as_json=as_json, text=text or "No webhook yet: abm hooks add NAME")


@hooks.command(name="add")
@click.argument("name")
@click.option("--form", default="standard", type=click.Choice([*FORMS]), show_default=True)
@click.option("--secret-stdin", is_flag=True, help="Read the provider's signing secret from standard input.")
@JSON
def add_hook(name: str, form: str, secret_stdin: bool, as_json: bool) -> None:
    """Make an address for a provider; without its secret one is made and printed this once."""
    secret = sys.stdin.readline().strip() if secret_stdin else ""
    with transaction() as session:
        made = receiving.create_hook(session, form={"name": name, "form": form, "secret": secret})
        told = {"name": name, "form": form, "url": made.url, "secret": made.secret}
    answer(told, as_json=as_json, text=f"{made.url}" + (f"\nsigning secret: {made.secret}" if made.secret else ""))


@hooks.command(name="remove")
@click.argument("name")
def remove_hook(name: str) -> None:
    """Refuse calls to its address from now on."""
    with transaction() as session:
        receiving.remove_hook(session, name=name)
