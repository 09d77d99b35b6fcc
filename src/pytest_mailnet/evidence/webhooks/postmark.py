"""Bounces of Postmark: its bounce webhook, and responses of its bounce API.

Sources: https://postmarkapp.com/developer/webhooks/bounce-webhook; the types of bounces:
https://unpkg.com/browse/postmark@4.0.5/dist/client/models/bounces/Bounce.d.ts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import DocumentFormat
from pytest_mailnet.evidence.permanence import Reason
from pytest_mailnet.evidence.webhooks.diagnosis import diagnosis, operator_words
from pytest_mailnet.evidence.webhooks.members import (
    JsonObject,
    host_in,
    mailbox_in,
    objects_in,
    status_in,
    text_at,
)

__all__ = ["POSTMARK"]

_RECORDS = frozenset({"Bounce", "Click", "Delivery", "Open", "SpamComplaint", "SubscriptionChange"})
_OF_BOUNCES = ("Type", "Email")
# Bounces of other types are no failures: complaints, automatic replies and the like.
_ACTIONS: dict[str, Literal["failed", "delayed"] | None] = {
    "HardBounce": "failed",
    "SoftBounce": "failed",
    "Transient": "delayed",
    "DnsError": "failed",
    "BadEmailAddress": "failed",
    "Blocked": "failed",
    "DMARCPolicy": "failed",
    "SMTPApiError": "failed",
    "VirusNotification": "failed",
    "SpamNotification": None,  # it may have been delivered as spam
    "Unknown": None,
}
# Fields of a report (RFC 3464, 2.3) in the returned message; a field may continue in indented lines.
_FIELD = re.compile(
    r"^(Diagnostic-Code|Remote-MTA|Status)[ \t]{0,9}:[ \t]{0,9}"
    r"([^\r\n]{0,998}(?:\r?\n[ \t][^\r\n]{0,998}){0,50})",
    re.IGNORECASE | re.MULTILINE,
)


def _is_bounce(it: JsonObject) -> bool:
    """Whether an object is a bounce; those of the bounces API have no RecordType."""
    record = it.get("RecordType")
    names = _OF_BOUNCES if record == "Bounce" else (*_OF_BOUNCES, "BouncedAt")
    return record in (None, "Bounce") and all(isinstance(it.get(name), str) for name in names)


def _is_record(it: JsonObject) -> bool:
    known = isinstance(it.get("RecordType"), str) and it["RecordType"] in _RECORDS
    return (known and ("MessageID" in it or "ServerID" in it)) or _is_bounce(it)


def _records(document: Any) -> Iterator[JsonObject]:
    for it in objects_in(document):
        listed = objects_in(it["Bounces"]) if isinstance(it.get("Bounces"), list) else (it,)
        yield from filter(_is_record, listed)


def _recognises(document: Any) -> bool:
    return next(_records(document), None) is not None


def _failures(document: Any) -> Iterator[Failure]:
    for it in _records(document):
        if not _is_bounce(it) or it["Type"] not in _ACTIONS:
            continue
        fields = _fields(text_at(it, "Content"))
        told = _told(it, fields)
        if it["Type"] == "SpamNotification" and not told.reply:
            continue
        yield Failure(
            recipient=mailbox_in(text_at(it, "Email")),
            sender=mailbox_in(text_at(it, "From")),
            host=host_in(fields.get("remote-mta")),
            status=status_in(fields.get("status")),
            action=_ACTIONS[it["Type"]],
            **told._asdict(),
        )


def _told(it: JsonObject, fields: dict[str, str]) -> Reason:
    details = text_at(it, "Details")
    for text in (details, fields.get("diagnostic-code")):
        if (told := diagnosis(text)).reply:
            return told
    return operator_words(details or fields.get("diagnostic-code") or text_at(it, "Description"))


def _fields(content: str | None) -> dict[str, str]:
    # A field that occurs twice is of two recipients; which of them is meant is unknown.
    found: dict[str, list[str]] = {}
    for name, value in _FIELD.findall(content or ""):
        found.setdefault(name.lower(), []).append(value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}


POSTMARK = DocumentFormat(
    name="a Postmark bounce webhook",
    missing="no bounce is in it whose type is that of a failed delivery",
    recognises=_recognises,
    failures=_failures,
)
"""Reads bounces that are failures."""
