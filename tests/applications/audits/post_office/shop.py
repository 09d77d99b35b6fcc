"""A site that queues its mail with django-post_office, whose command `send_queued_mail` cron runs."""

from __future__ import annotations

import shutil
from email import message_from_bytes
from pathlib import Path
from tempfile import mkdtemp

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

_EMPTY = Path(mkdtemp(), "empty.db")

settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": _EMPTY}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    USE_TZ=True,
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    POST_OFFICE={"MAX_RETRIES": 3, "BATCH_DELIVERY_TIMEOUT": 5},  # these are real seconds
    EMAIL_TIMEOUT=60,
    EMAIL_HOST="smtp.sender.example",
    EMAIL_PORT=587,
    EMAIL_USE_TLS=True,
    EMAIL_HOST_USER="app@sender.example",
    EMAIL_HOST_PASSWORD="open sesame",
)
django.setup()

from post_office import mail  # noqa: E402  # Django wants its settings first
from post_office.models import STATUS, Email  # noqa: E402

call_command("migrate", verbosity=0)
connection.close()


def begin(folder, now):
    """Have an empty database in a folder, and a clock."""
    connection.close()
    connection.settings_dict["NAME"] = shutil.copy(_EMPTY, folder)
    timezone.now = now


def deliver(sender, recipients, message):
    """Queue a mail, once, empty the queue, and tell what the site knows then."""
    if not _known(message):
        mail.send(recipients, sender, subject=_subject(message), message="Thank you.")
    return retry(recipients, message)


def retry(recipients, message):
    """Empty the queue of what is due, and tell what the site knows then."""
    mail.send_queued()
    return {it: _known(message)[it] for it in recipients}


def made_right(sender, recipients, message):
    """Queue a mail for each recipient, which is tried once; who has failed is for the site to decide."""
    settings.POST_OFFICE["MAX_RETRIES"] = 0
    if not _known(message):
        for recipient in recipients:
            mail.send(recipient, sender, subject=_subject(message), message="Thank you.")
    return retry(recipients, message)


def _known(message):
    """What the site knows of a mail to each recipient."""
    words = {STATUS.sent: "sent", STATUS.failed: "failed"}
    mails = Email.objects.filter(subject=_subject(message))
    return {to: words.get(it.status, "deferred") for it in mails for to in it.to}


def _subject(message):
    return f"An order {message_from_bytes(message)['Message-ID']}"
