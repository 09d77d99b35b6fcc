"""Finds out what kind of evidence a file is, and reads the failures in it."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from pytest_mailnet.evidence.bounces import BouncedMail, failures_of
from pytest_mailnet.evidence.bounces.mail import LONGEST, TooDeep
from pytest_mailnet.evidence.failure import Failure, NoFailure, Outcome
from pytest_mailnet.evidence.formats import DocumentFormat, LineFormat
from pytest_mailnet.evidence.logs import MAIL_LOG
from pytest_mailnet.evidence.logs import failures_of as failures_of_mails
from pytest_mailnet.evidence.replies import code_of, reply_lines
from pytest_mailnet.evidence.sources import EvidenceSource, mails_of, text_lines
from pytest_mailnet.evidence.transcripts import EVENTS, TRANSCRIPTS
from pytest_mailnet.evidence.webhooks import WEBHOOKS

__all__ = ["outcomes_of"]

_HEAD = 1 << 16
_LONGEST_DOCUMENT = 1 << 26
_LONGEST_REPLY = 4000
_MOST_LINES = 10_000
_FIELD = re.compile(r"[!-9;-~]{1,76}:(?:[ \t]|$)")
_MAIL_FIELDS = re.compile(
    r"^(?:from|to|subject|date|received|return-path|message-id|content-type|mime-version|delivered-to|reply-to"
    r"|x-failed-recipients|envelope-to|sender|auto-submitted):",
    re.IGNORECASE | re.MULTILINE,
)
_DOCUMENTS: tuple[DocumentFormat, ...] = (*WEBHOOKS, *EVENTS)
_TEXTS: tuple[LineFormat, ...] = (*TRANSCRIPTS, MAIL_LOG)
# The first bytes of compressed files; rotated logs are often compressed.
_PACKED = ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"))


def outcomes_of(
    source: EvidenceSource, read: Callable[[int], object] = int, queue_ids: frozenset[str] = frozenset()
) -> Iterator[Outcome]:
    """Read the failed recipients in a file.

    A file without a failure, or a mail without one in a mailbox, gives a `NoFailure` that says why. So does
    a file that cannot be read to its end: nothing is raised, and the caller goes on with the next file.

    Args:
        source: the file; it is closed at the end.
        read: called with the size of each block in bytes, as it is read.
        queue_ids: of a log, only the mails with these queue ids or Message-IDs are read; evidence that is no
            log gives a `NoFailure` then. Empty for everything.
    """
    try:
        with source.open() as stream:
            head = stream.read(_HEAD)
            read(len(head))
            for outcome in _outcomes(stream, head, source.name, read, queue_ids):
                yield (
                    outcome
                    if isinstance(outcome, NoFailure)
                    else dataclasses.replace(outcome, file=source.name)
                )
    except OSError as error:
        yield NoFailure(source.name, "it could not be read", error.strerror or str(error), unread=True)


def _outcomes(
    stream: BinaryIO, head: bytes, name: str, read: Callable[[int], object], queue_ids: frozenset[str]
) -> Iterator[Outcome]:
    packed = next((by for begins, by in _PACKED if head.startswith(begins)), None)
    if packed is not None:
        yield NoFailure(
            name, f"packed by {packed}", f"nothing is unpacked here: {packed} -dc … | mailnet reproduce"
        )
        return
    text = "\n".join(text_lines(io.BytesIO(), head))
    if not text.strip(" \t\n\0"):
        yield NoFailure(name, "it is empty", "there is nothing to read")
        return
    is_mailbox = text.startswith("From ") and _is_mail(text.partition("\n")[2])
    is_mail = is_mailbox or _is_mail(text)
    line_format = None if is_mail else next((it for it in _TEXTS if it.recognises(text)), None)
    if queue_ids and line_format is not MAIL_LOG:
        yield NoFailure(name, "no mail log", "no other evidence has queue ids")
    elif is_mailbox:
        yield from _of_mailbox(mails_of(stream, head), name)
    elif is_mail:
        yield from _of_mail(head + stream.read(LONGEST), name)
    elif line_format is not None:
        if line_format is MAIL_LOG and queue_ids:
            line_format = dataclasses.replace(
                MAIL_LOG,
                missing=f"no line in it tells of a failed delivery of {' or '.join(sorted(queue_ids))}",
                failures=lambda lines: failures_of_mails(lines, queue_ids),
            )
        yield from _of_lines(line_format, text_lines(stream, head, read), name)
    elif text.lstrip()[:1] in ("{", "["):
        yield from _of_document(head + stream.read(_LONGEST_DOCUMENT), name)
    else:
        yield from _of_prose("\n".join(itertools.islice(text_lines(stream, head, read), _MOST_LINES)), name)


def _of_mailbox(mails: Iterable[bytes], name: str) -> Iterator[Outcome]:
    for number, mail in enumerate(mails, start=1):
        yield from _of_mail(mail, f"{name}, mail {number}")


def _of_mail(content: bytes, name: str) -> Iterator[Outcome]:
    try:
        mail = BouncedMail.parse(content)
    except TooDeep as error:
        yield NoFailure(name, f"a mail that {error}", "no bounce has so many")
        return
    found = failures_of(mail) or _quoted(mail.text)
    yield from found
    if not found:
        yield NoFailure(
            name,
            _called(mail),
            "neither its delivery status nor its text tells of a failed recipient",
            subject="" if mail.feedback else mail.subject[:80],
        )


def _called(mail: BouncedMail) -> str:
    if mail.feedback:
        return "a feedback report (RFC 5965): a complaint about a mail that arrived"
    return "a delivery status notification" if mail.status else "a mail"


def _quoted(text: str) -> list[Failure]:
    """The failures in a traceback, a log or a transcript that a mail has in its text."""
    line_format = next((it for it in _TEXTS if it.recognises(text[:_HEAD])), None)
    return [] if line_format is None else list(line_format.failures(text.split("\n")))


def _of_lines(line_format: LineFormat, lines: Iterable[str], name: str) -> Iterator[Outcome]:
    failure = None
    for failure in line_format.failures(lines):
        yield failure
    if failure is None:
        yield NoFailure(name, line_format.name, line_format.missing)


def _of_document(content: bytes, name: str) -> Iterator[Outcome]:
    if len(content) > _LONGEST_DOCUMENT:
        yield NoFailure(name, f"JSON of more than {_LONGEST_DOCUMENT >> 20} MiB", "split it into its events")
        return
    try:
        documents = _parsed("\n".join(text_lines(io.BytesIO(), content)))
    except (ValueError, RecursionError) as error:
        yield NoFailure(name, "it begins like JSON and is none", str(error))
        return
    nothing = NoFailure(name, "JSON of no kind that is known", _known_documents())
    failures = 0
    for document in documents:
        kind = next((it for it in _DOCUMENTS if it.recognises(document)), None)
        if kind is None:
            continue
        nothing = NoFailure(name, kind.name, kind.missing)
        for failure in kind.failures(document):
            failures += 1
            yield failure
    if not failures:
        yield nothing


def _of_prose(text: str, name: str) -> Iterator[Outcome]:
    """The failures in a text of no known format; perhaps the body of a bounce without its header."""
    found = failures_of(BouncedMail.of_text(text))
    if not found and (reply := reply_lines(text[:_LONGEST_REPLY])) and (code_of(reply[0]) or 0) >= 400:
        found = [Failure(reply=reply)]  # only the reply was copied
    yield from found
    if not found:
        kinds = ", ".join(it.name for it in _TEXTS)
        yield NoFailure(name, "a text of no kind that is known", f"known are: a mail, an mbox, {kinds}, JSON")


def _parsed(text: str) -> Sequence[Any]:
    """The documents in a JSON text: one in all, or one a line (JSON Lines)."""
    try:
        return [json.loads(text)]
    except ValueError:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) < 2:
            raise
        return [json.loads(line) for line in lines]


def _known_documents() -> str:
    return f"known are: {', '.join(it.name for it in _DOCUMENTS)}"


def _is_mail(text: str) -> bool:
    head = text.lstrip("\n").partition("\n\n")[0]
    return bool(_FIELD.match(head) and _MAIL_FIELDS.search(head))
