"""The addresses in a header's field, in the four pieces that IMAP's ENVELOPE has (RFC 3501, 7.4.2)."""

from __future__ import annotations

import re
from typing import NamedTuple

from pytest_mailnet.imap.header_fields import after_comment, unquoted

__all__ = ["EnvelopeAddress", "addresses_in"]

_PIECE = re.compile(r'\s++|"(?:[^"\\]|\\.)*+"?|\[(?:[^\]\\]|\\.)*+\]?|[^\s"(\[<>@,;:]++|.', re.DOTALL)


class EnvelopeAddress(NamedTuple):
    """An address, or the begin or the end of a group of them.

    Attributes:
        name: the display name as written, without quotes; None for none.
        route: the obsolete source route, "@a.example,@b.example", or None.
        mailbox: the part before the "@"; the name of a group that begins, "" for none; None where a
            group ends.
        host: the part after the "@", "" if there is none; None for a group.
    """

    name: str | None
    route: str | None
    mailbox: str | None
    host: str | None


_END_OF_GROUP = EnvelopeAddress(None, None, None, None)
_OUTSIDE, _OPENED, _ROUTE, _INSIDE = range(4)


def addresses_in(value: str) -> list[EnvelopeAddress]:
    """The addresses in a value (RFC 5322, 3.4); what is malformed is read as far as it makes sense.

    A comment stands for a display name that is not there: "bob@b.example (Bob)".
    """
    found: list[EnvelopeAddress] = []
    words: list[str] = []
    comment: str | None = None
    group = False
    brackets = _OUTSIDE
    at = 0
    while at < len(value):
        piece = _PIECE.match(value, at)
        assert piece is not None
        text = piece[0]
        at = piece.end()
        if text == "(":
            end = after_comment(value, at)
            comment = value[at:end].removesuffix(")")
            at = end
        elif (text == "," and brackets != _ROUTE) or text == ";":
            _add(found, words, comment)
            words, comment, brackets = [], None, _OUTSIDE
            if text == ";" and group:
                found.append(_END_OF_GROUP)
                group = False
        elif text == ":" and brackets == _OUTSIDE and not group:
            found.append(EnvelopeAddress(None, None, _phrase(words) or "", None))
            words, comment, group = [], None, True
        else:
            brackets = _next(brackets, text)
            words.append(text)
    _add(found, words, comment)
    return [*found, _END_OF_GROUP] if group else found


def _next(brackets: int, text: str) -> int:
    """Where in angle brackets the next piece is; only in a route there are commas."""
    if text == "<":
        return _OPENED
    if text == ">":
        return _OUTSIDE
    if brackets == _OPENED and not text.isspace():
        return _ROUTE if text == "@" else _INSIDE
    return _INSIDE if text == ":" and brackets == _ROUTE else brackets


def _add(found: list[EnvelopeAddress], words: list[str], comment: str | None) -> None:
    phrase, brackets, inside = _split(words, "<")
    if not brackets:
        phrase, inside = [], words
    inside, _, _ = _split(inside, ">")
    route = None
    bare = [it for it in inside if not it.isspace()]
    if bare[:1] == ["@"] and ":" in bare:
        source, _, bare = _split(bare, ":")
        route = "".join(source)
    if not bare:
        if _phrase(words) or brackets:
            found.append(EnvelopeAddress(_phrase(phrase) or comment, route, "", ""))
        return
    local, _, domain = _split(bare, "@")
    host = "".join(domain[:1])
    found.append(EnvelopeAddress(_phrase(phrase) or comment, route, "".join(map(unquoted, local)), host))


def _split(words: list[str], separator: str) -> tuple[list[str], bool, list[str]]:
    if separator not in words:
        return words, False, []
    place = words.index(separator)
    return words[:place], True, words[place + 1 :]


def _phrase(words: list[str]) -> str | None:
    """The words without quotes, with one space where there are any; None for no word."""
    pieces = [" " if it.isspace() else unquoted(it) for it in words]
    kept = [it for it, before in zip(pieces, ["", *pieces], strict=False) if not it == before == " "]
    return "".join(kept).strip() or None
