"""The mail that every contestant takes, and how a client sends it."""

from __future__ import annotations

import smtplib

__all__ = ["CONTENT", "MX", "NAME", "RECIPIENT", "SENDER", "send"]

SENDER = "bob@hotmail.com"
RECIPIENT = "alice@gmail.com"
MX = "gmail-smtp-in.l.google.com"
NAME = "app.sender.example"
"""The name in EHLO. Without one, smtplib asks the machine's resolver for it, which no contestant pays for."""

_LINE = b"This is the body of mail from Python.\r\n"
CONTENT = (
    b"From: Bob <bob@hotmail.com>\r\n"
    b"To: Alice <alice@gmail.com>\r\n"
    b"Subject: This is test mail from Python\r\n"
    b"Message-ID: <1@hotmail.com>\r\n\r\n" + 23 * _LINE
)
"""A mail of one KiB."""


def send(host: str, port: int, recipient: str = RECIPIENT) -> None:
    """Send one mail over a connection of its own, as applications do with smtplib.

    Args:
        host: the server's name or address.
        port: its port.
        recipient: who gets the mail.
    """
    with smtplib.SMTP(host, port, local_hostname=NAME) as server:
        server.sendmail(SENDER, [recipient], CONTENT)
