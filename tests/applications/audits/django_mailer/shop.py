"""A site that queues its mail with django-mailer, whose commands `send_mail` and `retry_deferred` cron runs."""

from __future__ import annotations

import contextlib
import shutil
import smtplib
from email import message_from_bytes
from pathlib import Path
from tempfile import mkdtemp

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection

_EMPTY = Path(mkdtemp(), "empty.db")

settings.configure(
    INSTALLED_APPS=["mailer"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _EMPTY}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
    EMAIL_BACKEND="mailer.backend.DbBackend",
    MAILER_USE_FILE_LOCK=False,
    EMAIL_TIMEOUT=60,
    EMAIL_HOST="smtp.sender.example",
    EMAIL_PORT=587,
    EMAIL_USE_TLS=True,
    EMAIL_HOST_USER="app@sender.example",
    EMAIL_HOST_PASSWORD="open sesame",
)
django.setup()

from django.core.mail import EmailMessage  # noqa: E402  # Django wants its settings first
from django.core.mail.backends.smtp import EmailBackend  # noqa: E402
from mailer.engine import handle_delivery_exception, send_all  # noqa: E402
from mailer.models import RESULT_FAILURE, RESULT_SUCCESS, Message, MessageLog  # noqa: E402

call_command("migrate", verbosity=0)
connection.close()


def begin(folder, now):
    """Have an empty database in a folder."""
    connection.close()
    connection.settings_dict["NAME"] = shutil.copy(_EMPTY, folder)


def deliver(sender, recipients, message):
    """Queue a mail, once, empty the queue, and tell what the site knows then."""
    if not _known(message):
        EmailMessage(_subject(message), "Thank you.", sender, recipients).send()
    return _work(recipients, message)


def retry(recipients, message):
    """Put what was deferred into the queue again, empty it, and tell what the site knows then."""
    Message.objects.retry_deferred()
    return _work(recipients, message)


def made_right(sender, recipients, message):
    """Queue a mail for each recipient; what is refused for good is given up."""
    settings.MAILER_ERROR_HANDLER = "shop.give_up"
    settings.MAILER_EMAIL_BACKEND = "shop.Backend"
    if not _known(message):
        for recipient in recipients:
            EmailMessage(_subject(message), "Thank you.", sender, [recipient]).send()
    return _work(recipients, message)


class Backend(EmailBackend):
    """Django's, to which it is all the same what is said to QUIT."""

    def close(self):
        with contextlib.suppress(OSError):
            super().close()


def give_up(smtp, message, error):
    """Delete a mail that was refused for good, and leave others to django-mailer."""
    if not _permanent(error):
        return handle_delivery_exception(smtp, message, error)
    MessageLog.objects.log(message, RESULT_FAILURE, log_message=str(error))
    message.delete()
    return None, "deferred"  # it has no count for given up


def _permanent(error):
    """Whether a reply to MAIL, RCPT or the content is permanent; RFC 5321, 4.5.3.1.10, has 552 to RCPT as 452."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 and code != 552 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPSenderRefused | smtplib.SMTPDataError) and error.smtp_code >= 500


def _work(recipients, message):
    send_all()
    states = {to: state for recipients, state in _known(message) for to in recipients}
    return {it: states.get(it, "failed") for it in recipients}


def _known(message):
    """The recipients of a mail's copies, with what the site knows of each copy."""
    logged = MessageLog.objects.filter(result=RESULT_SUCCESS)
    found = [(it.to_addresses, "sent", it) for it in logged] + [
        (it.to_addresses, "deferred", it) for it in Message.objects.all()
    ]
    return [(to, state) for to, state, it in found if it.subject == _subject(message)]


def _subject(message):
    return f"An order {message_from_bytes(message)['Message-ID']}"
