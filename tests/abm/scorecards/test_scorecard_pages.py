import csv
import io

import pytest
from sqlalchemy import select

from abm.accounts.models import Account
from abm.scorecards import actions
from abm.scorecards.actions import ship_scorecards
from abm.scorecards.jobs import back_test
from abm.scorecards.models import AccountScore, BackTestRun, Scorecard, ScorecardRating, ScoreMatrix
from abm.scorecards.queries import draft_of
from core import db
from tests.abm.analysis.companies import load_company
from tests.abm.scorecards.companies import make_buyers, make_scorecard


@pytest.fixture
def buyers(database):
    with db.transaction() as session:
        accounts = make_buyers(session, 10, 20, 30)
        make_scorecard(session)
        return [account.id for account in accounts]


@pytest.fixture
def northwind(database):
    from abm.analysis.actions import run_analysis

    with db.transaction() as session:
        load_company(session, "northwind")
        run_analysis(session, period="quarter")
        ship_scorecards(session)


def page(client, path, status=200):
    response = client.get(path)
    assert response.status_code == status, path
    return response.get_data(as_text=True)


def test_without_scorecards_the_page_offers_the_shipped_ones(client_as, database):
    client = client_as("marketer")
    assert "Bring them in" in page(client, "/scorecards")
    assert "No scorecard for" in page(client, "/scorecards/matrix")
    assert client.post("/scorecards/shipped").status_code == 302
    assert "Golden key" in page(client, "/scorecards")
    assert "Bring them in" not in page(client_as("viewer"), "/scorecards")


@pytest.mark.parametrize("path", ["", "/sales-and-trust", "/sales-and-trust/versions", "/sales-and-trust/accounts"])
def test_pages_wait_for_the_scores_that_a_worker_computes(client_as, buyers, queue_server, monkeypatch, path):
    monkeypatch.setattr(actions, "AT_ONCE_UP_TO", 2)
    client = client_as("marketer")
    client.post("/scorecards/sales-and-trust/weights", data={"weight-sales": "10", "weight-trust": "50"})
    assert client.post("/scorecards/sales-and-trust/publish", data={"note": "More trust"}).status_code == 302
    text = page(client, f"/scorecards{path}")
    assert path or "being computed" in text
    page(client, f"/accounts/{buyers[0]}/scores")
    page(client, f"/scorecards/sales-and-trust/why/{buyers[0]}")


def test_moving_a_slider_moves_the_ranking_and_keeps_nothing(client_as, buyers):
    client = client_as("viewer")
    text = page(client, "/scorecards/sales-and-trust")
    assert text.index("Buyer 30") < text.index("Buyer 10")
    answer = client.post("/scorecards/sales-and-trust/preview", data={"weight-sales": "0", "weight-trust": "50"})
    assert "Nobody can be ranked yet" in answer.get_data(as_text=True)
    with db.reading() as session:
        assert draft_of(session.query(Scorecard).one()).criterion("sales").weight == 60


def test_weights_are_kept_as_a_draft_by_who_may(client_as, buyers):
    assert client_as("sales").post("/scorecards/sales-and-trust/weights", data={}).status_code == 403
    client = client_as("marketer")
    client.post("/scorecards/sales-and-trust/weights", data={"weight-sales": "10", "weight-trust": "nonsense"})
    assert "This is the draft" in page(client, "/scorecards/sales-and-trust")
    assert "weight 60, orders.value_12m" in page(client, "/scorecards/sales-and-trust/compare")
    nothing = client.post("/scorecards/sales-and-trust/weights", data={"weight-sales": "0", "weight-trust": "0"})
    assert nothing.status_code == 422
    client.post("/scorecards/sales-and-trust/publish", data={"note": "Less sales"})
    assert "Less sales" in page(client, "/scorecards/sales-and-trust/versions")
    client.post("/scorecards/sales-and-trust/roll-back", data={"to": "1"})
    with db.reading() as session:
        assert session.query(Scorecard).one().published_number == 1


def test_a_score_opens_into_its_arithmetic_and_a_rating(client_as, buyers):
    text = page(client_as("viewer"), f"/scorecards/sales-and-trust/why/{buyers[1]}")
    assert "nobody has rated it" in text
    assert "50.0 points" in text
    assert "Rate this account" not in text
    client = client_as("sales")
    saved = client.post(f"/scorecards/sales-and-trust/rate/{buyers[1]}",
                        data={"points-trust": "100.0", "evidence-trust": "Visit in May"})
    assert saved.status_code == 302
    text = page(client, f"/scorecards/sales-and-trust/why/{buyers[1]}")
    assert "Visit in May" in text
    assert "70.00" in text
    with db.reading() as session:
        assert session.query(ScorecardRating).one().rated_by.startswith("User")
        assert session.query(AccountScore).filter_by(account_id=buyers[1]).one().score == pytest.approx(70)


