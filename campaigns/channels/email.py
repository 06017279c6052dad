"""The e-mail channel: to the relay of ABM_MAIL_URL, or to the outbox folder."""

from campaigns.channels.base import Carrier, HandOverJournal, MayBegin
from campaigns.channels.folder import FolderCarrier
from campaigns.channels.relay import read_relay
from campaigns.channels.smtp import SmtpCarrier
from campaigns.channels.smtp_dialogue import Limits
from core.settings import settings


def open_carrier(journal: HandOverJournal, may_begin: MayBegin, *, limits: Limits | None = None) -> Carrier:
    """The carrier that the settings name. Raises CannotRun for a mail URL that cannot be read."""
    if settings().mail_url.startswith("outbox:"):
        return FolderCarrier(settings().outbox_dir, journal, may_begin)
    return SmtpCarrier(read_relay(settings().mail_url), journal, may_begin, limits)
