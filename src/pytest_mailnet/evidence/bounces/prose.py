"""Reads the text of a bounce by an unknown program: the recipients, and the passage behind each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pytest_mailnet.evidence.bounces.deliverystatus import server_in
from pytest_mailnet.evidence.bounces.recognition import tells_of_failure
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.replies import enhanced_in, reply_in
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["failures_in", "without_returned_mail"]

_ADDRESS = r"[<\"']?(?P<address>[^\s<>\"',;:()\[\]]{1,320}@[A-Za-z0-9._\-]{1,255})[>\"']?"
_OPENS = re.compile(
    rf"[ \t]*(?:(?:[-*]|>>>)[ \t]+)?{_ADDRESS}[ \t]*"
    r"(?P<rest>$|:.*|\(.*|\[.*|<[^\s<>]{3,320}>.*|(?:on|at) (?:\w+, |\d{1,4}[/.\-]|remote ).*|\.\.\..*)"
)
_LABELLED = re.compile(
    r"[ \t]*(?:\w+[ \t]){0,3}?(?:to|address|recipient|recipients?[ \t]address|failed|userid|user|mailbox)"
    rf"(?:\([^)]{{0,20}}\))?[ \t]*:[ \t]*{_ADDRESS}(?P<rest>.*)",
    re.IGNORECASE,
)
# "User's mailbox is full: <alice@shop.example>"
_BLAMED = re.compile(rf"[ \t]*(?P<rest>[^\n:@]{{4,80}}):[ \t]*{_ADDRESS}[ \t]*$")
_SENTENCE = re.compile(
    rf"\b(?:to|for|recipients?|address|mailbox|user|group)[ \t\n:]+(?:the[ \t]+)?{_ADDRESS}(?P<rest>.*)",
    re.IGNORECASE,
)
_MAIL_OF = (
    r"(?:original|returned|unsent|undelivered|bounced|your|failed)[ \w]{0,12} (?:message|mail|e-mail)\b"
)
_RETURNED = re.compile(
    # A line "Your message" belongs to the sentence "Your message … did not reach …".
    r"^(?![ \t\-=*_]{0,80}+\n?[ \t]{0,20}+your (?:message|mail)[ \t]{0,20}$)[ \t\-=*_#>|]{0,80}+(?:"
    r"(?:the )?(?:header|headers|body|copy|text|start|beginning|first \d+ \w+)?s?\s?(?:of |is )?"
    rf"(?:an? copy of |the )*{_MAIL_OF}"
    r"(?: (?:follows?|header|headers|below|text|body|is following)[^\n]{0,30}|[\s\-:=.*]*$)"
    r"|(?:below (?:this|the next) line|this|enclosed|here) is (?:a|the) copy of (?:the|your) (?:original )?"
    r"(?:message|mail)\b"
    r"|message headers? follow|(?:included|attached) is (?:a|the) copy of"
    r"|received: (?:from|by)\b"
    r"|(?:mensaje|mensagem|message|messaggio) original|original-?nachricht|urspr\w{1,4}ngliche nachricht"
    r").*$",
    re.IGNORECASE | re.MULTILINE,
)
_COMMAND = r"(?:RCPT|MAIL|DATA|BDAT|EHLO|HELO|LHLO|STARTTLS|AUTH|end of (?:data|message))"
_SAID_AFTER = re.compile(
    rf"in reply to (?:the )?({_COMMAND}[\w ]{{0,12}}) command"
    r"|remote SMTP server has rejected (address)\b"  # the Messaging Server of iPlanet, Sun and Oracle
    rf"|(?:after|following) (?:pipelined |sending |initial )?({_COMMAND}|connection)\b"
    rf"|for ({_COMMAND}(?: TO| FROM)?) command"
    rf"|did(?:n't| not) like our ((?:final )?{_COMMAND})"
    r"|(?:while|when) (?:sending|receiving|performing) (?:the )?([\w \-]{3,30})"
    rf"|[\[(<]({_COMMAND}(?:_TO|_FROM)?)[\])>]"
    rf"|\bSMTP:({_COMMAND})\b"
    rf"|(?:SMTP command|STEP)\W+({_COMMAND}(?: SEND)?)",
    re.IGNORECASE,
)
_REPLY_ENDS = re.compile(
    r"\(in reply to|\n[ \t]*\n|\[(?:RCPT|MAIL)_|\(delivery attempts|\nGiving up on|\nI'm not going to"
    r"|\n[ \t]*STEP:|\n-{3,}"
)
_SERVER = re.compile(
    r"\b(?:host|server|MTA|relay|by|from|to|while talking to|connect(?:ed)? to|domain)[: \t\n]+"
    r"(?=\S{0,255}[.:\[])(?P<server>[^\n]{4,200})",
    re.IGNORECASE,
)


class _Passage(NamedTuple):
    """A recipient, and the part of the text about the mail to that address."""

    recipient: str
    text: str


def failures_in(text: str, sender: str | None) -> Iterator[Failure]:
    """The failed recipients in the text of a bounce.

    Args:
        text: the text, with or without the returned mail.
        sender: the sender of the undelivered mail, who is no recipient; None if unknown.
    """
    words = without_returned_mail(text)
    found = _passages(words, sender)
    told = [failure for it in found if (failure := _failure_told(it)) is not None]
    yield from told or _listed(words, found)


def without_returned_mail(text: str) -> str:
    """The text of a bounce up to the mail that it returns in the text."""
    found = _RETURNED.search(text)
    return text[: found.start()] if found else text


def _passages(text: str, sender: str | None) -> list[_Passage]:
    """The recipients that a text names, each with the text up to the next."""
    for pattern in (_OPENS, _LABELLED, _BLAMED):
        found = _split(text, pattern, sender)
        if pattern is _BLAMED:
            found = [it for it in found if tells_of_failure(it.text.partition("\n")[0])]
        if found:
            return found
    for found_one in _SENTENCE.finditer(text):
        address = found_one["address"].strip(".")
        if _is_recipient(address, sender):
            return [_Passage(address, text)]
    return []


def _failure_told(passage: _Passage) -> Failure | None:
    """The failure in a passage; None if there is no sign of one."""
    text = passage.text
    stage = _stage_told(text)
    reply = _reply_told(text)
    trouble = None if reply else trouble_in(text, stage)
    status = None if reply else enhanced_in(text)
    if not (reply or trouble or status or tells_of_failure(text)):
        return None
    host, address = _server_told(text)
    return Failure(
        recipient=passage.recipient,
        host=host,
        address=address,
        stage=trouble.stage if trouble else stage if reply else None,
        reply=reply,
        status=status,
        fault=trouble.fault if trouble else None,
        words="" if reply else " ".join(text.split())[:500],
    )


def _stage_told(text: str) -> Stage | None:
    """The stage that a text names: "(in reply to RCPT TO command)"."""
    found = _SAID_AFTER.search(" ".join(text.split()))
    if found is None:
        return None
    named = found[found.lastindex or 0]
    return Stage.RCPT if named == "address" else named_stage(named)


def _reply_told(text: str) -> tuple[str, ...]:
    """The reply in a text, without the bounce's own text behind the reply."""
    reply = reply_in(text)
    if not reply:
        return ()
    start = text.find(reply[0][:3])
    end = _REPLY_ENDS.search(text, start)
    text = text[: end.start()] if end else text
    # "It responded as follows: [550 No]"
    return reply_in(text.rstrip().removesuffix("]") if text[start - 1 : start] == "[" else text)


