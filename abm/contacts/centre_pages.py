"""The map of the buying centre on the account page, and the drawer in which a person's part is changed."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from abm.accounts.models import Account
from abm.accounts.panels import Headline, register_headline, register_panel
from abm.accounts.queries import find_account_by_name, get_account
from abm.contacts import centre_actions
from abm.contacts.buying_centre import ATTITUDES, INFLUENCE, ROLES, STRENGTHS, role_word
from abm.contacts.centre_queries import Centre, list_ties, name_of, read_centre
from abm.contacts.models import Contact, FurtherSeat
from abm.contacts.queries import get_contact, list_contacts_of, why_not_emailed
from abm.users.queries import list_active_users
from abm.web.access import requires
from abm.web.permissions import Permission
from core import clock
from core.errors import InvalidInput, NotFound

Answer = str | Response | tuple[str, int]
SIGNS = {"supporter": "▲", "neutral": "●", "sceptic": "◆", "opponent": "▼"}


def add_to(pages: Blueprint) -> None:
    """Serve the drawer and what it changes under /contacts/ID/…, the arithmetic under /accounts/ID/buying-centre."""
    pages.add_url_rule("/accounts/<int:account_id>/buying-centre", view_func=why_complete)
    pages.add_url_rule("/contacts/<int:contact_id>/part", view_func=part)
    for name, view in (("part", save_part), ("confirmed", confirm), ("acquaintances", save_tie), ("seats", add_seat),
                       ("seats/<int:account_id>/remove", remove_seat)):
        pages.add_url_rule(f"/contacts/<int:contact_id>/{name}", view_func=view, methods=["POST"])


def centre_of(session: Session, account_id: int) -> Centre:
    """The account's buying centre by the company's own rules; read once per request."""
    kept: dict[int, Centre] = g.setdefault("centres", {})
    if account_id not in kept:
        kept[account_id] = read_centre(session, account_id, required=g.company.required_roles, at=clock.now(),
                                       fresh_days=g.company.map_fresh_days)
    return kept[account_id]


def people_panel(session: Session, account: Account) -> str:
    """The map with its empty seats, and everybody as a table."""
    centre = centre_of(session, account.id)
    everybody = [*(person.contact for person in centre.people.values()), *centre.left]
    return render_template("contacts/_people.html", account=account, centre=centre, attitudes=ATTITUDES, signs=SIGNS,
                           obstacles=why_not_emailed(session, everybody), name=name_of, role_word=role_word,
                           stale={part.id for part in centre.stale})


def read_completeness(session: Session, account: Account) -> Headline:
    centre = centre_of(session, account.id)
    value = "–" if centre.completeness is None else f"{centre.completeness:.0f} %"
    missing = ", ".join(f"no {seat.word.lower()}" for seat in centre.gaps[:2])
    return Headline(value, url_for("contacts.why_complete", account_id=account.id), missing or "every seat is taken")


register_panel("People", 20, people_panel, part="people")
register_headline("Buying centre", 40, read_completeness)


@requires(Permission.SEE)
def why_complete(account_id: int) -> Answer:
    account = get_account(g.session, account_id)
    return render_template("contacts/why_complete.html", account=account, centre=centre_of(g.session, account.id),
                           company=g.company)


@requires(Permission.EDIT_ACCOUNTS)
def part(contact_id: int) -> Answer:
    contact = get_contact(g.session, contact_id)
    typed = {name: getattr(contact, name) for name in centre_actions.PART}
    return _drawer(contact, typed, {})


def _drawer(contact: Contact, typed: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    roles = dict(ROLES)
    if contact.buying_role:
        roles.setdefault(contact.buying_role, role_word(contact.buying_role))
    others = [(other.id, name_of(other)) for other in list_contacts_of(g.session, contact.account_id)
              if other.id != contact.id and other.is_active]
    return render_template(
        "contacts/part.html", contact=contact, name=name_of(contact), typed=typed, errors=errors, roles=roles.items(),
        others=others, attitudes=ATTITUDES.items(), influence=INFLUENCE.items(), strengths=STRENGTHS,
        ties=list_ties(g.session, contact.id), users=[(user.id, user.name) for user in list_active_users(g.session)])


@requires(Permission.EDIT_ACCOUNTS)
def save_part(contact_id: int) -> Answer:
    contact = get_contact(g.session, contact_id)
    try:
        values = parse_part(g.session, contact, request.form)
        centre_actions.set_part(g.session, contact_id=contact_id, values=values)
    except InvalidInput as error:
        return _drawer(contact, request.form, error.fields), 422
    return _to_map(contact.account_id)


def parse_part(session: Session, contact: Contact, form: Mapping[str, str]) -> dict[str, Any]:
    """Role, influence, attitude and superior as they are stored. Raises InvalidInput with a sentence per field."""
    errors: dict[str, str] = {}
    role, attitude = form.get("buying_role", "") or None, form.get("attitude", "") or None
    influence, superior = form.get("influence", ""), form.get("reports_to_id", "")
    if role not in {None, *ROLES, contact.buying_role}:
        errors["buying_role"] = "Choose one from the list"
    if attitude not in {None, *ATTITUDES}:
        errors["attitude"] = "Choose one from the list"
    if influence and influence not in {str(level) for level in INFLUENCE}:
        errors["influence"] = "A whole number from 0 to 10"
    colleagues = {str(other.id) for other in list_contacts_of(session, contact.account_id)}
    if superior and superior not in colleagues:
        errors["reports_to_id"] = "Choose somebody of the same account"
    if errors:
        raise InvalidInput("The part was not saved", errors)
    return {"buying_role": role, "attitude": attitude, "influence": int(influence) if influence else None,
            "reports_to_id": int(superior) if superior else None}


@requires(Permission.EDIT_ACCOUNTS)
def confirm(contact_id: int) -> Answer:
    return _to_map(centre_actions.confirm_part(g.session, contact_id=contact_id).account_id)


@requires(Permission.EDIT_ACCOUNTS)
def save_tie(contact_id: int) -> Answer:
    contact = get_contact(g.session, contact_id)
    strength, user_id = request.form.get("strength", type=int), request.form.get("user_id", type=int)
    if user_id is None or strength not in (None, *STRENGTHS):
        raise NotFound("There is no such user or strength")
    centre_actions.set_acquaintance(g.session, contact_id=contact_id, user_id=user_id, strength=strength,
                                    since=_day(request.form.get("since", "")))
    return _to_map(contact.account_id)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


@requires(Permission.EDIT_ACCOUNTS)
def add_seat(contact_id: int) -> Answer:
    contact = get_contact(g.session, contact_id)
    wanted = request.form.get("account", "").strip()
    account_id = find_account_by_name(g.session, wanted) if wanted else None
    if account_id is None or account_id == contact.account_id:
        flash("This is the person's own account" if account_id else
              f"There is no single account called {wanted}: type its full name or its id in your system", "error")
        return redirect(url_for("contacts.show", contact_id=contact.id))
    role = request.form.get("buying_role", "")
    centre_actions.add_further_seat(
        g.session, contact_id=contact.id, account_id=account_id, buying_role=role if role in ROLES else None,
        title=request.form.get("title", "").replace("\x00", "").strip()[:200] or None)
    return redirect(url_for("contacts.show", contact_id=contact.id))


@requires(Permission.EDIT_ACCOUNTS)
def remove_seat(contact_id: int, account_id: int) -> Answer:
    if g.session.get(FurtherSeat, (contact_id, account_id)) is None:
        raise NotFound("This person has no part there")
    centre_actions.remove_further_seat(g.session, contact_id=contact_id, account_id=account_id)
    return redirect(url_for("contacts.show", contact_id=contact_id))


def _to_map(account_id: int) -> Response:
    address = url_for("accounts.show", account_id=account_id, part="people")
    if request.headers.get("HX-Request"):
        return Response(status=204, headers={"HX-Redirect": address})
    return redirect(address)
