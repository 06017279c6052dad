import pytest

from core.errors import CannotRun
from core.settings import Settings, settings


@pytest.fixture
def fresh(data_dir, monkeypatch):
    def load(**given) -> Settings:
        for name, value in given.items():
            monkeypatch.setenv(f"ABM_{name.upper()}", value)
        settings.cache_clear()
        return settings()

    return load


def test_every_wrong_setting_is_named_at_once(fresh):
    with pytest.raises(CannotRun) as complaint:
        fresh(timezone="Mars/Olympus", currency="euro", mail_url="http://x", base_url="ftp://x", port="many")
    assert all(
        f"ABM_{name}" in str(complaint.value) for name in ("TIMEZONE", "CURRENCY", "MAIL_URL", "BASE_URL", "PORT")
    )


def test_a_key_is_made_once_and_kept_readable_by_the_owner_only(fresh, monkeypatch):
    monkeypatch.delenv("ABM_SECRET_KEY")
    monkeypatch.setenv("ABM_DATABASE_URL", "")
    settings.cache_clear()
    first = settings()
    settings.cache_clear()
    assert settings().secret_key == first.secret_key
    assert (first.data_dir / "secret.key").stat().st_mode & 0o777 == 0o600


def test_a_database_server_needs_a_key_of_its_own(fresh, monkeypatch):
    monkeypatch.delenv("ABM_SECRET_KEY")
    with pytest.raises(CannotRun, match="ABM_SECRET_KEY"):
        fresh(database_url="postgresql://u@127.0.0.1/x")


@pytest.mark.parametrize("mail_url", ["smtp://relay.example.com:587", "smtp://user:pw@10.0.0.5:25"])
def test_plain_http_links_are_never_sent_to_the_world(fresh, mail_url):
    with pytest.raises(CannotRun, match="https"):
        fresh(mail_url=mail_url)


def test_a_loopback_relay_may_be_used_with_plain_http(fresh):
    assert fresh(mail_url="smtp://127.0.0.1:2525").mail_url == "smtp://127.0.0.1:2525"


def test_postgresql_addresses_use_the_installed_driver(fresh):
    assert fresh(database_url="postgresql://u:p@127.0.0.1/x").database_url == "postgresql+psycopg://u:p@127.0.0.1/x"


def test_another_port_is_part_of_the_address_until_an_address_is_given(fresh, monkeypatch):
    monkeypatch.delenv("ABM_BASE_URL", raising=False)
    assert fresh(port="8190").base_url == "http://127.0.0.1:8190"
    assert fresh(port="8190", base_url="https://abm.example.com").base_url == "https://abm.example.com"
