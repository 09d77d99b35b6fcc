"""Makes a multipart/report (RFC 6522) from bytes, so that the mail inside stays as it was."""

from __future__ import annotations

import email.header
import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["Part", "encoded", "field", "joined", "part_of_message", "printable", "wrapped"]

_LINE_LIMIT = 998  # RFC 5322, 2.1.1
_LONG_LINE = re.compile(rb"[^\r\n]{%d}" % (_LINE_LIMIT + 1))
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\x00")


class Part(NamedTuple):
    """One part of a multipart.

    Attributes:
        kind: the Content-Type.
        content: the content, with lines that end in CRLF.
    """

    kind: str
    content: bytes


def joined(head: Iterable[str], report_type: str, parts: Sequence[Part]) -> bytes:
    """A multipart/report as a whole message.

    Args:
        head: the header fields before those of MIME, one each, without line ends.
        report_type: "delivery-status".
        parts: the parts, text for people first.
    """
    boundary = _boundary(parts)
    lines = [
        *head,
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={report_type};\r\n\tboundary="{boundary}"',
    ]
    written = [("\r\n".join(lines) + "\r\n\r\n").encode()]
    for part in parts:
        encoding = "7bit" if part.content.isascii() else "8bit"
        fields = f"Content-Type: {part.kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
        written.append(f"--{boundary}\r\n{fields}".encode() + part.content + b"\r\n")
    written.append(f"--{boundary}--\r\n".encode())
    return b"".join(written)


def part_of_message(content: bytes, *, headers_only: bool = False, utf8: bool = False) -> Part:
    """The part of a report that returns the mail, or only its headers.

    A mail that does not consist of lines (RFC 3030), or has lines that are too long, is always cut to its
    headers, so that every server can take the report.

    Args:
        content: the mail.
        headers_only: whether to return only the headers.
        utf8: whether the report is one with addresses in UTF-8 (RFC 6533).
    """
    head, gap, _ = content.partition(b"\r\n\r\n")
    if not (headers_only or _LONG_LINE.search(content) or _BARE.search(content)):
        return Part("message/global" if utf8 else "message/rfc822", content)
    lines = (_BARE.sub(b"?", line)[:_LINE_LIMIT] for line in head.split(b"\r\n"))
    kind = "message/global-headers" if utf8 else "text/rfc822-headers"
    return Part(kind, b"\r\n".join(lines) + (b"\r\n" if gap or head else b""))


def field(name: str, value: str) -> str:
    """A header field, without its line end.

    Args:
        name: the field's name.
        value: the field's value; line ends in it become "?", so that it cannot begin another field.
    """
    return f"{name}: {printable(value)}"


def printable(text: str) -> str:
    """A text in one line, with "?" in place of unprintable characters."""
    return "".join(it if it.isprintable() else "?" for it in text)[:_LINE_LIMIT]


def encoded(text: str) -> str:
    """A text for people, encoded for a header field (RFC 2047)."""
    text = printable(text)
    return text if text.isascii() else email.header.Header(text, "utf-8").encode().replace("\n ", " ")


def wrapped(text: str) -> bytes:
    """A text for people as the content of a part."""
    lines = (printable(line)[:_LINE_LIMIT] for line in text.split("\n"))
    return ("\r\n".join(lines) + "\r\n").encode()


def _boundary(parts: Sequence[Part]) -> str:
    made = hashlib.sha256(b"\0".join(part.content for part in parts))
    while any(made.hexdigest()[:32].encode() in part.content for part in parts):
        made.update(b"again")  # pragma: no cover  # takes a mail that has its own hash in it
    return f"=_{made.hexdigest()[:32]}"
