"""A program that sends by yagmail."""

from __future__ import annotations

import contextlib

import yagmail

_ACCOUNT = ("app@sender.example", "open sesame", "smtp.sender.example")


def deliver(sender, recipients, message):
    """Send a mail."""
    with yagmail.SMTP(*_ACCOUNT, smtp_ssl=False) as client:
        return client.send(recipients, "An order", "Thank you.")


def made_right(sender, recipients, message):
    """Send a mail within a time, whatever is said to QUIT."""
    client = yagmail.SMTP(*_ACCOUNT, smtp_ssl=False, timeout=60)
    try:
        return client.send(recipients, "An order", "Thank you.")
    finally:
        with contextlib.suppress(OSError):
            client.close()
