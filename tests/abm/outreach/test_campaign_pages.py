"""Campaigns in the browser: edited, previewed, tried, approved by somebody else, launched, and followed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from abm.accounts.models import Account
from abm.audit.models import AuditEntry
from abm.company.actions import set_company_value
from abm.contacts.models import Contact
from abm.outreach.campaign_files import write_campaign_text
from abm.outreach.queries import get_campaign_by_name
from campaigns import jobs, planning_jobs
from campaigns.events import record_event
from campaigns.models import Campaign, Delivery, Run
from campaigns.states import Reason
from core import clock, db
from core.settings import settings
from tests.abm.outreach.companies import HELLO, WORKING_MOMENT, make_listed_people
from tests.factories import make_order

BASICS = {
    "title": "Welcome back", "purpose": "win-back", "list": "silent", "sender_name": "Sales",
    "sender_email": "sales@example.com", "sender_postal_address": "1 Example Street", "holdout": "0", "priority": "5",
    "window": "company", "stop_when": "reply",
}
Client = Callable[..., Any]


@pytest.fixture(autouse=True)
def _working_hours(at: Callable[..., None]) -> None:
    at(WORKING_MOMENT)


@pytest.fixture
def people(database: Path) -> list[int]:
    with db.transaction() as session:
        return [person.id for person in make_listed_people(session, 3, first_name="Ana <b>")]


@pytest.fixture
def marketer(client_as: Client, people: list[int]) -> Any:
    return client_as("marketer")


def made(client: Any) -> int:
    answer = client.post("/campaigns/new", data=BASICS)
    assert answer.status_code == 302, answer.text
    with db.reading() as session:
        return get_campaign_by_name(session, "welcome-back").id


def definition(campaign_id: int) -> dict[str, Any]:
    with db.reading() as session:
        return session.get_one(Campaign, campaign_id).definition


def launched(client_as: Client, marketer: Any) -> int:
    campaign_id = made(marketer)
    boss = client_as("marketer")
    boss.post(f"/campaigns/{campaign_id}/approve")
    assert boss.post(f"/campaigns/{campaign_id}/launch").status_code == 302
    planning_jobs.advance_runs()
    jobs.drain_outbox()
    return campaign_id


def test_an_empty_list_says_what_to_do_first(client_as: Client) -> None:
    assert "Make the first campaign" in client_as("marketer").get("/campaigns").text


def test_a_campaign_made_in_the_browser_begins_with_a_lawful_message(marketer: Any) -> None:
    found = definition(made(marketer))
    assert (found["stop_when"], found["steps"][0]["id"]) == (["reply"], "hello")
    assert "unsubscribe_url" in found["steps"][0]["html"]


def test_a_wrong_form_keeps_what_was_typed_and_says_what_is_wrong_beside_the_field(marketer: Any) -> None:
    answer = marketer.post("/campaigns/new", data={**BASICS, "title": "My <title>", "sender_email": "nonsense",
                                                   "per_account": "-3"})
    assert answer.status_code == 422
    assert 'value="My &lt;title&gt;"' in answer.text
    assert 'id="sender_email-error"' in answer.text
    assert 'id="per_account-error"' in answer.text


def test_a_list_that_does_not_exist_is_refused_beside_its_field(marketer: Any) -> None:
    answer = marketer.post("/campaigns/new", data={**BASICS, "list": "silnt"})
    assert (answer.status_code, 'id="list-error"' in answer.text) == (422, True)


def test_a_taken_name_is_refused(marketer: Any) -> None:
    made(marketer)
    answer = marketer.post("/campaigns/new", data=BASICS)
    assert (answer.status_code, 'id="campaign-error"' in answer.text) == (422, True)


def test_saving_the_basics_unchanged_changes_nothing(marketer: Any) -> None:
    campaign_id = made(marketer)
    before = definition(campaign_id)
    marketer.post(f"/campaigns/{campaign_id}/basics", data=BASICS)
    assert definition(campaign_id) == before


def test_own_hours_roles_and_holdout_are_stored_and_shown_again(marketer: Any) -> None:
    campaign_id = made(marketer)
    form = MultiDict({**BASICS, "window": "own", "opens": "10:00", "closes": "12:30", "zone": "account", "caps": "yes",
                      "per_account": "2", "other_roles": "buyer, cto", "holdout": "10", "holidays": "yes"})
    form.setlist("days", ["mon", "wed"])
    form.setlist("roles", ["champion"])
    assert marketer.post(f"/campaigns/{campaign_id}/basics", data=form).status_code == 302
    found = definition(campaign_id)
    assert found["window"] == {"days": ["mon", "wed"], "from": "10:00", "to": "12:30", "zone": "account",
                               "holidays": "skip"}
    assert (found["people"], found["holdout"], found["caps"]) == (
        {"roles": ["champion", "buyer", "cto"], "per_account": 2}, "10%", "exempt")
    assert 'value="10:00"' in marketer.get(f"/campaigns/{campaign_id}/basics").text
    assert "zone: account, not on public holidays" in marketer.get(f"/campaigns/{campaign_id}").text
    form.pop("holidays")
    marketer.post(f"/campaigns/{campaign_id}/basics", data=form)
    assert "holidays" not in definition(campaign_id)["window"]
    assert "zone: account, on public holidays too" in marketer.get(f"/campaigns/{campaign_id}").text


def step_form(**values: str) -> dict[str, str]:
    return {"id": "hello", "after_amount": "0", "after_unit": "days", "subject": "Hi {{ account.name }}", "html": HELLO,
            **values}


def test_a_step_is_saved_with_languages_and_variants(marketer: Any) -> None:
    campaign_id = made(marketer)
    answer = marketer.post(f"/campaigns/{campaign_id}/steps/0", data=step_form(**{
        "languages.fr.subject": "Salut", "languages.fr.html": "", "variants.b.share": "50%", "variants.b.text": "B"}))
    step = definition(campaign_id)["steps"][0]
    assert answer.status_code == 302
    assert (step["languages"], step["variants"]) == ({"fr": {"subject": "Salut"}}, {"b": {"share": "50%", "text": "B"}})


def test_an_emptied_language_is_removed(marketer: Any) -> None:
    campaign_id = made(marketer)
    marketer.post(f"/campaigns/{campaign_id}/steps/0", data=step_form(**{"languages.fr.subject": "Salut"}))
    marketer.post(f"/campaigns/{campaign_id}/steps/0", data=step_form(**{"languages.fr.subject": ""}))
    assert "languages" not in definition(campaign_id)["steps"][0]


def test_content_that_names_what_does_not_exist_is_refused_with_what_was_typed(marketer: Any) -> None:
    campaign_id = made(marketer)
    answer = marketer.post(f"/campaigns/{campaign_id}/steps/0", data=step_form(subject="Hi {{ acount.name }}"))
    assert answer.status_code == 422
    assert 'id="subject-error"' in answer.text
    assert "Hi {{ acount.name }}" in answer.text


def test_a_wrong_place_inside_a_language_is_shown_beside_its_field(marketer: Any) -> None:
    campaign_id = made(marketer)
    answer = marketer.post(f"/campaigns/{campaign_id}/steps/0",
                           data=step_form(**{"languages.fr.subject": "{{ 7*7 }}"}))
    assert (answer.status_code, 'id="languages.fr.subject-error"' in answer.text) == (422, True)


def test_steps_are_added_moved_and_removed(marketer: Any) -> None:
    campaign_id = made(marketer)
    marketer.post(f"/campaigns/{campaign_id}/steps", data={"channel": "call"})
    marketer.post(f"/campaigns/{campaign_id}/steps/1/move", data={"to": "up"})
    assert [step["id"] for step in definition(campaign_id)["steps"]] == ["call-1", "hello"]
    marketer.post(f"/campaigns/{campaign_id}/steps/0/remove")
    assert [step["id"] for step in definition(campaign_id)["steps"]] == ["hello"]


def test_the_last_step_cannot_be_removed(marketer: Any) -> None:
    campaign_id = made(marketer)
    assert marketer.post(f"/campaigns/{campaign_id}/steps/0/remove").status_code == 409
    assert len(definition(campaign_id)["steps"]) == 1


def test_the_text_view_and_the_editor_are_two_views_of_one_thing(marketer: Any) -> None:
    campaign_id = made(marketer)
    before = definition(campaign_id)
    text = marketer.get(f"/campaigns/{campaign_id}/campaign.yaml").text
    assert marketer.post(f"/campaigns/{campaign_id}/text", data={"text": text}).status_code == 302
    assert definition(campaign_id) == before


@pytest.mark.parametrize("text", ["campaign: other\n", "campaign: [", "campaign: welcome-back\nlits: x\n"])
def test_text_that_is_wrong_is_refused_and_kept(marketer: Any, text: str) -> None:
    campaign_id = made(marketer)
    answer = marketer.post(f"/campaigns/{campaign_id}/text", data={"text": text})
    assert (answer.status_code, 'id="text-error"' in answer.text, text.strip() in answer.text) == (422, True, True)


def test_the_preview_reads_as_a_person_with_their_values_escaped(marketer: Any, people: list[int]) -> None:
    campaign_id = made(marketer)
    page = marketer.get(f"/campaigns/{campaign_id}/steps/0/preview?contact={people[0]}")
    message = marketer.get(f"/campaigns/{campaign_id}/steps/0/preview/message?contact={people[0]}")
    assert "<iframe" in page.text
    assert "Hello Ana &lt;b&gt;" in message.text


def test_the_previewed_message_is_kept_away_from_our_origin(marketer: Any, people: list[int]) -> None:
    campaign_id = made(marketer)
    headers = marketer.get(f"/campaigns/{campaign_id}/steps/0/preview/message?contact={people[0]}").headers
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none';")


def test_a_preview_names_every_missing_value_with_its_default_and_those_of_the_other_steps(
        marketer: Any, people: list[int]) -> None:
    campaign_id = made(marketer)
    marketer.post(f"/campaigns/{campaign_id}/steps", data={"channel": "email"})
    marketer.post(f"/campaigns/{campaign_id}/steps/0", data=step_form(
        subject="{{ account.custom.segment }} {{ account.region }}", html=HELLO + "{{ contact.department|upper }}"))
    marketer.post(f"/campaigns/{campaign_id}/steps/1", data=step_form(id="later", subject="{{ account.custom.plan }}"))
    page = marketer.get(f"/campaigns/{campaign_id}/steps/0/preview?contact={people[0]}").text
    for name in ("account.custom.segment", "account.region", "contact.department"):
        assert f"<code>{{{{ {name} | default(&#39;…&#39;) }}}}</code>" in page
    assert f'href="/contacts/{people[0]}">Fill it in' in page
    assert "Step <code>later</code> lacks <code>account.custom.plan</code> too" in page


def test_a_test_message_goes_through_the_channel_and_is_remembered(marketer: Any, people: list[int]) -> None:
    campaign_id = made(marketer)
    answer = marketer.post(f"/campaigns/{campaign_id}/steps/0/test", follow_redirects=True,
                           data={"contact": people[0], "address": "me@example.com"})
    mail, = settings().outbox_dir.glob("*.eml")
    with db.reading() as session:
        tested_at = session.get_one(Campaign, campaign_id).tested_at
    assert ("Sent to me@example.com" in answer.text, b"To: me@example.com" in mail.read_bytes(), tested_at) == (
        True, True, WORKING_MOMENT)


def test_a_test_to_something_that_is_no_address_is_refused(marketer: Any) -> None:
    campaign_id = made(marketer)
    answer = marketer.post(f"/campaigns/{campaign_id}/steps/0/test", data={"address": "nonsense"})
    assert (answer.status_code, 'id="address-error"' in answer.text) == (422, True)


def test_the_launch_check_says_in_a_sentence_what_will_happen(marketer: Any) -> None:
    campaign_id = made(marketer)
    assert "3 people will be written to from now on; nobody is left out." in marketer.get(
        f"/campaigns/{campaign_id}/check").text


def test_the_last_editor_cannot_approve(marketer: Any) -> None:
    campaign_id = made(marketer)
    answer = marketer.post(f"/campaigns/{campaign_id}/approve", follow_redirects=True)
    assert "somebody else has to approve" in answer.text
    with db.reading() as session:
        assert session.get_one(Campaign, campaign_id).state == "draft"


def test_the_page_asks_for_a_second_person_where_the_company_wants_two(client_as: Client, marketer: Any) -> None:
    campaign_id = made(marketer)
    with db.transaction() as session:
        set_company_value(session, name="second_approval_above", value=1)
    first, second = client_as("marketer"), client_as("admin")
    answer = first.post(f"/campaigns/{campaign_id}/approve", follow_redirects=True).text
    assert ("a second person has to approve it too" in answer, "You approved it already" in answer) == (True, True)
    assert first.post(f"/campaigns/{campaign_id}/launch").status_code == 409
    assert "Approve as the second" in second.get(f"/campaigns/{campaign_id}/check").text
    second.post(f"/campaigns/{campaign_id}/approve")
    assert second.post(f"/campaigns/{campaign_id}/launch").status_code == 302


def test_a_campaign_that_ignores_caps_is_offered_for_approval_to_an_administrator_alone(
    client_as: Client, marketer: Any
) -> None:
    campaign_id = made(marketer)
    marketer.post(f"/campaigns/{campaign_id}/basics", data={**BASICS, "caps": "1"})
    check = f"/campaigns/{campaign_id}/check"
    others, admins = (client_as(role).get(check).text for role in ("marketer", "admin"))
    action = f'action="/campaigns/{campaign_id}/approve"'
    assert (action in others, "an administrator has to approve it" in others) == (False, True)
    assert (action in admins, "an administrator has to approve it" in admins) == (True, False)


def test_what_could_not_be_launched_is_not_offered_for_approval_and_says_why(client_as: Client, marketer: Any) -> None:
    campaign_id = made(marketer)
    whole = definition(campaign_id)
    steps = [{**step, "html": step["html"].replace("sender.postal_address", "sender.name"), "text": None}
             if "html" in step else step for step in whole["steps"]]
    marketer.post(f"/campaigns/{campaign_id}/text", data={"text": write_campaign_text({**whole, "steps": steps})})
    colleague = client_as("marketer")
    page = colleague.get(f"/campaigns/{campaign_id}/check").text
    answer = colleague.post(f"/campaigns/{campaign_id}/approve", follow_redirects=True).text
    assert f'action="/campaigns/{campaign_id}/approve"' not in page
    assert "It can be approved once it could be launched" in page
    assert page.count("postal address") >= 2
    assert "nothing to approve yet" in answer
    assert "It cannot be launched as it is; the findings say why." in page
    with db.reading() as session:
        assert session.get_one(Campaign, campaign_id).state == "draft"
    marketer.post(f"/campaigns/{campaign_id}/text", data={"text": write_campaign_text(whole)})
    assert f'action="/campaigns/{campaign_id}/approve"' in colleague.get(f"/campaigns/{campaign_id}/check").text


@pytest.mark.parametrize("page", ["basics", "text"])
def test_who_saves_a_change_is_told_that_the_approval_is_gone(client_as: Client, marketer: Any, page: str) -> None:
    campaign_id = made(marketer)
    changes = {"basics": {**BASICS, "title": "Welcome again"},
               "text": {"text": write_campaign_text(definition(campaign_id) | {"title": "Welcome again"})}}
    client_as("admin").post(f"/campaigns/{campaign_id}/approve")
    first, again = (marketer.post(f"/campaigns/{campaign_id}/{page}", data=changes[page], follow_redirects=True).text
                    for _ in range(2))
    assert ("The approval is gone" in first, "The approval is gone" in again) == (True, False)


def test_a_launch_before_approval_is_refused(marketer: Any) -> None:
    assert marketer.post(f"/campaigns/{made(marketer)}/launch").status_code == 409


def test_results_show_the_books_of_what_was_sent(client_as: Client, marketer: Any) -> None:
    campaign_id = launched(client_as, marketer)
    page = marketer.get(f"/campaigns/{campaign_id}/results").text
    assert "<strong>3</strong> planned" in page
    assert "<strong>3</strong> sent" in page


def test_numbers_ask_for_themselves_again_only_while_the_campaign_runs(client_as: Client, marketer: Any) -> None:
    campaign_id = made(marketer)
    boss = client_as("marketer")
    boss.post(f"/campaigns/{campaign_id}/approve")
    boss.post(f"/campaigns/{campaign_id}/launch")
    url = f"/campaigns/{campaign_id}/results/numbers"
    assert "every 2s" in marketer.get(url).text
    boss.post(f"/campaigns/{campaign_id}/cancel")
    assert "every 2s" not in marketer.get(url).text


def test_people_can_be_filtered_and_open_into_their_tries(client_as: Client, marketer: Any) -> None:
    campaign_id = launched(client_as, marketer)
    with db.reading() as session:
        delivery_id = session.query(Delivery.id).first()[0]
    assert "3 messages" in marketer.get(f"/campaigns/{campaign_id}/people?book=sent").text
    assert "No messages here" in marketer.get(f"/campaigns/{campaign_id}/people?book=failed").text
    drawer = marketer.get(f"/campaigns/{campaign_id}/messages/{delivery_id}", headers={"HX-Request": "true"}).text
    assert "<html" not in drawer
    assert "Message-ID" in drawer


def test_a_message_of_another_campaign_is_not_found(client_as: Client, marketer: Any) -> None:
    campaign_id = launched(client_as, marketer)
    with db.reading() as session:
        delivery_id = session.query(Delivery.id).first()[0]
    assert marketer.get(f"/campaigns/{campaign_id + 1}/messages/{delivery_id}").status_code == 404


def test_the_drawer_says_why_somebody_was_not_written_to(marketer: Any, people: list[int]) -> None:
    campaign_id = made(marketer)
    assert "Not in this campaign" in marketer.get(f"/campaigns/{campaign_id}/people/{people[0]}").text


def test_the_export_is_a_download_with_a_row_per_message(client_as: Client, marketer: Any) -> None:
    campaign_id = launched(client_as, marketer)
    answer = marketer.get(f"/campaigns/{campaign_id}/messages.csv")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.text.splitlines()[0] == ("account_id,contact_id,email,step,channel,state,reason,due_at,sent_at,"
                                           "message_id,attempts")
    assert len(answer.text.splitlines()) == 4


@pytest.mark.parametrize("page", ["", "/check", "/results", "/people", "/text", "/steps/0/preview"])
def test_a_viewer_may_look_at_a_campaign_and_change_nothing(client_as: Client, marketer: Any, page: str) -> None:
    campaign_id = made(marketer)
    viewer = client_as("viewer")
    assert viewer.get(f"/campaigns/{campaign_id}{page}").status_code == 200
    assert viewer.post(f"/campaigns/{campaign_id}/launch").status_code == 403


def test_the_dry_run_shows_what_goes_on_which_day(marketer: Any) -> None:
    campaign_id = made(marketer)
    page = marketer.get(f"/campaigns/{campaign_id}/dry-run?from=2026-03-09&days=5").text
    assert "3 touches on 1 day" in page
    assert "2026-03-09" in page


def test_a_dry_run_from_something_that_is_no_day_says_so(marketer: Any) -> None:
    answer = marketer.get(f"/campaigns/{made(marketer)}/dry-run?from=soon")
    assert (answer.status_code, 'id="from-error"' in answer.text) == (422, True)


def test_looking_for_somebody_else_shows_the_first_who_is_found(marketer: Any, people: list[int]) -> None:
    campaign_id = made(marketer)
    with db.transaction() as session:
        session.get_one(Contact, people[2]).last_name = "Zubrowka"
    page = marketer.get(f"/campaigns/{campaign_id}/steps/0/preview?contact={people[0]}&q=zubr").text
    assert f'name="contact" value="{people[2]}"' in page


def test_a_message_in_doubt_is_shown_and_sent_again_on_record(client_as: Client, marketer: Any) -> None:
    campaign_id = launched(client_as, marketer)
    with db.transaction() as session:
        doubtful = session.query(Delivery).order_by(Delivery.id).first()
        doubtful.state, doubtful.sent_at, delivery_id = "unknown", None, doubtful.id
    page = marketer.get(f"/campaigns/{campaign_id}/in-doubt").text
    assert "Send again" in page
    assert "Send again" not in client_as("viewer").get(f"/campaigns/{campaign_id}/in-doubt").text
    marketer.post(f"/campaigns/{campaign_id}/messages/{delivery_id}/resend")
    page = marketer.get(f"/campaigns/{campaign_id}/in-doubt").text
    assert "Nothing is in doubt" in page
    assert "Sent again by " in page
    assert "is in doubt" not in marketer.get(f"/campaigns/{campaign_id}/results").text
    with db.reading() as session:
        assert session.query(AuditEntry).filter_by(action="message.resend", subject_id=str(delivery_id)).count() == 1
        assert session.query(Delivery).filter_by(generation=2).count() == 1


def test_results_by_account_count_messages_replies_and_orders(client_as: Client, marketer: Any) -> None:
    campaign_id = launched(client_as, marketer)
    with db.transaction() as session:
        sent = session.query(Delivery).filter_by(state="sent").first()
        record_event(session, delivery=sent, kind="reply", event_key="reply-1")
        make_order(session, session.get_one(Account, sent.account_id), on=WORKING_MOMENT.date(), amount="250")
    exported = marketer.get(f"/campaigns/{campaign_id}/account-results.csv").text.splitlines()
    first = dict(zip(exported[0].split(","), exported[1].split(","), strict=True))
    assert (first["sent"], first["replied"], first["orders"], float(first["order_value"])) == ("1", "1", "1", 250)
    assert len(exported) == 4
    page = marketer.get(f"/campaigns/{campaign_id}/results").text
    assert "Per win" in page
    why = f"/campaigns/{campaign_id}/results/cost"
    assert f'hx-get="{why}" hx-target="#drawer" hx-swap="innerHTML"' in page  # the numbers around it swap themselves
    drawer = " ".join(marketer.get(why).text.split())
    assert all(f'<td class="num">0.15 EUR ÷ {count}</td>' in drawer for count in (3, 1))
    assert "Prices in Settings" not in drawer
    with db.transaction() as session:
        set_company_value(session, name="channel_costs", value={"email": "0"})
    page = marketer.get(f"/campaigns/{campaign_id}/results").text
    assert ("no channel has a price yet" in page, "Per win" in page) == (True, False)
    assert "No channel that was used has a price" in marketer.get(why).text
    assert marketer.get(f"/campaigns/{campaign_id}/results/accounts").status_code == 200


ADDED = {
    "letter": {"body": "Dear {{ contact.first_name }}", "subject": "Hello"},
    "visit": {"brief": "Agree on a test", "assign_to": "account_owner"},
    "webhook": {"url": "https://example.com/hook", "payload": "city: {{ account.city | default('') }}"},
    "wait": {"after_amount": "2", "after_unit": "working days"},
    "branch": {"if_event": "rule", "if_field": "account.tier", "if_operator": "in", "if_value": "A, B", "then": "end"},
}


@pytest.mark.parametrize("channel", sorted(ADDED))
def test_every_kind_of_step_is_made_and_changed_in_the_browser(marketer: Any, channel: str) -> None:
    campaign_id = made(marketer)
    assert marketer.post(f"/campaigns/{campaign_id}/steps", data={"channel": channel}).status_code == 302
    url = f"/campaigns/{campaign_id}/steps/1"
    typed = {"id": f"{channel}-x", "after_amount": "3", "after_unit": "days", **ADDED[channel]}
    answer = marketer.post(url, data=typed)
    assert answer.status_code == 302, answer.text
    page = marketer.get(url).text
    for name, value in ADDED[channel].items():
        assert str(value).split("{{")[0].strip() in page, name
    assert marketer.post(url, data=typed).status_code == 302
    shown = marketer.get(f"/campaigns/{campaign_id}").text
    assert f"{channel}-x" in shown
    if channel == "branch":
        assert "account.tier in A, B" in shown
        assert "yes → <strong>end</strong>" in shown


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ({"if_event": "rule", "if_field": "account.teir", "if_operator": "is", "if_value": "A"}, "account.tier"),
        ({"if_event": "rule", "if_field": "account.employees", "if_operator": "contains", "if_value": "A"}, "number"),
        ({"if_event": "rule", "if_field": "contact.titel", "if_operator": "is", "if_value": "A"}, "contact.title"),
    ],
)
def test_a_branch_that_cannot_be_asked_is_said_beside_its_field(
    marketer: Any, typed: dict[str, str], word: str
) -> None:
    campaign_id = made(marketer)
    marketer.post(f"/campaigns/{campaign_id}/steps", data={"channel": "branch"})
    answer = marketer.post(f"/campaigns/{campaign_id}/steps/1",
                           data={"id": "fork", "after_amount": "0", "after_unit": "days", **typed})
    assert (answer.status_code, word in answer.text) == (422, True)


def test_a_step_that_others_jump_to_keeps_its_place(marketer: Any) -> None:
    campaign_id = made(marketer)
    for channel in ("branch", "call", "letter"):
        marketer.post(f"/campaigns/{campaign_id}/steps", data={"channel": channel})
    base = {"id": "fork", "after_amount": "0", "after_unit": "days", "if_event": "clicked", "then": "letter-1"}
    assert marketer.post(f"/campaigns/{campaign_id}/steps/1", data=base).status_code == 302
    marketer.post(f"/campaigns/{campaign_id}/steps/3/remove")
    assert "is no step of this campaign" in marketer.get(f"/campaigns/{campaign_id}").text
    letter = {"id": "paper", "after_amount": "1", "after_unit": "days", "body": "x"}
    assert marketer.post(f"/campaigns/{campaign_id}/steps/3", data=letter).status_code == 302
    assert "yes → <strong>paper</strong>" in marketer.get(f"/campaigns/{campaign_id}").text


def test_waves_and_re_entry_are_chosen_in_the_basics(marketer: Any) -> None:
    campaign_id = made(marketer)
    typed = MultiDict([*((name, value) for name, value in BASICS.items()), ("roles", "champion"), ("roles", "user"),
                       ("first_roles", "champion"), ("wave_amount", "4"), ("wave_unit", "working days"),
                       ("wave_unless", "replied"), ("leavers", "yes"), ("exclusive", "yes"), ("reentry", "after"),
                       ("reentry_days", "60")])
    assert marketer.post(f"/campaigns/{campaign_id}/basics", data=typed).status_code == 302
    shown = marketer.get(f"/campaigns/{campaign_id}").text
    for words in ("champion, then user after 4 working days unless replied", "leavers are replaced",
                  "has its accounts to itself", "after 60 days"):
        assert words in shown
    form = marketer.get(f"/campaigns/{campaign_id}/basics").text
    assert 'value="60"' in form
    with db.reading() as session:
        before = session.get_one(Campaign, campaign_id).definition_hash
    assert marketer.post(f"/campaigns/{campaign_id}/basics", data=typed).status_code == 302
    with db.reading() as session:
        assert session.get_one(Campaign, campaign_id).definition_hash == before


def test_the_way_somebody_took_is_shown_with_its_reason(client_as: Client, database: Path) -> None:
    from campaigns.enrolment import plan_due_steps
    from tests.campaigns.campaign_factory import HELLO as MAIL
    from tests.campaigns.campaign_factory import make_people, make_run

    with db.transaction() as session:
        (person,) = make_people(session)
        fork = {"id": "fork", "branch": {"if": {"field": "account.tier", "is": "A"}, "then": "end"}}
        run = make_run(session, steps=[fork, {**MAIL, "after": "0 days"}])
        plan_due_steps(session)
        url = f"/campaigns/{run.campaign_id}/people/{person.id}"
    page = client_as("marketer").get(url).text
    assert "Ways taken" in page
    assert "not: account.tier is A" in page


def test_who_left_and_who_took_their_place_name_each_other(client_as: Client, database: Path) -> None:
    from tests.campaigns.campaign_factory import HELLO as MAIL
    from tests.campaigns.campaign_factory import enrolments, make_people, make_run

    with db.transaction() as session:
        gone, heir = make_people(session, 2)
        run = make_run(session, steps=[MAIL])
        first, second = enrolments(session, run)
        gone.first_name, heir.first_name, second.replaces_id = "Olga", "Petra", first.id
        urls = [f"/campaigns/{run.campaign_id}/people/{person.id}" for person in (gone, heir)]
    viewer = client_as("viewer")
    assert 'hx-target="#drawer" data-drawer>Petra' in viewer.get(urls[0]).text
    assert "took their place" in viewer.get(urls[0]).text
    assert "Took the place of" in viewer.get(urls[1]).text


def test_an_empty_place_of_somebody_who_left_is_told_with_the_person_and_with_the_results(
    client_as: Client, database: Path
) -> None:
    from campaigns.stopping import stop_people
    from tests.campaigns.campaign_factory import HELLO as MAIL
    from tests.campaigns.campaign_factory import enrolments, make_people, make_run, take_leavers_places
    from tests.factories import make_contact

    with db.transaction() as session:
        (gone,) = make_people(session, 1, first_name="Olga", buying_role="champion")
        run = make_run(session, steps=[MAIL], people={"roles": ["champion"], "leavers": "replace"})
        stop_people(session, reason=Reason.LEFT_COMPANY, at=clock.now(), contact_ids=[gone.id])
        assert take_leavers_places(session) == 0
        person, results = (f"/campaigns/{run.campaign_id}/{page}" for page in (f"people/{gone.id}", "results"))
        account = gone.account
    viewer = client_as("viewer")
    assert "Nobody took their place: no other champion of" in viewer.get(person).text
    assert "Olga" in viewer.get(results).text
    assert "the place is empty" in viewer.get(results).text
    with db.transaction() as session:
        make_contact(session, session.merge(account), buying_role="champion")
        assert take_leavers_places(session) == 1
        assert len(enrolments(session, session.get_one(Run, run.id))) == 2
    assert "Nobody took their place" not in viewer.get(person).text
    assert "the place is empty" not in viewer.get(results).text
