"""Facts that are changed in their place on the account page: shown, opened, saved, each as a fragment."""

from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from abm.accounts import actions
from abm.accounts.facts import CUSTOM, Fact, facts_of, find_fact, with_fact
from abm.accounts.forms import TIERS, parse_account, typed_account
from abm.accounts.models import Account
from abm.accounts.queries import get_account
from abm.users.queries import list_active_users
from abm.web.access import requires
from abm.web.permissions import Permission
from core.errors import InvalidInput, NotFound

Answer = str | Response | tuple[str, int]


def add_to(pages: Blueprint) -> None:
    """Serve the facts under /accounts/ID/fact."""
    pages.add_url_rule("/accounts/<int:account_id>/fact", view_func=fact)
    pages.add_url_rule("/accounts/<int:account_id>/fact/edit", view_func=edit_fact)
    pages.add_url_rule("/accounts/<int:account_id>/fact", view_func=save_fact, methods=["POST"])


@requires(Permission.SEE)
def fact(account_id: int) -> Answer:
    return _shown(get_account(g.session, account_id), _wanted())


@requires(Permission.EDIT_ACCOUNTS)
def edit_fact(account_id: int) -> Answer:
    account, own = get_account(g.session, account_id), _wanted()
    return _opened(account, own, fact_value(g.session, account, own), "")


@requires(Permission.EDIT_ACCOUNTS)
def save_fact(account_id: int) -> Answer:
    account, own = get_account(g.session, account_id), _wanted()
    value = request.form.get("value", "").replace("\x00", "")
    form = with_fact(typed_account(g.session, account), own, value)
    try:
        values = parse_account(g.session, form, account_id=account_id)
        actions.update_account(g.session, account_id=account_id, values=_only(own, values))
    except InvalidInput as error:
        return _opened(account, own, value, error.fields.get(own.field) or str(error)), 422
    if not request.headers.get("HX-Request"):
        return redirect(url_for("accounts.show", account_id=account_id))
    return _shown(account, own)


def _only(own: Fact, values: dict[str, Any]) -> dict[str, Any]:
    """Nothing but this fact is changed, whatever else the whole form would have tidied up."""
    names = {"parent": ("parent_id",), "owner_id": ("owner_id", "owner_email")}.get(own.field, (own.field,))
    return {name: values[name] for name in names if name in values}


def _wanted() -> Fact:
    name = request.values.get("name", "").replace("\x00", "")
    own = find_fact(CUSTOM + request.values["custom_name"] if request.values.get("custom_name") else name)
    if own is None:
        raise NotFound("There is no such fact")
    return own


def fact_value(session: Session, account: Account, own: Fact) -> Any:
    """What stands in the field when the fact is opened."""
    if own.kind == "custom":
        return (account.custom or {}).get(own.name.removeprefix(CUSTOM), "")
    return typed_account(session, account).get(own.name)


def shown_facts(account: Account, parent: Account | None) -> list[tuple[Fact, Any]]:
    """Every fact with its value as people read it."""
    return [(own, _read(account, own, parent)) for own in facts_of(account.custom)]


def _read(account: Account, own: Fact, parent: Account | None) -> Any:
    if own.kind == "custom":
        return (account.custom or {}).get(own.name.removeprefix(CUSTOM))
    if own.kind == "owner":
        return account.owner.name if account.owner else account.owner_email
    if own.name == "parent":
        return parent.name if parent else None
    return getattr(account, own.name)


def _shown(account: Account, own: Fact) -> str:
    parent = get_account(g.session, account.parent_id) if account.parent_id else None
    g.session.refresh(account, ["owner"])
    return render_template("accounts/_fact.html", account=account, fact=own, value=_read(account, own, parent))


def _opened(account: Account, own: Fact, value: Any, error: str) -> str:
    owners = [(user.id, user.name) for user in list_active_users(g.session)] if own.kind == "owner" else []
    choices = TIERS if own.kind == "tier" and account.tier in (None, "", *(tier for tier, _word in TIERS)) else owners
    return render_template("accounts/_fact_form.html", account=account, fact=own, value=value, error=error,
                           choices=choices)
