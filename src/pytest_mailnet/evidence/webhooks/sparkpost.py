"""Events of SparkPost: batches of its webhooks, and responses of its events API.

Sources: https://github.com/SparkPost/developers.sparkpost.com, content/api/webhooks.apib and events.apib;
bounce classes: https://support.sparkpost.com/docs/deliverability/bounce-classification-codes; texts of its
own MTA: https://support.sparkpost.com/docs/faq/understanding-delays-bounces.
"""

from __future__ import annotations

import re
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
    mailbox_in,
    member,
    object_at,
    objects_in,
    reply_code_in,
    status_in,
    text_at,
)

__all__ = ["SPARKPOST"]

_BY_SERVERS = frozenset({"bounce", "delay", "out_of_band"})
_BY_SPARKPOST = frozenset({"policy_rejection", "generation_rejection"})
_NO_FAILURES = frozenset({60, 80, 90, 100})  # auto-reply, (un)subscribe, challenge
_INTERNAL = "[internal]"  # marks a text of SparkPost's own MTA in the form of a reply
_LAST = re.compile(r"last transfail:\s{0,9}", re.IGNORECASE)  # the server's last reply follows


def _is_event(it: JsonObject) -> bool:
    return isinstance(it.get("type"), str) and "event_id" in it and ("rcpt_to" in it or "customer_id" in it)


def _batches(document: Any) -> Iterator[JsonObject]:
    for it in objects_in(document):
        if isinstance(it.get("msys"), dict) or (
            isinstance(it.get("results"), list) and any(map(_is_event, objects_in(it["results"])))
        ):
            yield it


def _recognises(document: Any) -> bool:
    return next(_batches(document), None) is not None


def _failures(document: Any) -> Iterator[Failure]:
    for it in _batches(document):
        if isinstance(it.get("msys"), dict):
            events = iter((object_at(it, "msys", "message_event"), object_at(it, "msys", "gen_event")))
        else:
            events = filter(_is_event, objects_in(it["results"]))
        for event in events:
            yield from _failure(event)


def _failure(event: JsonObject) -> Iterator[Failure]:
    kind = text_at(event, "type")
    if kind not in _BY_SERVERS | _BY_SPARKPOST or _class(event) in _NO_FAILURES:
        return
    text = text_at(event, "raw_reason") or text_at(event, "reason")
    told = refusal(text) if kind in _BY_SPARKPOST else _told(event, text)
    yield Failure(
        recipient=mailbox_in(text_at(event, "raw_rcpt_to") or text_at(event, "rcpt_to")),
        sender=mailbox_in(text_at(event, "msg_from")),
        # In an out-of-band bounce this is the server that took the mail, not the one that refused it.
        address=address_member(text_at(event, "ip_address")) if kind in {"bounce", "delay"} else None,
        status=None if told.reply else status_in(text),
        action="delayed" if kind == "delay" else "failed",
        **told._asdict(),
    )


def _told(event: JsonObject, text: str | None) -> Reason:
    if text and _INTERNAL in text:
        last = _LAST.search(text)
        quoted = text[last.end() :].removesuffix(")") if last else _INTERNAL
        found = diagnosis(quoted)
        return found if found.reply and _INTERNAL not in quoted else operator_words(text)
    code = reply_code_in(member(event, "error_code"))
    if code is None or text is None or text[:3].isdecimal():
        return diagnosis(text)
    return coded_diagnosis(code, text)


def _class(event: JsonObject) -> int | None:
    found = member(event, "bounce_class")
    if isinstance(found, str) and found.isascii() and found.isdecimal() and len(found) < 9:
        return int(found)
    return found if isinstance(found, int) else None


SPARKPOST = DocumentFormat(
    name="a SparkPost webhook",
    missing="no bounce, delay, out_of_band or rejection event is in it",
    recognises=_recognises,
    failures=_failures,
)
"""Reads bounces, delays and rejections."""
