"""Feedback reports (ARF, RFC 5965), written."""

from __future__ import annotations

import email.utils
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from pytest_mailnet.relay.report_mime import Part, field, joined, part_of_message, wrapped
from pytest_mailnet.smtp.headers import domain_of

__all__ = ["Complaint", "feedback_report"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A recipient's complaint that a mail is spam.

    Attributes:
        reporting_mta: the server that took the mail and reports on it.
        sender: the address in the report's From field.
        to: the address that the report goes to.
        content: the mail.
        mail_from: the mail's reverse-path.
        rcpt_tos: the mail's recipients.
        source_ip: the address that the mail came from.
        arrived: when the mail came.
        written: when the report is written.
    """

    reporting_mta: str
    sender: str
    to: str
    content: bytes
    mail_from: str
    rcpt_tos: tuple[str, ...]
    source_ip: str
    arrived: datetime
    written: datetime


def feedback_report(complaint: Complaint) -> bytes:
    """The feedback report as a whole message: a sentence for people, fields for programs, and the mail.

    Nothing in it is random: the same complaint gives the same message.
    """
    made = hashlib.sha256(repr(complaint).encode()).hexdigest()
    head = [
        field("From", f"<{complaint.sender}>"),
        field("To", f"<{complaint.to}>"),
        "Subject: FW: a message that its recipient calls spam",
        field("Date", email.utils.format_datetime(complaint.written)),
        field("Message-ID", f"<{made[:24]}@{complaint.reporting_mta}>"),
    ]
    said = (
        f"This is an email abuse report for a message that came from {complaint.source_ip} "
        f"on {email.utils.format_datetime(complaint.arrived)}."
    )
    facts = "".join(f"{line}\r\n" for line in _facts(complaint))
    parts = [
        Part("text/plain; charset=utf-8", wrapped(said)),
        Part("message/feedback-report", facts.encode()),
        part_of_message(complaint.content),
    ]
    return joined(head, "feedback-report", parts)


def _facts(complaint: Complaint) -> Iterator[str]:
    yield "Feedback-Type: abuse"
    yield "User-Agent: pytest-mailnet"
    yield "Version: 1"
    yield field("Original-Mail-From", f"<{complaint.mail_from}>")
    for recipient in complaint.rcpt_tos:
        yield field("Original-Rcpt-To", f"<{recipient}>")
    yield field("Arrival-Date", email.utils.format_datetime(complaint.arrived))
    yield field("Source-IP", complaint.source_ip)
    yield field("Reporting-MTA", f"dns; {complaint.reporting_mta}")
    if domain_of(complaint.mail_from):
        yield field("Reported-Domain", domain_of(complaint.mail_from))
