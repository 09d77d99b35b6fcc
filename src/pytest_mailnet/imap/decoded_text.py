"""The text of a mail as a person reads it, for searches: encoded words, encodings and charsets undone."""

from __future__ import annotations

import binascii
import codecs
import functools
import re
from collections.abc import Iterator

from pytest_mailnet.imap.header_fields import parameters_of, value_of, values_named
from pytest_mailnet.imap.structure import Entity, structure_of

__all__ = ["body_text", "decoded_words", "field_texts", "header_text"]

_ENCODED_WORD = re.compile(
    r"=\?(?P<charset>[^?*\s]{1,80})(?:\*[^?\s]{1,20})?\?(?P<encoding>[bq])\?(?P<text>[^?]*+)\?="
    r"(?P<more>\s++(?==\?[^?\s]{1,101}\?[bq]\?[^?]*+\?=))?",
    re.IGNORECASE,
)
# Codecs of Python that no mail has; the time of the first two grows with the square of the length.
_NO_CHARSETS = frozenset({"punycode", "idna", "unicode_escape", "raw-unicode-escape", "undefined"})


@functools.lru_cache(maxsize=8)
def header_text(content: bytes) -> str:
    """The headers of a mail and of all its parts, decoded and case-folded, a line for each field."""
    lines = [
        f"{it.name.decode()}: {decoded_words(value_of(content, it).decode('utf-8', 'replace'))}"
        for part in _entities(structure_of(content))
        for it in part.fields
        if it.name
    ]
    return "\n".join(lines).casefold()


@functools.lru_cache(maxsize=8)
def body_text(content: bytes) -> str:
    """All text in the body of a mail, decoded and case-folded."""
    texts = [_decoded(part) for part in _entities(structure_of(content)) if part.kind == "text"]
    return "\n".join(texts).casefold()


def field_texts(content: bytes, name: str) -> list[str]:
    """The values of all fields of a name, decoded and case-folded."""
    values = values_named(content, name.lower().encode())
    return [decoded_words(it.decode("utf-8", "replace")).casefold() for it in values]


def decoded_words(value: str) -> str:
    """A header's value with its encoded words decoded (RFC 2047); what cannot be decoded stays."""
    return _ENCODED_WORD.sub(_word, value) if "=?" in value else value


def _word(found: re.Match[str]) -> str:
    raw = found["text"].encode("utf-8", "replace")
    code = binascii.a2b_qp(raw, header=True) if found["encoding"] in "qQ" else _from_base64(raw)
    return _text(code, found["charset"])


def _entities(part: Entity) -> Iterator[Entity]:
    yield part
    for inner in part.parts:
        yield from _entities(inner)


def _decoded(part: Entity) -> str:
    charset = next((value for name, value in part.parameters if name.lower() == "charset"), "utf-8")
    return _text(_without_encoding(part), charset)


def _without_encoding(part: Entity) -> bytes:
    body = part.content[part.body : part.end]
    written = part.value(b"content-transfer-encoding")
    encoding = parameters_of(written).value.lower() if written else ""
    if encoding == "base64":
        return _from_base64(body)
    return binascii.a2b_qp(body) if encoding == "quoted-printable" else body


def _from_base64(code: bytes) -> bytes:
    try:
        return binascii.a2b_base64(code + b"===")
    except binascii.Error:  # a letter too many
        return code


def _text(code: bytes, charset: str) -> str:
    """Bytes in a charset; in UTF-8 if there is no such charset, or if it is US-ASCII."""
    try:
        codec = codecs.lookup(charset).name
        if codec not in _NO_CHARSETS | {"ascii"}:
            return code.decode(codec, "replace")
    except (LookupError, ValueError):  # unknown, no charset at all, or with a NUL in it
        pass
    return code.decode("utf-8", "replace")