def test_a_rating_that_is_no_level_is_refused_beside_its_criterion(client_as, buyers):
    wrong = client_as("sales").post(f"/scorecards/sales-and-trust/rate/{buyers[0]}", data={"points-trust": "51"})
    assert wrong.status_code == 422
    assert "Choose one of 0, 50, 100" in wrong.get_data(as_text=True)


def test_the_account_page_shows_its_scores(client_as, buyers):
    text = page(client_as("sales"), f"/accounts/{buyers[2]}/scores")
    assert "place 1 of 3" in text
    assert f"/scorecards/sales-and-trust/why/{buyers[2]}" in text


def test_the_whole_ranking_is_listed_and_exported(client_as, buyers):
    client = client_as("sales")
    text = page(client, "/scorecards/sales-and-trust/accounts")
    assert "3 accounts</span>" in text
    assert "1 account</span>" in page(client, "/scorecards/sales-and-trust/accounts?q=Buyer+2")
    rows = list(csv.DictReader(io.StringIO(page(client, "/scorecards/sales-and-trust/export.csv"))))
    assert [(row["place"], row["account_id"]) for row in rows] == [("1", "B30"), ("2", "B20"), ("3", "B10")]
    assert client_as("viewer").get("/scorecards/sales-and-trust/export.csv").status_code == 403


def test_a_scorecard_begins_with_a_title_and_the_criteria_of_another_one(client_as, buyers):
    client = client_as("marketer")
    made = client.post("/scorecards/new", data={"title": "Bereit für mehr", "purpose": "Whom we ask", "from": ""})
    assert made.headers["Location"] == "/scorecards/bereit-fur-mehr/edit"
    assert "Sales of the last year" in page(client, "/scorecards/bereit-fur-mehr/edit")
    client.post("/scorecards/bereit-fur-mehr/criteria/sales/remove")
    copied = client.post("/scorecards/new", data={"title": "Bereit für mehr!", "from": "bereit-fur-mehr"})
    assert copied.headers["Location"] == "/scorecards/bereit-fur-mehr-2/edit"
    text = page(client, "/scorecards/bereit-fur-mehr-2/yaml")
    assert "id: trust" in text
    assert "id: sales" not in text


@pytest.mark.parametrize(("title", "said"), [("", "Give it a title"), ("!!!", "with letters or digits"),
                                             ("x" * 400, "at most"), ("new", "new")])
def test_a_title_that_cannot_be_is_said_beside_the_field_and_nothing_typed_is_lost(client_as, buyers, title, said):
    client = client_as("marketer")
    refused = client.post("/scorecards/new", data={"title": title, "purpose": "Whom we ask first"})
    assert refused.status_code == 422
    text = refused.get_data(as_text=True)
    assert said in text
    assert 'value="Whom we ask first"' in text
    assert client_as("viewer").post("/scorecards/new", data={"title": "Mine"}).status_code == 403


def test_a_scorecard_is_made_from_yaml_and_mistakes_are_named(client_as, buyers):
    client = client_as("marketer")
    wrong = client.post("/scorecards", data={"yaml": "scorecard: x\ncriteria: []"})
    assert wrong.status_code == 422
    assert "at least one criterion" in wrong.get_data(as_text=True)
    assert "scorecard: my-scorecard" in page(client, "/scorecards/new")
    text = "scorecard: mine\ncriteria:\n- {id: sales, by: orders.value_12m}\n"
    assert client.post("/scorecards", data={"yaml": text}).headers["Location"] == "/scorecards/mine"
    assert client.post("/scorecards", data={"yaml": text}).status_code == 422
    assert "id: sales" in page(client, "/scorecards/mine/yaml")
    assert "scorecard: mine" in page(client, "/scorecards/mine/file.yaml")
    assert client.post("/scorecards/mine/yaml", data={"yaml": text.replace("mine", "other")}).status_code == 422


CRITERION = {"id": "size", "title": "Size", "weight": "20", "by": "account.employees", "direction": "up",
             "scale": "bands", "steps": "0: 10\n100: 80"}


def test_criteria_are_added_changed_and_taken_out(client_as, buyers):
    client, base = client_as("marketer"), "/scorecards/sales-and-trust/criteria"
    assert client.post(base, data=CRITERION).status_code == 302
    assert "100: 80" in page(client, f"{base}/size")
    client.post(f"{base}/size", data={**CRITERION, "scale": "min-max", "low": "5", "high": "500"})
    client.post(f"{base}/trust/remove")
    with db.reading() as session:
        definition = draft_of(session.query(Scorecard).one())
    assert [one.id for one in definition.criteria] == ["sales", "size"]
    assert (definition.criteria[1].low, definition.criteria[1].high) == (5, 500)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"weight": "much"}, "Expected a number"), ({"steps": "100: 80\n200: 10"}, "must rise"),
        ({"steps": ""}, "1 to 20"), ({"id": "Size!"}, "small letters"),
        ({"by": "custom"}, "name of the custom field"), ({"id": "sales"}, "said twice"),
    ],
)
def test_a_wrong_criterion_is_refused_beside_its_field(client_as, buyers, changes, says):
    answer = client_as("marketer").post("/scorecards/sales-and-trust/criteria", data={**CRITERION, **changes})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert says in text


