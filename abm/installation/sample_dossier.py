"""What people of the sample company know of its largest accounts: people and parts, tenders, competitors, notes."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from abm.accounts.models import Account
from abm.analysis.models import AccountResult
from abm.analysis.queries import latest_run_id
from abm.catalogue.models import Product
from abm.company.queries import company_today
from abm.contacts.actions import create_contact
from abm.contacts.centre_actions import set_acquaintance, set_part
from abm.contacts.models import Contact
from abm.dossier.actions import add_link, save_competitor, save_tender, update_dossier
from abm.users.queries import list_users
from core import clock

KNOWN = 8
# First name, last name, title, role, influence, attitude; the second reports to the first, the others to the second.
_PEOPLE: Sequence[tuple[str, str, str, str, int, str]] = (
    ("Helena", "Brandt", "Managing Director", "decision_maker", 10, "neutral"),
    ("Marco", "Silva", "Head of Purchasing", "economic_buyer", 8, "supporter"),
    ("Ingrid", "Larsen", "Category Manager", "champion", 6, "supporter"),
    ("Tomas", "Novak", "Quality Manager", "technical_buyer", 5, "sceptic"),
    ("Claire", "Moreau", "Store Manager", "user", 3, "neutral"),
    ("Peter", "Hagen", "Finance Director", "influencer", 7, "opponent"),
)
_LACKING: Sequence[set[int]] = ({4}, {2, 5}, set(), {5}, {2, 3}, {1, 4, 5}, {0}, {3, 4})
_TENDERS: Sequence[tuple[str, str, str | None, str | None, str | None, int]] = (
    ("Dairy range for the year", "won", "quality", "Samples were the best in the blind tasting", None, 48_000),
    ("Seafood, chilled, all stores", "lost", "deadline", "Our delivery took four days, two were asked for",
     "Nordic Catch", 65_000),
    ("Confections for the season", "lost", "price", "Six per cent above the winner", "Sweet & Sons", 22_000),
    ("Beverages, framework for two years", "open", None, None, None, 90_000),
)
_COMPETITORS = (
    ("Nordic Catch", "Seafood with delivery on the next day", 4, "Has the cold chain that we lack"),
    ("Sweet & Sons", "Confections at low prices", 3, "Buys listings with bonuses"),
    ("Plaza Foods", "The whole range from one hand", 2, "Calls on the stores, not on purchasing"),
)
_STANDING = (
    ("partner", "Deliveries were on time for a year; the complaint about broken jars was settled within two days.",
     "Present the dairy range for next year"),
    ("regular", "Orders steadily, but only two of our categories. Purchasing would like fewer suppliers.",
     "Offer beverages together with dairy"),
    ("at_risk", "Two late deliveries in a row were not forgiven; the finance director asks for a second source.",
     "Bring the plan for punctual delivery"),
    ("offer", "They know us from the fair and have our offer for the season.", "Ask what the offer lacks"),
)
_APPLICATIONS = {
    "Beverages": "For shops and bars. Ask about cold storage; mixed pallets are possible from 20 cases on.",
    "Condiments": "Sells beside meat and seafood; small jars for delicatessen, buckets for kitchens.",
    "Confections": "Season from September to January; displays come free of charge with 50 units.",
    "Dairy Products": "Keep chilled at 2 to 6 °C; three weeks on the shelf from delivery. Strong in blind tastings.",
    "Grains/Cereals": "A basic range with a steady turn; good for framework orders by the month.",
    "Meat/Poultry": "Asks for a licence and cold storage; weigh before you promise a delivery day.",
    "Produce": "Dried and preserved, so that no cold chain is needed; origin papers on request.",
    "Seafood": "Chilled, ordered by Tuesday noon for Friday. Say the delivery day before the price.",
}


def add_sample_dossiers(session: Session) -> None:
    """Through the same actions as a person's; the same every time."""
    today = company_today(session)
    users = [user.id for user in list_users(session) if user.role in ("sales", "marketer", "admin")]
    query = select(Account).join(AccountResult, AccountResult.account_id == Account.id)
    query = query.where(AccountResult.run_id == latest_run_id()).order_by(AccountResult.value.desc(), Account.id)
    for place, account in enumerate(session.scalars(query.limit(KNOWN)).all()):
        people = _add_people(session, account, place)
        _add_ties(session, people, [account.owner_id or users[0], *users], place, today)
        _add_relationship(session, account, place, today)
        _add_tenders(session, account, place, today)
        for name, offering, strength, note in _COMPETITORS[place % 3:][:2]:
            save_competitor(session, account_id=account.id, values={
                "name": name, "offering": offering, "strength": min(5, strength + place % 2), "note": note,
                "seen_on": today - timedelta(days=20 + 9 * place)})
    for category, text in _APPLICATIONS.items():
        session.execute(update(Product).where(Product.category == category).values(application=text))


