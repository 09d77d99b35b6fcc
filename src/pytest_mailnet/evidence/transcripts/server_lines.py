"""What servers say, to the letter, and their names in the forms that programs print."""

from __future__ import annotations

import ipaddress
import re

__all__ = ["lines_with_code", "named_host", "split_host", "to_the_letter"]

_LONGEST_LINE = 2000  # RFC 5321, 4.5.3.1.5 has 512
_MOST_LINES = 200
_PORT = re.compile(r"(?:^\[([^\[\]]{1,60})\]|^([^\s:]{1,255})):\d{1,5}$")
_NAME = re.compile(r"(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})\.)+[A-Za-z][A-Za-z0-9-]{0,62}")


def to_the_letter(line: str) -> str:
    """A reply's line without its end; unprintable characters become spaces."""
    line = line[:_LONGEST_LINE].rstrip()
    if line.isprintable():  # as almost all are
        return line
    return "".join(it if it.isprintable() or it == "\t" else " " for it in line).rstrip()


def lines_with_code(code: int, text: str) -> tuple[str, ...]:
    r"""The lines of a reply that a library has split into code and text.

    Args:
        code: the reply code.
        text: the text of the lines, "5.1.1 No such\n5.1.1 user".
    """
    *firsts, last = text.rstrip("\r\n").split("\n")[:_MOST_LINES]
    lines = [f"{code}-{line}" for line in firsts] + [f"{code} {last}"]
    return tuple(to_the_letter(line) for line in lines)


def split_host(text: str) -> tuple[str | None, str | None]:
    """The host name or the IP address in a text, as a pair with None for the other; both None for neither.

    Args:
        text: "mx.shop.example", "mx.shop.example:25", "192.0.2.8", "[2001:db8::8]:25".
    """
    text = text.strip().rstrip(".")
    if port := _PORT.match(text):
        text = port[1] or port[2]
    try:
        return None, str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        return (text if re.fullmatch(r"[\w.-]{1,253}", text) else None), None


def named_host(greeting: str) -> str | None:
    """The server's name in a greeting, where it is the first word (RFC 5321, 4.2); None if it is missing."""
    first = greeting.split(maxsplit=1)[0] if greeting.strip() else ""
    return first if _NAME.fullmatch(first) else None
