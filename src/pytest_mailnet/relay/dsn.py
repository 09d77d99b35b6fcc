"""Writes delivery status notifications (RFC 3461 to 3464, RFC 6533)."""

from __future__ import annotations

import email.utils
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

from pytest_mailnet.providers.wording import Wording
from pytest_mailnet.relay.report_mime import Part, encoded, field, joined, part_of_message, printable, wrapped
from pytest_mailnet.smtp.headers import header_fields
from pytest_mailnet.smtp.parameters import xtext_decoded
from pytest_mailnet.values import COMMANDS, Stage

__all__ = ["Action", "Notification", "RecipientStatus", "delivery_report"]

Action: TypeAlias = Literal["failed", "delayed", "delivered", "relayed"]
"""What a notification says has happened to a mail for a recipient (RFC 3464, 2.3.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientStatus:
    """The state of a mail for one recipient.

    Attributes:
        address: the recipient's address.
        action: see `Action`.
        status: the enhanced status code.
        reply: the SMTP reply, its lines with their codes; "" if no server has replied.
        why: the reason in words, if no server has replied.
        remote_mta: the server that replied, or should have replied; "" if none was reached.
        remote_ip: the address of that server.
        stage: the stage of the reply; None if no server has replied.
        original: ORCPT as written, "rfc822;bob+40x@example.org"; "" if not given.
        last_attempt: the time of the last attempt; None if there was none.
        retry_until: the time until which attempts go on; None if they do not.
    """

    address: str
    action: Action
    status: str
    reply: str = ""
    why: str = ""
    remote_mta: str = ""
    remote_ip: str = ""
    stage: Stage | None = None
    original: str = ""
    last_attempt: datetime | None = None
    retry_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The contents of one notification.

    Attributes:
        reporting_mta: the server that writes the notification.
        to: the envelope sender of the mail, who gets the notification.
        recipients: the recipients that the notification is about, all with the same action.
        arrived: when the mail came to the server.
        written: when the notification is written.
        content: the mail.
        envelope_id: ENVID as written; "" if not given.
        headers_only: whether only the mail's headers are returned.
        queue_id: the server's id of the mail.
    """

    reporting_mta: str
    to: str
    recipients: tuple[RecipientStatus, ...]
    arrived: datetime
    written: datetime
    content: bytes
    envelope_id: str = ""
    headers_only: bool = False
    queue_id: str = ""


def delivery_report(told: Notification, wording: Wording) -> bytes:
    """The notification as a whole message: words for people, fields for programs, the mail or its headers.

    Nothing in it is random: the same notification gives the same message.

    Args:
        told: the contents.
        wording: the operator's words for people.
    """
    action = told.recipients[0].action
    values = _values(told, wording)
    utf8 = not all(address.isascii() for address in (told.to, *(it.address for it in told.recipients)))
    head = [
        field("From", wording.filled("sender", values)),
        field("To", f"<{told.to}>"),
        field("Subject", encoded(wording.filled(f"{action}_subject", values))),
        field("Date", email.utils.format_datetime(told.written)),
        field("Message-ID", _message_id(told)),
        "Auto-Submitted: auto-replied",  # RFC 3834, 5
    ]
    status = "message/global-delivery-status" if utf8 else "message/delivery-status"
    groups = [_of_the_message(told), *map(_of_a_recipient, told.recipients)]
    parts = [
        Part("text/plain; charset=utf-8", wrapped(wording.filled(f"{action}_text", values))),
        Part(status, "\r\n".join("".join(f"{line}\r\n" for line in group) for group in groups).encode()),
        part_of_message(told.content, headers_only=told.headers_only, utf8=utf8),
    ]
    return joined(head, "delivery-status", parts)


def _of_the_message(told: Notification) -> Iterator[str]:
    yield field("Reporting-MTA", f"dns; {told.reporting_mta}")
    if told.envelope_id:
        yield field("Original-Envelope-Id", xtext_decoded(told.envelope_id))
    yield field("Arrival-Date", email.utils.format_datetime(told.arrived))


def _of_a_recipient(recipient: RecipientStatus) -> Iterator[str]:
    if recipient.original:
        kind, _, address = recipient.original.partition(";")
        yield field("Original-Recipient", f"{kind};{xtext_decoded(address)}")
    kind = "rfc822" if recipient.address.isascii() else "utf-8"
    yield field("Final-Recipient", f"{kind};{recipient.address}")
    yield field("Action", recipient.action)
    yield field("Status", recipient.status)
    if recipient.remote_mta:
        yield field("Remote-MTA", f"dns; {recipient.remote_mta}")
    if recipient.reply:
        lines = map(printable, recipient.reply.splitlines())
        yield "Diagnostic-Code: smtp; " + "\r\n ".join(lines)
    elif recipient.why:
        yield field("Diagnostic-Code", f"X-Mailnet; {recipient.why}")
    if recipient.last_attempt is not None:
        yield field("Last-Attempt-Date", email.utils.format_datetime(recipient.last_attempt))
    if recipient.retry_until is not None:
        yield field("Will-Retry-Until", email.utils.format_datetime(recipient.retry_until))


def _values(told: Notification, wording: Wording) -> Mapping[str, str]:
    fields = dict(reversed(header_fields(told.content)))
    of_the_mail = {
        "date": email.utils.format_datetime(told.written),
        "message_id": fields.get("message-id", ""),
        "original_subject": fields.get("subject", ""),
        "queue_id": told.queue_id,
        "sender": told.to,
        "server": told.reporting_mta,
    }
    each = [{**of_the_mail, **_values_of(recipient)} for recipient in told.recipients]
    recipients = "\n\n".join(wording.filled("per_recipient", values) for values in each)
    return {**each[0], "recipients": recipients}


def _values_of(recipient: RecipientStatus) -> Mapping[str, str]:
    said = " ".join(recipient.reply.splitlines())
    host = f"host {recipient.remote_mta}" + (f" [{recipient.remote_ip}]" if recipient.remote_ip else "")
    retry_until = recipient.retry_until
    reason = f"{host} said: {said}" if said and recipient.remote_mta else said or recipient.why
    if said and recipient.stage is not None:
        reason += f" (in reply to {COMMANDS[recipient.stage]})"
    return {
        "reason": reason,
        "recipient": recipient.address,
        "remote_ip": recipient.remote_ip,
        "remote_mta": recipient.remote_mta,
        "reply": said or recipient.why,
        "retry_until": "" if retry_until is None else email.utils.format_datetime(retry_until),
        "status": recipient.status,
    }


def _message_id(told: Notification) -> str:
    made = hashlib.sha256(repr((told.queue_id, told.to, told.recipients, told.written)).encode()).hexdigest()
    return f"<{made[:24]}@{told.reporting_mta}>"
