"""Replies within replies: finds the reply of the remote server in a reply that quotes it.

A server that gives a mail up often writes a reply of its own and quotes the one that it got: "550 5.4.300
Message expired -> 451 4.7.500 Server busy". A test needs the inner reply, because a scripted server has to
give that one; the remote server never gave the outer one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["innermost"]

_DEEPEST = 4
_LONGEST = 8000
_CODE = r"[45][0-9]{2}"
_STATUS = r"[245]\.\d{1,3}\.\d{1,3}"

# Exchange: "Remote Server returned '550 …'", "responded with: "421 …"", "failed on Frontend with '554 …'".
_RETURNED = re.compile(
    rf"(?:returned|responded with:?|Frontend with)[ \t\n]*[\"'‘“](?P<inner>{_CODE}[ \-].*)",
    re.DOTALL | re.IGNORECASE,
)
_CLOSING = re.compile(r"[\"'’”][^\"'’”]{0,200}\Z")
# Exchange Online puts its own code in front of the remote server's:
# https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online
_ARROW = re.compile(rf"(?<=\s)->[ \t\n]*(?P<inner>{_CODE}[ \-].*)", re.DOTALL)
# The last error of a queue, which Exchange writes for an expired mail:
# "[{LED=450 4.7.500 Server busy};{MSG=};{FQDN=mx.shop.example};{IP=192.0.2.8};{LRT=…}]".
_LAST_ERROR = re.compile(rf"\{{LED=(?P<inner>{_CODE}[ \-][^}}]*)", re.DOTALL)
# Exchange 2000 to 2010, "<mx.shop.example #5.5.0 smtp;550 5.7.1 …>", "#< #5.1.1 smtp; 550 …> #SMTP#".
_MARKED = re.compile(
    rf"<[ \t]*[\w.\-]{{0,255}}[ \t]*#{_STATUS}[ \t\n]+smtp;[ \t\n]*(?P<inner>{_CODE}[ \-].*)>",
    re.DOTALL | re.IGNORECASE,
)
# Amazon SES, for an expired mail: "554 4.4.7 Message expired: unable to deliver in 840
# minutes.<421 4.4.2 Connection timed out>".
_BRACKETS = re.compile(rf"[ .]<(?P<inner>{_CODE}[ \-]+{_STATUS}[ ][^<>]{{1,2000}})>[ \t\n]*\Z")
# Cisco's AsyncOS (IronPort) writes its own class of the error, then the reply with its text in quotes:
# "5.1.0 - Unknown address error 550-'5.1.1 No such user' (delivery attempts: 0)". Its bounce log has the
# lines as a list: "('550', ['5.1.1 No', '5.1.1 user'])" (Cisco AsyncOS, Daily Management Guide).
_ASYNCOS = re.compile(
    rf"{_STATUS} - [^\n']{{1,200}}?(?P<code>{_CODE})-?[ ]?'(?P<text>.*)'(?=[^']{{0,120}}\Z)", re.DOTALL
)
_ASYNCOS_LIST = re.compile(
    rf"{_STATUS} - .{{1,200}}?\('(?P<code>{_CODE})',[ \n]*\[(?P<items>[^\]]{{1,4000}})\]\)", re.DOTALL
)
_ITEM = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)


def innermost(text: str) -> str:
    """The innermost reply that a text quotes, from the remotest server; the text itself if it quotes none."""
    for _ in range(_DEEPEST):
        inner = next(filter(None, (unwrap(text[:_LONGEST]) for unwrap in _UNWRAPPINGS)), None)
        if inner is None:
            break
        text = inner
    return text


def _quoted(text: str) -> str | None:
    if (found := _RETURNED.search(text)) is None:
        return None
    inner = found["inner"]
    closing = _CLOSING.search(inner)
    return inner[: closing.start()] if closing else inner


def _inner(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    def unwrapped(text: str) -> str | None:
        found = pattern.search(text)
        return found["inner"] if found else None

    return unwrapped


def _of_asyncos(text: str) -> str | None:
    if found := _ASYNCOS_LIST.search(text):
        items = [one or other for one, other in _ITEM.findall(found["items"])]
        *before, last = items or [""]
        return "\n".join([*(f"{found['code']}-{it}" for it in before), f"{found['code']} {last}"])
    found = _ASYNCOS.search(text)
    return f"{found['code']} {found['text']}" if found else None


_UNWRAPPINGS: tuple[Callable[[str], str | None], ...] = (
    _quoted,
    _of_asyncos,
    _inner(_ARROW),
    _inner(_LAST_ERROR),
    _inner(_MARKED),
    _inner(_BRACKETS),
)
