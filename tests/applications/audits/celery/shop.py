"""A task of Celery's that sends by smtplib, and is tried again by itself."""

from __future__ import annotations

import contextlib
import smtplib

from celery import Celery

app = Celery("shop", broker="memory://", backend="cache+memory://")
app.conf.task_always_eager = True


@app.task(autoretry_for=(OSError,), retry_backoff=True, max_retries=3)
def send(sender, recipients, message):
    """Send a mail; all that smtplib raises is an OSError."""
    with smtplib.SMTP("smtp.sender.example", 587, timeout=60) as client:
        client.starttls()
        client.login("app@sender.example", "open sesame")
        client.sendmail(sender, recipients, message)


def deliver(sender, recipients, message):
    """Have the task run."""
    send.delay(sender, recipients, message).get()


class PutOff(Exception):
    """The mail was not sent, and may be at another time."""


@app.task(autoretry_for=(PutOff,), retry_backoff=True, max_retries=3)
def send_to_one(sender, recipient, message):
    """Send a mail to one recipient, whatever is said to QUIT; what is refused for good is not tried again."""
    try:
        with contextlib.closing(smtplib.SMTP("smtp.sender.example", 587, timeout=60)) as client:
            client.starttls()
            client.login("app@sender.example", "open sesame")
            client.sendmail(sender, recipient, message)
            with contextlib.suppress(OSError):
                client.quit()
    except OSError as error:
        if _permanent(error):
            raise
        raise PutOff(str(error)) from error


def made_right(sender, recipient, message):
    """Have that task run."""
    send_to_one.delay(sender, recipient, message).get()


def _permanent(error):
    """Whether a reply to MAIL, RCPT or the content is permanent; RFC 5321, 4.5.3.1.10, has 552 to RCPT as 452."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 and code != 552 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPDataError) and error.smtp_code >= 500
