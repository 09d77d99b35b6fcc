"""Decodes evidence: bytes of any size become lines of a text, or mails without what is too long in them."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from pytest_mailnet.evidence.documents import BEGINS_JSON

__all__ = [
    "LONGEST_DOCUMENT",
    "LONGEST_LINE",
    "LONGEST_TEXT",
    "MailContent",
    "TextLines",
    "counted",
    "mails_of",
    "text_of",
]

_BLOCK = 1 << 20
LONGEST_LINE = 1 << 16
"""How many characters of a log's line are read."""

LONGEST_TEXT = 1 << 22
"""How many characters of a line are read that may end with JSON, and of a text that may be quoted."""

LONGEST_DOCUMENT = 1 << 26
"""How many characters of JSON are read that is all the evidence."""

_LONGEST_MAIL = 1 << 26
_LONGEST_PART = 1 << 17  # reports stand before or behind attachments, not in them
_MOST_BOUNDARIES = 100
_BOUNDARY = re.compile(rb"boundary\s*=\s*(?:\"([^\"\r\n]{1,200})\"|([^\s;\"]{1,200}))", re.IGNORECASE)
_ENVELOPE = re.compile(rb"From \S{0,400} {0,3}.{0,40}\d\d:\d\d")  # it ends with the time of arrival


def counted(number: int, noun: str, which: str) -> tuple[str, ...]:
    """What was left out, as people are told it; empty for nothing.

    Args:
        number: how much of it.
        noun: "line", or "byte", of which KiB and MiB are made.
        which: "not quoted".
    """
    if not number:
        return ()
    if noun != "byte" or number < 1 << 10:
        return (f"{number:,} {noun}{'' if number == 1 else 's'} {which}",)
    return (f"{number / (1 << 20):.1f} MiB {which}" if number >= 1 << 20 else f"{number >> 10} KiB {which}",)


def text_of(content: bytes) -> str:
    r"""A whole text with "\n" as line end."""
    return io.IncrementalNewlineDecoder(None, translate=True).decode(
        content.decode(_codec_of(content), "replace"), final=True
    )


class TextLines:
    """The lines of a text of any size, without their ends, to be gone through once.

    Args:
        stream: the rest of the text, behind `began`.
        began: the beginning of the text, already read. It decides between UTF-16 and UTF-8.
        read: called with the size of each block in bytes, as it is read.
    """

    def __init__(self, stream: BinaryIO, began: bytes, read: Callable[[int], object]) -> None:
        self._stream, self._began, self._read = stream, began, read
        self._longest = LONGEST_DOCUMENT if BEGINS_JSON.match(text_of(began)) else LONGEST_TEXT
        self._cut = 0

    @property
    def left_out(self) -> tuple[str, ...]:
        """What was cut off from lines until now."""
        return counted(self._cut, "end", f"of lines longer than {LONGEST_LINE >> 10} KiB")

    def __iter__(self) -> Iterator[str]:
        decoded = codecs.getincrementaldecoder(_codec_of(self._began))("replace")
        decoder = io.IncrementalNewlineDecoder(decoded, translate=True)
        rest = ""
        block = self._began or self._stream.read(_BLOCK)
        while block:
            *lines, rest = (rest + decoder.decode(block)).split("\n")
            yield from self._shortened(lines)
            rest = rest[: self._longest + 1]  # so that it is seen to be too long
            block = self._stream.read(_BLOCK)
            self._read(len(block))
        if rest:
            yield from self._shortened([rest])

    def _shortened(self, lines: list[str]) -> list[str]:
        if max(map(len, lines), default=0) <= LONGEST_LINE:  # as almost all are
            return lines
        long = [it for it in lines if len(it) > LONGEST_LINE]
        if self._longest < LONGEST_DOCUMENT:  # whoever reads documents says himself that one is too long
            self._cut += sum(1 for it in long if not BEGINS_JSON.match(it) or len(it) > self._longest)
        return [line[: self._longest + 1] for line in lines]


def _codec_of(began: bytes) -> str:
    return "utf-16" if began[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


class MailContent(NamedTuple):
    """A mail as it came: at most 1 MiB of it, and 128 KiB of each part.

    Attributes:
        content: the mail.
        left_out: what was cut off.
    """

    content: bytes
    left_out: tuple[str, ...]


def mails_of(stream: BinaryIO, began: bytes, *, mailbox: bool) -> Iterator[MailContent]:
    """The mails of an mbox (RFC 4155), or one mail of at most 64 MiB.

    Args:
        stream: the rest, behind `began`.
        began: the beginning, already read.
        mailbox: whether it is an mbox.
    """
    if not mailbox:
        began += stream.read(_LONGEST_PART)
        if len(began) <= _LONGEST_PART:  # as almost all are
            yield MailContent(began, ())
            return
    mail, empty, left = _Shortened(), True, _LONGEST_MAIL
    for line in _raw_lines(stream, began):
        if mailbox and empty and mail and _ENVELOPE.match(line):
            yield mail.content()
            mail = _Shortened()
        mail.add(line)
        empty = not line.strip()
        left -= len(line)
        if left < 0 and not mailbox:
            yield mail.content(f"what stands behind {_LONGEST_MAIL >> 20} MiB")
            return
    if mail:
        yield mail.content()


class _Shortened:
    """A mail, put together line by line; attachments are cut, so that what stands behind them is kept."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._boundaries: set[bytes] = set()
        self._part = 0
        self._cut = 0

    def __bool__(self) -> bool:
        return bool(self._content)

    def add(self, line: bytes) -> None:
        if line[:2] == b"--" and line[2:].rstrip().removesuffix(b"--") in self._boundaries:
            self._part = 0
        elif b"=" in line and len(self._boundaries) < _MOST_BOUNDARIES and (found := _BOUNDARY.search(line)):
            self._boundaries.add(found[1] or found[2])
        before = len(self._content)
        if self._part < _LONGEST_PART and before < _BLOCK:
            self._content += line[: _BLOCK - before]
        self._part += len(line)
        self._cut += len(line) - (len(self._content) - before)

    def content(self, *left_out: str) -> MailContent:
        cut = counted(self._cut, "byte", f"of parts longer than {_LONGEST_PART >> 10} KiB")
        return MailContent(bytes(self._content), cut + left_out)


def _raw_lines(stream: BinaryIO, began: bytes) -> Iterator[bytes]:
    rest = began
    while block := stream.read(_BLOCK):
        *lines, rest = (rest + block).splitlines(keepends=True)
        yield from lines
    yield from rest.splitlines(keepends=True)
