"""What colleagues do with partners, and what a partner's people do with their share."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select

from abm.accounts.models import Account, AccountEvent
from abm.catalogue.models import Product
from abm.cli import main
from abm.orders.models import AccountDay, Order, OrderLine
from abm.partners.actions import assign_accounts
from abm.partners.models import Partner, PartnerAccount, PartnerOrder, PartnerTask, PartnerUser
from abm.partners.queries import measure_shares
from abm.targets.compile import select_account_ids
from abm.targets.rules import read_rules
from abm.targets.scopes import get_vocabulary, make_scope
from abm.users.models import User
from abm.wiring import connect_engine, load_list_fields
from abm.work.call_queue import list_due_calls
from abm.work.models import CallTry, Task
from campaigns import jobs
from core import clock, db
from tests.abm.partners.shares import DAY, make_partner, make_share, sign_in
from tests.campaigns.campaign_factory import make_run, put_in_list
from tests.factories import make_account, make_contact, make_user


@pytest.fixture
def share(app):
    with db.transaction() as session:
        partner = make_partner(session, sees_people=True, sees_all_orders=True)
        return {"partner": partner.id, **make_share(session, partner, word="Meadow")}


def one(statement):
    with db.reading() as session:
        found = session.scalar(statement)
        session.expunge_all()
        return found


def test_a_marketer_makes_a_partner_and_gives_it_accounts_by_name_and_id(client_as):
    with db.transaction() as session:
        made = [make_account(session, name="Alfreds", external_id="ALFKI").id,
                make_account(session, name="Bon app", external_id="BONAP").id]
    client = client_as("marketer")
    page = client.post("/partners", data={"name": "Alpine", "kind": "wholesaler"}).headers["Location"]
    client.post(f"{page}/accounts", data={"accounts": "alfreds\nBONAP"})
    with db.reading() as session:
        assert sorted(session.scalars(select(PartnerAccount.account_id))) == made
        assert session.scalars(select(AccountEvent.title)).all() == ["Alpine looks after this account now"] * 2
    assert "Alfreds" in client.get(page).text


def test_names_that_are_no_single_account_assign_nothing(client_as, share):
    answer = client_as("marketer").post(f"/partners/{share['partner']}/accounts", data={"accounts": "Meadow Ltd\nWho"})
    assert answer.status_code == 422
    assert "No single account is called: Who" in answer.text


def test_an_account_has_one_partner_and_moves_to_the_next(session):
    first, second = make_partner(session), make_partner(session, name="Second")
    head = make_account(session)
    site = make_account(session, parent_id=head.id)
    chosen = select(Account.id).where(Account.id == head.id)
    assert assign_accounts(session, partner_id=first.id, chosen=chosen, with_sites=True)[:2] == (2, 0)
    assert assign_accounts(session, partner_id=second.id, chosen=chosen)[:2] == (1, 1)
    assert assign_accounts(session, partner_id=second.id, chosen=chosen)[:2] == (0, 0)
    assert dict(session.execute(select(PartnerAccount.account_id, PartnerAccount.partner_id)).all()) == {
        head.id: second.id, site.id: first.id}


def test_the_list_of_accounts_shows_and_filters_by_partner(client_as, share):
    with db.transaction() as session:
        make_account(session, name="Nobody's account")
    page = client_as("viewer").get("/accounts?columns=partner&partner=Alpine+Supplies").text
    assert "Meadow Ltd" in page
    assert "Nobody's account" not in page


def test_the_accounts_page_says_who_looks_after_it_and_lets_it_be_changed(client_as, share):
    client = client_as("marketer")
    assert "Alpine Supplies" in client.get(f"/accounts/{share['account']}").text
    client.post(f"/partners/accounts/{share['account']}", data={"partner_id": ""})
    assert one(select(PartnerAccount)) is None


def test_a_task_of_an_account_that_is_not_the_partners_cannot_be_given(client_as, share):
    with db.transaction() as session:
        task = Task(title="Elsewhere", account_id=make_account(session).id, created_at=clock.now())
        session.add(task)
        session.flush()
    answer = client_as("marketer").post(f"/partners/{share['partner']}/tasks/give", data={"task_id": task.id})
    assert answer.status_code == 409
    assert one(select(PartnerTask).where(PartnerTask.task_id == task.id)) is None


def test_a_task_made_for_a_partner_belongs_to_who_made_it_until_it_is_done(client_as, app, share):
    client = client_as("marketer")
    client.post(f"/partners/{share['partner']}/tasks", data={
        "title": "Show the new range", "account": "Meadow Ltd", "kind": "task", "note": "Bring samples"})
    task = one(select(Task).where(Task.title == "Show the new range"))
    assert task.owner_id == client.user_id
    theirs = sign_in(app, share["partner"])
    assert "Bring samples" in theirs.get(f"/portal/tasks/{task.id}").text
    theirs.post(f"/portal/tasks/{task.id}/done", data={"note": "They take it"})
    done = one(select(Task).where(Task.id == task.id))
    assert (done.state, done.outcome_note) == ("done", "They take it")


def test_a_task_given_back_is_ours_again_with_the_reason(app, share):
    sign_in(app, share["partner"]).post(f"/portal/tasks/{share['task']}/back", data={"reason": "They are on holiday"})
    assert one(select(PartnerTask)) is None
    assert "gave it back: They are on holiday" in one(select(Task)).note


def test_a_task_stays_open_without_a_word_on_what_came_of_it(app, share):
    answer = sign_in(app, share["partner"]).post(f"/portal/tasks/{share['task']}/done", data={"note": " "})
    assert answer.status_code == 422
    assert one(select(Task.state)) == "open"


def test_a_call_of_a_partner_ends_as_a_colleagues_would(app, share):
    with db.transaction() as session:
        session.get_one(Task, share["task"]).kind = "call"
    client = sign_in(app, share["partner"])
    client.post(f"/portal/tasks/{share['task']}/done", data={"outcome": "reached", "note": "Wants a price list"})
    assert one(select(Task.state)) == "done"
    assert one(select(CallTry.user_id)) == client.user_id


def test_a_partner_takes_an_order_in_the_call_itself_with_its_lines(app, share):
    with db.transaction() as session:
        session.get_one(Task, share["task"]).kind = "call"
        session.scalars(select(Product)).one().price_amount = Decimal("3.10")
    client = sign_in(app, share["partner"])
    assert "Took an order?" in client.get(f"/portal/tasks/{share['task']}").text
    answer = client.post(f"/portal/tasks/{share['task']}/done", data={
        "outcome": "order", "note": "At once", "line_sku": ["P-wodaeM", ""], "line_quantity": ["10", ""],
        "line_price": ["", ""], "line_discount": ["", ""], "code": "NOT-THEIRS"})
    assert answer.status_code == 302
    order = one(select(Order).where(Order.status == "entered by partner"))
    assert (order.amount, one(select(Task.state))) == (Decimal("31.00"), "done")
    assert one(select(PartnerOrder.user_id).where(PartnerOrder.order_id == order.id)) == client.user_id


def test_a_wrong_line_of_a_partners_call_keeps_the_call_open(app, share):
    with db.transaction() as session:
        session.get_one(Task, share["task"]).kind = "call"
    answer = sign_in(app, share["partner"]).post(f"/portal/tasks/{share['task']}/done", data={
        "outcome": "order", "line_sku": "NO-SUCH", "line_quantity": "1", "line_price": "2", "line_discount": ""})
    assert (answer.status_code, "NO-SUCH" in answer.text, one(select(Task.state))) == (422, True, "open")


def test_a_partner_walks_the_branches_of_a_script(app, share):
    with db.transaction() as session:
        task = session.get_one(Task, share["task"])
        task.kind, task.script = "call", "? In time?\n- yes -> end\n- no\nSay sorry."
    client, address = sign_in(app, share["partner"]), f"/portal/tasks/{share['task']}"
    assert "In time?" in client.get(address).text
    step = client.post(f"{address}/script", data={"passed": 0, "choice": 1}, headers={"HX-Request": "true"}).text
    assert ("Say sorry." in step, f"{address}/script" in step) == (True, True)


def test_a_campaigns_calls_go_to_the_accounts_partner_and_off_our_desk(app, share, at):
    at(datetime(2026, 6, 1, 10, tzinfo=UTC))
    connect_engine()
    step = {"id": "call", "channel": "call", "script": "Ask", "assign_to": "account_partner"}
    with db.transaction() as session:
        seller = make_user(session, role="sales")
        account = session.get_one(Account, share["account"])
        alone = make_contact(session, make_account(session, owner_id=seller.id), phone="+43 1 1").account
        account.owner_id = seller.id
        put_in_list(session, [account, alone])
        make_run(session, steps=[step])
    jobs.drain_outbox()
    with db.reading() as session:
        made = session.scalars(select(Task).where(Task.origin == "campaign")).all()
        given = session.scalars(select(PartnerTask).where(PartnerTask.task_id.in_([task.id for task in made]))).all()
        assert (len(made), [one.partner_id for one in given]) == (2, [share["partner"]])
        on_desk = list_due_calls(session, user_id=seller.id)
        assert [call.task.account_id for call in on_desk] == [alone.id]
    assert "hello: call" in sign_in(app, share["partner"]).get("/portal/tasks").text


def test_lists_ask_for_the_partner_of_an_account(app, share):
    load_list_fields()
    with db.transaction() as session:
        make_account(session)
        vocabulary = get_vocabulary(session)
        rule = read_rules({"all": [{"field": "partner.name", "is": "Alpine Supplies"},
                                   {"field": "partner.kind", "is": "distributor"}]}, vocabulary)
        nobody = read_rules({"field": "partner.name", "is_empty": True}, vocabulary)
        found = [set(session.scalars(select_account_ids(each, None, make_scope(session)))) for each in (rule, nobody)]
    assert share["account"] in found[0]
    assert (len(found[0]), len(found[1])) == (1, 1)


def test_an_order_entered_by_a_partner_counts_and_is_known_as_its_own(app, share):
    client = sign_in(app, share["partner"])
    answer = client.post(f"/portal/accounts/{share['account']}/orders", data={
        "ordered_on": DAY.isoformat(), "number": "AS-7", "line_sku": ["P-wodaeM", ""], "line_quantity": ["4", ""],
        "line_price": ["12.50", ""], "line_discount": ["10", ""]})
    assert answer.status_code == 302
    order = one(select(Order).where(Order.external_id == "AS-7"))
    assert order.amount == Decimal("45.00")
    assert one(select(PartnerOrder.user_id).where(PartnerOrder.order_id == order.id)) == client.user_id
    assert one(select(AccountDay.amount)) == Decimal(250) + Decimal(45)


def test_a_line_without_a_price_has_the_list_price(app, share):
    from abm.catalogue.models import Product

    with db.transaction() as session:
        session.scalars(select(Product)).one().price_amount = Decimal("3.10")
    sign_in(app, share["partner"]).post(f"/portal/accounts/{share['account']}/orders", data={
        "ordered_on": DAY.isoformat(), "line_sku": "P-wodaeM", "line_quantity": "10", "line_price": "",
        "line_discount": ""})
    assert one(select(OrderLine.amount).order_by(OrderLine.id.desc())) == Decimal("31.00")


def test_a_wrong_order_is_kept_on_the_page_with_its_complaint(app, share):
    answer = sign_in(app, share["partner"]).post(f"/portal/accounts/{share['account']}/orders", data={
        "ordered_on": DAY.isoformat(), "line_sku": "NO-SUCH", "line_quantity": "1", "line_price": "1"})
    assert answer.status_code == 422
    assert "There is no product NO-SUCH" in answer.text


def test_the_share_counts_accounts_tasks_and_orders(session):
    partner = make_partner(session)
    make_share(session, partner, word="Meadow")
    found = measure_shares(session, today=DAY)[0]
    assert (found.accounts, found.open_tasks, found.late_tasks, found.orders, found.amount) == (1, 1, 0, 1, 250)


def test_an_administrator_lets_somebody_in_by_a_link(client_as, share):
    page = client_as("admin").post(f"/partners/{share['partner']}/users", data={
        "user_name": "Pat", "email": "pat@alpine.example.com"}).text
    assert "/set-password/" in page
    user = one(select(User).where(User.email == "pat@alpine.example.com"))
    assert (user.role, one(select(PartnerUser.partner_id))) == ("partner", share["partner"])


def test_a_partner_lands_on_its_share_after_signing_in(app, share):
    from abm.users.passwords import hash_password

    with db.transaction() as session:
        session.add(user := User(email="pat@example.com", name="Pat", role="partner", created_at=clock.now(),
                                 password_hash=hash_password("a-long-pass-phrase")))
        session.flush()
        session.add(PartnerUser(user_id=user.id, partner_id=share["partner"]))
    client = app.test_client()
    answer = client.post("/sign-in", data={"email": "pat@example.com", "password": "a-long-pass-phrase", "next": "/"})
    assert answer.headers["Location"].endswith("/portal")
    assert "Meadow task" in client.get("/portal").text


def test_a_partners_people_are_nobody_work_is_given_to(client_as, app, share):
    sign_in(app, share["partner"])
    assert "Pat Partner" not in client_as("admin").get("/tasks/new").text


def test_commands_make_a_partner_and_give_it_accounts(database, capsys):
    with db.transaction() as session:
        make_account(session, external_id="ALFKI", name="Alfreds")
    assert main(["partners", "create", "Alpine"]) == 0
    assert main(["partners", "assign", "Alpine", "ALFKI", "nobody", "--json"]) == 1
    assert '"assigned": 1, "moved": 0, "unknown": ["nobody"]' in capsys.readouterr().out
    assert main(["partners", "withdraw", "alpine", "ALFKI"]) == 0
    assert one(select(Partner.name)) == "Alpine"
