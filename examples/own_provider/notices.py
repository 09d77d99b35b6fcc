"""A small application: notices go to the staff, who answer them if they have read them."""

from __future__ import annotations

import imaplib
import smtplib
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import parseaddr

ROOM = 452  # there is no room for one more: in the mailbox, or in the mail (RFC 5321, 4.5.3.1.10)


class NotLetIn(Exception):
    """The password is not that of this quarter."""


@dataclass
class Told:
    """Who got a notice, and what the server said of the others, by address."""

    sent: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Notices:
    """Sends as one user, and reads what that one gets."""

    user: str
    password: str

    def send(self, notice: EmailMessage, staff: Iterable[str]) -> Told:
        """Send a notice to everybody, in as many mails as the server wants it to be.

        Raises:
            NotLetIn: if the log-in is refused.
            smtplib.SMTPDataError: if the notice is refused.
        """
        told, left = Told(), list(staff)
        with smtplib.SMTP("smtp.shopmail.example", 587, timeout=30) as server:
            server.starttls(context=ssl.create_default_context())
            try:
                server.login(self.user, self.password)
            except smtplib.SMTPAuthenticationError as error:
                raise NotLetIn(error.smtp_error.decode()) from error
            while left:
                refused = _refused(server, notice, self.user, left)
                taken = [it for it in left if it not in refused]
                told.sent += taken
                left = [it for it in refused if taken and refused[it][0] == ROOM]
                told.refused |= {it: f"{c} {t.decode()}" for it, (c, t) in refused.items() if it not in left}
        return told

    def answered(self) -> list[str]:
        """Who has answered a notice since the last call.

        Raises:
            NotLetIn: if the log-in is refused.
        """
        imap = imaplib.IMAP4_SSL("imap.shopmail.example", ssl_context=ssl.create_default_context())
        with imap:  # it logs out at the end
            try:
                imap.login(self.user, self.password)
            except imaplib.IMAP4.error as error:
                raise NotLetIn(str(error)) from error
            imap.select()
            mails = [_fetched(imap, it.decode()) for it in imap.search(None, "UNSEEN")[1][0].split()]
        return [parseaddr(str(mail["From"]))[1] for mail in mails if mail["In-Reply-To"]]


def _refused(
    server: smtplib.SMTP, notice: EmailMessage, sender: str, staff: list[str]
) -> dict[str, tuple[int, bytes]]:
    try:
        return server.send_message(notice, sender, staff)
    except smtplib.SMTPRecipientsRefused as nobody:
        return nobody.recipients


def _fetched(imap: imaplib.IMAP4, number: str) -> EmailMessage:
    content = imap.fetch(number, "(RFC822)")[1][0][1]  # which marks it as read
    return message_from_bytes(content, policy=policy.default)
