"""Errors as mail libraries print them, each with the reply that it was raised for.

One table for all: what marks an error, and where its reply, code, recipient and command stand. Python's are
in `exceptions`, since they need the frames around them. A sample of each is in the tests.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import trouble_in
from pytest_mailnet.evidence.replies import code_of, enhanced_in, reply_in, reply_lines
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.evidence.transcripts.library_table import (
    ADDRESS,
    LIBRARY_ERRORS,
    REPLY,
    LibraryError,
    library_error,
)
from pytest_mailnet.evidence.transcripts.server_lines import split_host
from pytest_mailnet.values import Stage

__all__ = ["addressee", "failures_in", "failures_said"]

_MOST = 1000
_LONGEST = 4000
_ADDRESSED = re.compile(rf"<({ADDRESS})>")
_ESCAPED_END = re.compile(r"(?:\\r)?\\n")
_IN_REPLY_TO = re.compile(r" ?\(in reply to ([^()\n]{1,60})\)+\s*$")


_STAGES = (
    (Stage.CONNECT, ("Connect", "me", "openServer")),
    (Stage.EHLO, ("do_helo",)),
    (Stage.STARTTLS, ("tlsconnect", "startTLS")),
    (Stage.AUTH, ("Authentication",)),
    (Stage.MAIL, ("Mail", "Sender", "SMTPSender", "mailFrom", "mailfrom")),
    (Stage.RCPT, ("Recipient", "recipient", "SMTPAddress", "rcptTo", "rcptto")),
    (Stage.MESSAGE, ("Message", "DataStop", "finishData")),
)
_ZERO_TO_NINE = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
# lettre's Debug form spells the digits of a code (github:lettre/lettre, src/transport/smtp/response.rs).
_DIGITS = (
    {"TransientNegativeCompletion": "4", "PermanentNegativeCompletion": "5"},
    {"Syntax": "0", "Information": "1", "Connections": "2", "Unspecified3": "3", "Unspecified4": "4"}
    | {"MailSystem": "5"},
    dict(zip(_ZERO_TO_NINE, "0123456789", strict=True)),
)
# In whatever its words have been copied into.
_SAID = library_error(
    "words of Postfix's SMTP client",
    rf"(?:\bto=<(?P<recipient>{ADDRESS})>[^\n]{{0,400}}?)?"
    r"\b(?:host|server) (?P<host>[^\s\[]{1,255})\[(?P<address>[^\]\s]{1,60})\](?::\d+)? "
    rf"(?:said|refused to talk to (?P<command>me)): {REPLY}",
)
_CODED = library_error(
    "a reply as the crate smtp-proto writes it",  # and so Stalwart and mail-send
    r"Code: (?P<code>[45]\d\d), Enhanced code: (?P<status>\d\.\d{1,3}\.\d{1,3}), "
    r"Message: (?P<text>[^\"\n]{1,2000})",
)
# What no library names, in the words of any program: surely a reply, since it has an enhanced code.
_BARE = library_error(
    "a reply",
    rf"(?:^|(?<=: )|(?<=:\d\d ))(?=(?P<class>[45])\d\d[ -](?P=class)\.\d{{1,3}}\.\d{{1,3}} ){REPLY}",
)
# A mail in Postfix's and in Sendmail's queue: the reason, and the recipients that it holds for.
_QUEUED = re.compile(
    rf"^[ \t]*\((?P<why>[^\n]{{5,2000}})\)\n(?P<to>(?:[ \t]{{5,80}}<?{ADDRESS}>?[ \t]*(?:\n|\Z))+)",
    re.MULTILINE,
)
_PEER = re.compile(
    r"(?:connect to|connection with|conversation with|host) ([^\s\[]{1,255})\[([^\]\s]{1,60})\]"
)
# .NET tells the code by a phrase.
_PHRASES = (
    ("Mailbox unavailable", 550),
    ("Mailbox name not allowed", 553),
    ("Exceeded storage allocation", 552),
    ("Insufficient system storage", 452),
    ("Transaction failed", 554),
    ("Service not available", 421),
    ("Error in processing", 451),
    ("requires a secure connection", 530),
    ("Client does not have permission", 454),
)


def failures_in(text: str) -> list[Failure]:
    """The failures in errors of mail libraries, each once, though printed with causes and fields."""
    if queued := list(_queued(text)):
        return queued
    found: list[Failure] = []
    for failure in _read_all(LIBRARY_ERRORS, text):
        at = next((at for at, it in enumerate(found) if _is_same(it, failure)), None)
        if at is None:
            found.append(failure)
        else:
            found[at] = found[at].completed_by(failure)
    return found


def failures_said(text: str, *, bare: bool = False) -> list[Failure]:
    """The failures in words of Postfix's SMTP client: "host mx.shop.example[192.0.2.8] said: 550 No".

    Args:
        text: the text.
        bare: whether a reply alone will do, if it has an enhanced code.
    """
    kinds = (_SAID, _CODED, *([_BARE] if bare else []))
    return next((found for error in kinds if (found := list(_read_all((error,), text)))), [])


def addressee(failure: Failure) -> Failure:
    """A failure with the recipient that its reply names, if nothing else has named one."""
    if failure.recipient is not None or failure.stage not in {None, Stage.RCPT}:
        return failure
    found = _ADDRESSED.search(" ".join(failure.reply) or failure.words)
    return dataclasses.replace(failure, recipient=found[1]) if found else failure


def _queued(text: str) -> Iterator[Failure]:
    for found in _QUEUED.finditer(text):
        why = found["why"]
        of = next(iter(failures_said(why, bare=True)), Failure(words=why[:500]))
        if not of.reply and (trouble := trouble_in(why)):
            peer = _PEER.search(why)
            host, address = (split_host(peer[1])[0], peer[2]) if peer else (None, None)
            of = Failure(host=host, address=address, stage=trouble.stage, fault=trouble.fault, words=of.words)
        of = dataclasses.replace(of, action="delayed", read_as=("a listing of a mail queue",))
        yield from (dataclasses.replace(of, recipient=it) for it in re.findall(ADDRESS, found["to"]))


def _read_all(errors: Iterable[LibraryError], text: str) -> Iterator[Failure]:
    for error in errors:
        for match, _ in zip(error.pattern.finditer(text), range(_MOST), strict=False):
            yield _read(error, match, text[match.end() : match.end() + _LONGEST])


def _read(error: LibraryError, match: re.Match[str], below: str) -> Failure:
    groups = {name: value for name, value in match.groupdict().items() if value}
    for pattern in error.beside:
        if found := pattern.search(below):
            groups = {name: value for name, value in found.groupdict().items() if value} | groups
    command = groups.get("command", "")
    stage = next((stage for stage, names in _STAGES if command in names), None)
    stage = stage or (named_stage(command) if command else None)
    reply_text = groups.get("reply", "")
    if told := _IN_REPLY_TO.search(reply_text):
        reply_text = reply_text[: told.start()]
        stage = named_stage(told[1]) if stage is None else stage
    reply = reply_lines(_ESCAPED_END.sub("\n", reply_text)) or _composed(groups)
    words = "" if reply else groups.get("why") or groups.get("text") or match[0]
    trouble = trouble_in(words, stage) if words else None
    host, address = split_host(groups.get("host", ""))
    failure = Failure(
        recipient=groups.get("recipient") or groups.get("rejected"),
        host=host,
        address=groups.get("address") or address,
        stage=trouble.stage if trouble else stage,
        reply=reply,
        status=None if reply else enhanced_in(words),
        fault=trouble.fault if trouble else None,
        words=" ".join(words.split())[:500],
        read_as=(error.read_as,),
    )
    return addressee(failure)


def _composed(groups: dict[str, str]) -> tuple[str, ...]:
    """The reply of a text from which a library has taken the code away."""
    text = groups.get("text", "").strip()
    if (begins := reply_in(text)) and code_of(text):
        return begins
    code = groups.get("code") or _spelt(groups)
    number = next((code for phrase, code in _PHRASES if phrase in groups.get("phrase", "")), None)
    if code is None and number is not None:
        code = f"{(enhanced_in(text) or str(number))[0]}{number % 100:02}"
    status = "" if enhanced_in(text[:12]) else groups.get("status", "")
    return reply_lines(" ".join(filter(None, (code, status, text)))) if code and text else ()


def _is_same(one: Failure, other: Failure) -> bool:
    same = (one.recipient or other.recipient) == (other.recipient or one.recipient)
    if None in (one.code, other.code) and one.read_as == other.read_as:
        return same and (one.enhanced == other.enhanced or None in (one.enhanced, other.enhanced))
    return same and one.code == other.code and one.enhanced == other.enhanced


def _spelt(groups: dict[str, str]) -> str | None:
    names = (groups.get(it, "") for it in ("severity", "category", "detail"))
    code = "".join(digit.get(name, "?") for digit, name in zip(_DIGITS, names, strict=True))
    return code if code.isdigit() else None
