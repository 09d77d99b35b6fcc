"""Bounces of qmail and its kin, such as Yahoo's: "… does not like recipient. Remote host said: 550 …"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Literal

from pytest_mailnet.evidence.bounces.deliverystatus import server_in
from pytest_mailnet.evidence.bounces.mail import BouncedMail
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.network_errors import Trouble
from pytest_mailnet.evidence.permanence import Reason, in_words
from pytest_mailnet.evidence.replies import enhanced_in, reply_in
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["failures_in"]

_ALWAYS = re.compile(
    r"^Hi\. This is the |^--- (?:Below this line is|Enclosed (?:is|are)) (?:a copy of|the original)"
    r"|^[^\n]{0,80}Remote host said(?:\[[\w ]+\])?:|does not like recipient\."
    r"|^Unable to deliver message to the following address"
    r"|^Sorry, we were unable to deliver your message to the following address",
    re.MULTILINE,
)
_RETURNED = re.compile(
    r"^--- (?:Below this line is|Enclosed (?:is|are)|Original message)[^\n]*$", re.MULTILINE
)
_BLOCK = re.compile(
    r"^[ \t]*(?:<(?P<angled>[^<>\s]{1,320}@[^<>\s]{1,255})>[ \t]*:[ \t]*$"
    r"|(?:Delivery failed|Failed recipient)[ \t]*:[ \t]*<?(?P<labelled>[^<>\s]{1,320}@[^<>\s]{1,255})>?"
    r"[ \t]*$"
    r"|(?P<bare>[^<>\s:,;]{1,320}@[^<>\s:,;]{1,255})[ \t]*:[ \t]*$)",
    re.MULTILINE,
)
_SAID = re.compile(r"Remote host said(?:\[[\w ]+\])?:\s*")
_BEHIND = re.compile(
    r"\s*(?:\n\s*Giving up on\b|\n\s*\n|\n\s*STEP:|\n?\s*\[(?:RCPT_TO|MAIL_FROM|DATA|EHLO|HELO|CONNECT)\]"
    r"|\nI'm not going to try again|\n\S{1,255} (?:does not like|failed (?:on|after))|\nRemote host said).*",
    re.DOTALL,
)
_MARK = re.compile(r"\[(RCPT_TO|MAIL_FROM|DATA|EHLO|HELO|CONNECT)\]|STEP:[ \t]*([A-Z][A-Z ]{2,20})")
_STAGES = (
    (" does not like recipient", Stage.RCPT),
    (" but sender was rejected", Stage.MAIL),
    (" failed on DATA command", Stage.DATA),
    (" failed after I sent the message", Stage.MESSAGE),
    (" but greeting failed", Stage.CONNECT),
    (" but my name was rejected", Stage.EHLO),
    (" but authentication was rejected", Stage.AUTH),
    (" but unable to start TLS", Stage.STARTTLS),
)
_SERVER = re.compile(
    r"(?:(?:^|\n|> )(?P<first>\[?[\w.:\-]{3,255}\]?) (?:does not like|failed (?:on|after))"
    r"|Connected to (?P<connected>\S{3,255}) but|Giving up on (?P<given>\S{3,255}?)\.?(?:\s|$))"
)
_TROUBLES = (
    (
        re.compile(r"wasn't able to establish an SMTP connection"),
        Trouble("dropped-at-connect", Stage.CONNECT),
    ),
    (
        re.compile(r"couldn't find any host by that name|lookup failed temporarily"),
        Trouble("dns-servfail", None),
    ),
    (re.compile(r"couldn't find any host named"), Trouble("dns-nxdomain", None)),
    (re.compile(r"couldn't find a mail exchanger"), Trouble("dns-nodata", None)),
    (
        re.compile(r"connection died\. Possible duplicate"),
        Trouble("closed-after-dot", Stage.MESSAGE),
    ),
    (
        re.compile(r"TLS (?:not available: )?connect (?:failed|timed out)"),
        Trouble("handshake-closed-at-starttls", Stage.STARTTLS),
    ),
)
_DELAYED = re.compile(r"will (?:be retried|keep trying|continue to try)|has been delayed", re.IGNORECASE)


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipients in a bounce of qmail's kind; none if another program wrote the mail.

    The format is QSBMF (https://cr.yp.to/proto/qsbmf.txt): an introduction, then for each recipient a
    paragraph that begins with "<address>:". The sentences are those of qmail-remote, qmail-local and
    qmail-send.
    """
    text = mail.text
    if not _ALWAYS.search(text):
        return
    if returned := _RETURNED.search(text):
        text = text[: returned.start()]
    blocks = list(_BLOCK.finditer(text))
    action: Literal["failed", "delayed"] = "delayed" if _DELAYED.search(text) else "failed"
    for here, following in itertools.zip_longest(blocks, blocks[1:]):
        recipient = here["angled"] or here["labelled"] or here["bare"]
        said = text[here.end() : following.start() if following else len(text)].strip()
        if said:
            yield _failure(recipient, said, action)


def _failure(recipient: str, text: str, action: Literal["failed", "delayed"]) -> Failure:
    stage = _stage(text)
    host, address = _server(text)
    reply = _reply(text)
    words = " ".join(text.split("\n\n", maxsplit=1)[0].split())[:500]
    why = Reason(reply, stage=stage) if reply else in_words(words, stage, _own_trouble(words))
    return Failure(
        recipient=recipient,
        host=host,
        address=address,
        status=None if reply else enhanced_in(words),
        action=action,
        **why._asdict(),
    )


def _reply(text: str) -> tuple[str, ...]:
    found = _SAID.search(text)
    said = text[found.end() :] if found else text
    return reply_in(_BEHIND.sub("", said, count=1))


def _stage(text: str) -> Stage | None:
    for words, stage in _STAGES:
        if words in text:
            return stage
    found = _MARK.search(text)
    return named_stage((found[1] or found[2]).replace("_", " ")) if found else None


def _server(text: str) -> tuple[str | None, str | None]:
    found = _SERVER.search(text)
    return server_in(found["first"] or found["connected"] or found["given"]) if found else (None, None)


def _own_trouble(words: str) -> Trouble | None:
    return next((trouble for pattern, trouble in _TROUBLES if pattern.search(words)), None)
