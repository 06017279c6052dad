"""People: the list, a person's page and form, and the buying centre on the account page."""

from typing import Any

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from abm.accounts.models import Account
from abm.accounts.queries import find_account_by_name, get_account
from abm.accounts.views import list_views
from abm.contacts import actions, centre_pages
from abm.contacts.buying_centre import ATTITUDES, INFLUENCE, ROLES, role_word
from abm.contacts.centre_queries import list_further_seats, list_ties, name_of
from abm.contacts.consent import KIND_WORDS, consent_ends_on
from abm.contacts.forms import BASES, parse_contact, typed_contact
from abm.contacts.models import Contact
from abm.contacts.queries import (
    find_namesakes,
    get_contact,
    have_many,
    list_consent,
    list_order,
    read_listing,
    select_contacts,
    why_not_emailed,
)
from abm.web.access import requires
from abm.web.exports import Table, exports
from abm.web.keyset import COUNT_UP_TO, count_rows, fetch_page, read_place, say_count
from abm.web.permissions import Permission
from core.errors import InvalidInput

pages = Blueprint("contacts", __name__)
centre_pages.add_to(pages)
Answer = str | Response | tuple[str, int]
EXPORTED = ("external_id", "first_name", "last_name", "email", "phone", "title", "department", "buying_role",
            "language", "timezone", "lawful_basis", "basis_source", "basis_at", "consent_kind")


@pages.get("/contacts")
@requires(Permission.SEE)
def index() -> Answer:
    listing = read_listing(request.args)
    are_many = have_many(g.session, listing, more_than=COUNT_UP_TO)
    query, order = select_contacts(listing, are_many=are_many), list_order(listing)
    counted = COUNT_UP_TO + 1 if are_many else count_rows(g.session, query, up_to=COUNT_UP_TO)
    page = fetch_page(g.session, query, order=order, place=read_place(request.args, order))
    obstacles = why_not_emailed(g.session, [row[0] for row in page.rows])
    return render_template(
        "contacts/index.html", page=page, listing=listing, roles=ROLES, bases=BASES, role_word=role_word,
        count=say_count(counted, "person", "people", up_to=COUNT_UP_TO), obstacles=obstacles, kept=listing.arguments,
        attitudes=ATTITUDES, views=list_views(g.session, user_id=g.user.id, page="contacts"))


@exports(pages, "/contacts/export")
def export() -> Table:
    rows = g.session.execute(select_contacts(read_listing(request.args)), execution_options={"yield_per": 5_000})
    columns = ["contact_id", "account_id", *EXPORTED[1:]]
    values = ([contact.external_id, account.external_id, *(getattr(contact, name) for name in EXPORTED[1:])]
              for contact, account in rows)
    return Table("contacts", columns=columns, rows=values)


@pages.get("/contacts/<int:contact_id>")
@requires(Permission.SEE)
def show(contact_id: int) -> Answer:
    return _page(get_contact(g.session, contact_id), {}, {})


def _page(contact: Contact, typed: Any, errors: Any) -> str:
    others = find_namesakes(g.session, email_key=contact.email_key, but=contact.id) if contact.email_key else []
    return render_template(
        "contacts/show.html", contact=contact, typed=typed, errors=errors, name=name_of(contact), others=others,
        role_word=role_word, bases=BASES, attitudes=ATTITUDES, roles=ROLES.items(),
        ties=list_ties(g.session, contact.id), further=list_further_seats(g.session, contact.id),
        consents=list_consent(g.session, contact.id),
        obstacle=why_not_emailed(g.session, [contact]).get(contact.id), kinds=KIND_WORDS,
        consent_ends=consent_ends_on(contact))


@pages.get("/accounts/<int:account_id>/contacts/new")
@requires(Permission.EDIT_ACCOUNTS)
def new(account_id: int) -> Answer:
    return _form({"buying_role": request.args.get("role", "")}, {}, account=get_account(g.session, account_id))


@pages.post("/accounts/<int:account_id>/contacts")
@requires(Permission.EDIT_ACCOUNTS)
def create(account_id: int) -> Answer:
    account = get_account(g.session, account_id)
    try:
        contact = actions.create_contact(g.session, account_id=account.id, values=parse_contact(request.form))
    except InvalidInput as error:
        return _form(request.form, error.fields, account=account), 422
    flash(f"{name_of(contact)} is here now", "success")
    return redirect(url_for("accounts.show", account_id=account.id))


@pages.get("/contacts/<int:contact_id>/edit")
@requires(Permission.EDIT_ACCOUNTS)
def edit(contact_id: int) -> Answer:
    contact = get_contact(g.session, contact_id)
    return _form(typed_contact(contact), {}, contact=contact, account=contact.account)


@pages.post("/contacts/<int:contact_id>")
@requires(Permission.EDIT_ACCOUNTS)
def update(contact_id: int) -> Answer:
    contact = get_contact(g.session, contact_id)
    try:
        values = parse_contact(request.form, known_role=contact.buying_role, known_basis_at=contact.basis_at)
    except InvalidInput as error:
        return _form(request.form, error.fields, contact=contact, account=contact.account), 422
    actions.update_contact(g.session, contact_id=contact_id, values=values)
    flash("Saved", "success")
    return redirect(url_for("contacts.show", contact_id=contact_id))


@pages.post("/contacts/<int:contact_id>/left")
@requires(Permission.EDIT_ACCOUNTS)
def deactivate(contact_id: int) -> Answer:
    actions.deactivate_contact(g.session, contact_id=contact_id, reason=request.form.get("reason", ""))
    return redirect(url_for("contacts.show", contact_id=contact_id))


@pages.post("/contacts/<int:contact_id>/back")
@requires(Permission.EDIT_ACCOUNTS)
def reactivate(contact_id: int) -> Answer:
    actions.reactivate_contact(g.session, contact_id=contact_id)
    return redirect(url_for("contacts.show", contact_id=contact_id))


@pages.post("/contacts/<int:contact_id>/move")
@requires(Permission.EDIT_ACCOUNTS)
def move(contact_id: int) -> Answer:
    """To the account of which the id, the name or an alias was typed."""
    contact, wanted = get_contact(g.session, contact_id), request.form.get("move_to", "").strip()
    found = find_account_by_name(g.session, wanted) if wanted else None
    if found is None or found == contact.account_id:
        said = ("This is the person's account already" if found else
                f"There is no single account called {wanted}: type its full name or its id in your system" if wanted
                else "Type the account's name or its id in your system")
        return _page(contact, request.form, {"move_to": said}), 422
    moved = actions.move_contact(g.session, contact_id=contact_id, account_id=found)
    flash(f"Moved to {get_account(g.session, moved.account_id).name}; no file changes that again", "success")
    return redirect(url_for("contacts.show", contact_id=contact_id))


def _form(typed: Any, errors: Any, *, account: Account, contact: Contact | None = None) -> str:
    roles = dict(ROLES)
    if contact and contact.buying_role:
        roles.setdefault(contact.buying_role, role_word(contact.buying_role))
    return render_template(
        "contacts/form.html", typed=typed, errors=errors, account=account, contact=contact, bases=BASES.items(),
        roles=roles.items(), attitudes=ATTITUDES.items(), influence=INFLUENCE.items(),
        kinds=KIND_WORDS.items(),        name=name_of(contact) if contact else "")
