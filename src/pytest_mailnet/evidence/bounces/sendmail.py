"""Bounces of Sendmail, of all versions, and of programs that write the same transcripts."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from pytest_mailnet.evidence.bounces.deliverystatus import server_in
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.bounces.transcript import QuotedReply, answers_in, stage_of
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.permanence import in_words
from pytest_mailnet.evidence.replies import enhanced_in, reply_in
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["failures_in"]

_HEADING = re.compile(r"^[ \t]*-{3,}[ \t]*(?P<title>[A-Za-z][^\n]{4,100}?)[ \t]*-{3,}[ \t]*$", re.MULTILINE)
_TALK = re.compile(
    r"^[ \t]*(?:(?:sent|received)[ \t]*)?(?:>>>|<<<)[ \t]?(?=RCPT|MAIL|DATA|EHLO|HELO|STARTTLS|AUTH)",
    re.IGNORECASE | re.MULTILINE,
)
_FAILED_ADDRESSES = re.compile(
    r"following (?:address|recipient)\S* .*(?:error|problem|fail)|could not be", re.IGNORECASE
)
_TRANSIENT = re.compile(r"transient|non-fatal|warning|delay", re.IGNORECASE)
_TRANSCRIPT = re.compile(r"transcript of session", re.IGNORECASE)
_RETURNED = re.compile(
    r"(?:original|unsent|returned|message header|message follows|message lines|header follows)", re.IGNORECASE
)
_WARNING = re.compile(
    r"THIS IS A WARNING MESSAGE ONLY|Message will be retried|Will keep trying until", re.IGNORECASE
)
_ADDRESS = r"<?(?P<address>\"?[^\s<>(),;:]{1,200}@[^\s<>(),;:]{1,255}?)>?"
_ENTRY = re.compile(
    rf"[ \t]*(?:{_ADDRESS}|(?P<local><?[\w.+\-]{{1,64}}>?|<?\"?[|/][^\n()]{{1,300}}?))[ \t]*"
    r"(?:[(\[](?P<rest>[^\n]*?)[)\]]?[ \t]*)?$"
)
_EXPANDED = re.compile(rf"[ \t]+\(expanded from: *{_ADDRESS}\)", re.IGNORECASE)
_REASON = re.compile(r"[ \t]+\(reason: *(?P<reason>.*)")
_SENDMAILS_OWN = re.compile(rf"(?:[45]\d\d(?: [45]\.\d+\.\d+)? )?{_ADDRESS}[ \t]*\.\.\.[ \t]*(?P<text>.*)")
_PHASE = re.compile(r"(?:during|in) client (?P<phase>[\w ]+)")
_PEER = re.compile(
    r"(?:refused by|timed out with|reset by|read error from|waiting for input from) (?P<host>[\w.\-]+)"
)


class _Entry(NamedTuple):
    recipient: str
    reason: str
    action: Literal["failed", "delayed"]


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipients in a bounce or warning by Sendmail; none if another program wrote the mail.

    Its sections have titles between dashes. One lists the addresses, since version 8.10 each with "(reason:
    550 …)"; another is the transcript of the session, with lines of Sendmail's own such as "550 5.1.1
    <address>... User unknown".
    """
    sections = list(_sections(mail.text))
    if not sections:
        return
    transcript = [line for title, body in sections if _TRANSCRIPT.search(title) for line in body.split("\n")]
    answers, remarks = answers_in(transcript)
    warns = _WARNING.search(mail.text) is not None
    entries = [
        entry
        for title, body in sections
        if _FAILED_ADDRESSES.search(title)
        for entry in _entries(body, delayed=warns or _TRANSIENT.search(title) is not None)
    ]
    if not entries:
        entries = list(_told_by(answers, remarks, mail.sender, delayed=warns))
    left = [it for it in answers if not it.is_consequence]
    for entry in entries:
        yield _failure(entry, answers, left, remarks, alone=len(entries) == 1)


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """The sections of a text, each with its title; a transcript without titles is one section."""
    found = list(_HEADING.finditer(text))
    titles = [it["title"] for it in found]
    if not any(_TRANSCRIPT.search(it) or _FAILED_ADDRESSES.search(it) for it in titles):
        if _TALK.search(text) and "<<<" in text and ">>>" in text:
            yield "Transcript of session", text
        return
    for here, following in itertools.zip_longest(found, found[1:]):
        if _RETURNED.search(here["title"]) and not _TRANSCRIPT.search(here["title"]):
            return
        yield here["title"], text[here.end() : following.start() if following else len(text)]


