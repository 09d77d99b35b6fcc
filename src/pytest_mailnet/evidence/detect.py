"""Reads the failures in a file of evidence, whatever kind it is of.

The way of a piece is straight: it is decoded, and what somebody has put around it is taken away (`pieces`);
in a mail the report is found (`reports`); a reader of its format reads it, and completes it from the words.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from pytest_mailnet.evidence.decoding import text_of
from pytest_mailnet.evidence.failure import NoFailure, Outcome
from pytest_mailnet.evidence.pieces import Piece, pieces_of
from pytest_mailnet.evidence.reports import of_mail
from pytest_mailnet.evidence.sources import EvidenceSource
from pytest_mailnet.evidence.texts import ReadAs, of_mails, of_text

__all__ = ["outcomes_of"]

_HEAD = 1 << 16
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
            if (unreadable := _unreadable(head, source.name)) is not None:
                yield unreadable
                return
            for piece in pieces_of(stream, head, source.name, read):
                yield from _outcomes(source.name, piece, _reading_of(piece, queue_ids))
    except OSError as error:
        yield NoFailure(source.name, "it could not be read", error.strerror or str(error), unread=True)


def _unreadable(head: bytes, name: str) -> NoFailure | None:
    packed = next((by for begins, by in _PACKED if head.startswith(begins)), None)
    if packed is not None:
        unpack = f"{packed} -dc … | mailnet reproduce"
        return NoFailure(name, f"packed by {packed}", f"nothing is unpacked here: {unpack}")
    if not text_of(head).strip(" \t\n\0"):
        return NoFailure(name, "it is empty", "there is nothing to read")
    return None


def _reading_of(piece: Piece, queue_ids: frozenset[str]) -> ReadAs:
    if queue_ids:
        return of_mails(piece.lines, piece.begins, queue_ids)
    return of_mail(piece.mail) if piece.mail else of_text(piece.lines, piece.begins)


def _outcomes(file: str, piece: Piece, reading: ReadAs) -> Iterator[Outcome]:
    failure = None
    for failure in reading.failures:
        yield dataclasses.replace(failure, file=file, left_out=piece.left_out + reading.left_out)
    if failure is None:
        left_out = piece.left_out + reading.left_out
        yield NoFailure(piece.name, reading.found, reading.missing, reading.subject, left_out=left_out)
