"""Where the parts of a mail begin and end in its bytes (RFC 2045, 2046); nothing is decoded or repaired."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from pytest_mailnet.imap.header_fields import (
    Field,
    Parameters,
    after_header,
    fields_in,
    parameters_of,
    value_of,
)

__all__ = ["Entity", "structure_of"]

_DEEPEST = 50
_MOST_PARTS = 1000
_TYPE = re.compile(r"([^\s/]+)/([^\s/]+)")
_AFTER_BOUNDARY = re.compile(rb"(--)?[ \t]*+(?:\r?\n|\r?\Z)")
_NO_TYPE = Parameters("", ())


@dataclass(frozen=True, slots=True)
class Entity:
    """A mail, or a part of one.

    Attributes:
        content: the bytes of the whole mail.
        start: where the header begins.
        body: where the body begins, behind the blank line.
        end: where the body ends.
        fields: those of the header.
        kind: such as "text" or "multipart", in small letters.
        subkind: such as "plain".
        parameters: those of Content-Type.
        parts: of a multipart its parts; of a message/rfc822 the message in it.
    """

    content: bytes
    start: int
    body: int
    end: int
    fields: tuple[Field, ...]
    kind: str
    subkind: str
    parameters: tuple[tuple[str, str], ...]
    parts: tuple[Entity, ...]

    @property
    def is_message(self) -> bool:
        """Whether it holds another message."""
        return self.kind == "message" and bool(self.parts)

    def value(self, name: bytes) -> bytes | None:
        """The unfolded value of the first field of a name in small letters, or None."""
        return next((value_of(self.content, it) for it in self.fields if it.name == name), None)

    def values(self, name: bytes) -> list[bytes]:
        """The unfolded values of all fields of a name in small letters."""
        return [value_of(self.content, it) for it in self.fields if it.name == name]


@functools.lru_cache(maxsize=8)
def structure_of(content: bytes) -> Entity:
    """The structure of a mail, for the last few mails kept.

    What nests deeper than 50 levels is not taken apart, and of parts only the first thousand are.
    """
    return _Reader(content).entity(0, len(content), 0, "text/plain")


class _Reader:
    """Takes one mail apart, and counts what it finds."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._left = _MOST_PARTS

    def entity(self, start: int, end: int, depth: int, default: str) -> Entity:
        content = self._content
        body = after_header(content, start, end)
        fields = tuple(fields_in(content, start, body))
        typed = next((it for it in fields if it.name == b"content-type"), None)
        written = parameters_of(value_of(content, typed)) if typed else _NO_TYPE
        found = _TYPE.fullmatch(written.value or default)
        # A type that cannot be read is that of plain text (RFC 2045, 5.2).
        kind, subkind = (found[1].lower(), found[2].lower()) if found else ("text", "plain")
        parts: tuple[Entity, ...] = ()
        if kind == "multipart":
            parts = self._parts(written, body, end, depth, subkind)
        elif kind == "message" and subkind in {"rfc822", "global"} and depth < _DEEPEST and self._left > 0:
            self._left -= 1
            parts = (self.entity(body, end, depth + 1, "text/plain"),)
        if not parts and kind == "message" and subkind in {"rfc822", "global"}:
            kind, subkind = "application", "octet-stream"
        return Entity(content, start, body, end, fields, kind, subkind, written.items, parts)

    def _parts(
        self, written: Parameters, body: int, end: int, depth: int, subkind: str
    ) -> tuple[Entity, ...]:
        default = "message/rfc822" if subkind == "digest" else "text/plain"
        boundary = (written.get("boundary") or "").rstrip().encode("utf-8", "surrogateescape")
        found = []
        if boundary and depth < _DEEPEST and self._left > 0:
            for start, stop in _between(self._content, boundary, body, end, self._left):
                self._left -= 1
                found.append((start, stop))
        if not found:
            # IMAP has no multipart without a part. As Dovecot does, it is given one, of plain text and empty.
            return (Entity(self._content, body, body, body, (), "text", "plain", (), ()),)
        return tuple([self.entity(start, stop, depth + 1, default) for start, stop in found])


def _between(content: bytes, boundary: bytes, body: int, end: int, most: int) -> list[tuple[int, int]]:
    """Where the parts between the lines of a boundary begin and end, at most so many.

    Of a multipart that is never closed the last part goes on to its end.
    """
    delimiter = b"\n--" + boundary
    found: list[tuple[int, int]] = []
    start, closed = None, False
    # The line end before a boundary belongs to it (RFC 2046, 5.1.1), and may be that of the header.
    at = content.find(delimiter, body - 1, end)
    while at >= 0 and not closed and len(found) < most:
        line = _AFTER_BOUNDARY.match(content, at + len(delimiter), end)
        if line is not None:
            if start is not None:
                stop = at - 1 if content[at - 1 : at] == b"\r" else at
                found.append((start, max(start, stop)))
            start, closed = line.end(), bool(line[1])
        at = content.find(delimiter, at + 1 if line is None else line.end() - 1, end)
    if start is not None and not closed and len(found) < most:
        found.append((start, end))
    return found
