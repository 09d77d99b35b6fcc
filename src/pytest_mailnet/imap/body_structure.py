"""BODY and BODYSTRUCTURE, the parts of a mail described (RFC 3501, 7.4.2)."""

from __future__ import annotations

from pytest_mailnet.imap.envelope import envelope_of
from pytest_mailnet.imap.header_fields import parameters_of
from pytest_mailnet.imap.mailbox_names import string, string_or_nil
from pytest_mailnet.imap.structure import Entity

__all__ = ["body_structure_of"]

_NIL = b"NIL"


def body_structure_of(part: Entity, *, extended: bool) -> bytes:
    """The body structure of a mail or part.

    Types, encodings and names of parameters are in capitals, as RFC 3501 has them in its examples.

    Args:
        part: the mail.
        extended: whether with extension data: BODYSTRUCTURE, and not BODY.
    """
    if part.kind == "multipart":
        inner = b"".join([body_structure_of(it, extended=extended) for it in part.parts])
        pieces = [inner, _capital(part.subkind)]
        if extended:
            pieces += [_parameters(part.parameters), *_placing(part)]
        return b"(%b)" % b" ".join(pieces)
    pieces = [
        _capital(part.kind),
        _capital(part.subkind),
        _parameters(_with_charset(part)),
        string_or_nil(part.value(b"content-id")),
        string_or_nil(part.value(b"content-description")),
        _capital(_encoding(part)),
        b"%d" % (part.end - part.body),
    ]
    if part.is_message:
        [inside] = part.parts
        pieces += [envelope_of(inside), body_structure_of(inside, extended=extended), _lines(part)]
    elif part.kind == "text":
        pieces.append(_lines(part))
    if extended:
        pieces += [string_or_nil(part.value(b"content-md5")), *_placing(part)]
    return b"(%b)" % b" ".join(pieces)


def _with_charset(part: Entity) -> tuple[tuple[str, str], ...]:
    """The parameters of a part; text without a charset is US-ASCII (RFC 2046, 4.1.2)."""
    if part.kind != "text" or any(name.lower() == "charset" for name, _ in part.parameters):
        return part.parameters
    return (*part.parameters, ("CHARSET", "US-ASCII"))


def _encoding(part: Entity) -> str:
    written = part.value(b"content-transfer-encoding")
    return (parameters_of(written).value if written else "") or "7bit"


def _placing(part: Entity) -> list[bytes]:
    """Disposition, language and location."""
    written = part.value(b"content-disposition")
    disposition = _NIL
    if written:
        value, items = parameters_of(written)
        disposition = b"(%b %b)" % (_capital(value), _parameters(items))
    languages = [it.strip() for it in (part.value(b"content-language") or b"").split(b",") if it.strip()]
    language = b"(%b)" % b" ".join(map(string, languages)) if languages else _NIL
    return [disposition, language, string_or_nil(part.value(b"content-location"))]


def _parameters(items: tuple[tuple[str, str], ...]) -> bytes:
    if not items:
        return _NIL
    return b"(%b)" % b" ".join([b"%b %b" % (_capital(name), _string(value)) for name, value in items])


def _lines(part: Entity) -> bytes:
    return b"%d" % part.content.count(b"\n", part.body, part.end)


def _capital(text: str) -> bytes:
    return _string(text.upper())


def _string(text: str) -> bytes:
    return string(text.encode("utf-8", "surrogateescape"))
