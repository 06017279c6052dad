"""The e-mail channel: through a sending identity's own relay or provider, else ABM_MAIL_URL or the outbox folder."""

from campaigns.channels.base import Carrier, HandOverJournal, MayBegin
from campaigns.channels.folder import FolderCarrier
from campaigns.channels.http import HttpCarrier
from campaigns.channels.relay import Relay, Tls, read_relay
from campaigns.channels.smtp import SmtpCarrier
from campaigns.channels.smtp_dialogue import Limits
from campaigns.sending.routes import OPERATOR, OPERATORS_OWN, Route
from core.settings import settings


def open_carrier(journal: HandOverJournal, may_begin: MayBegin, *, route: Route = OPERATORS_OWN,
                 limits: Limits | None = None) -> Carrier:
    """The carrier of a way out. Raises CannotRun for a mail URL or a stored secret that cannot be read."""
    if route.kind in ("json", "resend"):
        return HttpCarrier(route, journal, may_begin)
    if route.kind != OPERATOR:
        return SmtpCarrier(_own_relay(route), journal, may_begin, limits)
    if settings().mail_url.startswith("outbox:"):
        return FolderCarrier(settings().outbox_dir, journal, may_begin)
    return SmtpCarrier(read_relay(settings().mail_url), journal, may_begin, limits)


def _own_relay(route: Route) -> Relay:
    return Relay(route.host, route.port, Tls(route.tls), route.connections, route.user, route.secret, is_guarded=True)
