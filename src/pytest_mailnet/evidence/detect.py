"""Finds out what kind of evidence a file is, and reads the failures in it."""

from __future__ import annotations

import dataclasses
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from pytest_mailnet.evidence.bounces import BouncedMail, failures_of
from pytest_mailnet.evidence.bounces.mail import TooDeep
from pytest_mailnet.evidence.bounces.recognition import is_automatic, is_bounce
from pytest_mailnet.evidence.documents import BEGINS_JSON, documents_in, object_in_line
from pytest_mailnet.evidence.failure import Failure, NoFailure, Outcome
from pytest_mailnet.evidence.formats import DocumentFormat, LineFormat
from pytest_mailnet.evidence.logs import MAIL_LOG
from pytest_mailnet.evidence.logs import failures_of as failures_of_mails
from pytest_mailnet.evidence.plain import forwarded, unquoted
from pytest_mailnet.evidence.replies import code_of, reply_lines
from pytest_mailnet.evidence.sources import (
    LONGEST_PART,
    EvidenceSource,
    mail_of,
    mails_of,
    text_lines,
    text_of,
)
from pytest_mailnet.evidence.transcripts import (
    ERROR_OBJECTS,
    EVENTS,
    TRANSCRIPTS,
    error_failures,
    said_failures,
)
from pytest_mailnet.evidence.webhooks import WEBHOOKS

__all__ = ["outcomes_of"]

_HEAD = 1 << 16
_LONGEST_DOCUMENT = 1 << 26
_LONGEST_PASTED = 1 << 22
_LONGEST_PROSE = 1 << 20
_LONGEST_REPLY = 4000
_DEEPEST = 3  # mails that are forwarded in each other
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
    if (unreadable := _unreadable(head, name)) is not None:
        yield unreadable
        return
    text = text_of(head)
    if not _is_mail(text) and unquoted(text) != text:
        head += stream.read(_LONGEST_PASTED)
        if len(head) <= _LONGEST_PASTED:  # nobody quotes or indents more
            text = unquoted(text_of(head))
            stream, head = io.BytesIO(), text.encode("utf-8", "replace")
    is_mailbox = text.startswith("From ") and _is_mail(text.partition("\n")[2])
    is_mail = is_mailbox or _is_mail(text)
    line_format = None if is_mail else _format_of(text)
    if queue_ids and line_format is not MAIL_LOG:
        yield NoFailure(name, "no mail log", "no other evidence has queue ids")
    elif is_mailbox:
        for number, mail in enumerate(mails_of(stream, head), start=1):
            yield from _of_mail(mail, f"{name}, mail {number}")
    elif is_mail:
        yield from _of_mail(mail_of(stream, head), name)
    elif line_format is not None:
        line_format = _for_queue_ids(queue_ids) if queue_ids else line_format
        yield from _of_lines(line_format, text_lines(stream, head, read, _LONGEST_PASTED), name)
    elif BEGINS_JSON.match(text):
        yield from _of_documents(head + stream.read(_LONGEST_DOCUMENT), name)
    else:
        lines = itertools.islice(text_lines(stream, head, read, _LONGEST_PASTED), _MOST_LINES)
        yield from _of_prose("\n".join(lines), name)


def _unreadable(head: bytes, name: str) -> NoFailure | None:
    packed = next((by for begins, by in _PACKED if head.startswith(begins)), None)
    if packed is not None:
        unpack = f"{packed} -dc … | mailnet reproduce"
        return NoFailure(name, f"packed by {packed}", f"nothing is unpacked here: {unpack}")
    if not text_of(head).strip(" \t\n\0"):
        return NoFailure(name, "it is empty", "there is nothing to read")
    return None


def _format_of(text: str) -> LineFormat | None:
    return next((it for it in _TEXTS if it.recognises(text[:_HEAD])), None)


def _for_queue_ids(queue_ids: frozenset[str]) -> LineFormat:
    return dataclasses.replace(
        MAIL_LOG,
        missing=f"no line in it tells of a failed delivery of {' or '.join(sorted(queue_ids))}",
        failures=lambda lines: failures_of_mails(lines, queue_ids),
    )


def _of_mail(content: bytes, name: str) -> Iterator[Outcome]:
    try:
        mail = BouncedMail.parse(content)
        found = _in_mail(mail, _DEEPEST)
    except TooDeep as error:
        yield NoFailure(name, f"a mail that {error}", "no bounce has so many")
        return
    yield from found
    if not found:
        missing = "neither its delivery status nor its text tells of a failed recipient"
        if len(content) >= LONGEST_PART:
            missing += f"; of each part {LONGEST_PART >> 10} KiB were read"
        yield NoFailure(
            name,
            _called(mail),
            missing,
            subject="" if mail.feedback else mail.subject[:80],
        )


def _in_mail(mail: BouncedMail, deepest: int) -> list[Failure]:
    """The failures that a mail tells of itself, or that somebody has forwarded or quoted in it."""
    if mail.status or is_automatic(mail):
        return failures_of(mail) or _passed_on(mail, deepest)
    return _passed_on(mail, deepest) or failures_of(mail)


