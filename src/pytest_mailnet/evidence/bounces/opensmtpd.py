"""Bounces of OpenSMTPD: one line for each recipient, "address: 550 No"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import Trouble
from pytest_mailnet.evidence.permanence import Reason, in_words
from pytest_mailnet.evidence.replies import enhanced_in, reply_in
from pytest_mailnet.values import Stage

__all__ = ["failures_in"]

_INTRODUCED = re.compile(
    r"^[ \t]*This is the MAILER-DAEMON, please DO NOT REPLY to this e-?mail\.(?P<said>.{0,600}?)"
    r"list of recipients:[ \t]*\n(?P<lines>.*)",
    re.DOTALL | re.MULTILINE,
)
_LINE = re.compile(r"(?P<recipient>\"?[^\s:<>\"]{1,320}\"?@[^\s:<>]{1,255}): (?P<text>.+)")
_TROUBLES = (
    (re.compile(r"No MX found|No valid route"), Trouble("dns-nodata", None)),
    (re.compile(r"Invalid domain name"), Trouble("dns-nxdomain", None)),
    (re.compile(r"(?:Temporary|temporary) .{0,20}(?:MX|DNS|lookup)"), Trouble("dns-servfail", None)),
    (re.compile(r"Network error on destination MX"), Trouble("dropped-at-connect", Stage.CONNECT)),
)


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipients in a bounce or warning by OpenSMTPD; none if another program wrote the mail.

    Its reports (smtpd(8)) have one line for each recipient, between an introduction and "Below is a copy of
    the original message:".
    """
    found = _INTRODUCED.search(mail.text)
    if found is None:
        return
    action: Literal["failed", "delayed"] = (
        "delayed" if "is delayed for more than" in found["said"] else "failed"
    )
    for line in found["lines"].split("\n"):
        if line.startswith("    ") and line.strip():  # the closing text: the list has ended
            return
        if told := _LINE.match(line):
            yield _failure(told["recipient"], told["text"].strip(), action)


def _failure(recipient: str, text: str, action: Literal["failed", "delayed"]) -> Failure:
    reply = reply_in(text)
    own = next((trouble for words, trouble in _TROUBLES if words.search(text)), None)
    why = Reason(reply) if reply else in_words(text, trouble=own)
    return Failure(
        recipient=recipient,
        status=None if reply else enhanced_in(text),
        action=action,
        **why._asdict(),
    )
