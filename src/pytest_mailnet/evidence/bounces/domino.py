"""Bounces of Lotus, IBM and HCL Domino, and of their predecessor, the Lotus SMTP MTA.

https://help.hcltechsw.com/domino/ has the texts as "Customizing the text of mail failure messages".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mailnet.evidence.bounces.layouts import ADDRESS, Layout, failure_of, failure_words, spoken
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.failure import Failure

__all__ = ["failures_in"]

# The recipients stand between these lines; the text behind them is for all recipients.
_FRAME = re.compile(
    r"^[ \t]*(?:was not delivered to|has not been delivered to|could not be delivered to):?[ \t]*$"
    r"(?P<recipients>.{1,20000}?)^[ \t]*because(?: of)?:?[ \t]*$(?P<reason>.{0,20000})",
    re.DOTALL | re.MULTILINE | re.IGNORECASE,
)
_RECIPIENT = re.compile(rf"^[ \t]*(?:[^\n@]{{0,80}}[ \t])?{ADDRESS}", re.MULTILINE)
_SERVER = re.compile(
    r"\b(?:transferring|delivering|connecting|connect|connection) (?:to|with)[ \t]+"
    r"(?P<server>\[?[\w.\-]{4,255})",
    re.IGNORECASE,
)
_ENDS = re.compile(r"^-{3,} ?Returned Message|^[ \t]*Received: (?:from|by) ", re.MULTILINE)
# "------- Failure Reasons  --------", then reasons, each with its recipients in lines under it.
_OF_THE_MTA = Layout(
    sign=re.compile(r"^-{3,} {0,3}Failure Reasons {0,3}-{3,}", re.MULTILINE),
    opens=re.compile(rf"(?:^(?!-)(?P<words>[^\n@]{{3,400}})\n)?^[ \t]*{ADDRESS}[ \t]*$", re.MULTILINE),
    ends=_ENDS,
)


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipients in a bounce by Domino or the Lotus SMTP MTA."""
    text = spoken(mail, _ENDS)
    if (found := _FRAME.search(text)) is None:
        yield from _of_the_mta(mail)
        return
    reason = found["reason"].strip()
    server = _SERVER.search(reason)
    for address in dict.fromkeys(it["address"] for it in _RECIPIENT.finditer(found["recipients"])):
        yield failure_of(
            address, reason, server=server["server"] if server else "", words=failure_words(reason)
        )


def _of_the_mta(mail: BouncedMail) -> Iterator[Failure]:
    if not _OF_THE_MTA.sign.search(mail.text[:2000]):
        return
    text = spoken(mail, _ENDS)
    text = text[_begin(text) :]
    reason = ""
    for found in _OF_THE_MTA.opens.finditer(text):
        reason = found["words"] or reason
        if found["address"].lower() != (mail.sender or "").lower():
            yield failure_of(found["address"], reason, words=failure_words(reason))


def _begin(text: str) -> int:
    found = _OF_THE_MTA.sign.search(text)
    return found.end() if found else 0