def test_title_and_thresholds_are_changed_with_errors_beside_the_field(client_as, buyers):
    client = client_as("marketer")
    values = {"title": "New title", "family": "potential", "rank_from_coverage": "30", "member_from": "10",
              "member_to": "20"}
    assert client.post("/scorecards/sales-and-trust/edit", data=values).status_code == 302
    assert "New title" in page(client, "/scorecards/sales-and-trust/edit")
    wrong = client.post("/scorecards/sales-and-trust/edit", data={**values, "member_from": "30"})
    assert wrong.status_code == 422
    assert "above its end" in wrong.get_data(as_text=True)


def test_the_matrix_counts_its_accounts_and_each_cell_opens(client_as, northwind):
    client = client_as("viewer")
    text = page(client, "/scorecards/matrix")
    assert "stand high on both" in text or "stands high on both" in text
    total = 0
    for attractiveness in ("low", "middle", "high"):
        for relationship in ("low", "middle", "high"):
            cell = page(client, "/scorecards/matrix/accounts?"
                                f"attractiveness={attractiveness}&relationship={relationship}")
            total += int(cell.rsplit('text-secondary">', 1)[1].split(" account")[0]) if "data-href" in cell else 0
    assert f"of {total} placed" in text


def test_the_back_test_shows_its_figures_and_its_limits(client_as, northwind):
    text = page(client_as("viewer"), "/scorecards/potential/back-test?months=6")
    assert "Rank correlation" in text
    assert "One period proves little" in text
    assert "not a day" in page(client_as("viewer"), "/scorecards/potential/back-test?as_of=someday")
    assert "leaves no orders" not in page(client_as("viewer"), "/scorecards/potential/back-test?as_of=1997-06-30")


@pytest.mark.parametrize("path", ["", "/accounts", "/versions", "/compare", "/back-test", "/yaml", "/edit",
                                  "/why/1", "/rate/1", "/criteria/x"])
def test_a_scorecard_that_is_not_there_is_not_found(client_as, database, path):
    assert client_as("admin").get(f"/scorecards/nothing{path}").status_code == 404


def test_pages_ask_a_handful_of_queries_whatever_the_number_of_accounts(client_as, northwind):
    from sqlalchemy import event

    client = client_as("viewer")
    counts = {}
    for path in ("/scorecards/potential", "/scorecards/potential/accounts", "/scorecards/matrix"):
        asked = []
        event.listen(db.engine(), "before_cursor_execute", lambda *args, asked=asked: asked.append(args[2]))
        page(client, path)
        counts[path] = len(asked)
    with db.reading() as session:
        assert session.query(Account).count() > 80
    assert all(count <= 16 for count in counts.values()), counts


def test_a_large_company_is_tested_by_a_worker_and_the_figures_stay(client_as, northwind, queue_server, monkeypatch):
    small = page(client_as("viewer"), "/scorecards/potential/back-test?months=6")
    monkeypatch.setattr(actions, "AT_ONCE_UP_TO", 10)
    marketer, address = client_as("marketer"), "/scorecards/potential/back-test"
    assert "Not tested yet" in page(marketer, f"{address}?months=6")
    assert client_as("viewer").post(address, data={"months": "6"}).status_code == 403
    there = marketer.post(address, data={"months": "6"}).headers["Location"]
    assert "Waiting for a worker" in page(marketer, there)
    with db.reading() as session:
        asked_id = session.scalars(select(BackTestRun.id)).one()
    back_test(asked_id)
    tested = page(marketer, there)
    figures = [text[text.index("Rank correlation"):text.index("</svg>")] for text in (small, tested)]
    assert figures[0] == figures[1]
    assert "Test again" in tested


def test_a_back_test_that_cannot_be_says_why_on_the_page(client_as, northwind, queue_server, monkeypatch):
    monkeypatch.setattr(actions, "AT_ONCE_UP_TO", 10)
    marketer = client_as("marketer")
    there = marketer.post("/scorecards/potential/back-test", data={"months": "6", "as_of": "2040-01-01"})
    with db.reading() as session:
        back_test(session.scalars(select(BackTestRun.id)).one())
    assert "Choose a day from" in page(marketer, there.headers["Location"])


def test_the_matrix_is_kept_with_the_scores_and_counted_anew_when_it_is_of_another_state(client_as, northwind):
    def shown():
        text = page(client_as("viewer"), "/scorecards/matrix")
        return text[text.index('class="matrix"'):text.index("</svg></figure>")]

    usual = shown()
    with db.transaction() as session:
        kept = session.scalars(select(ScoreMatrix)).one()
        kept.cells = [["high", "high", 7, 50.0]]
    assert "7 of 7 accounts stand high on both" in page(client_as("viewer"), "/scorecards/matrix")
    with db.transaction() as session:
        session.scalars(select(ScoreMatrix)).one().made_of = "another state"
    assert shown() == usual
