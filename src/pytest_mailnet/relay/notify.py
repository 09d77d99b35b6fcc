"""Which reports the sender of a mail wants (RFC 3461), and their contents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pytest_mailnet.relay.dsn import Action, Notification, RecipientStatus
from pytest_mailnet.relay.queue_entry import QueuedMail, QueuedRecipient
from pytest_mailnet.smtp.parameters import parameter_of

__all__ = ["notification", "wanted"]

_NOTIFY: dict[Action, str] = {
    "failed": "FAILURE",
    "delayed": "DELAY",
    "delivered": "SUCCESS",
    "relayed": "SUCCESS",
}


def wanted(mail: QueuedMail, recipients: Sequence[QueuedRecipient], action: Action) -> list[QueuedRecipient]:
    """The recipients about whom the sender wants a report; none if the mail is itself a report.

    Without NOTIFY, the sender gets reports of failures and delays (RFC 3461, 4.1).

    Args:
        mail: the mail.
        recipients: recipients of it with the same outcome.
        action: that outcome.
    """
    if not mail.sender:
        return []
    return [it for it in recipients if _NOTIFY[action] in _asked(it)]


def notification(
    mail: QueuedMail,
    recipients: Sequence[QueuedRecipient],
    action: Action,
    now: datetime,
    retry_until: datetime | None,
) -> Notification:
    """The contents of a report.

    Args:
        mail: the mail.
        recipients: the recipients that the report is about.
        action: what has happened to the mail for all of them.
        now: when the report is written.
        retry_until: when the queue gives up, for a report of a delay; otherwise None.
    """
    return Notification(
        reporting_mta=mail.host,
        to=mail.sender,
        recipients=tuple(_status(it, action, retry_until) for it in recipients),
        arrived=mail.arrived,
        written=now,
        content=mail.content,
        envelope_id=parameter_of(mail.options, "ENVID"),
        headers_only=parameter_of(mail.options, "RET").upper() == "HDRS" or action != "failed",
        queue_id=mail.queue_id,
    )


def _asked(recipient: QueuedRecipient) -> set[str]:
    notify = parameter_of(recipient.options, "NOTIFY").upper()
    return set(notify.split(",")) if notify else {"FAILURE", "DELAY"}


def _status(recipient: QueuedRecipient, action: Action, retry_until: datetime | None) -> RecipientStatus:
    outcome = recipient.outcome
    assert outcome is not None
    return RecipientStatus(
        address=recipient.address,
        action=action,
        status=outcome.status,
        reply=outcome.reply,
        why=outcome.why,
        remote_mta=outcome.host,
        remote_ip=outcome.ip,
        stage=outcome.stage,
        original=parameter_of(recipient.options, "ORCPT"),
        last_attempt=recipient.tried,
        retry_until=retry_until,
    )
