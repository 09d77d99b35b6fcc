"""Bounces of the DragonFly Mail Agent: "mx.shop.example [192.0.2.8] did not like our RCPT TO:"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pytest_mailnet.evidence.bounces.deliverystatus import server_in
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.permanence import Reason, in_words
from pytest_mailnet.evidence.replies import enhanced_in, reply_in
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["failures_in"]

_BOUNCE = re.compile(
    r"^There was an error delivering your mail to <(?P<recipient>[^<>\n]{1,580})>\.[ \t]*\n(?P<text>.*?)"
    r"(?=^(?:Message headers follow|Original message follows)\.[ \t]*$|\Z)",
    re.DOTALL | re.MULTILINE,
)
_DISLIKED = re.compile(
    r"(?P<server>\S.{0,300}?) did not like our (?P<command>[\w ]{3,30}):\s*(?P<reply>.*)", re.DOTALL
)


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipient in a bounce by the DragonFly Mail Agent, dma(8); none in any other mail.

    It writes one bounce for each recipient. The reply stands below the command, to the letter.
    """
    found = _BOUNCE.search(mail.text)
    if found is None:
        return
    text = found["text"].strip()
    disliked = _DISLIKED.search(text)
    reply = reply_in(disliked["reply"]) if disliked else reply_in(text)
    host, address = server_in(disliked["server"]) if disliked else (None, None)
    stage = _stage(disliked["command"]) if disliked else None
    words = " ".join(text.split())[:500]
    why = Reason(reply, stage=stage) if reply else in_words(words, stage)
    yield Failure(
        recipient=found["recipient"],
        host=host,
        address=address,
        status=None if reply else enhanced_in(words),
        action="failed",
        **why._asdict(),
    )


def _stage(command: str) -> Stage | None:
    """The stage of the program's name for a command: "final DATA" is the dot."""
    return Stage.MESSAGE if command == "final DATA" else named_stage(command)
