import csv
import io
import re
from datetime import date

import pytest
from sqlalchemy import event

from abm.accounts.models import Account
from abm.analysis.actions import run_analysis
from abm.analysis.results import EXPORT_COLUMNS
from abm.analysis.thresholds import Thresholds
from core import db
from tests.abm.analysis.companies import load_company
from tests.factories import make_account, make_order


@pytest.fixture
def northwind(database):
    with db.transaction() as session:
        load_company(session, "northwind")
        return run_analysis(session, period="quarter").id


def page(client, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    return response.get_data(as_text=True)


def account_id(external_id: str) -> int:
    with db.reading() as session:
        return session.query(Account).filter_by(external_id=external_id).one().id


def test_without_an_analysis_the_page_says_what_to_do_first(client_as, database):
    client = client_as("marketer")
    assert "Analyse the orders" in page(client, "/analysis")
    assert "No analysis yet" in page(client, "/analysis/runs")
    assert client.get("/analysis/accounts").status_code == 302
    assert client.get("/analysis/accounts/export.csv").status_code == 404


def test_the_overview_says_what_the_pictures_show(client_as, northwind):
    text = page(client_as("viewer"), "/analysis")
    assert "18 of 89 accounts bring 60 % of sales" in text
    assert "8 of 86 accounts with a known rhythm have lapsed" in text
    assert "AX: 2 accounts" in text
    assert "does not fit these buyers" in text


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 89),
        ("abc=A", 34),
        ("abc=A&xyz=Y", None),
        ("rhythm=lapsed", 8),
        ("rhythm=unknown", 3),
        ("q=QUICK", 1),
        ("abc=Q", 89),
        ("abc=A'--", 89),
        ("new=yes", None),
        ("r=5&f=5", None),
        ("r=5%3B", 89),
    ],
)
def test_the_table_filters_by_known_values_only(client_as, northwind, query, count):
    text = page(client_as("viewer"), f"/analysis/accounts?{query}")
    if count is not None:
        assert f"{count} account{'s' if count != 1 else ''}</span>" in text


@pytest.mark.parametrize(
    "sort",
    [
        "value",
        "-value",
        "rfm",
        "-p_alive",
        "rhythm",
        "name",
        "-last_on",
        "cell",
        "-overdue_ratio",
        "id",
        "-value;--",
        "_sa_class",
    ],
)
def test_every_column_sorts_and_nothing_else_does_harm(client_as, northwind, sort):
    client = client_as("viewer")
    text = page(client, f"/analysis/accounts?sort={sort}")
    assert text.count("data-href") == 50
    following = text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert page(client, following).count("data-href") == 39


def test_export_of_a_filtered_table_has_the_columns_of_the_contract(client_as, northwind):
    response = client_as("sales").get("/analysis/accounts/export.csv?rhythm=lapsed")
    rows = list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))
    assert tuple(rows[0]) == EXPORT_COLUMNS
    assert {row["rhythm"] for row in rows} == {"lapsed"}
    assert client_as("sales").get("/analysis/accounts/export.xlsx").data[:2] == b"PK"
    assert client_as("viewer").get("/analysis/accounts/export.csv").status_code == 403


def test_the_class_opens_into_value_rank_and_the_share_before_it(client_as, northwind):
    text = page(client_as("viewer"), f"/analysis/why/{account_id('QUICK')}/class")
    assert "1 of 89" in text
    assert "8.712 %" in text
    assert "0.000 %" in text


@pytest.mark.parametrize(("name", "header"), [("rhythm", "day,days_since_the_one_before"),
                                              ("steadiness", "quarter,revenue")])
def test_the_rows_behind_a_number_are_exported(client_as, northwind, name, header):
    answer = client_as("marketer").get(f"/analysis/why/{account_id('QUICK')}/{name}/export.csv")
    rows = answer.text.splitlines()
    assert rows[0] == header
    assert len(rows) > 3


def test_steadiness_opens_into_its_periods(client_as, northwind):
    text = page(client_as("viewer"), f"/analysis/why/{account_id('QUICK')}/steadiness")
    assert "1996 Q3" in text
    assert "1998 Q2" in text
    assert "Orders have changed" not in text


