"""What an operator's text tells of a failure: a server's reply, or the operator's own words."""

from __future__ import annotations

import re

from pytest_mailnet.evidence.permanence import Reason, in_words
from pytest_mailnet.evidence.replies import enhanced_of, reply_in, reply_lines
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.evidence.webhooks.members import one_line

__all__ = ["coded_diagnosis", "diagnosis", "own_words", "refusal"]

_TYPE = re.compile(r"\s*(?:smtp|unix|x-[\w\-]{1,32})\s*;\s*", re.IGNORECASE)  # RFC 3464, 2.3.6
_IN_REPLY_TO = re.compile(r"\s{0,4}\(in reply to ([^()]{1,60})\)", re.IGNORECASE)


def diagnosis(text: str | None) -> Reason:
    """What a text tells in which a reply may stand: "smtp; 550 5.1.1 No such user"."""
    plain = _without_type(text)
    quoted = _IN_REPLY_TO.search(plain)
    reply = reply_in(plain[: quoted.start()] if quoted else plain)
    if not reply:
        return own_words(text)
    return Reason(reply, stage=named_stage(quoted[1]) if quoted else None)


def own_words(text: str | None) -> Reason:
    """What a text tells that the operator wrote of its own tries, even if it looks like a reply."""
    return in_words(one_line(text))


def refusal(text: str | None) -> Reason:
    """What a text tells of a mail that the operator did not try to deliver: nothing but its words."""
    return Reason(words=one_line(text))


def coded_diagnosis(code: str, text: str | None) -> Reason:
    """What a text tells whose reply code stands apart from it.

    Args:
        code: the reply code.
        text: the reply, with or without its code. Its lines are those of the text, or begin where the
            enhanced status code that begins it is said again.
    """
    plain = _without_type(text)
    own_code = re.compile(rf"\s*{code}(?:[ \-]|$)")
    lines = [own_code.sub("", line, count=1).strip() for line in plain.splitlines()]
    lines = [line for line in lines if line] or [""]
    status = enhanced_of((f"{code} {lines[0]}",)) if lines[0][:1].isdigit() else None
    if status is not None and len(lines) == 1:
        lines = re.split(rf"\s(?={re.escape(status)}\s)", lines[0])
    *before, last = lines
    return Reason(reply_lines("\n".join([*(f"{code}-{line}" for line in before), f"{code} {last}"])))


def _without_type(text: str | None) -> str:
    found = _TYPE.match(text or "")
    return text[found.end() :] if text and found else text or ""
