"""Content in the editor: MJML and HTML in one field, what is wrong told while it is written, tracking switched off."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from abm.outreach.campaign_files import write_campaign_text
from core import db
from tests.abm.outreach.companies import HELLO, WORKING_MOMENT, make_listed_people
from tests.abm.outreach.test_campaign_pages import BASICS, definition, made, step_form

Client = Callable[..., Any]
MJML = (
    "<mjml>\n<mj-body><mj-section><mj-column><mj-text>Hello {{ contact.first_name | default('there') }}</mj-text>\n"
    '<mj-text>{{ sender.postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></mj-text>'
    "</mj-column></mj-section></mj-body></mjml>"
)


@pytest.fixture(autouse=True)
def _working_hours(at: Callable[..., None]) -> None:
    at(WORKING_MOMENT)


@pytest.fixture
def marketer(client_as: Client, database: Path) -> Any:
    with db.transaction() as session:
        make_listed_people(session, 2, first_name="Ana <b>")
    return client_as("marketer")


def test_mjml_is_typed_where_html_is_and_shown_there_again(marketer: Any) -> None:
    campaign_id = made(marketer)
    form = step_form(html=MJML, **{"languages.fr.html": MJML})

    assert marketer.post(f"/campaigns/{campaign_id}/steps/0", data=form).status_code == 302

    step = definition(campaign_id)["steps"][0]
    assert (step["mjml"], step["languages"]["fr"], "html" in step) == (MJML, {"mjml": MJML}, False)
    page = marketer.get(f"/campaigns/{campaign_id}/steps/0").text
    assert page.count("&lt;mjml&gt;") == 3  # both fields, and the hint
    framed = marketer.get(f"/campaigns/{campaign_id}/steps/0/preview/message")
    assert "Hello Ana &lt;b&gt;" in framed.text
    assert "<mj-" not in framed.text


def test_mjml_that_cannot_be_compiled_is_told_beside_its_field(marketer: Any) -> None:
    campaign_id = made(marketer)

    answer = marketer.post(f"/campaigns/{campaign_id}/steps/0", data=step_form(html="<mjml>\n<mj-bdy></mj-bdy></mjml>"))

    assert answer.status_code == 422
    assert 'id="html-error"' in answer.text
    assert "Line 2: &lt;mj-bdy&gt; is not known" in answer.text


def test_what_is_wrong_is_told_while_it_is_written_and_nothing_is_saved(marketer: Any) -> None:
    campaign_id = made(marketer)
    before = definition(campaign_id)
    form = step_form(html=HELLO + '\n<a href="java\tscript:x">x</a>', **{"languages.fr.html": "<p>Bonjour</p>"})

    answer = marketer.post(f"/campaigns/{campaign_id}/steps/0/check", data=form)

    assert answer.status_code == 200
    assert "html, line 3" in answer.text
    assert "A link may not start with javascript" in answer.text
    assert "html, language fr" in answer.text
    assert "There is no unsubscribe link" in answer.text
    assert "of the 102 kB" in answer.text
    assert definition(campaign_id) == before


def test_content_with_nothing_wrong_says_so(marketer: Any) -> None:
    answer = marketer.post(f"/campaigns/{made(marketer)}/steps/0/check", data=step_form())

    assert "Nothing: every wording" in answer.text


def test_a_form_that_cannot_be_read_is_told_too(marketer: Any) -> None:
    answer = marketer.post(f"/campaigns/{made(marketer)}/steps/0/check", data=step_form(subject=""))

    assert "keeps it from going" in answer.text
    assert "is missing" in answer.text


def test_tracking_is_switched_off_for_a_step_and_for_the_campaign(marketer: Any) -> None:
    campaign_id = made(marketer)
    marketer.post(f"/campaigns/{campaign_id}/steps/0", data=step_form(untracked="yes"))
    marketer.post(f"/campaigns/{campaign_id}/basics", data={**BASICS, "untracked": "yes"})

    found = definition(campaign_id)
    assert (found["track"], found["steps"][0]["track"]) == (False, False)
    for page in ("steps/0", "basics"):
        assert 'name="untracked" value="yes" checked' in marketer.get(f"/campaigns/{campaign_id}/{page}").text


def test_a_script_that_runs_on_into_another_answers_section_is_told_while_it_is_written(marketer: Any) -> None:
    campaign_id = made(marketer)
    script = "? In time?\n- yes -> #thanks\n- no -> #sorry\n# Thanks\nThank them.\n# Sorry\nSay sorry."
    whole = definition(campaign_id)
    call = {"id": "call", "channel": "call", "script": script}
    marketer.post(f"/campaigns/{campaign_id}/text",
                  data={"text": write_campaign_text({**whole, "steps": [*whole["steps"], call]})})
    index = len(whole["steps"])
    form = {"id": "call", "channel": "call", "after": "0", "after_unit": "days", "assign_to": "account_owner"}
    told = marketer.post(f"/campaigns/{campaign_id}/steps/{index}/check", data={**form, "script": script}).text
    mended = marketer.post(f"/campaigns/{campaign_id}/steps/{index}/check",
                           data={**form, "script": script.replace("# Sorry", "-> end\n# Sorry")}).text
    assert "The section Thanks runs on into Sorry" in told
    assert "every answer of the script leads somewhere" in mended
    assert 'id="findings"' in marketer.get(f"/campaigns/{campaign_id}/steps/{index}").text
    assert "Step call, script: The section Thanks runs on" in marketer.get(f"/campaigns/{campaign_id}/check").text
