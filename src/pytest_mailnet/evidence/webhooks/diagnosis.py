"""Reads an operator's text about a failure: a server's reply, or the operator's own words."""

from __future__ import annotations

import re
from typing import Any

from pytest_mailnet.evidence.permanence import Reason, in_words
from pytest_mailnet.evidence.replies import enhanced_of, reply_in, reply_lines
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.evidence.webhooks.members import one_line

__all__ = ["operator_words", "reading", "refusal"]

_TYPE = re.compile(r"\s*(?:smtp|unix|x-[\w\-]{1,32})\s*;\s*", re.IGNORECASE)  # RFC 3464, 2.3.6
_IN_REPLY_TO = re.compile(r"\s{0,4}\(in reply to ([^()]{1,60})\)", re.IGNORECASE)
_REPLY_CODE = re.compile(r"[45][0-5][0-9]")  # RFC 5321, 4.2
_LINE_END = "<CRLF>"  # as Amazon SES writes it


def reading(code: Any, text: str | None) -> Reason:
    """Read a text that may contain a server's reply: "smtp; 550 5.1.1 No such user".

    Args:
        code: the reply code, if it is given apart; a code of the operator's own, such as 498 for a host that
            was not found, means that no server has replied.
        text: the text of the reply, with or without the code; None for none.
    """
    given = str(code) if isinstance(code, int | str) else ""
    if not _REPLY_CODE.fullmatch(given):
        return operator_words(text) if isinstance(code, int) or given.isdecimal() else _diagnosis(text)
    if text and text[:3].isdecimal() and text[:3] != given and (found := _diagnosis(text)).reply:
        return found
    return _coded(given, text)


def operator_words(text: str | None) -> Reason:
    """Read a text that the operator wrote about its own attempts, even if it looks like a reply."""
    return in_words(one_line(text))


def refusal(text: str | None) -> Reason:
    """Read a text about a mail that the operator did not try to deliver: only its words count."""
    return Reason(words=one_line(text))


def _diagnosis(text: str | None) -> Reason:
    plain = _without_type(text)
    quoted = _IN_REPLY_TO.search(plain)
    reply = reply_in(plain[: quoted.start()] if quoted else plain)
    if not reply:
        return operator_words(text)
    return Reason(reply, stage=named_stage(quoted[1]) if quoted else None)


def _coded(code: str, text: str | None) -> Reason:
    # A text in one line is split where the enhanced status code at its beginning is repeated.
    plain = _without_type(text)
    own_code = re.compile(rf"^\s*{code}(?:[ \-]|$)")
    lines = [own_code.sub("", line).strip() for line in plain.splitlines()]
    lines = [line for line in lines if line] or [""]
    status = enhanced_of((f"{code} {lines[0]}",)) if lines[0][:1].isdigit() else None
    if status is not None and len(lines) == 1:
        lines = re.split(rf"\s+(?:{code}[ \-])?(?={re.escape(status)}\s)", lines[0])
    *before, last = lines
    return Reason(reply_lines("\n".join([*(f"{code}-{line}" for line in before), f"{code} {last}"])))


def _without_type(text: str | None) -> str:
    found = _TYPE.match(text or "")
    return (text[found.end() :] if text and found else text or "").replace(_LINE_END, "\n")
