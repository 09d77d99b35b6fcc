"""Names of mailboxes and strings in the forms in which IMAP writes them, and the wildcards of LIST."""

from __future__ import annotations

import binascii
import re

__all__ = ["astring", "decoded_name", "encoded_name", "matches_pattern", "quoted", "string", "string_or_nil"]

_ENCODED = re.compile(r"&([A-Za-z0-9+,]*)-")
_OWN_CHARACTERS = re.compile(r"[ -%'-~]*")  # what stands for itself: printable ASCII but "&"
_SHIFTED = re.compile(r"[^ -~]+|&")
_ATOM = re.compile(rb"[!#$&'+-Z^-z|}~\[]+")
_QUOTABLE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x7f]*")
_NIL = b"NIL"
_LONGEST_QUOTED = 1024
_WILDCARDS = re.compile(r"[*%]{2,}")


def encoded_name(name: str) -> str:
    """A mailbox name in modified UTF-7 (RFC 3501, 5.1.3): "Entwürfe" is "Entw&APw-rfe".

    Raises:
        ValueError: if it holds half of a surrogate pair.
    """
    return _SHIFTED.sub(lambda it: "&-" if it[0] == "&" else f"&{_base64(it[0])}-", name)


def decoded_name(written: str) -> str:
    """A mailbox name from its modified UTF-7.

    Raises:
        ValueError: if that is none; says what part of it is wrong.
    """
    plain, *shifted = _ENCODED.split(written)
    for text in [plain, *shifted[1::2]]:
        if not _OWN_CHARACTERS.fullmatch(text):
            raise ValueError(f"{text[:40]!r} in a mailbox name is no modified UTF-7 (RFC 3501, 5.1.3)")
    pairs = zip(shifted[::2], shifted[1::2], strict=True)
    return plain + "".join([_text(code) + text for code, text in pairs])


def matches_pattern(pattern: str, name: str, delimiter: str | None) -> bool:
    r"""Whether a name matches the pattern of LIST (RFC 3501, 6.3.8).

    The time is that of a look at each character of the name, whatever the wildcards.

    Args:
        pattern: "*" matches everything, "%" all but the delimiter.
        name: the name; the INBOX at its beginning matches in any case (RFC 3501, 5.1).
        delimiter: what separates levels, or None.
    """
    pattern = _WILDCARDS.sub(lambda run: "*" if "*" in run[0] else "%", pattern)
    # A bit is a place in the pattern that has been reached.
    places: dict[str, int] = {}
    for place, character in enumerate(pattern):
        places[character] = places.get(character, 0) | 1 << place
    everything, level = places.pop("*", 0), places.pop("%", 0)
    skippable = everything | level
    reached = 1
    reached |= (reached & skippable) << 1
    any_case = len("INBOX") if name == "INBOX" or name.startswith(f"INBOX{delimiter}") else 0
    for position, character in enumerate(name):
        same = places.get(character, 0)
        if position < any_case:
            same |= places.get(character.lower(), 0)
        stays = reached & (everything if character == delimiter else skippable)
        reached = stays | (reached & same) << 1
        reached |= (reached & skippable) << 1
        if not reached:
            return False
    return bool(reached >> len(pattern) & 1)


def quoted(text: str) -> bytes:
    r"""A text as quoted string, `"a \"b\""`, in UTF-8 if it is not ASCII (RFC 9051, 4.3).

    Raises:
        ValueError: if it holds CR, LF or NUL, which no quoted string can.
    """
    if {"\r", "\n", "\0"}.intersection(text):
        raise ValueError(f"{text[:40]!r} cannot be a quoted string: it has CR, LF or NUL")
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode() + b'"'


def string(value: bytes) -> bytes:
    """Bytes as a string: quoted if they are short ASCII in one line, otherwise a literal (RFC 3501, 4.3)."""
    if len(value) <= _LONGEST_QUOTED and _QUOTABLE.fullmatch(value):
        return b'"' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    return b"{%d}\r\n%b" % (len(value), value)


def string_or_nil(value: bytes | None) -> bytes:
    """Bytes as a string, or NIL for None."""
    return _NIL if value is None else string(value)


def astring(value: bytes) -> bytes:
    """Bytes as an atom if they can be one, otherwise as a string."""
    return value if _ATOM.fullmatch(value) and value.upper() != _NIL else string(value)


def _base64(text: str) -> str:
    code = binascii.b2a_base64(text.encode("utf-16-be"), newline=False).decode()
    return code.rstrip("=").replace("/", ",")


def _text(code: str) -> str:
    if not code:
        return "&"
    padded = code.replace(",", "/") + "=" * (-len(code) % 4)
    try:
        return binascii.a2b_base64(padded).decode("utf-16-be")
    except ValueError as error:
        raise ValueError(f"'&{code[:40]}-' in a mailbox name is no modified UTF-7: {error}") from None
