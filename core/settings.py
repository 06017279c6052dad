"""Settings from the environment or `.env`; every wrong one is reported at once."""

import os
import secrets
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import CannotRun

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """The installation's settings. Paths are absolute after loading; `database_url` is never empty."""

    model_config = SettingsConfigDict(env_prefix="ABM_", env_file=ROOT / ".env", extra="ignore")

    data_dir: Path = Path("var")
    database_url: str = ""
    redis_url: str = ""
    mail_url: str = "outbox:"
    base_url: str = "http://127.0.0.1:8000"
    bounce_address: str = ""
    timezone: str = "UTC"
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    country: str = ""
    secret_key: str = ""
    port: int = 8000
    trusted_proxies: int = 0
    metrics_token: str = ""
    allowed_hosts: str = ""
    dns_server: str = ""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError(f"{value!r} is not an IANA time zone, such as Europe/Paris")
        return value

    @field_validator("mail_url")
    @classmethod
    def _known_mail_scheme(cls, value: str) -> str:
        if value != "outbox:" and not value.startswith("smtp://"):
            raise ValueError("use outbox: or smtp://user:password@host:port")
        return value

    @field_validator("redis_url")
    @classmethod
    def _known_redis_scheme(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("use redis://host:port/0 or unix:///path, or leave it empty for the embedded server")
        return value

    @field_validator("base_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("use http://host or https://host")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _fill_and_check(self) -> "Settings":
        self.data_dir = self.data_dir if self.data_dir.is_absolute() else ROOT / self.data_dir
        self.database_url = _database_url(self.database_url, self.data_dir)
        if "base_url" not in self.model_fields_set:
            self.base_url = f"http://127.0.0.1:{self.port}"
        self._check_mail_is_private()
        return self

    def _check_mail_is_private(self) -> None:
        """Links in mail sent to the world must not be plain http (RFC 8058 asks for https)."""
        mail_host = urlsplit(self.mail_url).hostname or ""
        if self.mail_url.startswith("smtp:") and not is_loopback(mail_host) and not self.is_https:
            raise ValueError("ABM_MAIL_URL names a host that is not loopback, so ABM_BASE_URL must start with https://")

    @property
    def is_https(self) -> bool:
        return self.base_url.startswith("https:")

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def outbox_dir(self) -> Path:
        return self.data_dir / "outbox"

    @property
    def journal_dir(self) -> Path:
        return self.data_dir / "journal"

    @property
    def visits_dir(self) -> Path:
        return self.data_dir / "visits"

    @property
    def uploads_dir(self) -> Path:
        return self.data_dir / "uploads"


def is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _database_url(url: str, data_dir: Path) -> str:
    if not url:
        return f"sqlite:///{data_dir / 'abm.db'}"
    if url.startswith(("postgresql://", "postgres://")):
        return "postgresql+psycopg://" + url.split("://", 1)[1]
    if url.startswith("sqlite:///") and not url.startswith("sqlite:////"):
        return f"sqlite:///{ROOT / url.removeprefix('sqlite:///')}"
    if url.startswith(("sqlite:////", "postgresql+psycopg://")):
        return url
    raise ValueError("ABM_DATABASE_URL must start with sqlite:/// or postgresql://")


def _complaints(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        name = "ABM_" + str(problem["loc"][0]).upper() if problem["loc"] else "settings"
        lines.append(f"{name}: {problem['msg'].removeprefix('Value error, ')}")
    return "; ".join(lines)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process. Raises CannotRun naming every wrong setting."""
    try:
        loaded = Settings()
    except ValidationError as error:
        raise CannotRun(f"Wrong settings, mend them in the environment or .env: {_complaints(error)}") from error
    loaded.data_dir.mkdir(parents=True, exist_ok=True)
    if not loaded.secret_key:
        loaded.secret_key = _kept_secret(loaded)
    return loaded


def _kept_secret(loaded: Settings) -> str:
    """The key kept in the data folder, made on first use; only where the folder is the whole installation."""
    if not loaded.is_sqlite:
        raise CannotRun("ABM_SECRET_KEY is not set; with a database server of your own set it to 32 random bytes")
    path = loaded.data_dir / "secret.key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text().strip()
