"""A site that sends by fastapi-mail."""

from __future__ import annotations

import aiosmtplib
from fastapi_mail import ConnectionConfig, FastMail, MessageSchema, MessageType

config = ConnectionConfig(
    MAIL_USERNAME="app@sender.example",
    MAIL_PASSWORD="open sesame",
    MAIL_FROM="app@sender.example",
    MAIL_SERVER="smtp.sender.example",
    MAIL_PORT=587,
    MAIL_STARTTLS=True,
    MAIL_SSL_TLS=False,
)
mail = FastMail(config)


async def deliver(sender, recipients, message):
    """Send a mail."""
    await mail.send_message(_letter(sender, recipients))


async def made_right(sender, recipient, message):
    """Write a mail to one recipient by fastapi-mail, and send it by aiosmtplib, which fastapi-mail comes with."""
    letter = await mail.get_message(_letter(sender, [recipient]))
    async with aiosmtplib.SMTP(
        hostname=config.MAIL_SERVER,
        port=config.MAIL_PORT,
        username=config.MAIL_USERNAME,
        password=config.MAIL_PASSWORD.get_secret_value(),
        start_tls=True,
        timeout=config.TIMEOUT,
    ) as client:
        await client.send_message(letter)


def _letter(sender, recipients):
    return MessageSchema(
        subject="An order",
        recipients=recipients,
        body="Thank you.",
        subtype=MessageType.plain,
        from_email=sender,
    )
