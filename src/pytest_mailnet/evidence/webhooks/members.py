"""Members of JSON objects (RFC 8259, 4), by name, where they have the type that is documented for them."""

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

_LONGEST = 16_384  # characters of a text that are looked at; replies and reasons have some hundred
_HOST = re.compile(
    r"\s*(?:d(?:ns|sn)\s*;\s*)?([A-Za-z0-9_](?:[A-Za-z0-9_.\-]{0,253}[A-Za-z0-9_])?)\.?(?=[\s(\[]|$)"
)
_REPLY_CODE = re.compile(r"[45][0-5][0-9]")  # RFC 5321, 4.2


def member(value: Any, *names: str) -> Any:
    """What stands at a path of names; None where it leads nowhere."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def text_at(value: Any, *names: str) -> str | None:
    """A string at a path, its beginning if it is huge; None for an empty one and for everything else."""
    found = member(value, *names)
    return (found[:_LONGEST].strip() or None) if isinstance(found, str) else None


def object_at(value: Any, *names: str) -> JsonObject:
    """An object at a path; an empty one where there is none."""
    found = member(value, *names)
    return found if isinstance(found, dict) else {}


def objects_in(value: Any) -> Iterator[JsonObject]:
    """An object itself, or the objects of an array."""
    for it in value if isinstance(value, list) else (value,):
        if isinstance(it, dict):
            yield it


def one_line(text: str | None) -> str:
    """A text as it can be printed, in one line."""
    printable = (it if it.isprintable() else " " for it in (text or "")[:_LONGEST])
    return " ".join("".join(printable).split())


def mailbox_in(text: str | None) -> str | None:
    """The address of a mailbox, with or without a display name: "Alice <alice@shop.example>"; "" for "<>"."""
    line = one_line(text)
    if line.endswith(">"):
        return line[:-1].rpartition("<")[2].strip()
    return line or None


def host_in(text: str | None) -> str | None:
    """The name of a host, also one as reports have it (RFC 3464, 2.1.2): "dns; mx.shop.example"."""
    found = _HOST.match(text or "")
    return found[1] if found and address_member(found[1]) is None else None


def address_member(text: str | None) -> str | None:
    """An IP address, also one in brackets; None for what is none."""
    try:
        return str(ipaddress.ip_address(one_line(text).removeprefix("[").removesuffix("]")))
    except ValueError:
        return None


def status_in(text: str | None) -> str | None:
    """The enhanced status code of a failure (RFC 3463) in a text; None for none."""
    found = enhanced_in(text or "")
    return None if found is None or found.startswith("2") else found


def reply_code_in(value: Any) -> str | None:
    """The code of a reply that says no (RFC 5321, 4.2), given as a number or a string.

    Operators have numbers of their own among their codes, as 498 and 605; no server says those: None.
    """
    text = str(value) if type(value) is int and 400 <= value < 600 else value
    return text if isinstance(text, str) and _REPLY_CODE.fullmatch(text) else None
