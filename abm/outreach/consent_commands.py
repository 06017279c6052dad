"""`abm suppress`, `abm unsuppress` and `abm contact`: stops and the rights of a person, from the command line."""

import json
from typing import TYPE_CHECKING, Any

import click

from abm.outreach import consent_actions
from abm.outreach.erasure import erase_person, wipe_deleted_pages
from abm.outreach.person_export import export_person
from abm.web.terminal import answer, plain
from core.db import reading, transaction
from core.errors import NotFound

if TYPE_CHECKING:
    from abm.outreach.why_not import WhyNot

JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")


@click.command("suppress")
@click.argument("address")
@click.option("--reason", required=True, help="Why, for the log.")
@JSON
def suppress(address: str, reason: str, as_json: bool) -> None:
    """Write to ADDRESS no more, for any purpose."""
    with transaction() as session:
        is_new = consent_actions.suppress(session, address=address, reason=reason)
    text = f"{address} is suppressed for all mail" if is_new else f"{address} was suppressed for all mail already"
    answer({"address": address, "suppressed": True, "changed": is_new}, as_json=as_json, text=text)


@click.command("unsuppress")
@click.argument("address")
@click.option("--reason", required=True, help="Why it may be written to again, for the log.")
@JSON
def unsuppress(address: str, reason: str, as_json: bool) -> None:
    """Lift the stops on ADDRESS."""
    with transaction() as session:
        lifted = consent_actions.unsuppress(session, address=address, reason=reason)
    answer(
        {"address": address, "suppressed": False, "lifted": lifted},
        as_json=as_json,
        text=f"{address} may be written to again ({lifted} lifted)",
    )


@click.group("contact")
def contact() -> None:
    """What is known about one person: hand it out, or erase it."""


@contact.command("export")
@click.argument("email")
@click.option("--json", "as_json", is_flag=True, help="The only form there is; may be left out.")
def export(email: str, as_json: bool) -> None:  # noqa: ARG001 - accepted for symmetry with the other commands
    """Everything on file about EMAIL as one JSON object (GDPR Art. 15 and 20)."""
    with reading() as session:
        found = export_person(session, email=email)
    click.echo(json.dumps(found, default=plain, ensure_ascii=False, indent=2))


@contact.command("erase")
@click.argument("email")
@JSON
def erase(email: str, as_json: bool) -> None:
    """Erase EMAIL everywhere; only a keyed digest stays, so that nobody writes there again (GDPR Art. 17)."""
    with transaction() as session:
        done = erase_person(session, email=email)
    wipe_deleted_pages()
    answer(
        done,
        as_json=as_json,
        text=f"Erased: {done['contacts']} people, {done['deliveries']} messages without their address, "
        f"{done['cells']} other places, {done['files']} files",
    )


@contact.command()
@click.argument("email")
@click.option("--channel", default="email", show_default=True, type=click.Choice(["email", "call", "letter", "visit"]))
@click.option("--purpose", default="marketing", show_default=True)
@JSON
def why(email: str, channel: str, purpose: str, as_json: bool) -> None:
    """May the person with this address be touched now? Every rule of the gate, with what it says."""
    from abm.contacts.queries import get_contact
    from abm.outreach.why_not import explain_person
    from campaigns.outside import outside

    with reading() as session:
        rows = [_told(explain_person(session, contact=get_contact(session, contact_id), channel=channel,
                                     purpose=purpose))
                for contact_id, _account in outside().people.contacts_by_address(session, email)]
    if not rows:
        raise NotFound(f"Nobody with the address {email} is on record")
    lines = [f"{'yes' if rule['holds'] else 'NO ':4}{rule['rule']}{': ' + rule['detail'] if rule['detail'] else ''}"
             for row in rows for rule in row["rules"]]
    lines += [f"{one['campaign']}, {one['step']}: {one['state']}"
              + "".join(f", {words}" for words in (one["why"], one["detail"]) if words)
              for row in rows for one in row["messages"]]
    answers = [f"{row['answer']}: {row['detail'] or 'nothing speaks against it'}" for row in rows]
    answer({"email": email, "channel": channel, "purpose": purpose, "people": rows}, as_json=as_json,
           text="\n".join([*answers, *lines]))


def _told(found: "WhyNot") -> dict[str, Any]:
    return {"answer": found.verdict.answer, "reason": found.verdict.reason, "until": found.verdict.until,
            "detail": found.verdict.detail,
            "rules": [{"rule": name, "holds": verdict is None, "detail": verdict.detail if verdict else ""}
                      for name, verdict in found.rules],
            "messages": [{"campaign": campaign.name, "step": row.step, "state": row.state, "reason": row.reason,
                          "why": found.why[row.id].reason, "detail": found.why[row.id].detail, "due_at": row.due_at}
                         for row, campaign in found.messages]}
