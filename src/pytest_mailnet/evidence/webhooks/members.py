"""Members of JSON objects (RFC 8259, 4) by name; a member of an undocumented type counts as absent."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from pytest_mailnet.evidence.replies import enhanced_in

__all__ = [
    "JsonObject",
    "address_member",
    "host_in",
    "mailbox_in",
    "member",
    "object_at",
    "objects_in",
    "one_line",
    "reply_code_in",
    "status_in",
    "text_at",
]

JsonObject: TypeAlias = dict[str, Any]

_LONGEST = 16_384  # characters of a text that are read; replies and reasons have a few hundred
_HOST = re.compile(
    r"\s*(?:d(?:ns|sn)\s*;\s*)?([A-Za-z0-9_](?:[A-Za-z0-9_.\-]{0,253}[A-Za-z0-9_])?)\.?(?=[\s(\[]|$)"
)
_REPLY_CODE = re.compile(r"[45][0-5][0-9]")  # RFC 5321, 4.2


def member(value: Any, *names: str) -> Any:
    """The value at a path of member names; None if there is none.

    Args:
        value: a parsed document, or a part of one.
        names: the names from the outermost to the innermost.
    """
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def text_at(value: Any, *names: str) -> str | None:
    """The string at a path; None if it is empty or no string. It is cut to 16,384 characters.

    Args:
        value: a parsed document, or a part of one.
        names: the names from the outermost to the innermost.
    """
    found = member(value, *names)
    return (found[:_LONGEST].strip() or None) if isinstance(found, str) else None


def object_at(value: Any, *names: str) -> JsonObject:
    """The object at a path; an empty one if there is none.

    Args:
        value: a parsed document, or a part of one.
        names: the names from the outermost to the innermost.
    """
    found = member(value, *names)
    return found if isinstance(found, dict) else {}


def objects_in(value: Any) -> Iterator[JsonObject]:
    """The object itself, or the objects in an array; nothing for other values."""
    for it in value if isinstance(value, list) else (value,):
        if isinstance(it, dict):
            yield it


def one_line(text: str | None) -> str:
    """A text in one line, without unprintable characters; "" for None."""
    printable = (it if it.isprintable() else " " for it in (text or "")[:_LONGEST])
    return " ".join("".join(printable).split())


def mailbox_in(text: str | None) -> str | None:
    """The address in a text like "Alice <alice@shop.example>", or the text itself; "" for "<>"."""
    line = one_line(text)
    if line.endswith(">"):
        return line[:-1].rpartition("<")[2].strip()
    return line or None


def host_in(text: str | None) -> str | None:
    """The host name in a text, with or without a type (RFC 3464, 2.1.2): "dns; mx.shop.example"."""
    found = _HOST.match(text or "")
    return found[1] if found and address_member(found[1]) is None else None


def address_member(text: str | None) -> str | None:
    """The IP address in a text, with or without brackets; None if it is none."""
    try:
        return str(ipaddress.ip_address(one_line(text).removeprefix("[").removesuffix("]")))
    except ValueError:
        return None


def status_in(text: str | None) -> str | None:
    """The first enhanced status code (RFC 3463) in a text; None for none, or for one of success."""
    found = enhanced_in(text or "")
    return None if found is None or found.startswith("2") else found


def reply_code_in(value: Any) -> str | None:
    """The code of a refusal (RFC 5321, 4.2), given as a number or a string; None for any other value.

    Operators' own codes, such as 498 and 605, are no server's: None.
    """
    text = str(value) if type(value) is int and 400 <= value < 600 else value
    return text if isinstance(text, str) and _REPLY_CODE.fullmatch(text) else None
