"""The fields of a header as they stand in the bytes of a mail, and the parameters in their values."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

__all__ = [
    "Field",
    "Parameters",
    "after_comment",
    "after_header",
    "fields_in",
    "parameters_of",
    "unfolded",
    "unquoted",
    "value_of",
    "values_named",
]

_FIELD = re.compile(rb"[^\n]*+(?:\n[ \t][^\n]*+)*+\n?")
_NAME = re.compile(rb"([!-9;-~]++)[ \t]*+:")
_VALUE = re.compile(rb"[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
# A piece of a structured value: a quoted string, a word, a separator; spaces are nothing.
_PIECE = re.compile(r'\s++|"(?:[^"\\]|\\.)*+"?|[^\s"();=]++|.', re.DOTALL)
_IN_COMMENT = re.compile(r"[^()\\]++|\\.|.", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_NUMBERED = re.compile(r"([^*]+)\*(0|[1-9][0-9]{0,8})(\*?)")  # RFC 2231, 3 and 4.1


class Field(NamedTuple):
    """A field of a header.

    Attributes:
        name: in small letters; "" for a line that is no field.
        start: where it begins in the mail.
        colon: where its name ends.
        end: where the next one begins.
    """

    name: bytes
    start: int
    colon: int
    end: int


class Parameters(NamedTuple):
    """A value such as "text/plain; charset=utf-8".

    Attributes:
        value: what stands before the first semicolon, without comments and spaces.
        items: names and values in order; what came in pieces is one, as IMAP has it (RFC 2231, 6).
    """

    value: str
    items: tuple[tuple[str, str], ...]

    def get(self, name: str) -> str | None:
        """The value of a parameter, by its name in small letters."""
        return next((value for key, value in self.items if key.lower() == name), None)


def fields_in(content: bytes, start: int, end: int) -> Iterator[Field]:
    """The fields of a header, with their folded lines, up to its blank line."""
    at = start
    while at < end and content[at : at + 2] != b"\r\n" and content[at : at + 1] != b"\n":
        found = _FIELD.match(content, at, end)
        assert found is not None
        name = _NAME.match(content, at, found.end())
        yield Field(name[1].lower() if name else b"", at, name.end() if name else at, found.end())
        at = found.end()


def after_header(content: bytes, start: int, end: int) -> int:
    """Where the body of a mail or part begins; its end if there is no blank line.

    Args:
        content: the bytes of the whole mail.
        start: where the mail or part begins.
        end: where it ends.
    """
    if content.startswith(b"\r\n", start, end):
        return start + 2
    if content.startswith(b"\n", start, end):
        return start + 1
    usual = content.find(b"\n\r\n", start, end)
    bare = content.find(b"\n\n", start, end if usual < 0 else usual + 1)
    if bare >= 0:
        return bare + 2
    return usual + 3 if usual >= 0 else end


def values_named(content: bytes, name: bytes) -> Iterator[bytes]:
    """The unfolded values of all fields of a name in a mail's header; the other fields are not looked at.

    Args:
        content: the bytes of the mail.
        name: in small letters.
    """
    if _NAME.fullmatch(name + b":") is None:
        return
    body = after_header(content, 0, len(content))
    # With a line end before the first field, a place in it is where the name begins in the content.
    header, sought = b"\n" + content[:body].lower(), b"\n" + name
    at = header.find(sought)
    while at >= 0:
        if found := _VALUE.match(content, at + len(name), body):
            yield unfolded(found[1])
        at = header.find(sought, at + 1)


def value_of(content: bytes, field: Field) -> bytes:
    """The value of a field, unfolded (RFC 5322, 2.2.3)."""
    return unfolded(content[field.colon : field.end])


def unfolded(value: bytes) -> bytes:
    """A field's value without the line ends in it, and without NUL, which IMAP cannot have in a string."""
    line = value.strip()
    if b"\n" in line:
        line = _FOLD.sub(b"", line)
    return line.replace(b"\r", b"").replace(b"\0", b"")


def parameters_of(value: bytes) -> Parameters:
    """Read a value with parameters (RFC 2045, 5.1); what is malformed is read as far as it makes sense."""
    parts: list[list[str]] = [[]]
    text = value.decode("utf-8", "surrogateescape")
    at = 0
    while at < len(text):
        piece = _PIECE.match(text, at)
        assert piece is not None
        at = piece.end()
        if piece[0] == "(":
            at = after_comment(text, at)
        elif piece[0] == ";":
            parts.append([])
        elif not piece[0].isspace():
            parts[-1].append(piece[0])
    first, *rest = parts
    items = [(part[0], unquoted("".join(part[2:]))) for part in rest if part[1:2] == ["="]]
    return Parameters("".join(first), tuple(_joined(items) if "*0" in text else items))


def _joined(items: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The parameters with those in pieces, "name*0" and "name*1", as one (RFC 2231, 3).

    One with a piece that is encoded is encoded as a whole, "name*" (RFC 2231, 4.1). A piece behind a gap in
    the numbers stays as it is.
    """
    pieces: dict[str, dict[int, tuple[str, str]]] = {}
    for name, value in items:
        if found := _NUMBERED.fullmatch(name):
            pieces.setdefault(found[1].lower(), {}).setdefault(int(found[2]), (found[3], value))
    runs = {
        name: [it[n] for n in itertools.takewhile(it.__contains__, itertools.count())]
        for name, it in pieces.items()
    }
    whole = {name: _whole(run) for name, run in runs.items()}
    joined = []
    for name, value in items:
        found = _NUMBERED.fullmatch(name)
        key = found[1].lower() if found else ""
        if found is None or int(found[2]) >= len(runs[key]):
            joined.append((name, value))
        elif key in whole:
            star, text = whole.pop(key)
            joined.append((found[1] + star, text))
    return joined


def _whole(run: list[tuple[str, str]]) -> tuple[str, str]:
    """The pieces of one value, each with "*" where it is encoded."""
    star = "*" if any(encoded for encoded, _ in run) else ""
    return star, "".join(text if encoded or not star else text.replace("%", "%25") for encoded, text in run)


def after_comment(text: str, at: int) -> int:
    """Where a comment ends; comments nest (RFC 5322, 3.2.2).

    Args:
        text: a header's value.
        at: the place after the opening parenthesis.
    """
    depth = 1
    while depth and at < len(text):
        piece = _IN_COMMENT.match(text, at)
        assert piece is not None
        depth += (piece[0] == "(") - (piece[0] == ")")
        at = piece.end()
    return at


def unquoted(text: str) -> str:
    """A quoted string without its quotes and escapes; any other text as it is."""
    if not text.startswith('"'):
        return text
    closed = len(text) > 1 and text.endswith('"')
    return _ESCAPED.sub(r"\1", text[1:-1] if closed else text[1:])
