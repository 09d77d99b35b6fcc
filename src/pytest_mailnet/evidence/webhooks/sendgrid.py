"""Events of Twilio SendGrid's event webhook, and lists of its bounces API.

Sources: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event and
https://docs.sendgrid.com/v2-api/bounces.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import DocumentFormat
from pytest_mailnet.evidence.webhooks.diagnosis import diagnosis, refusal
from pytest_mailnet.evidence.webhooks.members import (
    JsonObject,
    address_member,
    mailbox_in,
    objects_in,
    status_in,
    text_at,
)

__all__ = ["SENDGRID"]

_IDS = ("sg_event_id", "sg_message_id")
_FAILURES = frozenset({"bounce", "deferred", "dropped"})
_REASONS = ("reason", "response")
_LISTED = {"created", "email", "reason", "status"}
# A connection error of SendGrid's Go program: "dial tcp 10.0.0.1:0->192.0.2.8:25: i/o timeout".
_CONNECTION = re.compile(
    r"\b(?:dial|read|write) tcp (?:[0-9A-Fa-f.:\[\]]{1,60}->)?([0-9A-Fa-f.:\[\]]{1,60}):\d{1,5}:"
)


def _is_event(it: JsonObject) -> bool:
    named = isinstance(it.get("event"), str) and isinstance(it.get("email"), str)
    # A stored event may have lost its ids.
    return named and (
        any(n in it for n in _IDS) or (it["event"] in _FAILURES and any(n in it for n in _REASONS))
    )


def _is_listed(it: JsonObject) -> bool:
    return it.keys() == _LISTED and isinstance(it["email"], str) and isinstance(it["reason"], str)


def _recognises(document: Any) -> bool:
    return any(_is_event(it) or _is_listed(it) for it in objects_in(document))


def _failures(document: Any) -> Iterator[Failure]:
    for it in objects_in(document):
        if _is_event(it):
            if it["event"] in _FAILURES:
                yield _failure(it, it["event"])
        elif _is_listed(it):
            yield _failure(it, "bounce")


def _failure(it: JsonObject, event: str) -> Failure:
    # The address in the field "ip" is SendGrid's own, from which it sent.
    text = text_at(it, "reason") or text_at(it, "response")
    told = refusal(text) if event == "dropped" else diagnosis(text)
    peer = _CONNECTION.search(told.words)
    return Failure(
        recipient=mailbox_in(text_at(it, "email")),
        address=address_member(peer[1]) if peer else None,
        status=status_in(text_at(it, "status")),
        action="delayed" if event == "deferred" else "failed",
        **told._asdict(),
    )


SENDGRID = DocumentFormat(
    name="a SendGrid event webhook",
    missing="no bounce, deferred or dropped event is in it",
    recognises=_recognises,
    failures=_failures,
)
"""Reads bounces, blocks, deferrals and drops."""