def _passed_on(mail: BouncedMail, deepest: int) -> list[Failure]:
    if deepest == 0 or mail.feedback:
        return []
    for attached in mail.attached():
        if found := _in_mail(attached, deepest - 1):
            return found
    text = forwarded(unquoted(mail.text, answered=True))
    if _is_mail(text):
        return _in_mail(BouncedMail.parse(text.encode("utf-8", "replace")), deepest - 1)
    found = _in_text(text)
    if not found and text != mail.text and is_bounce(mail):  # by its subject, which an answer repeats
        found = failures_of(BouncedMail.of_text(text))
    return found


def _in_text(text: str) -> list[Failure]:
    """The failures in a traceback, a log, a transcript or a document that something else has in its text."""
    if (line_format := _format_of(text)) is not None:
        return list(_failures_in_lines(line_format, text.split("\n")))
    if not BEGINS_JSON.match(text):
        return _in_lines(text)
    documents, others = documents_in(text)
    return [*itertools.chain.from_iterable(map(_in_document, documents)), *_in_lines(others)]


def _in_lines(text: str) -> list[Failure]:
    line_format = _format_of(text)
    return (
        list(line_format.failures(text.split("\n"))) if line_format else error_failures(text[:_LONGEST_PROSE])
    )


def _called(mail: BouncedMail) -> str:
    if mail.feedback:
        return "a feedback report (RFC 5965): a complaint about a mail that arrived"
    return "a delivery status notification" if mail.status else "a mail"


def _of_lines(line_format: LineFormat, lines: Iterable[str], name: str) -> Iterator[Outcome]:
    failure = None
    for failure in _failures_in_lines(line_format, lines):
        yield failure
    if failure is None:
        yield NoFailure(name, line_format.name, line_format.missing)


def _failures_in_lines(line_format: LineFormat, lines: Iterable[str]) -> Iterator[Failure]:
    if line_format.name == MAIL_LOG.name:  # its readers unpack what loggers write as JSON
        yield from line_format.failures(lines)
        return
    aside: list[Failure] = []
    yield from line_format.failures(_without_objects(lines, aside))
    yield from aside


def _without_objects(lines: Iterable[str], found: list[Failure], *, pairs: bool = False) -> Iterator[str]:
    """The lines of a log without those that end with an object about failures, which go to `found`."""
    for line in lines:
        told = object_in_line(line, pairs=pairs)
        failures = [] if told is None else list(_in_document(told))
        found += failures
        if not failures:
            yield line[:_HEAD]


def _of_documents(content: bytes, name: str) -> Iterator[Outcome]:
    if len(content) > _LONGEST_DOCUMENT:
        yield NoFailure(name, f"JSON of more than {_LONGEST_DOCUMENT >> 20} MiB", "split it into its events")
        return
    documents, others = documents_in(text_of(content))
    failure = None
    for failure in itertools.chain(
        itertools.chain.from_iterable(map(_in_document, documents)), _in_lines(others)
    ):
        yield failure
    if failure is not None:
        return
    kinds = (kind for it in documents[:_MOST_LINES] for kind in _DOCUMENTS if kind.recognises(it))
    if (kind := next(kinds, None)) is not None:
        yield NoFailure(name, kind.name, kind.missing)
    elif documents and not others.strip():
        yield NoFailure(name, "JSON of no kind that is known", _known_documents())
    else:
        yield NoFailure(name, "it begins like JSON and is none", _known_documents())


def _in_document(document: object) -> Iterator[Failure]:
    for kind in _DOCUMENTS:
        if kind.recognises(document):
            failure = None
            for failure in kind.failures(document):
                yield failure
            if failure is not None:
                return
    yield from ERROR_OBJECTS.failures(document)


def _of_prose(text: str, name: str) -> Iterator[Outcome]:
    """The failures in a text of no known format; perhaps the body of a bounce without its header."""
    found: list[Failure] = []
    rest = "\n".join(_without_objects(text.split("\n"), found, pairs=True))[:_LONGEST_PROSE]
    found += error_failures(rest)
    found = found or failures_of(BouncedMail.of_text(rest)) or said_failures(rest, bare=True)
    if not found and (reply := reply_lines(text[:_LONGEST_REPLY])) and (code_of(reply[0]) or 0) >= 400:
        found = [Failure(reply=reply)]  # only the reply was copied
    yield from found
    if not found:
        known = f"known are: a mail, an mbox, {', '.join(it.name for it in _TEXTS)}, JSON"
        if len(rest) == _LONGEST_PROSE or text.count("\n") >= _MOST_LINES - 1:
            known += f"; {_MOST_LINES:,} lines of it were read, and no more than {_LONGEST_PROSE >> 20} MiB"
        yield NoFailure(name, "a text of no kind that is known", known)


def _known_documents() -> str:
    return f"known are: {', '.join(it.name for it in (*_DOCUMENTS, ERROR_OBJECTS))}"


def _is_mail(text: str) -> bool:
    head = text.lstrip().partition("\n\n")[0]
    return bool(_FIELD.match(head) and _MAIL_FIELDS.search(head))
