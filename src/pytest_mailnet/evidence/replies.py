"""SMTP replies in running text: in bounces, logs and exceptions."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["code_of", "enhanced_in", "enhanced_of", "reply_in", "reply_lines"]

_LONGEST = 4000  # characters of a reply's text that are kept; RFC 5321, 4.5.3.1.5 has 512
_STATUS = r"[245]\.\d{1,3}\.\d{1,3}"
_NOT_INSIDE = r"(?<![\w.\-:/=+@#&%$])"

# From the surest to the least sure: a reply begins a text; a code is followed by an enhanced one of its
# class; a code follows a word that announces it.
# A telephone number is no code; a reply may begin with an address, "550-198.51.100.7 is listed".
_NO_CODE = r"(?![45][0-9]{2}(?:-(?!(?:\d{1,3}\.){3}\d)\d|[ -](?:bytes|seconds)))"
_BEGINS = re.compile(rf"[#\s\"'<(\[*]*(?=[45][0-9]{{2}}(?:[ :\-\t\n]|$)){_NO_CODE}")
_WITH_STATUS = re.compile(rf"{_NOT_INSIDE}(?=([45])[0-9]{{2}}[\s\-:]+[\[(#]*\1\.\d{{1,3}}\.\d{{1,3}}\b)")
_ANNOUNCED = re.compile(
    r"(?:sa(?:id|ys)|repl(?:y|ied)|respon(?:se|ded)|error|was|is|returned|with|code|message|failed|rejected"
    rf"|refused|server|host|command|<<<|[\]):;>])\W{{0,12}}(?<![\w.\-])(?=[45][0-9]{{2}}[\s\-:]){_NO_CODE}",
    re.IGNORECASE,
)
_LINE = re.compile(r"([2-5][0-9]{2})(?![0-9])([ :\-]?)(.*)", re.DOTALL)
_FOLD = re.compile(r"[ \t]*\n[ \t]*")
_COLON = re.compile(r"^([2-5][0-9]{2}):[ \t]*")  # in place of the space, as some bounces write it
_OWN_STATUS = re.compile(rf"[2-5][0-9]{{2}}[ \-:]*[\[(#]*({_STATUS})(?![\d.])")
_MARKED_STATUS = re.compile(rf"#({_STATUS})(?![\d.])")
_ANY_STATUS = re.compile(rf"{_NOT_INSIDE}#?({_STATUS})(?![\d.])")


def reply_in(text: str) -> tuple[str, ...]:
    """The lines of the first refusal (RFC 5321, 4.2) in a text, up to its end; empty if there is none.

    A line that begins with the reply's code is a line of the reply; any other continues the line before. A
    reply that was folded into one line, "550-5.1.1 No 550 5.1.1 user", is split again.
    """
    start = _BEGINS.match(text) or _WITH_STATUS.search(text) or _ANNOUNCED.search(text)
    return reply_lines(text[start.end() : start.end() + _LONGEST]) if start else ()


def reply_lines(text: str) -> tuple[str, ...]:
    """The lines of the reply with which a text begins; empty if it begins with none."""
    first = _LINE.match(text.lstrip())
    if first is None:
        return ()
    code = first[1]
    status = _OWN_STATUS.match(first[0])
    again = rf"(?<=\s){code}(?:-|[ ]{re.escape(status[1])}\b)" if status else rf"(?<=\s){code}-"
    pieces = re.split(rf"(?={again})", first[0])
    if first[2] == "-":  # the last line of several has a space behind its code
        *before, last = pieces
        pieces = [*before, *re.split(rf"(?:(?<=\n)|(?<=\s))(?={code}\s)", last, maxsplit=1)]
    else:
        pieces = [it for piece in pieces for it in re.split(rf"(?<=\n)(?={code}\s)", piece)]
    lines = (_FOLD.sub(" ", _printable(piece)).strip() for piece in pieces)
    return tuple(_COLON.sub(r"\1 ", line) for line in lines if line)


def code_of(line: str) -> int | None:
    """The code of a reply's line; None for a line without one."""
    found = _LINE.match(line)
    return int(found[1]) if found else None


def enhanced_of(reply: Sequence[str]) -> str | None:
    """The enhanced status code of a reply; None for none.

    It stands behind the reply code, or further on with a "#" in front, as qmail writes it.
    """
    for line in reply:
        if found := _OWN_STATUS.match(line):
            return found[1]
    for line in reply:
        if found := _MARKED_STATUS.search(line):
            return found[1]
    return None


def enhanced_in(text: str) -> str | None:
    """The first enhanced status code in a text; None for none."""
    found = _MARKED_STATUS.search(text) or _ANY_STATUS.search(text)
    return found[1] if found else None


def _printable(text: str) -> str:
    if text.replace("\n", "").isprintable():  # as almost all are
        return text
    return "".join(it if it.isprintable() or it == "\n" else " " for it in text)
