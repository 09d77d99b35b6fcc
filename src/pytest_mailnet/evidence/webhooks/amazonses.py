"""Notifications and events of Amazon SES, bare or wrapped by Amazon SNS, SQS, Lambda or EventBridge.

Sources: https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html and
https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import DocumentFormat
from pytest_mailnet.evidence.permanence import Reason
from pytest_mailnet.evidence.webhooks.diagnosis import diagnosis, operator_words, refusal
from pytest_mailnet.evidence.webhooks.members import (
    JsonObject,
    address_member,
    mailbox_in,
    member,
    object_at,
    objects_in,
    status_in,
    text_at,
)

__all__ = ["AMAZON_SES"]

_KINDS = frozenset(
    {
        "Bounce",
        "Click",
        "Complaint",
        "Delivery",
        "DeliveryDelay",
        "Open",
        "Reject",
        "Rendering Failure",
        "Send",
        "Subscription",
    }
)
# The members in which SNS, Lambda (from SNS and SQS), SQS and EventBridge wrap an event.
_CARRIED = ("Message", "Records", "Sns", "body", "Messages", "Body", "detail")
_PARTS = ("mail", "bounce", "deliveryDelay")  # every event has one of them
_DEEPEST = 8  # an event in SNS in SQS in Lambda is six deep

# SES reports its own attempts in the form of replies, and quotes the server's last reply behind them.
_EXPIRED = re.compile(r"Message expired: unable to deliver in \d{1,9} minutes\.?\s{0,9}")
_OWN_TRY = re.compile(
    r"(?:smtp;\s{0,9})?421 4\.4\.[0-2] "
    r"(?:Failed to establish connection|Connection timed out|Unable to lookup DNS)"
)
_LINE_END = "<CRLF>"


def _kind(event: JsonObject) -> str | None:
    return text_at(event, "eventType") or text_at(event, "notificationType")


def _events(document: Any, depth: int = 0) -> Iterator[JsonObject]:
    if isinstance(document, str):
        document = _parsed(document)
    if depth == _DEEPEST:
        return
    for it in objects_in(document):
        if any(isinstance(it.get(name), dict) for name in _PARTS) and _kind(it) in _KINDS:
            yield it
            continue
        for name in _CARRIED:
            if name in it:
                yield from _events(it[name], depth + 1)


def _parsed(text: str) -> Any:
    if "notificationType" not in text and "eventType" not in text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # cut short, or hostile
        return None


def _recognises(document: Any) -> bool:
    return next(_events(document), None) is not None


def _failures(document: Any) -> Iterator[Failure]:
    for event in _events(document):
        kind = _kind(event)
        if kind == "Bounce":
            yield from _bounced(event)
        elif kind == "DeliveryDelay":
            delay = object_at(event, "deliveryDelay")
            for recipient in objects_in(member(delay, "delayedRecipients")):
                yield _failure(event, recipient, "delayed", _told(text_at(recipient, "diagnosticCode")))
        elif kind == "Reject":  # SES itself refused to send it, to any recipient
            words = refusal(text_at(event, "reject", "reason"))
            destination = member(event, "mail", "destination")
            for address in destination if isinstance(destination, list) else ():
                yield _failure(event, {"emailAddress": address}, "failed", words)


def _bounced(event: JsonObject) -> Iterator[Failure]:
    bounce = object_at(event, "bounce")
    suppressed = "suppress" in (text_at(bounce, "bounceSubType") or "").lower()
    # SES reports even a soft bounce only after it has given up.
    usual: Literal["failed"] | None = (
        "failed" if text_at(bounce, "bounceType") in {"Permanent", "Transient"} else None
    )
    for recipient in objects_in(member(bounce, "bouncedRecipients")):
        action = (text_at(recipient, "action") or "").lower()
        if action in {"delivered", "relayed", "expanded"}:
            continue
        text = text_at(recipient, "diagnosticCode")
        yield _failure(
            event,
            recipient,
            "delayed" if action == "delayed" else "failed" if action == "failed" else usual,
            refusal(text) if suppressed else _told(text),
            address=None if suppressed else address_member(text_at(bounce, "remoteMtaIp")),
        )


def _told(text: str | None) -> Reason:
    text = (text or "").replace(_LINE_END, "\n")
    expired = _EXPIRED.search(text)
    last = text[expired.end() :].removeprefix("<").removesuffix(">") if expired else text
    found = operator_words(text) if _OWN_TRY.match(last) else diagnosis(last)
    return operator_words(text) if expired and not found.reply else found


def _failure(
    event: JsonObject,
    recipient: JsonObject,
    action: Literal["failed", "delayed"] | None,
    told: Reason,
    address: str | None = None,
) -> Failure:
    # The reporting MTA is the client (RFC 3464, 2.2.2), mostly Amazon's own, not the server that refused.
    return Failure(
        recipient=mailbox_in(text_at(recipient, "emailAddress")),
        sender=mailbox_in(text_at(event, "mail", "source")),
        address=address,
        status=status_in(text_at(recipient, "status")),
        action=action,
        **told._asdict(),
    )


AMAZON_SES = DocumentFormat(
    name="an Amazon SES notification",
    missing="no Bounce, DeliveryDelay or Reject in it names a recipient",
    recognises=_recognises,
    failures=_failures,
)
"""Reads bounces, delays and rejections."""
