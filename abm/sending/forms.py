"""Forms of sending identities → values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from abm.web.fields import Fields
from campaigns.channels.guard import is_private
from campaigns.channels.relay import DEFAULT_CONNECTIONS, MAX_CONNECTIONS
from core.settings import is_loopback, settings

KINDS = {"operator": "This installation's relay (ABM_MAIL_URL)", "smtp": "A relay of its own (SMTP)",
         "resend": "Resend (HTTP)", "json": "Another provider (generic JSON over HTTP)"}
TLS = {"starttls": "STARTTLS (required, port 587)", "implicit": "TLS from the start (port 465)",
       "none": "None: only inside the own network"}
_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
RESEND_URL = "https://api.resend.com"


@dataclass(frozen=True, slots=True)
class IdentityValues:
    """What an administrator said about an identity; `secret` empty: leave the stored one as it is."""

    name: str
    email: str
    covers_domain: bool
    kind: str
    host: str
    port: int
    tls: str
    connections: int
    user_name: str
    secret: str
    base_url: str
    per_second: int
    per_day: int
    per_domain_day: int
    warm_up_from: date | None
    warm_up_first: int
    warm_up_growth: int

    @property
    def stored(self) -> dict[str, Any]:
        """Column values, the secret left out."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "secret"}


def parse_identity(form: Mapping[str, str]) -> IdentityValues:
    """The identity a form describes. Raises InvalidInput with a sentence per field."""
    fields = Fields(form)
    kind = fields.one_of("kind", KINDS, missing="Choose how its messages leave.") or "operator"
    tls = fields.one_of("tls", TLS) or "starttls"
    values = IdentityValues(
        name=fields.text("name", missing="Give it a name that colleagues know.", longest=120),
        email=_email(fields), covers_domain=bool(form.get("covers_domain")), kind=kind,
        host=fields.text("host", longest=255), port=fields.whole("port", least=1, most=65_535) or _PORTS[tls], tls=tls,
        connections=fields.whole("connections", least=1, most=MAX_CONNECTIONS) or DEFAULT_CONNECTIONS,
        user_name=fields.text("user_name", longest=255), secret=form.get("secret", ""),
        base_url=fields.text("base_url", longest=500) or (RESEND_URL if kind == "resend" else ""),
        per_second=fields.whole("per_second", most=10_000) or 0, per_day=fields.whole("per_day") or 0,
        per_domain_day=fields.whole("per_domain_day") or 0, warm_up_from=fields.day("warm_up_from"),
        warm_up_first=fields.whole("warm_up_first", least=1, most=1_000_000) or 50,
        warm_up_growth=fields.whole("warm_up_growth", least=0, most=200) or 0)
    _check_way(fields, values)
    fields.finish()
    return values


def _email(fields: Fields) -> str:
    written = fields.text("email", missing="Write the address that messages come from.", longest=320)
    if not written:
        return ""
    try:
        return validate_email(written, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as error:
        fields.errors["email"] = f"This is not an e-mail address: {error}"
        return written


def _check_way(fields: Fields, values: IdentityValues) -> None:
    if values.kind == "smtp" and not values.host:
        fields.errors["host"] = "Write the relay's host name."
    if values.host and any(sign in values.host for sign in " /@:?#"):
        fields.errors["host"] = "Write the host name alone, without a scheme, port or login."
    if values.kind == "smtp" and values.user_name and values.tls == "none" and not is_loopback(values.host):
        fields.errors["tls"] = "A login never travels in clear text: choose STARTTLS or TLS."
    if values.kind in ("json", "resend"):
        _check_url(fields, values.base_url)
    where = _where(values)
    if values.kind != "operator" and not settings().is_https and not is_loopback(where):
        fields.errors["kind"] = ("ABM_BASE_URL is plain http: mail that leaves this machine needs https for its "
                                 "unsubscribe links.")


def _where(values: IdentityValues) -> str:
    """The host that messages go to; empty for the installation's own relay."""
    return (urlsplit(values.base_url).hostname if values.kind in ("json", "resend") else values.host) or ""


def explain_unreachable(values: IdentityValues) -> str:
    """Why nothing would be sent to the host as far as its name tells; empty where it may be reached. What a name leads
    to is asked when messages go."""
    host = _where(values)
    is_fine = values.kind == "operator" or not is_private(host)
    return "" if is_fine else (f"{host} is in the own network: nothing is sent there until the operator names it in "
                               "ABM_ALLOWED_HOSTS.")


def _check_url(fields: Fields, url: str) -> None:
    parts = urlsplit(url)
    is_private_test = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not parts.hostname or "@" in parts.netloc or not (parts.scheme == "https" or is_private_test):
        fields.errors["base_url"] = "Write the provider's address as https://host/path, without a login."
