"""Bounces of SendGrid: a line for each recipient, with addresses between colons."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mailnet.evidence.bounces.deliverystatus import server_in
from pytest_mailnet.evidence.bounces.mail import Mail
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.replies import reply_in
from pytest_mailnet.evidence.stages import named_stage

__all__ = ["failures_in"]

_MOST = 1 << 16  # characters of a text that are looked at
_ALWAYS = "This is an automatically generated message from SendGrid"
_LINE = re.compile(
    r"^[^\n<]{0,400}<(?P<recipient>[^<>\s]{1,320}@[^<>\s]{1,255})> : (?P<source>\S{3,45}) : "
    r"(?P<server>[^\n]{3,300}?) : (?P<reply>[45]\d\d[^\n]{0,2000}?)"
    r"(?:[ \t]+in (?P<command>[A-Z][\w ]{2,20}))?[ \t]*$",
    re.MULTILINE,
)


def failures_in(mail: Mail) -> Iterator[Failure]:
    """What a bounce of SendGrid tells of each recipient; nothing of another operator's.

    Its lines are "name:number:<recipient> : source : host:[address] : 550 No in RCPT TO".
    """
    text = mail.text[:_MOST]
    if _ALWAYS not in text:
        return
    for found in _LINE.finditer(text):
        host, address = server_in(found["server"].replace(":[", " ["))
        yield Failure(
            recipient=found["recipient"],
            host=host,
            address=address,
            stage=named_stage(found["command"]) if found["command"] else None,
            reply=reply_in(found["reply"]),
            action="failed",
        )