def _entries(body: str, *, delayed: bool) -> Iterator[_Entry]:
    recipient = reason = ""
    action: Literal["failed", "delayed"] = "delayed" if delayed else "failed"
    for line in body.split("\n"):
        if recipient and not line.strip():
            break
        if expanded := _EXPANDED.match(line):
            recipient = recipient if "@" in recipient else expanded["address"]
        elif told := _REASON.match(line):
            reason = told["reason"].removesuffix(")")
        elif entry := _ENTRY.match(line) if line.strip() else None:
            if recipient:
                yield _Entry(recipient, reason, action)
            recipient = entry["address"] or entry["local"].strip('"<> ')
            reason = entry["rest"] or ""
    if recipient:
        yield _Entry(recipient, reason, action)


def _told_by(
    answers: list[QuotedReply], remarks: list[str], sender: str | None, *, delayed: bool
) -> Iterator[_Entry]:
    """The recipients in a bounce that does not list them: from refused commands and Sendmail's own lines."""
    action: Literal["failed", "delayed"] = "delayed" if delayed else "failed"
    known = {(sender or "").lower()}
    commands = (
        it.command for it in answers if not it.is_consequence and named_stage(it.command) is Stage.RCPT
    )
    addresses = [
        found["address"]
        for it in commands
        if (found := re.search(rf"to:\s*{_ADDRESS}(?:\s|$)", it, re.IGNORECASE))
    ]
    addresses += [found["address"] for it in remarks if (found := _SENDMAILS_OWN.match(it))]
    for address in addresses:
        if address.lower() not in known:
            known.add(address.lower())
            yield _Entry(address, "", action)


def _failure(
    entry: _Entry, answers: list[QuotedReply], left: list[QuotedReply], remarks: list[str], *, alone: bool
) -> Failure:
    reason = reply_in(entry.reason)
    answer = _answer(entry, reason, answers, left, alone=alone)
    if answer is None and not reason:
        return _without_reply(entry, answers, remarks, alone=alone)
    stage, rule = stage_of(answer) if answer else (None, None)
    host, address = server_in(answer.host) if answer else (None, None)
    return Failure(
        recipient=entry.recipient,
        host=host,
        address=address,
        stage=stage,
        stage_rule=rule,
        reply=answer.reply if answer else reason,
        action=entry.action,
    )


def _answer(
    entry: _Entry,
    reason: tuple[str, ...],
    answers: list[QuotedReply],
    left: list[QuotedReply],
    *,
    alone: bool,
) -> QuotedReply | None:
    """The reply because of which Sendmail gave a recipient up; None if the transcript has none."""
    if reason:
        same = [it for it in answers if _is_same(it.reply, reason)]
        own = [it for it in same if it.mentions(entry.recipient)]
        found = next(iter(own or same), None)
        if found in left and not alone:
            left.remove(found)
        return found
    fitting = [it for it in left if it.reply[0][:1] in "45" and it.reply[0][1:3].isdigit()]
    own = [it for it in fitting if it.mentions(entry.recipient)]
    if own or alone:
        permanent = [it for it in own or fitting if it.reply[0].startswith("5")]
        return next(reversed(permanent or own or fitting), None)
    if fitting:
        left.remove(fitting[0])
        return fitting[0]
    return None


def _is_same(reply: tuple[str, ...], reason: tuple[str, ...]) -> bool:
    """Whether "(reason: …)" quotes a reply; Sendmail puts the reply's first or last line there."""
    start = reason[0][4:60]
    return reply[0][:3] == reason[0][:3] and any(it[4:].startswith(start[: len(it) - 4]) for it in reply)


def _without_reply(entry: _Entry, answers: list[QuotedReply], remarks: list[str], *, alone: bool) -> Failure:
    own = [it for it in remarks if entry.recipient.lower() in it.lower()]
    said = "; ".join(own or (remarks if alone else []))[:2000]
    words = entry.reason or said or " ".join(it for answer in answers for it in answer.reply)[:2000]
    phase = _PHASE.search(words) or _PHASE.search(said)
    stage = _phase(phase["phase"]) if phase else None
    why = in_words(words, stage, trouble_in(words, stage) or trouble_in(said, stage))
    peer = _PEER.search(words) or _PEER.search(said)
    host, address = server_in(peer["host"]) if peer else (None, None)
    return Failure(
        recipient=entry.recipient,
        host=host,
        address=address,
        status=enhanced_in(words),
        action=entry.action,
        **why._asdict(),
    )


def _phase(name: str) -> Stage | None:
    return Stage.MESSAGE if name.startswith("DATA status") else named_stage(name)
