"""A site that sends by Flask-Mail."""

from __future__ import annotations

import socket

from flask import Flask
from flask_mail import Mail, Message

app = Flask("shop")
app.config.update(
    MAIL_SERVER="smtp.sender.example",
    MAIL_PORT=587,
    MAIL_USE_TLS=True,
    MAIL_USERNAME="app@sender.example",
    MAIL_PASSWORD="open sesame",
)
mail = Mail(app)


def deliver(sender, recipients, message):
    """Send a mail."""
    with app.app_context():
        mail.send(Message("An order", recipients, "Thank you.", sender=sender))


def made_right(sender, recipient, message):
    """Send a mail to one recipient, within a time, whatever is said to QUIT."""
    socket.setdefaulttimeout(60)  # once, where the site starts: it is for the whole process
    sent = False
    try:
        with app.app_context(), mail.connect() as connection:
            connection.send(Message("An order", [recipient], "Thank you.", sender=sender))
            sent = True
    except OSError:
        if not sent:
            raise
