"""Reads Python code in texts: literals, and calls of mail libraries.

The texts may be hostile or cut off, so Python's own parser is not used: it recurses, warns of odd escapes,
and needs whole lines.
"""

from __future__ import annotations

import re
from itertools import takewhile
from typing import NamedTuple

__all__ = ["Call", "Literal", "call_in", "literal_at", "sending", "with_next_line"]

_TOKEN = re.compile(
    r"(?P<opens>[(\[{])|(?P<closes>[)\]}])"
    r"|(?P<kind>[A-Za-z]{0,2})(?:'(?P<single>(?:[^'\\]|\\.)*+)|\"(?P<double>(?:[^\"\\]|\\.)*+))(?P<ends>['\"])?"
    r"|(?P<number>-?[0-9]{1,9}(?![\w.]))|(?P<name>[A-Za-z_][\w.]*+)(?P<called>(?=[(=]))?|[\s,:=*+]++",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))|([0-7]{1,3})|(.))", re.DOTALL
)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "\n": "", "\\": "\\", "'": "'", '"': '"'}
_LONGEST = 1 << 16
_MOST_VALUES = 50_000
_MOST_RECIPIENTS = 1000
_CALL = re.compile(
    r"(?:^|[\s.=(])(SMTP|SMTP_SSL|LMTP|connect|ehlo|helo|starttls|login|mail|rcpt|data|rset|quit|noop|verify|vrfy"
    r"|expn|docmd|sendmail|send_message)(?=\()"
)
_COMMANDS = {
    it: it.upper() for it in ("ehlo", "helo", "starttls", "data", "rset", "quit", "noop", "vrfy", "expn")
}
_COMMANDS |= {"login": "AUTH", "verify": "VRFY", "mail": "MAIL FROM", "rcpt": "RCPT TO"}
_IN_BRACKETS = re.compile(r"<([^<>]{0,1000})>")


class Literal(NamedTuple):
    """A literal that was read from a text.

    Attributes:
        items: its values from left to right, each with the number of brackets around it. Names, f-strings
            and other expressions have the value None.
        complete: whether its end is in the text.
    """

    items: tuple[tuple[str | int | None, int], ...]
    complete: bool

    @property
    def values(self) -> list[str | int]:
        """All strings and numbers, from left to right."""
        return [value for value, _ in self.items if value is not None]


def literal_at(text: str, start: int = 0) -> Literal:
    """The literal at a position in a text, up to its closing bracket or as far as it can be read.

    Args:
        text: "(550, b'5.1.1 No such user')"; text behind the literal is ignored.
        start: the index of its first character.
    """
    items: list[tuple[str | int | None, int]] = []
    depth, at, end = 0, start, min(len(text), start + _LONGEST)
    while at < end and len(items) < _MOST_VALUES and (found := _TOKEN.match(text, at, end)):
        at = found.end()
        match found.lastgroup:
            case "opens":
                depth += 1
            case "closes":
                depth -= 1
                if depth <= 0:
                    return Literal(tuple(items), complete=True)
            case "ends" | "single" | "double":
                inside = found["double"] if found["single"] is None else found["single"]
                items.append((_string(inside, found["kind"].lower()), depth))
                if depth == 0 or found["ends"] is None:
                    return Literal(tuple(items), complete=found["ends"] is not None)
            case "number":
                items.append((int(found["number"]), depth))
            case "name":
                items.append((None, depth))
    return Literal(tuple(items), complete=False)


def _string(text: str, kind: str) -> str | None:
    if "f" in kind:
        return None
    if "\\" not in text or "r" in kind:
        return text
    said = _ESCAPE.sub(_meaning, text)
    if "\\x" in text:
        try:
            # The escapes are bytes, as in b'...' and in Python 2's strings.
            return said.encode("latin-1").decode("utf-8")
        except UnicodeError:
            return said
    return said


def _meaning(escape: re.Match[str]) -> str:
    octets, short, long, octal, character = escape.groups()
    if character is not None:
        return _ESCAPED.get(character, escape[0])
    number = int(octal, 8) if octal else int(octets or short or long, 16)
    # No surrogates: they could not be written out again.
    return "\ufffd" if number > 0x10FFFF or 0xD800 <= number < 0xE000 else chr(number)


def with_next_line(text: str, line: str, gap: str) -> str:
    r"""The text of a literal and its next line, with a gap unless an escaped "\n" ends the line."""
    return text + line if text.endswith(r"\n") else text + gap + line


class Call(NamedTuple):
    """A call of a method, with those arguments that are literals; never the arguments of a log-in.

    Attributes:
        method: the method's name, such as "rcpt"; "connect" for constructors too.
        command: the SMTP command that the method sends; None if it sends none, or several.
        host: the server that the method connects to; None if it is no literal.
        sender: the reverse-path; None if it is no literal.
        recipients: the recipients' addresses; empty if they are no literals.
    """

    method: str
    command: str | None = None
    host: str | None = None
    sender: str | None = None
    recipients: tuple[str, ...] = ()


def call_in(code: str) -> Call | None:
    """The first call of a mail library in a piece of code; None if there is none."""
    found = _CALL.search(code[:4000])
    if found is None:
        return None
    method = "connect" if found[1] in {"SMTP", "SMTP_SSL", "LMTP"} else found[1]
    arguments = literal_at(code, found.end()).items
    first = next((value for value, _ in arguments[:1] if isinstance(value, str)), None)
    command = _COMMANDS.get(method)
    if method == "docmd":
        command = " ".join(value for value, _ in arguments if isinstance(value, str)) or "?"
    elif method in {"mail", "rcpt"} and first is not None:
        command = f"{command}:<{_address(first)}>"
    elif method == "sendmail":
        return Call(method, sender=first, recipients=_recipients(arguments[1:]))
    return Call(method, command, host=first if method == "connect" else None)


def sending(sender: object, recipients: object) -> Call:
    """A call of `sendmail`, from its arguments in an error tracker's event: as in code, or lists of such."""
    given = recipients[:_MOST_RECIPIENTS] if isinstance(recipients, list) else [recipients]
    addresses = [it for text in given for it in _written(text)]
    return Call("sendmail", sender=next(iter(_written(sender)), None), recipients=tuple(addresses))


def _written(text: object) -> list[str]:
    if not isinstance(text, str) or text == "[Filtered]":
        return []
    if text[:1] in {"'", '"', "[", "("}:
        return [_address(it) for it in literal_at(text[:4000]).values if isinstance(it, str)]
    return [_address(text)] if "@" in text and " " not in text else []


def _recipients(items: tuple[tuple[str | int | None, int], ...]) -> tuple[str, ...]:
    """The second argument: an address, or several in brackets."""
    inner = takewhile(lambda it: it[1] > 1, items)
    taken = items[:1] if items and items[0][1] == 1 else inner
    return tuple(_address(value) for value, _ in taken if isinstance(value, str))


def _address(text: str) -> str:
    found = _IN_BRACKETS.search(text)
    return found[1] if found else text.strip()