@pytest.mark.parametrize("topic", ["class", "steadiness", "scores", "rhythm", "alive"])
def test_a_drawer_is_a_fragment_for_htmx_and_a_page_without(client_as, northwind, topic):
    client, path = client_as("viewer"), f"/analysis/why/{account_id('ALFKI')}/{topic}"
    assert "<html" in page(client, path)
    assert "<html" not in client.get(path, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert client.get(f"/analysis/why/999999/{topic}").status_code == 404


def test_every_drawer_opens_for_an_account_with_a_single_order(client_as, database):
    with db.transaction() as session:
        account = make_account(session, industry="Retail")
        make_order(session, account, on=date(2026, 1, 5))
        run_analysis(session)
    for topic in ("class", "steadiness", "scores", "rhythm", "alive"):
        page(client_as("viewer"), f"/analysis/why/{account.id}/{topic}")
    assert "Too few orders for a rhythm" in page(client_as("viewer"), f"/accounts/{account.id}")
    assert "nothing to learn about leaving" in page(client_as("viewer"), "/analysis")


def test_the_overview_stands_where_no_account_has_value(client_as, database):
    with db.transaction() as session:
        make_order(session, make_account(session), on=date(2026, 1, 5))
        run_analysis(session, value_kind="margin")
    assert "No account has margin" in page(client_as("viewer"), "/analysis")


def test_a_new_analysis_is_started_from_the_page_and_carried_out_by_a_worker(client_as, northwind, queue_server):
    from abm.analysis.jobs import carry_out_analysis

    client = client_as("marketer")
    started = client.post("/analysis/runs", data={"period": "month", "value": "revenue", "as_of": "1998-05-06"})
    where = started.headers["Location"]
    assert "hx-get" in page(client, where)
    carry_out_analysis(int(where.rsplit("/", 1)[1]))
    assert client.get(where, headers={"HX-Request": "true"}).headers["HX-Redirect"].startswith("/analysis?run=")
    assert '<span class="text-secondary small">-2</span>' in page(client, "/analysis/runs")


def test_wrong_days_and_roles_are_refused(client_as, northwind):
    client = client_as("marketer")
    wrong = client.post("/analysis/runs", data={"as_of": "yesterday", "period": "auto", "value": "revenue"})
    assert wrong.status_code == 422
    assert "Write the day like" in wrong.get_data(as_text=True)
    assert client.post("/analysis/runs", data={"period": "week", "value": "revenue"}).status_code == 422
    assert client_as("sales").post("/analysis/runs", data={}).status_code == 403


def test_a_failed_run_says_why(client_as, database):
    from abm.analysis.actions import Wanted, plan_analysis
    from abm.analysis.jobs import carry_out_analysis

    with db.transaction() as session:
        run = plan_analysis(session, Wanted())
    carry_out_analysis(run.id)
    assert "import orders" in page(client_as("viewer"), f"/analysis/runs/{run.id}")
    assert client_as("viewer").get(f"/analysis?run={run.id}").status_code == 404


def test_the_account_list_filters_and_sorts_by_class_and_rhythm_of_the_latest_run(client_as, northwind):
    client = client_as("viewer")
    assert "8 accounts</span>" in page(client, "/accounts?rhythm=lapsed")
    assert "34 accounts</span>" in page(client, "/accounts?class=A")
    by_value = page(client, "/accounts?sort=-value")
    assert by_value.index("QUICK") < by_value.index("ERNSH")


def test_the_page_of_an_account_shows_its_rhythm(client_as, northwind):
    text = page(client_as("viewer"), f"/accounts/{account_id('QUICK')}")
    assert "Orders about every" in text
    assert "analysis/why" in text


def test_each_factor_has_its_own_pages(client_as, northwind):
    client = client_as("viewer")
    assert "No analysis by region yet" in page(client, "/analysis?by=region")
    with db.transaction() as session:
        run = run_analysis(session, factor="region").id
    assert "bring" in page(client, "/analysis?by=region")
    table = page(client, f"/analysis/accounts?run={run}")
    assert "Without a region" in table
    assert "1 region</span>" in table
    assert "CV by " in page(client, f"/analysis/runs/{run}/things/1")
    assert "89 accounts" in page(client, "/analysis")


def test_the_overview_names_segments_the_portfolio_and_concentration_over_time(client_as, northwind):
    text = page(client_as("viewer"), "/analysis")
    assert "12 champions bring 37 % of sales" in text
    assert "stars bring" in text
    assert "The share of the top part of the accounts in a quarter" in text
    assert page(client_as("viewer"), "/analysis/accounts?segment=champions").count("data-href") == 12


@pytest.mark.parametrize("query", ["quadrant=star", "season=yes", "segment=at_risk", "sort=-expected_value_12m"])
def test_the_table_filters_by_what_the_run_knows_beside(client_as, northwind, query):
    assert "All accounts" in page(client_as("viewer"), f"/analysis/accounts?{query}")


def test_every_column_can_be_taken_out_behind_those_of_the_contract(client_as, northwind):
    text = client_as("sales").get("/analysis/accounts/export-all.csv").get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0])[:len(EXPORT_COLUMNS)] == EXPORT_COLUMNS
    assert {"segment", "key_membership", "expected_value_12m", "quadrant"} <= set(rows[0])


