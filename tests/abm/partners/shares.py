"""Two partners with a share each; everything of the other one bears a word that must never be seen."""

from datetime import date
from decimal import Decimal

from abm.accounts.models import AccountEvent
from abm.catalogue.models import Product
from abm.orders.models import OrderLine
from abm.partners.models import Partner, PartnerAccount, PartnerOrder, PartnerTask, PartnerUser
from abm.users.actions import open_session
from abm.work.models import Task
from core import clock, db
from tests.factories import make_account, make_contact, make_order, make_user

SECRET = "Zxqvb"
DAY = date(2026, 6, 1)


def make_partner(session, name="Alpine Supplies", **values):
    partner = Partner(**{"name": name, "created_at": clock.now(), **values})
    session.add(partner)
    session.flush()
    return partner


def make_share(session, partner, *, word, **account):
    """An account of the partner (of nobody where it is None) with a person, a task, an order and a timeline."""
    found = make_account(session, name=f"{word} Ltd", external_id=f"{word}-1", city=f"{word}town",
                         domain=f"{word.lower()}.example.com", industry=f"{word} trade", **account)
    person = make_contact(session, found, first_name=word, last_name=word, email=f"{word.lower()}@example.com",
                          phone="+43 1 000", title=f"{word} buyer")
    task = Task(title=f"{word} task", note=f"{word} note", script=f"{word} script", account_id=found.id,
                contact_id=person.id, due_on=DAY, created_at=clock.now())
    order = make_order(session, found, on=DAY, amount="250", external_id=f"{word}-order",
                       margin_amount=Decimal("77.31"))
    product = Product(sku=f"P-{word[::-1]}", name=f"Product of {word[::-1]}", created_at=clock.now(),
                      updated_at=clock.now())
    session.add_all([task, product, AccountEvent(account_id=found.id, at=clock.now(), kind="note",
                                                 title=f"{word} internal remark", actor=f"{word} colleague")])
    session.flush()
    session.add(OrderLine(order_id=order.id, line_key="1", product_id=product.id, quantity=1,
                          unit_price_amount=Decimal(250), amount=Decimal(250)))
    if partner is not None:
        session.add_all([
            PartnerAccount(account_id=found.id, partner_id=partner.id, assigned_at=clock.now()),
            PartnerTask(task_id=task.id, partner_id=partner.id, given_at=clock.now()),
            PartnerOrder(order_id=order.id, partner_id=partner.id, entered_at=clock.now())])
    session.flush()
    return {"account": found.id, "contact": person.id, "task": task.id, "order": order.id}


def sign_in(app, partner_id):
    """A browser of somebody of the partner."""
    client = app.test_client()
    with db.transaction() as session:
        user = make_user(session, role="partner", name="Pat Partner")
        session.add(PartnerUser(user_id=user.id, partner_id=partner_id))
        token = open_session(session, user=user, ip="127.0.0.1", agent="test")
    with client.session_transaction() as cookie:
        cookie["token"] = token
    client.user_id = user.id
    return client

