"""Bounces of Courier; the reply of a remote server stands behind "<<<"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pytest_mailnet.evidence.bounces.deliverystatus import server_in
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.bounces.transcript import answers_in, stage_of
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.permanence import in_words
from pytest_mailnet.evidence.replies import enhanced_in, reply_in

__all__ = ["failures_in"]

_ALWAYS = re.compile(
    r"\brunning the Courier mail server\b|^[ \t]+(?:UNDELIVERABLE|DELAYED) MAIL[ \t]*$", re.MULTILINE
)
_SECTION = re.compile(r"^-{20,}[ \t]*$", re.MULTILINE)
_TITLE = re.compile(r"^[ \t]+(?P<title>[A-Z][A-Z ]{5,40})[ \t]*$", re.MULTILINE)
_FAILED = re.compile(
    r"\bcannot be delivered\b|UNDELIVERABLE|\b(?:not|n't) (?:yet )?been delivered|DELAYED", re.IGNORECASE
)
_BLOCK = re.compile(
    r"^<(?P<recipient>[^<>\s]{1,320}@[^<>\s]{1,255})>:?[ \t]*\n"
    r"(?P<text>(?:[ \t]*[^<\s\n][^\n]*\n?|[ \t]*<<<[^\n]*\n?)*)",
    re.MULTILINE,
)
_PEER = re.compile(r"^[ \t]*(?P<server>[\w.\-]{1,255} \[[^\]\s]{2,64}\]):?[ \t]*$", re.MULTILINE)


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipients in a bounce or warning by Courier; none if another program wrote the mail.

    Lines of dashes separate its sections (courierdsn(8)). The server, the command and its reply stand below
    each address.
    """
    text = mail.text
    if not _ALWAYS.search(text):
        return
    for section in _SECTION.split(text):
        if not _FAILED.search(section):
            continue
        title = _TITLE.search(section)
        delayed = title is not None and "DELAY" in title["title"]
        for found in _BLOCK.finditer(section):
            yield _failure(found["recipient"], found["text"], "delayed" if delayed else "failed")


def _failure(recipient: str, text: str, action: Literal["failed", "delayed"]) -> Failure:
    answers, remarks = answers_in(line for line in text.split("\n") if not _PEER.match(line))
    peer = _PEER.search(text)
    host, address = server_in(peer["server"]) if peer else (None, None)
    answer = answers[-1] if answers else None
    reply = answer.reply if answer and reply_in(answer.reply[0]) else ()
    if answer is not None and reply:
        stage = stage_of(answer)[0] if answer.command else None
        return Failure(
            recipient=recipient, host=host, address=address, stage=stage, reply=reply, action=action
        )
    words = " ".join([*(it for one in answers for it in one.reply), *remarks])[:500]
    return Failure(
        recipient=recipient,
        host=host,
        address=address,
        status=enhanced_in(words),
        action=action,
        **in_words(words)._asdict(),
    )
