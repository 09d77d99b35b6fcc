"""Objects in logs that have a server's reply in them, whoever wrote them.

No product is known here. Where an object has a reply, or a code and a text, the names beside it tell whose it
is; what an outer object says holds for those in it. The names are those of nodemailer's errors, maddy's log,
KumoMTA's log records (https://docs.kumomta.com/reference/log_record/), JMAP (RFC 8621, 7) and postqueue(1),
and what programs in Go and others use for the same.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import DocumentFormat
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.replies import enhanced_in, enhanced_of, reply_in, reply_lines
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.evidence.transcripts.library_errors import addressee, failures_in, failures_said
from pytest_mailnet.evidence.transcripts.one_mail import each_once
from pytest_mailnet.evidence.transcripts.server_lines import split_host
from pytest_mailnet.values import Stage

__all__ = ["ERROR_OBJECTS"]

_NAMES = {
    "recipient": "recipient rcpt rcpt_to rcptTo to to_addr address email rejected recipients",
    "sender": "sender from mail_from mailFrom from_addr",
    "text": (
        "response smtpReply smtp_reply reply smtp_msg delay_reason details content"
        " err error reason exception cause @x message msg MESSAGE"
    ),
    "code": "responseCode smtp_code smtpCode reply_code",
    "status": "smtp_enchcode enhanced_code enhancedCode enhanced dsn",
    "command": "command smtp_command",
    "host": "remote_server remote_host mx host hostname server peer_address name",
    "address": "addr ip remote_ip",
}
"""What members hold, by their names; the surest name is first."""

_OF_A_MAIL = re.compile(r"\b(?:e?-?mail\w*|smtp)\b|:(?:25|465|587|2525)\b", re.IGNORECASE)
_DIALLED = re.compile(r"\bdial tcp (\[[^\]\s]{1,60}\]:\d{1,5}|\S{1,255}:\d{1,5}):")
_ADDRESS = re.compile(r"[^\s<>\"',;:()\[\]]{1,64}@[\w.-]{1,255}")
# Codes of SMTP that are none of HTTP: others need a command or an enhanced code beside them.
_ONLY_SMTP = frozenset({421, 450, 451, 452, 454, 521, 530, 534, 535, 541, *range(550, 560)})
_OF_CONTENT = "EMESSAGE"  # by this code nodemailer tells the reply to the content from that to DATA
_DEEPEST = 8
_MOST = 20_000
_READ_AS = "an object with a mail server's reply"


def _failures(document: Any) -> Iterator[Failure]:
    told = each_once(_walked(document, Failure(), 0, [_MOST]))
    yield from (dataclasses.replace(it, read_as=(_READ_AS,)) for it in told)


def _walked(value: Any, outer: Failure, depth: int, left: list[int]) -> Iterator[Failure]:
    left[0] -= 1
    if depth > _DEEPEST or left[0] < 0:
        return
    if isinstance(value, list):
        for it in value:
            yield from _walked(it, outer, depth + 1, left)
    if not isinstance(value, dict):
        return
    here = _named(value).completed_by(outer)
    inner = False
    for name, it in value.items():
        # JMAP names the recipient by the member's name.
        of = dataclasses.replace(here, recipient=name) if _ADDRESS.fullmatch(name) else here
        for failure in _walked(it, of, depth + 1, left):
            inner = True
            yield failure
    if not inner and (own := _told(value, here)) is not None:
        yield own


def _named(value: dict[str, Any]) -> Failure:
    """Who an object is about."""
    peer = value.get("peer_address")
    # Only beside an address is a name a host's.
    names = value | peer if isinstance(peer, dict) else {it: value[it] for it in value if it != "name"}
    host, address = split_host(_first(names, "host"))
    ip = split_host(_first(names, "address"))[1]
    return Failure(
        recipient=_mailbox(_first(value, "recipient")),
        sender=_mailbox(_first(value, "sender")),
        host=host,
        address=address or ip,
    )


def _told(value: dict[str, Any], of: Failure) -> Failure | None:
    command = _first(value, "command")
    stage = named_stage(command) if command else None
    stage = Stage.MESSAGE if value.get("code") == _OF_CONTENT else stage
    texts = [it for name in _NAMES["text"].split() if isinstance(it := value.get(name), str)]
    for text in texts:
        if said := failures_said(text):
            return said[0].completed_by(of)
    reply = _reply(value, texts)
    sure = (
        bool(command) or enhanced_of(reply) is not None or any(it in value for it in _NAMES["code"].split())
    )
    whom = of if of.recipient else dataclasses.replace(of, recipient=_mailbox(" ".join(texts)))
    if reply and (sure or (whom.recipient and int(reply[0][:3]) in _ONLY_SMTP)):
        return addressee(dataclasses.replace(whom if stage is None else of, reply=reply, stage=stage))
    words = next((it for it in texts if _DIALLED.search(it) or trouble_in(it)), "")
    if printed := next((found for it in texts if (found := failures_in(it))), []):
        return printed[0].completed_by(of)
    trouble = trouble_in(words) if words and any(map(_OF_A_MAIL.search, texts)) else None
    if trouble is None:
        return None
    host, address = split_host(dialled[1]) if (dialled := _DIALLED.search(words)) else (None, None)
    told = Failure(host=host, address=address, stage=trouble.stage, fault=trouble.fault, words=words[:500])
    return told.completed_by(of)


def _reply(value: dict[str, Any], texts: list[str]) -> tuple[str, ...]:
    codes = (str(value.get(name, "")) for name in (*_NAMES["code"].split(), "code"))
    code = next((it for it in codes if re.fullmatch("[45][0-9]{2}", it)), None)
    status = next((_status(value[it]) for it in _NAMES["status"].split() if it in value), None)
    for text in texts:
        if reply := reply_in(text):
            return reply
        if code:
            own = enhanced_in(text[:12])
            return reply_lines(f"{code} {'' if own or not status else f'{status} '}{text}")
    return ()


def _status(value: Any) -> str | None:
    if isinstance(value, dict):
        return enhanced_in(".".join(str(value.get(it)) for it in ("class", "subject", "detail")))
    return enhanced_in(str(value)[:40])


def _first(value: dict[str, Any], kind: str) -> str:
    """The first text under one of the names for something, also if it is the only one of a list."""
    for name in _NAMES[kind].split():
        it = value.get(name)
        it = it[0] if isinstance(it, list) and len(it) == 1 else it
        if isinstance(it, str) and it:
            return it[:_MOST]
    return ""


def _mailbox(text: str) -> str | None:
    found = _ADDRESS.search(text)
    return found[0].strip(".") if found else None


ERROR_OBJECTS = DocumentFormat(
    name=_READ_AS,
    missing="no reply in it refuses a mail",
    recognises=lambda document: next(_failures(document), None) is not None,
    failures=_failures,
)
"""Errors and log records as JSON, whoever wrote them."""
