"""A site that sends by Django's `send_mail`."""

from __future__ import annotations

import contextlib

from django.conf import settings
from django.core.mail import get_connection, send_mail

settings.configure(
    EMAIL_HOST="smtp.sender.example",
    EMAIL_PORT=587,
    EMAIL_USE_TLS=True,
    EMAIL_HOST_USER="app@sender.example",
    EMAIL_HOST_PASSWORD="open sesame",
)


def deliver(sender, recipients, message):
    """Send a mail, with the settings that Django has by itself."""
    send_mail("An order", "Thank you.", sender, recipients)


def made_right(sender, recipient, message):
    """Send a mail to one recipient, within a time, whatever is said to QUIT."""
    connection = get_connection(timeout=60)  # as EMAIL_TIMEOUT = 60
    try:
        connection.open()
        send_mail("An order", "Thank you.", sender, [recipient], connection=connection)
    finally:
        with contextlib.suppress(OSError):
            connection.close()