def test_who_moved_is_named_with_the_line(client_as, northwind):
    client = client_as("viewer")
    assert "Nothing to compare yet" in page(client, "/analysis/compare")
    with db.transaction() as session:
        run_analysis(session, as_of=date(1998, 3, 1), period="quarter")
    text = page(client, "/analysis/compare")
    assert "over the line at" in text
    assert re.sub("<[^>]+>", "", text).index("1 Mar 1998 (by quarter) to the one") > 0
    rows = client_as("sales").get("/analysis/compare/export.csv").get_data(as_text=True)
    assert rows.startswith("key,name,value_before,value,what,from,to,why\n")


def test_runs_by_different_factors_are_not_compared(client_as, northwind):
    with db.transaction() as session:
        other = run_analysis(session, factor="region").id
    assert client_as("viewer").get(f"/analysis/compare?run={northwind}&with={other}").status_code == 404


def test_a_run_is_set_beside_the_last_one_by_the_same_value(client_as, northwind):
    with db.transaction() as session:
        run_analysis(session, value_kind="units")
        again = run_analysis(session, as_of=date(1998, 3, 1)).id
    text = page(client_as("viewer"), "/analysis/runs")
    assert re.findall(r"compare\?run=(\d+)&amp;with=(\d+)", text) == [(str(again), str(northwind))]


def test_thresholds_are_changed_by_an_admin_and_kept_with_the_next_run(client_as, northwind):
    typed = {name: str(value) for name, value in Thresholds().stored().items()}
    client = client_as("admin")
    wrong = client.post("/settings/analysis", data={**typed, "a_below": "2"})
    assert wrong.status_code == 422
    assert "A number from 0 to 1" in wrong.get_data(as_text=True)
    assert client.post("/settings/analysis", data={**typed, "a_below": "0.5"}).status_code == 302
    assert client_as("marketer").post("/settings/analysis", data=typed).status_code == 403
    with db.transaction() as session:
        assert (run_analysis(session).thresholds or {})["a_below"] == 0.5
    assert "the first 50 % of sales" in page(client, "/analysis")


@pytest.mark.parametrize(("path", "most"), [("/analysis", 9), ("/analysis/accounts", 10), ("/analysis/runs", 8),
                                            ("/analysis/compare", 16)])
def test_a_page_asks_the_database_a_fixed_number_of_times(client_as, northwind, path, most):
    with db.transaction() as session:
        run_analysis(session, as_of=date(1998, 3, 1), period="quarter")
    client, asked = client_as("viewer"), []
    event.listen(db.engine(), "before_cursor_execute", listener := lambda *call: asked.append(call[2]))
    page(client, path)
    event.remove(db.engine(), "before_cursor_execute", listener)
    assert len(asked) <= most, asked
