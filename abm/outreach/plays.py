"""Making a play of the library one's own: its list, its offer and a draft campaign, in one go."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from abm.company.queries import company_today, get_company
from abm.offers.actions import create_offer
from abm.offers.forms import parse_offer
from abm.offers.queries import list_offers
from abm.outreach.actions import create_campaign
from abm.outreach.queries import find_campaign_by_name
from abm.targets.actions import save_list
from abm.targets.files import read_definition
from abm.targets.queries import find_list
from abm.targets.scopes import get_vocabulary
from campaigns.library import Play
from campaigns.models import Campaign

_MOST_COPIES = 100


def use_play(session: Session, *, play: Play, sender_email: str, list_name: str = "",
             webhook_url: str = "") -> Campaign:
    """A draft campaign from the play, to `list_name` or, when empty, to the play's own list, made where it is missing.

    A step that tells another program goes to `webhook_url`, and is left out where none is given.

    Raises InvalidInput where something of it cannot be stored, such as a sender without an address.
    """
    company = get_company(session)
    if play.offer:
        _make_offer(session, play.offer)
    raw = {
        "campaign": _free_name(session, play.name), "title": play.title, "list": list_name or _make_list(session, play),
        "sender": {"name": company.name, "email": sender_email, "postal_address": company.postal_address},
        **play.campaign, "steps": _told_to(webhook_url, play.campaign["steps"]),
    }
    return create_campaign(session, raw=raw)


def _told_to(url: str, steps: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    wanted = [step for step in steps if url or step.get("channel") != "webhook"]
    return [{**step, "url": url} if step.get("channel") == "webhook" else step for step in wanted]


def _make_list(session: Session, play: Play) -> str:
    """A list of that name is left as somebody may have changed it."""
    if find_list(session, play.name) is None:
        document = {"list": play.name, "title": play.list_title, "who": play.who}
        save_list(session, definition=read_definition(document, get_vocabulary(session)))
    return play.name


def _make_offer(session: Session, wanted: Any) -> None:
    if any(offer.name == wanted["name"] for offer in list_offers(session)):
        return
    today = company_today(session)
    typed = {"name": wanted["name"], "title": wanted["title"], "kind": wanted["kind"], "terms": "", "cause": "",
             "rung": "", "cost_amount": str(wanted["cost"]), "limit_count": str(wanted["limit"]),
             "valid_from": today.isoformat(), "valid_until": (today + timedelta(days=wanted["days"])).isoformat()}
    create_offer(session, values=parse_offer(typed, currency=get_company(session).currency))


def _free_name(session: Session, name: str) -> str:
    tried = [name, *(f"{name}-{number}" for number in range(2, _MOST_COPIES))]
    return next(one for one in tried if find_campaign_by_name(session, one) is None)