def _listed(text: str, found: list[_Passage]) -> Iterator[Failure]:
    """The failures of a list of recipients that have only the paragraph above the list as their reason."""
    above = text[: text.find(found[0].recipient)] if found else ""
    paragraphs = [" ".join(it.split()) for it in above[-2000:].split("\n\n") if any(map(str.isalnum, it))]
    if paragraphs and tells_of_failure(paragraphs[-1]):
        for passage in found:
            yield Failure(recipient=passage.recipient, words=paragraphs[-1][:500])


def _server_told(text: str) -> tuple[str | None, str | None]:
    for found in _SERVER.finditer(text):
        host, address = server_in(found["server"].split(" said")[0])
        if host or address:
            return host, address
    return None, None


def _split(text: str, pattern: re.Pattern[str], sender: str | None) -> list[_Passage]:
    found: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in text.split("\n"):
        opening = pattern.match(line) if "@" in line else None
        address = opening["address"].strip(".") if opening else ""
        if opening and _is_recipient(address, sender):
            if address in found and current is found[address]:
                found[address].append(line)
                continue
            current = found.setdefault(address, [])
            current.append(opening["rest"].lstrip(": "))
        elif current is not None:
            current.append(line)
    return [_Passage(address, "\n".join(lines)) for address, lines in found.items()]


def _is_recipient(address: str, sender: str | None) -> bool:
    local = address.partition("@")[0].lower()
    return address.lower() != (sender or "").lower() and local not in {"postmaster", "mailer-daemon"}
