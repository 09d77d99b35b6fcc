"""Bounces of Zoho Mail, as its users quote them.

    alice@shop.example Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 <alice@shop.example>: User unknown

It writes the code of a reply apart from the text. If no server has replied it has a code of its own: 421 for
"Host not reachable.".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mailnet.evidence.bounces.layouts import ADDRESS, failure_of, passages, spoken
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.failure import Failure

__all__ = ["failures_in"]

_OPENS = re.compile(rf"^[ \t]*\[?{ADDRESS},?[ \t]+(?=[^\n]{{0,300}}ERROR_CODE ?:)", re.MULTILINE)
_CODES = re.compile(
    r"(?P<before>[^\n]{0,300}?),?[ \t]*ERROR_CODE ?:[ \t]*(?P<code>[45]\d\d)?,?[ \t]*"
    r"(?:ERROR_CODE ?:[ \t]*,?[ \t]*(?P<text>.{0,2000}?)\]?)?(?=\n[ \t]*\n|\n[ \t]*Received:|\Z)",
    re.DOTALL,
)
_ENDS = re.compile(r"^Received: ?(?:from|by) ", re.MULTILINE)


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipients in a bounce by Zoho Mail; none in any other mail."""
    if "ERROR_CODE" not in mail.text:
        return
    for found, passage in passages(_OPENS, spoken(mail, _ENDS), mail.sender):
        if (codes := _CODES.match(passage)) is None:
            continue
        text = (codes["text"] or "").strip()
        if codes["code"] and not text.startswith(codes["code"]):
            text = f"{codes['code']} {text}"
        yield failure_of(found["address"], text or codes["before"])
