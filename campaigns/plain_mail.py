"""A message of plain text by a program (RFC 3834), so that nobody's program answers it: confirmations and notices."""

from dataclasses import dataclass
from email.utils import format_datetime

from sqlalchemy.orm import Session

from campaigns import wire
from campaigns.channels.base import Outgoing
from campaigns.preparing import signed
from campaigns.sending.dkim_keys import list_signers
from campaigns.sending.routes import Route
from core import clock


@dataclass(frozen=True, slots=True)
class PlainMail:
    """`identity`: its Message-ID; addresses as they go on the wire."""

    from_name: str
    from_address: str
    to_address: str
    subject: str
    text: str
    identity: str

    def on_the_wire(self) -> bytes:
        lines = (
            f"From: {wire.mailbox(self.from_name, self.from_address)}", f"To: {self.to_address}",
            f"Subject: {wire.subject_value(self.subject)}",
            f"Date: {format_datetime(clock.now().replace(microsecond=0))}", f"Message-ID: {self.identity}",
            "MIME-Version: 1.0", "Auto-Submitted: auto-generated", "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable", "", "")
        return "\r\n".join(lines).encode("ascii") + wire.quoted_printable(self.text)


def ready_to_leave(session: Session, mail: PlainMail, *, number: int, route: Route) -> Outgoing:
    """The mail for `hand_over_alone`, with a signature for each active key of its way out."""
    return Outgoing(number, 0, 0, 0, mail.from_address, mail.to_address,
                    signed(mail.on_the_wire(), list_signers(session, route.identity_id)))
