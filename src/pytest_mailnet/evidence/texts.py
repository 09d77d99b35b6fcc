"""Reads a text: a log, a transcript, documents, or words in which somebody tells of a failure."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pytest_mailnet.evidence.bounces import BouncedMail, failures_of
from pytest_mailnet.evidence.decoding import LONGEST_DOCUMENT, LONGEST_LINE
from pytest_mailnet.evidence.documents import (
    BEGINS_JSON,
    documents_in,
    documents_within,
    object_in_line,
)
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import DocumentFormat, LineFormat
from pytest_mailnet.evidence.logs import MAIL_LOG
from pytest_mailnet.evidence.logs import failures_of as failures_of_mails
from pytest_mailnet.evidence.replies import code_of, reply_lines
from pytest_mailnet.evidence.transcripts import (
    ERROR_OBJECTS,
    EVENTS,
    TRANSCRIPTS,
    error_failures,
    said_failures,
)
from pytest_mailnet.evidence.webhooks import WEBHOOKS

__all__ = ["ReadAs", "of_mails", "of_text", "of_text_in_a_mail"]

_BEGINNING = 1 << 16
_LONGEST_PROSE = 1 << 20
_LONGEST_REPLY = 4000
_MOST_LINES = 10_000
_MOST_WAITING = 1000
_IN_LINES = re.compile(r"^[ \t]*[{\[]\s*$", re.MULTILINE)
_DOCUMENTS: tuple[DocumentFormat, ...] = (*WEBHOOKS, *EVENTS)
_TEXTS: tuple[LineFormat, ...] = (*TRANSCRIPTS, MAIL_LOG)
_KNOWN_DOCUMENTS = f"known are: {', '.join(it.name for it in (*_DOCUMENTS, ERROR_OBJECTS))}"
_KNOWN = f"known are: a mail, an mbox, {', '.join(it.name for it in _TEXTS)}, JSON"


class ReadAs(NamedTuple):
    """What a piece of evidence was read as.

    Attributes:
        found: what it seems to be, with an article.
        missing: why there is no failure in it, if there is none.
        failures: the failures, as they are read.
        left_out: what of it was not read.
        subject: the subject, if it is a mail.
    """

    found: str
    missing: str
    failures: Iterable[Failure]
    left_out: tuple[str, ...] = ()
    subject: str = ""


def of_text(lines: Iterable[str], begins: str) -> ReadAs:
    """Read a text that is all the evidence.

    Args:
        lines: all its lines, as they are read.
        begins: its beginning, some 64 KiB.
    """
    return _by_format(lines, begins) or _as_documents(lines, begins) or _as_words(lines)


def of_text_in_a_mail(text: str) -> Iterable[Failure]:
    """Read a text that something else has in it, such as a mail of a monitor."""
    lines = text.split("\n")
    reading = _by_format(lines, text) or _as_documents(lines, text)
    return reading.failures if reading else error_failures(text[:_LONGEST_PROSE])


def of_mails(lines: Iterable[str], begins: str, queue_ids: frozenset[str]) -> ReadAs:
    """Read what a mail log tells of certain mails; of nothing else."""
    if _format_of(begins) is not MAIL_LOG:
        return ReadAs("no mail log", "no other evidence has queue ids", ())
    missing = f"no line in it tells of a failed delivery of {' or '.join(sorted(queue_ids))}"
    return ReadAs(MAIL_LOG.name, missing, failures_of_mails(lines, queue_ids))


def _format_of(begins: str) -> LineFormat | None:
    return next((it for it in _TEXTS if it.recognises(begins[:_BEGINNING])), None)


def _by_format(lines: Iterable[str], begins: str) -> ReadAs | None:
    if (kind := _format_of(begins)) is None:
        return None
    # The readers of mail logs unpack what loggers write as JSON.
    failures = kind.failures(lines) if kind is MAIL_LOG else _among_objects(kind, iter(lines))
    return ReadAs(kind.name, kind.missing, _named(failures, kind.name))


def _named(failures: Iterable[Failure], name: str) -> Iterator[Failure]:
    for it in failures:
        yield it if it.read_as else dataclasses.replace(it, read_as=(name,))


def _among_objects(kind: LineFormat, lines: Iterator[str]) -> Iterator[Failure]:
    """The failures in lines of a format, and in the objects with which some of them end."""
    aside: list[Failure] = []

    def until_many_wait() -> Iterator[str]:
        for line in lines:
            yield line
            if len(aside) >= _MOST_WAITING:
                return

    while True:
        yield from kind.failures(_without_objects(until_many_wait(), aside))
        yield from aside
        if len(aside) < _MOST_WAITING:
            return
        aside.clear()


def _without_objects(lines: Iterable[str], found: list[Failure], *, pairs: bool = False) -> Iterator[str]:
    """The lines of a log without those that end with an object about failures, which go to `found`."""
    for line in lines:
        told = object_in_line(line, pairs=pairs)
        failures = [] if told is None else list(_in_document(told))
        found += failures
        if not failures:
            yield line[:LONGEST_LINE]


def _as_documents(lines: Iterable[str], begins: str) -> ReadAs | None:
    if not BEGINS_JSON.match(begins):
        return None
    if (text := _joined(lines)) is None:
        return ReadAs(f"JSON of more than {LONGEST_DOCUMENT >> 20} MiB", "split it into its events", ())
    documents, others = documents_in(text)
    in_others = _by_format(others.split("\n"), others)
    failures = itertools.chain(
        itertools.chain.from_iterable(map(_in_document, documents)),
        in_others.failures if in_others else error_failures(others[:_LONGEST_PROSE]),
    )
    kinds = (kind for it in documents[:_MOST_LINES] for kind in _DOCUMENTS if kind.recognises(it))
    if (kind := next(kinds, None)) is not None:
        return ReadAs(kind.name, kind.missing, failures)
    is_json = bool(documents) and not others.strip()
    found = "JSON of no kind that is known" if is_json else "it begins like JSON and is none"
    return ReadAs(found, _KNOWN_DOCUMENTS, failures)


def _joined(lines: Iterable[str]) -> str | None:
    """A text of some lines; None if it is too long for one document, or several."""
    kept, left = [], LONGEST_DOCUMENT
    for line in lines:
        kept.append(line)
        left -= len(line) + 1
        if left < -1:
            return None
    return "\n".join(kept)


def _in_document(document: object) -> Iterator[Failure]:
    for kind in _DOCUMENTS:
        if kind.recognises(document) and (found := list(kind.failures(document))):
            yield from _named(found, kind.name)
            return
    # A web hook that something else has in it, such as a request in a log.
    within = documents_within(document, lambda it: any(kind.recognises(it) for kind in WEBHOOKS))
    hooked = [it for inner in within for it in _of_web_hook(inner)]
    yield from hooked or _named(ERROR_OBJECTS.failures(document), ERROR_OBJECTS.name)


def _of_web_hook(document: object) -> Iterator[Failure]:
    kind = next(it for it in WEBHOOKS if it.recognises(document))
    return _named(kind.failures(document), kind.name)


def _as_words(lines: Iterable[str]) -> ReadAs:
    """A text of no known format; perhaps the body of a bounce without its header, or only a reply."""
    lines = iter(lines)
    text = "\n".join(itertools.islice(lines, _MOST_LINES))
    left_out = () if next(lines, None) is None else (f"lines behind the first {_MOST_LINES:,}",)
    found: list[Failure] = []
    if _IN_LINES.search(text):  # a document in several lines, amid the words of whoever copied it
        documents, text = documents_in(text)
        found += (failure for it in documents for failure in _in_document(it))
    rest = "\n".join(_without_objects(text.split("\n"), found, pairs=True))
    if len(rest) > _LONGEST_PROSE:
        rest, left_out = rest[:_LONGEST_PROSE], (*left_out, f"text behind {_LONGEST_PROSE >> 20} MiB")
    found += error_failures(rest)
    found = found or failures_of(BouncedMail.of_text(rest)) or list(said_failures(rest, bare=True))
    if not found and (reply := reply_lines(text[:_LONGEST_REPLY])) and (code_of(reply[0]) or 0) >= 400:
        found = [Failure(reply=reply, read_as=("a reply alone",))]
    return ReadAs("a text of no kind that is known", _KNOWN, found, left_out)
