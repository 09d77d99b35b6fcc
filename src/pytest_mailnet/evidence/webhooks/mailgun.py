"""Events of Mailgun: its webhooks, its older ones with the fields of a form, and pages of its events API.

Sources: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads; the events API
and the older webhooks: https://github.com/mailgun/documentation, source/api-events.rst and user_manual.rst.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import DocumentFormat
from pytest_mailnet.evidence.permanence import Reason
from pytest_mailnet.evidence.webhooks.diagnosis import (
    coded_diagnosis,
    diagnosis,
    operator_words,
    refusal,
)
from pytest_mailnet.evidence.webhooks.members import (
    JsonObject,
    address_member,
    host_in,
    mailbox_in,
    member,
    objects_in,
    reply_code_in,
    status_in,
    text_at,
)

__all__ = ["MAILGUN"]

_OF_EVENTS = ("delivery-status", "envelope", "log-level", "user-variables", "campaigns")
_OF_FORMS = ("token", "timestamp", "signature")


def _is_event(it: JsonObject) -> bool:
    timed = isinstance(it.get("timestamp"), (int, float)) and isinstance(it.get("event"), str)
    if it.get("event") == "failed" and isinstance(it.get("delivery-status"), dict):
        return True
    of_mail = isinstance(it.get("message"), dict) or isinstance(it.get("recipient"), str)
    return timed and of_mail and any(name in it for name in _OF_EVENTS)


def _is_form(it: JsonObject) -> bool:
    return isinstance(it.get("event"), str) and all(isinstance(it.get(name), str) for name in _OF_FORMS)


def _events(document: Any) -> Iterator[JsonObject]:
    for it in objects_in(document):
        if isinstance(it.get("event-data"), dict):
            if isinstance(it["event-data"].get("event"), str):
                yield it["event-data"]
        elif isinstance(it.get("items"), list):
            yield from filter(_is_event, objects_in(it["items"]))
        elif _is_event(it) or _is_form(it):
            yield it


def _recognises(document: Any) -> bool:
    return next(_events(document), None) is not None


def _failures(document: Any) -> Iterator[Failure]:
    for it in _events(document):
        if it["event"] == "failed":
            yield _failed(it)
        elif it["event"] == "rejected":  # Mailgun itself refused the mail
            words = refusal(text_at(it, "reject", "reason") or text_at(it, "reject", "description"))
            yield _failure(it, "failed", words)
        elif it["event"] in {"bounced", "dropped"} and _is_form(it):
            text = text_at(it, "error") or text_at(it, "description") or text_at(it, "notification")
            yield _failure(it, "failed", _told(it, member(it, "code"), text), status_in(text_at(it, "code")))


def _failed(it: JsonObject) -> Failure:
    status = member(it, "delivery-status")
    severity = text_at(it, "severity")
    mx = text_at(status, "mx-host")
    return _failure(
        it,
        {"temporary": "delayed", "permanent": "failed"}.get(severity or ""),
        _told(it, member(status, "code"), text_at(status, "message") or text_at(status, "description")),
        status_in(text_at(status, "enhanced-code")),
        mx,
    )


def _told(it: JsonObject, code: Any, text: str | None) -> Reason:
    if (text_at(it, "reason") or "").startswith("suppress"):
        return refusal(text)
    reply_code = reply_code_in(code)
    if reply_code is not None:
        return coded_diagnosis(reply_code, text)
    # A code of Mailgun's own (498: no MX; 605: on a suppression list) means that no server has replied.
    own_code = isinstance(code, int) or (isinstance(code, str) and code.isdecimal())
    return operator_words(text) if own_code else diagnosis(text)


def _failure(
    it: JsonObject, action: Any, told: Reason, status: str | None = None, mx: str | None = None
) -> Failure:
    return Failure(
        recipient=mailbox_in(text_at(it, "recipient")),
        sender=mailbox_in(text_at(it, "envelope", "sender")),
        host=host_in(mx),
        address=address_member(mx),
        status=status,
        action=action,
        **told._asdict(),
    )


MAILGUN = DocumentFormat(
    name="a Mailgun webhook",
    missing="no failed, rejected, bounced or dropped event is in it",
    recognises=_recognises,
    failures=_failures,
)
"""Reads failures, permanent and temporary, and rejections."""
