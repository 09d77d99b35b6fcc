"""Calls of Python's mail libraries, in code typed at a prompt or shown in a traceback."""

from __future__ import annotations

import re
from typing import NamedTuple

from pytest_mailnet.evidence.transcripts.literals import Item, literal_at

__all__ = ["Call", "call_in", "sending"]

_CALL = re.compile(
    r"(?:^|[\s.=(])(SMTP|SMTP_SSL|LMTP|connect|ehlo|helo|starttls|login|mail|rcpt|data|rset|quit|noop|verify|vrfy"
    r"|expn|docmd|sendmail|send_message)(?=\()"
)
_COMMANDS = {"ehlo": "EHLO", "helo": "HELO", "starttls": "STARTTLS", "login": "AUTH", "data": "DATA"}
_COMMANDS |= {
    "rset": "RSET",
    "quit": "QUIT",
    "noop": "NOOP",
    "verify": "VRFY",
    "vrfy": "VRFY",
    "expn": "EXPN",
}
_PATHS = {"mail": "MAIL FROM", "rcpt": "RCPT TO"}
_MOST_RECIPIENTS = 1000
_IN_BRACKETS = re.compile(r"<([^<>]{0,1000})>")


class Call(NamedTuple):
    """A call of a method, with those arguments that are literals; never the arguments of a log-in.

    Attributes:
        method: the method's name, such as "rcpt"; "connect" for constructors too.
        command: the SMTP command that the method sends; None if it sends none, or several.
        host: the server that the method connects to; None if it is no literal.
        sender: the reverse-path; None if it is no literal.
        recipients: the recipients' addresses; empty if they are no literals.
        complete: whether the closing bracket is in the code.
    """

    method: str
    command: str | None = None
    host: str | None = None
    sender: str | None = None
    recipients: tuple[str, ...] = ()
    complete: bool = True


def call_in(code: str) -> Call | None:
    """The first call of a mail library in a piece of code; None if there is none."""
    found = _CALL.search(code[:4000])
    if found is None:
        return None
    method = "connect" if found[1] in {"SMTP", "SMTP_SSL", "LMTP"} else found[1]
    arguments = literal_at(code, found.end())
    call = Call(method, _COMMANDS.get(method), complete=arguments.complete)
    first = _text(arguments.items[:1])
    if method == "connect":
        return call._replace(host=first)
    if method in _PATHS:
        path = _PATHS[method] if first is None else f"{_PATHS[method]}:<{_address(first)}>"
        return call._replace(command=path)
    if method == "docmd":
        words = [it.value for it in arguments.items if isinstance(it.value, str)]
        return call._replace(command=" ".join(words) or "?")
    if method == "sendmail":
        return call._replace(sender=first, recipients=_recipients(arguments.items[1:]))
    return call


def sending(sender: object, recipients: object) -> Call:
    """A call of `sendmail`, from the values of its arguments in an error tracker's event.

    Args:
        sender: the address, as in code, with or without quotes; other values are ignored.
        recipients: one address, a list of addresses, or a list written as in code.
    """
    given = recipients[:_MOST_RECIPIENTS] if isinstance(recipients, list) else [recipients]
    addresses = [it for text in given for it in _written(text)]
    return Call("sendmail", sender=next(iter(_written(sender)), None), recipients=tuple(addresses))


def _written(text: object) -> list[str]:
    if not isinstance(text, str) or "[Filtered]" in text:
        return []
    if text[:1] in {"'", '"', "[", "("}:
        return [_address(it) for it in literal_at(text[:4000]).values if isinstance(it, str)]
    return [_address(text)] if "@" in text and " " not in text else []


def _recipients(items: tuple[Item, ...]) -> tuple[str, ...]:
    """The second argument: an address, or several in brackets."""
    if items and items[0].depth == 1:
        items = items[:1]
    several: list[str] = []
    for it in items:
        if it.depth == 1 and items[0].depth != 1:
            break
        if isinstance(it.value, str):
            several.append(_address(it.value))
    return tuple(several)


def _text(items: tuple[Item, ...]) -> str | None:
    value = items[0].value if items else None
    return value if isinstance(value, str) else None


def _address(text: str) -> str:
    found = _IN_BRACKETS.search(text)
    return found[1] if found else text.strip()
