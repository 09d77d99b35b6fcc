"""The mail that every contestant takes, and how a client sends it."""

from __future__ import annotations

import smtplib

__all__ = ["CONTENT", "RECIPIENT", "SENDER", "send"]

SENDER = "bob@hotmail.com"
RECIPIENT = "alice@gmail.com"
_LINE = b"This is the body of mail from Python.\r\n"
CONTENT = (
    b"From: Bob <bob@hotmail.com>\r\n"
    b"To: Alice <alice@gmail.com>\r\n"
    b"Subject: This is test mail from Python\r\n"
    b"Message-ID: <1@hotmail.com>\r\n\r\n" + 23 * _LINE
)


def send(host: str, port: int, recipient: str = RECIPIENT) -> None:
    """Send one mail over a connection of its own, as applications do with smtplib."""
    # The name is given, or smtplib asks the machine's resolver for it, which no contestant has to pay for.
    with smtplib.SMTP(host, port, local_hostname="app.sender.example") as server:
        server.sendmail(SENDER, [recipient], CONTENT)
