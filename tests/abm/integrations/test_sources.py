"""Sources: from another system's rows to ours, with the same report as a file."""

import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select, text

from abm.accounts.models import Account
from abm.audit.models import AuditEntry
from abm.cli import main
from abm.imports.jobs import run_import
from abm.imports.models import ImportRun
from abm.integrations import actions, pulling
from abm.integrations.definition import check_definition, read_definition
from abm.integrations.jobs import pull_source, start_due_pulls
from abm.integrations.models import Source
from abm.integrations.pulling import pull_into
from abm.integrations.sql_rows import read_rows
from core import clock, db
from core.errors import InvalidInput, Refused
from core.settings import settings
from tests.abm.integrations.endpoints import as_json, serving
from tests.conftest import TEST_SERVER

SECRET = "s3cret-of-the-shop"
ACCOUNTS = [{"account_id": f"J{number}", "name": f"Shop {number}", "city": "Bern"} for number in range(5)]


@pytest.fixture
def loopback(database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ABM_ALLOWED_HOSTS", "127.0.0.1")
    settings.cache_clear()
    return database


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as opened:
        opened.execute("CREATE TABLE customer (id TEXT, company TEXT, since TEXT)")
        opened.executemany("INSERT INTO customer VALUES (?, ?, ?)", [("S1", "Één BV", "2020"), ("S2", "=cmd", None)])
    opened.close()
    return path


def sql_source(shop: Path, query: str = "SELECT id, company FROM customer", **more: object) -> dict:
    return {"source": "shop", "kind": "accounts", "sql": {"url": f"sqlite:///{shop}", "query": query},
            "mapping": {"columns": {"account_id": "id", "name": "company"}}, **more}


def save(content: dict, secret: str | None = None) -> int:
    with db.transaction() as session:
        return actions.apply_source(session, definition=check_definition(content), secret=secret)[0].id


def accounts() -> dict[str, str]:
    with db.reading() as session:
        return dict(session.execute(select(Account.external_id, Account.name)).all())


def pulled(content: dict, tmp_path: Path, secret: str = "") -> list[str]:
    path = tmp_path / "pulled.csv"
    pull_into(path, check_definition({"source": "x", "kind": "accounts", **content}).content, secret)
    return path.read_text("utf-8").splitlines()


# by command


def test_a_database_is_pulled_by_command_with_the_report_of_a_file(
    loopback: Path, shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(json.dumps(sql_source(shop)))
    assert main(["sources", "apply", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"source": "shop", "created": True, "every_minutes": 0}
    assert main(["sources", "pull", "shop", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["created"] == 2
    assert accounts() == {}
    assert main(["sources", "pull", "shop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["created"] == 2
    assert accounts() == {"S1": "Één BV", "S2": "=cmd"}
    assert main(["sources", "pull", "shop", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["unchanged"] == 2


def test_refused_rows_of_a_source_are_reported_like_those_of_a_file(
    loopback: Path, shop: Path, capsys: pytest.CaptureFixture
) -> None:
    save(sql_source(shop, "SELECT id, company FROM customer UNION ALL SELECT NULL, 'nobody'"))
    assert main(["sources", "pull", "shop", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["created"], report["rejected"]) == (2, 1)
    assert "account_id is empty" in Path(report["rejects_file"]).read_text()


def test_an_unknown_source_is_answered_with_the_known_ones(
    loopback: Path, shop: Path, capsys: pytest.CaptureFixture
) -> None:
    save(sql_source(shop))
    assert main(["sources", "pull", "shopp"]) == 2
    assert "there are: shop" in capsys.readouterr().err


# what a query may do


@pytest.mark.parametrize(
    "query",
    ["DELETE FROM customer", "SELECT 1; DELETE FROM customer", "WITH x AS (SELECT 1) DELETE FROM customer",
     "SELECT load_extension('x')", "PRAGMA user_version = 3", "ATTACH 'other.db' AS other",
     "WITH x AS (SELECT 1) INSERT INTO customer SELECT 1, 2, 3"],
)
def test_a_query_that_does_not_just_read_is_refused(loopback: Path, shop: Path, tmp_path: Path, query: str) -> None:
    with pytest.raises((InvalidInput, Refused)):
        pulled({"sql": {"url": f"sqlite:///{shop}", "query": query}}, tmp_path)
    opened = sqlite3.connect(shop)
    assert opened.execute("SELECT count(*) FROM customer").fetchone() == (2,)
    opened.close()


def test_an_endless_query_is_ended(loopback: Path, shop: Path) -> None:
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(Refused, match="too long"):
        list(read_rows({"url": f"sqlite:///{shop}", "query": query}, "", seconds=0.2))


def test_a_result_without_end_is_ended_though_each_of_its_rows_comes_at_once(
        loopback: Path, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulling, "LARGEST_UPLOAD", 20_000)
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, 'name' || i FROM n"
    with pytest.raises(Refused, match="ask it for less"):
        pulled({"sql": {"url": f"sqlite:///{shop}", "query": query}}, tmp_path)
    assert list(tmp_path.glob("pulled*")) == []


def test_a_value_that_would_fill_the_memory_is_refused(loopback: Path, shop: Path) -> None:
    with pytest.raises(Refused, match="too big"):
        list(read_rows({"url": f"sqlite:///{shop}", "query": "SELECT zeroblob(900000000)"}, ""))


def test_bytes_that_are_no_text_refuse_their_own_row_only(loopback: Path, shop: Path) -> None:
    query = "SELECT id, company FROM customer UNION ALL SELECT 'S9', CAST(x'ff41' AS TEXT)"
    save(sql_source(shop, query))
    assert main(["sources", "pull", "shop"]) == 1
    assert accounts() == {"S1": "Één BV", "S2": "=cmd"}


@pytest.mark.skipif(not TEST_SERVER, reason="needs a PostgreSQL server: ABM_TEST_DATABASE_URL")
def test_rows_without_end_from_postgres_are_ended_by_the_clock(loopback: Path) -> None:
    query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
    with pytest.raises(Refused, match=r"too long|longer than|timeout"):
        list(read_rows({"url": TEST_SERVER, "query": query}, "", seconds=1))


def test_only_the_last_pull_is_kept_as_a_file(loopback: Path, shop: Path) -> None:
    save(sql_source(shop))
    for _ in range(3):
        assert main(["sources", "pull", "shop"]) == 0
    assert len(list(settings().uploads_dir.glob("*.upload"))) == 1


def test_a_pull_that_another_import_still_reads_is_kept(loopback: Path, shop: Path) -> None:
    save(sql_source(shop))
    main(["sources", "pull", "shop", "--dry-run"])
    with db.transaction() as session:
        tried = session.scalars(select(ImportRun)).one()
        session.add(ImportRun(kind=tried.kind, file_name="shop", stored_path=tried.stored_path, state="waiting",
                              created_at=clock.now()))
    main(["sources", "pull", "shop"])
    assert len(list(settings().uploads_dir.glob("*.upload"))) == 2


def test_the_products_own_database_is_no_source(loopback: Path) -> None:
    (loopback / "own.db").touch()
    with pytest.raises(Refused, match="own data folder"):
        list(read_rows({"url": f"sqlite:///{loopback / 'own.db'}", "query": "SELECT 1"}, ""))


@pytest.mark.skipif(not TEST_SERVER, reason="needs a PostgreSQL server")
def test_a_postgres_session_may_only_read_and_only_for_a_while(
    loopback: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = TEST_SERVER.replace(f"//{urlsplit(TEST_SERVER).netloc}", f"//abm@127.0.0.1:{urlsplit(TEST_SERVER).port}")
    query = "SELECT 1 AS account_id, 'x' AS name, true AS on, NULL AS none"
    rows = pulled({"sql": {"url": url, "query": query}}, tmp_path)
    assert rows == ["account_id,name,on,none", "1,x,true,"]
    for query in ("WITH x AS (DELETE FROM pg_proc RETURNING 1) SELECT * FROM x",
                  "SELECT set_config('transaction_read_only', 'off', false)"):
        with pytest.raises(Refused, match=r"read-only|read-write|data-modifying"):
            list(read_rows({"url": url, "query": query}, ""))
    with pytest.raises(Refused, match="timeout"):
        list(read_rows({"url": url, "query": "SELECT pg_sleep(5)"}, "", seconds=0.2))


def test_a_database_in_the_own_network_must_be_allowed(database: Path, tmp_path: Path) -> None:
    for host in ("127.0.0.1", "localhost", "[::1]"):
        with pytest.raises(Refused, match="ABM_ALLOWED_HOSTS"):
            pulled({"sql": {"url": f"postgresql://abm@{host}:5432/x", "query": "SELECT 1"}}, tmp_path)


# pages of a JSON endpoint


def _numbered(path: str, _headers: dict) -> tuple:
    page = int(parse_qs(urlsplit(path).query).get("page", ["1"])[0])
    return as_json({"data": {"items": ACCOUNTS[2 * page - 2 : 2 * page]}})


def _linked(path: str, _headers: dict) -> tuple:
    start = int(parse_qs(urlsplit(path).query).get("start", ["0"])[0])
    following = f"/list?start={start + 2}" if start + 2 < len(ACCOUNTS) else None
    return as_json({"data": {"items": ACCOUNTS[start : start + 2]}, "links": {"next": following}})


def _cursored(path: str, _headers: dict) -> tuple:
    start = int(parse_qs(urlsplit(path).query).get("after", ["0"])[0])
    following = start + 2 if start + 2 < len(ACCOUNTS) else None
    return as_json({"data": {"items": ACCOUNTS[start : start + 2]}, "meta": {"cursor": following}})


def _in_header(path: str, _headers: dict) -> tuple:
    start = int(parse_qs(urlsplit(path).query).get("start", ["0"])[0])
    more = {"Link": f'</l?start={start + 2}>; rel="next"'} if start + 2 < len(ACCOUNTS) else {}
    return as_json({"data": {"items": ACCOUNTS[start : start + 2]}}, **more)


@pytest.mark.parametrize(
    ("say", "paging"),
    [(_numbered, {"page": "page"}), (_linked, "links.next"), (_cursored, {"cursor": "meta.cursor", "as": "after"}),
     (_in_header, "header")],
)
def test_every_kind_of_paging_brings_every_row_once(loopback: Path, tmp_path: Path, say, paging) -> None:  # type: ignore[no-untyped-def]
    with serving(say) as (url, _asked):
        rows = pulled({"json": {"url": f"{url}/list", "items": "data.items", "next": paging}}, tmp_path)
    assert rows == ["account_id,name,city", *(",".join(one.values()) for one in ACCOUNTS)]


def test_nested_objects_become_columns_and_amounts_keep_their_digits(loopback: Path, tmp_path: Path) -> None:
    body = b'[{"id": 7, "customer": {"id": "C1", "on": true}, "total": 0.10000000000000000001}, {"tags": ["a"]}]'
    with serving(lambda *_: (200, {}, body)) as (url, _asked):
        rows = pulled({"json": {"url": url}}, tmp_path)
    assert rows == ["id,customer.id,customer.on,total,tags", "7,C1,true,0.10000000000000000001,", ',,,,"[""a""]"']


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (as_json({}, status=500), "status 500"),
        (as_json([], status=401), "check the secret"),
        ((302, {"Location": "http://169.254.169.254/"}, b""), "another address"),
        ((200, {}, b"<html>"), "not JSON"),
        (as_json({"data": {}}), "no list at"),
        ((200, {}, b'{"data": {"items": [' + b"1" * 2_000_000), "more than 1,024 kB"),
        ((200, {"Content-Encoding": "gzip"}, b"x"), "compressed"),
        (as_json({"data": {"items": [{}]}, "links": {"next": "http://localhost:1/other"}}), "another host"),
        (as_json({"data": {"items": [{}]}, "links": {"next": ""}, "n": [[[]]]}), ""),
    ],
)
def test_what_an_endpoint_says_wrong_is_told(loopback: Path, tmp_path: Path, answer: tuple, words: str) -> None:
    with serving(lambda *_: answer) as (url, _asked):
        content = {"json": {"url": f"{url}/x", "items": "data.items", "next": "links.next"}}
        if not words:
            assert len(pulled(content, tmp_path)) == 2
            return
        with pytest.raises(Refused, match=words):
            pulled(content, tmp_path)
    assert not (tmp_path / "pulled.csv").exists()


def test_pages_that_lead_in_a_circle_end(loopback: Path, tmp_path: Path) -> None:
    content = {"i": [{"a": 1}], "n": "/x"}
    with serving(lambda *_: as_json(content)) as (url, _asked), pytest.raises(Refused, match="never end"):
        pulled({"json": {"url": f"{url}/x", "items": "i", "next": "n"}}, tmp_path)


# secrets


def test_a_secret_is_sent_stored_sealed_and_shown_nowhere(
    loopback: Path, client_as, capsys: pytest.CaptureFixture
) -> None:  # type: ignore[no-untyped-def]
    with serving(lambda *_: as_json(ACCOUNTS)) as (url, asked):
        source_id = save({"source": "shop", "kind": "accounts", "json": {"url": url}}, SECRET)
        assert main(["sources", "pull", "shop", "--json"]) == 0
        assert asked[0][1]["authorization"] == f"Bearer {SECRET}"
    client = client_as("admin")
    page = client.get(f"/settings/sources/{source_id}").text + client.get("/settings/sources").text
    with db.reading() as session:
        audited = str(session.execute(select(AuditEntry.__table__)).all())
        stored = session.get_one(Source, source_id)
        kept = f"{stored.secret_sealed}{stored.definition}"
    assert SECRET not in page + audited + kept + capsys.readouterr().out


def test_a_stored_secret_never_goes_to_another_host(loopback: Path) -> None:
    save({"source": "shop", "kind": "accounts", "json": {"url": "https://a.example.com/x"}}, SECRET)
    with pytest.raises(InvalidInput, match="secret again"):
        save({"source": "shop", "kind": "accounts", "json": {"url": "https://b.example.com/x"}})
    assert save({"source": "shop", "kind": "accounts", "json": {"url": "https://a.example.com/other"}})


def test_secrets_of_sources_are_sealed_again_with_a_new_key(loopback: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source_id = save({"source": "shop", "kind": "accounts", "json": {"url": "https://a.example.com/x"}}, SECRET)
    new, old = "a-new-key-of-at-least-thirty-two-characters", settings().secret_key
    monkeypatch.setenv("ABM_SECRET_KEY", f"{new},{old}")
    settings.cache_clear()
    with db.transaction() as session:
        assert actions.rotate_source_secrets(session) == 1
    monkeypatch.setenv("ABM_SECRET_KEY", new)
    settings.cache_clear()
    with db.reading() as session:
        from core.secrets import decrypt

        assert decrypt(session.get_one(Source, source_id).secret_sealed) == SECRET


# on a schedule and by page


def test_a_due_source_is_pulled_once_per_slot(loopback: Path, shop: Path, queue_server: str) -> None:
    source_id = save(sql_source(shop, every="1 hour"))
    start_due_pulls()
    with db.reading() as session:
        next_at = session.get_one(Source, source_id).next_at
    assert next_at is not None
    assert next_at > clock.now() + timedelta(minutes=59)
    pull_source(source_id, 0, "schedule")
    with db.reading() as session:
        run_id = session.scalars(select(ImportRun.id)).one()
    run_import(run_id)
    assert len(accounts()) == 2


def test_a_source_that_cannot_be_reached_says_so_in_the_list(loopback: Path, client_as) -> None:  # type: ignore[no-untyped-def]
    source_id = save({"source": "shop", "kind": "accounts", "json": {"url": "http://127.0.0.1:9/x"}})
    pull_source(source_id, 0, "schedule")
    assert "cannot be reached" in client_as("admin").get("/settings/sources").text


def test_a_source_is_made_changed_and_deleted_by_page(loopback: Path, shop: Path, client_as) -> None:  # type: ignore[no-untyped-def]
    client = client_as("admin")
    form = {"source": "shop", "kind": "accounts", "way": "sql", "url": f"sqlite:///{shop}", "query": "DROP TABLE x"}
    answer = client.post("/settings/sources", data=form)
    assert answer.status_code == 422
    assert "begins with SELECT" in answer.text
    assert "DROP TABLE x" in answer.text
    answer = client.post("/settings/sources", data={**form, "query": "SELECT 1", "every": "1 hour"})
    assert answer.status_code == 302
    with db.reading() as session:
        source_id = session.scalars(select(Source.id)).one()
    assert "SELECT 1" in client.get(f"/settings/sources/{source_id}").text
    assert client.post(f"/settings/sources/{source_id}/delete").status_code == 302
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Source)) == 0


@pytest.mark.parametrize(
    ("text_", "field"),
    [
        ("source: Shop!\nkind: accounts\njson: {url: 'https://a.example.com'}", "source"),
        ("source: a\njson: {url: x}\nsql: {url: x, query: y}", "sql"),
        ("source: a\nevery: 1 second\njson: {url: x}", "every"),
        ("source: a\nsql: {url: 'mysql://x', query: SELECT 1}", "sql"),
        ("source: a\nsql: {url: 'postgresql://me:word@x/y', query: SELECT 1}", "sql"),
        ("source: a\njson: {url: x, headers: {Host: y}}", "headers"),
        ("source: a\njson: {url: x, headers: {A: \"b\\r\\nC: d\"}}", "headers"),
        ("source: a\njson: {url: x, next: {what: x}}", "next"),
        ("source: a\nwhat: x\njson: {url: x}", "what"),
        ("- a", "yaml"),
        ("a: [", "yaml"),
    ],
)
def test_a_wrong_definition_names_the_field(text_: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_definition(text_)
    assert field in caught.value.fields


def test_the_database_is_left_as_it_was_by_a_failed_pull(loopback: Path) -> None:
    source_id = save({"source": "shop", "kind": "accounts", "json": {"url": "http://127.0.0.1:9/x"}})
    assert main(["sources", "pull", "shop"]) == 2
    with db.reading() as session:
        assert session.scalar(select(func.count()).select_from(ImportRun)) == 0
        assert session.execute(text("SELECT error FROM source WHERE id = :id"), {"id": source_id}).scalar()
