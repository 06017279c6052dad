"""Relays with certificates of a CA of the test's own: what is not verified is not spoken to, and nothing falls back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from campaigns.channels import smtp_line
from campaigns.dispatch import drain
from core.db import transaction
from core.settings import settings
from tests.outbox_factory import deliveries, running_campaign, states
from tests.sending_factory import make_identity
from tests.tls_relay import Certificates, Seen, relay


@pytest.fixture
def certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Certificates]:
    made = Certificates(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.ca))
    smtp_line.verified_context.cache_clear()
    yield made
    smtp_line.verified_context.cache_clear()


def send_by(monkeypatch: pytest.MonkeyPatch, port: int, *, tls: str = "starttls", people: int = 3) -> None:
    running_campaign(people)
    monkeypatch.setenv("ABM_MAIL_URL", f"smtp://user:hunter2@127.0.0.1:{port}?tls={tls}&connections=1")
    settings.cache_clear()
    drain()


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_verified_relay_gets_the_login_protected(engine_side: Path, certificates: Certificates, tls: str,
                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    with relay(seen, context=certificates.context(), implicit=tls == "implicit") as port:
        send_by(monkeypatch, port, tls=tls)
    assert states() == {"sent": 3}
    assert [is_safe for verb, is_safe in seen.heard if verb in ("auth", "mail", "data")] == [True] * 7


@pytest.mark.parametrize(("made", "words"), [({"days": -1}, "expired"), ({"address": "127.0.0.9"}, "mismatch")])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_wrong_certificate_is_not_spoken_to(engine_side: Path, certificates: Certificates, tls: str,
                                              made: dict[str, Any], words: str,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    with relay(seen, context=certificates.context(**made), implicit=tls == "implicit") as port:
        send_by(monkeypatch, port, tls=tls)
    assert states() == {"deferred": 3}
    assert words in (deliveries()[0].detail or "")
    assert not [verb for verb, _safe in seen.heard if verb in ("auth", "mail")]


def test_a_certificate_of_an_unknown_ca_is_not_spoken_to(engine_side: Path, tmp_path: Path,
                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    smtp_line.verified_context.cache_clear()
    seen = Seen()
    with relay(seen, context=Certificates(tmp_path).context()) as port:
        send_by(monkeypatch, port)
    assert states() == {"deferred": 3}
    assert "the server's certificate is not trusted" in (deliveries()[0].detail or "")
    assert not [verb for verb, _safe in seen.heard if verb in ("auth", "mail")]


def test_a_relay_that_hides_starttls_gets_neither_login_nor_mail(engine_side: Path, certificates: Certificates,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    with relay(seen, context=certificates.context(), offers=False) as port:
        send_by(monkeypatch, port)
    assert states() == {"deferred": 3}
    assert {verb for verb, _safe in seen.heard} <= {"ehlo", "quit"}


def test_a_login_that_is_refused_during_a_run_pauses_and_repeats_nothing(engine_side: Path, certificates: Certificates,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen()
    with relay(seen, context=certificates.context(), logins=1) as port:
        send_by(monkeypatch, port, people=4)
        assert states() == {"sent": 4}
        with transaction() as session:
            from tests.outbox_factory import Running, add_people

            first = deliveries()[0]
            add_people(session, Running(1, first.version_id, first.run_id), 4, first=100)
        drain()
    assert states() == {"sent": 4, "deferred": 4}
    assert seen.accepted == 4
    assert "535" in (deliveries()[-1].detail or "")


def test_an_identitys_own_relay_goes_first_and_is_guarded(engine_side: Path, certificates: Certificates,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    from core.secrets import encrypt

    seen = Seen()
    with relay(seen, context=certificates.context()) as port:
        with transaction() as session:
            make_identity(session, kind="smtp", host="127.0.0.1", port=port, user_name="user",
                          secret_sealed=encrypt("hunter2"))
        running_campaign(2)
        drain()
        assert states() == {"deferred": 2}
        assert "own network" in (deliveries()[0].detail or "")
        assert seen.heard == []
        with transaction() as session:
            from sqlalchemy import update

            from campaigns.models import Delivery
            from core import clock

            session.execute(update(Delivery).values(due_at=clock.now()))
        monkeypatch.setenv("ABM_ALLOWED_HOSTS", "127.0.0.1")
        settings.cache_clear()
        drain()
    assert states() == {"sent": 2}
    assert seen.accepted == 2