def _add_people(session: Session, account: Account, place: int) -> list[Contact]:
    first = session.scalars(select(Contact).where(Contact.account_id == account.id)).first()
    made: list[Contact] = []
    for number, person in enumerate(_PEOPLE):
        if number not in _LACKING[place]:
            made.append(_add_person(session, account, person, made))
    if first is not None:
        set_part(session, contact_id=first.id, values={
            "buying_role": first.buying_role, "influence": 4, "attitude": "supporter",
            "reports_to_id": made[1].id if len(made) > 1 else None})
        made.append(first)
    return made


def _add_person(session: Session, account: Account, person: tuple[str, str, str, str, int, str],
                above: Sequence[Contact]) -> Contact:
    first, last, title, role, influence, attitude = person
    contact = create_contact(session, account_id=account.id, values={
        "first_name": first, "last_name": last, "title": title, "phone": None, "buying_role": role,
        "email": f"{first}.{last}@{account.external_id}.example".lower(), "language": "en",
        "influence": influence, "attitude": attitude, "lawful_basis": "consent", "basis_source": "sample: fair visit"})
    contact.is_sample = True
    contact.reports_to_id = above[min(len(above), 2) - 1].id if above else None
    return contact


def _add_ties(session: Session, people: Sequence[Contact], users: Sequence[int], place: int, today: date) -> None:
    """On every third account one person alone is known to us."""
    known = people[:1] if place % 3 == 2 else people[: 2 + place % 3]
    for number, contact in enumerate(known):
        for step, user_id in enumerate(dict.fromkeys(users[: 1 + number % 2])):
            set_acquaintance(session, contact_id=contact.id, user_id=user_id, strength=1 + (place + number + step) % 3,
                             since=today - timedelta(days=300 + 150 * number))
    if place % 2 and people:
        people[-1].confirmed_at = people[-1].created_at = clock.now() - timedelta(days=400)


def _add_relationship(session: Session, account: Account, place: int, today: date) -> None:
    stage, standing, step = _STANDING[place % len(_STANDING)]
    texts: dict[str, Any] = {
        "description": f"{account.name} sells food under its own name in and around {account.city}.",
        "history": "A family business for two generations; a customer of ours since the first catalogue.",
        "management": "The managing director signs what is above 10,000; purchasing decides on the rest by itself.",
        "environment": "Two chains opened nearby last year. Organic labels are asked for, and shorter delivery times."}
    if place % 3 == 1:
        texts.pop("management")
    update_dossier(session, account_id=account.id, values={
        **texts, "stage": stage, "standing": standing, "next_step": step, "next_on": today + timedelta(days=3 + place)})
    add_link(session, account_id=account.id, values={"title": "Minutes of the yearly talk",
                                                     "url": f"https://example.com/talks/{account.external_id.lower()}"})


def _add_tenders(session: Session, account: Account, place: int, today: date) -> None:
    for number, (title, result, reason, text, winner, amount) in enumerate(_TENDERS):
        if (place + number) % 4 == 3:
            continue
        opened = today - timedelta(days=60 + 120 * number + 5 * place)
        decided = today + timedelta(days=40) if result == "open" else opened + timedelta(days=45)
        save_tender(session, account_id=account.id, values={
            "title": title, "result": result, "reason": reason, "reason_text": text, "winner": winner,
            "amount": Decimal(amount + 1_000 * place), "currency": "EUR", "opened_on": opened, "decided_on": decided})
