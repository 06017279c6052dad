"""Who the caller is, what the cookie says, and what the doctor refuses of the queue server."""

from typing import Any

import pytest
from sqlalchemy import select

from abm.app import create_app
from abm.installation import doctor
from abm.users.models import UserSession
from core.db import reading, transaction
from core.jobs.queue import connection
from core.settings import settings
from tests.factories import make_user


@pytest.fixture
def jane(database: Any) -> dict[str, str]:
    from abm.users.passwords import hash_password

    with transaction() as session:
        make_user(session, email="jane@example.com", password_hash=hash_password("a long enough phrase"))
    return {"email": "jane@example.com", "password": "a long enough phrase"}


def test_a_forwarded_address_is_believed_from_no_stranger(client_as: Any, jane: dict[str, str]) -> None:
    client_as(None).post("/sign-in", data=jane, headers={"X-Forwarded-For": "198.51.100.9"})
    with reading() as session:
        assert session.scalars(select(UserSession.ip)).one() == "127.0.0.1"


def test_the_nearest_of_the_configured_proxies_says_who_called(jane: dict[str, str],
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABM_TRUSTED_PROXIES", "1")
    settings.cache_clear()
    app = create_app()
    app.config["WTF_CSRF_ENABLED"] = False
    forged = {"X-Forwarded-For": "203.0.113.66, 198.51.100.9"}
    assert app.test_client().post("/sign-in", data=jane, headers=forged).status_code == 302
    with reading() as session:
        assert session.scalars(select(UserSession.ip)).one() == "198.51.100.9"


@pytest.mark.parametrize(("base", "name", "is_secure"), [
    ("https://abm.example.com", "__Host-abm", True), ("http://127.0.0.1:8000", "abm", False)])
def test_the_cookie_is_for_the_server_alone(jane: dict[str, str], monkeypatch: pytest.MonkeyPatch, base: str, name: str,
                                            is_secure: bool) -> None:
    monkeypatch.setenv("ABM_BASE_URL", base)
    settings.cache_clear()
    app = create_app()
    app.config["WTF_CSRF_ENABLED"] = False
    answer = app.test_client().post("/sign-in", data=jane, base_url=base)
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith(f"{name}="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert ("Secure" in cookie) is is_secure
    assert ("Strict-Transport-Security" in answer.headers) is is_secure


def test_the_doctor_refuses_a_queue_server_that_may_forget_jobs(queue_server: str) -> None:
    server: Any = connection()
    server.config_set("maxmemory-policy", "allkeys-lru")
    try:
        (found,) = [one for one in doctor.examine() if one.name == "queue"]
    finally:
        server.config_set("maxmemory-policy", "noeviction")
    assert (found.level, "evict" in found.text) == ("error", True)
