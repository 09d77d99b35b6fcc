"""Members of JSON objects (RFC 8259, 4) by path; a member of an undocumented type counts as absent."""

from __future__ import annotations

import functools
import ipaddress
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from pytest_mailnet.evidence.replies import enhanced_in

__all__ = [
    "JsonObject",
    "address_in",
    "carried",
    "holds",
    "host_in",
    "mailbox_in",
    "needed",
    "objects_in",
    "one_line",
    "status_in",
    "text_at",
    "value_at",
]

JsonObject: TypeAlias = dict[str, Any]

_LONGEST = 16_384  # characters of a text that are read; replies and reasons have a few hundred
_DEEPEST = 7  # an event in SNS in SQS in Lambda is six deep
_HOST = re.compile(
    r"\s*(?:d(?:ns|sn)\s*;\s*)?([A-Za-z0-9_](?:[A-Za-z0-9_.\-]{0,253}[A-Za-z0-9_])?)\.?(?=[\s(\[]|$)"
)


@functools.cache
def _paths(paths: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(path.split(".")) for path in paths.split("/"))


def value_at(value: Any, paths: str) -> Any:
    """The value at the first of some paths that leads to one; None if none does, or to "".

    Args:
        value: a parsed document, or a part of one.
        paths: names of members from the outermost to the innermost: "bounce.type/type"; "-1" is the last
            element of an array.
    """
    for path in _paths(paths):
        found = value
        for name in path:
            if isinstance(found, dict):
                found = found.get(name)
            else:
                found = found[-1] if isinstance(found, list) and found and name == "-1" else None
        if found is not None and found != "":
            return found
    return None


def text_at(value: Any, paths: str) -> str | None:
    """The string at the first path that leads to a value; None if it is empty or no string.

    It is cut to 16,384 characters.
    """
    found = value_at(value, paths)
    return (found[:_LONGEST].strip() or None) if isinstance(found, str) else None


@functools.cache
def _conditions(text: str) -> tuple[tuple[tuple[str, bool, frozenset[str]], ...], ...]:
    return tuple(tuple(_condition(it) for it in alternative.split(", ")) for alternative in text.split("; "))


def _condition(text: str) -> tuple[str, bool, frozenset[str]]:
    paths, equals, values = text.partition("=")
    return paths.removeprefix("!"), paths[0] != "!", frozenset(values.split("|") if equals else ())


def holds(conditions: str, value: Any) -> bool:
    """Whether an object is as some conditions say, in the form "event=bounce|drop, mail.id/id, !old; ping".

    That is: what is at a path has one of the values ("" for none; true, false and numbers as JSON has them)
    or, without values, is there, or with "!" is not. ";" stands between alternatives.
    """
    for alternative in _conditions(conditions):
        for paths, wanted, values in alternative:
            found = value_at(value, paths)
            if not (_as_text(found) in values if values else (found is not None) is wanted):
                break
        else:
            return True
    return False


@functools.cache
def needed(conditions: str, carriers: str) -> frozenset[str]:
    """Names of members of which an object has one if the conditions hold for it, or for what it carries.

    They are those of the last condition without "!" of each alternative.
    """
    lasts = ([paths for paths, wanted, _ in it if wanted][-1] for it in _conditions(conditions))
    return frozenset(carriers.split()).union(path[0] for paths in lasts for path in _paths(paths))


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def objects_in(value: Any) -> Iterator[JsonObject]:
    """The object itself, or the objects in an array; nothing for other values."""
    for it in value if isinstance(value, list) else (value,):
        if isinstance(it, dict):
            yield it


def carried(value: Any, names: Iterable[str], depth: int = 0) -> Iterator[JsonObject]:
    """An object and those that its members carry in each other, as JSON or as a string of JSON.

    Args:
        value: the object, or an array of some.
        names: the names of the members that carry others.
        depth: how deep `value` itself is.
    """
    for it in objects_in(_parsed(value) if isinstance(value, str) else value):
        yield it
        for name in names if depth < _DEEPEST else ():
            if name in it:
                yield from carried(it[name], names, depth + 1)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text) if text.lstrip()[:1] in {"{", "["} else None
    except (ValueError, RecursionError):  # cut short, or hostile
        return None


def one_line(text: str | None) -> str:
    """A text in one line, without unprintable characters; "" for None."""
    printable = (it if it.isprintable() else " " for it in (text or "")[:_LONGEST])
    return " ".join("".join(printable).split())


def mailbox_in(text: Any) -> str | None:
    """The address in a text like "Alice <alice@shop.example>", or the text itself; "" for "<>"."""
    line = one_line(text) if isinstance(text, str) else ""
    if line.endswith(">"):
        return line[:-1].rpartition("<")[2].strip()
    return line or None


def host_in(text: str | None) -> str | None:
    """The host name in a text, with or without a type (RFC 3464, 2.1.2): "dns; mx.shop.example"."""
    found = _HOST.match(text or "")
    return found[1] if found and address_in(found[1]) is None else None


def address_in(text: str | None) -> str | None:
    """The IP address in a text, with or without brackets; None if it is none."""
    try:
        return str(ipaddress.ip_address(one_line(text).removeprefix("[").removesuffix("]")))
    except ValueError:
        return None


def status_in(text: str | None) -> str | None:
    """The first enhanced status code (RFC 3463) in a text; None for none, or for one of success."""
    found = enhanced_in(text or "")
    return None if found is None or found.startswith("2") else found
