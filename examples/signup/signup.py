"""A small application: users sign up, and confirm their address by a link that is mailed to them.

Mail goes out through the provider's submission server, with a password or with an OAuth 2.0 token. Nothing
in it knows of a test.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import secrets
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage


class NotConfigured(Exception):
    """The provider does not let the application in: somebody has to look after its account."""


@dataclass(frozen=True)
class Account:
    """How the application logs in at its provider; `token` makes an access token that is good now."""

    host: str
    address: str
    password: str = ""
    token: Callable[[], str] | None = None


@dataclass
class User:
    """Somebody who has signed up; `state` is unsent, mailed, confirmed or unreachable."""

    address: str
    secret: str
    state: str = "unsent"
    reason: str = ""


def _for_good(error: smtplib.SMTPResponseException) -> bool:
    """Whether a server has said no, and not only later."""
    # smtplib raises the class itself where it could read no reply.
    return error.smtp_code >= 500 and type(error) is not smtplib.SMTPResponseException


class SignUp:
    """The users, in memory."""

    def __init__(self, account: Account, site: str = "https://app.example") -> None:
        self._account = account
        self._site = site
        self.users: dict[str, User] = {}

    def register(self, address: str) -> User:
        """Add a user and mail the link; tries again what was not sent at an earlier time."""
        user = self.users.setdefault(address, User(address, secrets.token_urlsafe(16)))
        try:
            with contextlib.closing(smtplib.SMTP(self._account.host, 587, timeout=30)) as server:
                server.starttls(context=ssl.create_default_context())
                self._log_in(server)
                server.send_message(self._letter(user), self._account.address, [address])
                user.state, user.reason = "mailed", ""
                with contextlib.suppress(OSError):  # a QUIT that fails changes nothing
                    server.quit()
        except smtplib.SMTPRecipientsRefused as refused:
            code, text = refused.recipients[address]
            user.state = "unreachable" if code >= 500 else "unsent"
            user.reason = f"{code} {text.decode()}"
        except smtplib.SMTPResponseException as error:
            if _for_good(error):
                raise NotConfigured(str(error.args)) from error
            user.reason = str(error.args)
        except (smtplib.SMTPServerDisconnected, ConnectionError, TimeoutError) as error:
            user.reason = str(error)
        return user

    def confirm(self, secret: str) -> User:
        """Take the secret of a link that somebody has followed."""
        [user] = [user for user in self.users.values() if user.secret == secret]
        user.state = "confirmed"
        return user

    def take_bounce(self, report: bytes) -> None:
        """Read a delivery status notification (RFC 3464) that has come to the application's own mailbox."""
        message = email.message_from_bytes(report, policy=email.policy.default)
        for part in message.walk():
            if part.get_content_type() == "message/delivery-status":
                for fields in part.get_payload()[1:]:
                    self._note(fields)

    def _note(self, fields: EmailMessage) -> None:
        user = self.users.get(fields["Final-Recipient"].partition(";")[2].strip())
        if user is not None and fields["Action"] == "failed":
            user.state, user.reason = "unreachable", str(fields["Diagnostic-Code"])

    def _log_in(self, server: smtplib.SMTP) -> None:
        if self._account.token is None:
            server.login(self._account.address, self._account.password)
            return
        said = f"user={self._account.address}\1auth=Bearer {self._account.token()}\1\1"
        server.ehlo()
        # A challenge has the reason for a refusal in it, which itself follows an empty response.
        server.auth("XOAUTH2", lambda challenge=None: said if challenge is None else "")

    def _letter(self, user: User) -> EmailMessage:
        letter = EmailMessage()
        letter["From"] = self._account.address
        letter["To"] = user.address
        letter["Subject"] = "Please confirm your address"
        letter.set_content(f"Welcome! Follow this link: {self._site}/confirm/{user.secret}\n")
        return letter
