"""Bounces of Postfix: "<address>: host mx.shop.example[192.0.2.8] said: 550 No (in reply to …)"."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Literal

from pytest_mailnet.evidence.bounces.deliverystatus import server_in
from pytest_mailnet.evidence.bounces.mail import LONGEST_TEXT, BouncedMail
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.permanence import Reason, in_words
from pytest_mailnet.evidence.replies import enhanced_in, reply_in
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.smtp.headers import mailboxes_of
from pytest_mailnet.values import Stage

__all__ = ["failures_in"]

_ALWAYS = re.compile(
    r"^This is the (?:[\w.\-]+[ \t]+){1,4}at host \S+\.?[ \t]*$|^[ \t]+The (?:mail system|\w+ program)[ \t]*$"
    r"|^[ \t]*<[^<>\s]+@[^<>\s]+>(?: \(expanded from [^()]+\))?: (?:host|connect to|lost connection with) ",
    re.MULTILINE,
)
_QUEUE_ID = re.compile(r"^X-[\w\-]+-Queue-ID:", re.MULTILINE | re.IGNORECASE)
_BLOCK = re.compile(
    r"^[ \t]?<(?P<recipient>[^<>\n]{1,320})>"
    r"(?:[ \t\n]+\((?:expanded|generated)[ \t\n]+from[ \t\n]+<?(?P<original>[^()<>\n]{1,400})>?\))?:"
    r"(?P<text>[^\n]*(?:\n[ \t]+[^\s][^\n]*)*)",
    re.MULTILINE,
)
_DELAYED = re.compile(r"THIS IS A WARNING ONLY|has been delayed|will be retried until|still being retried")
_UNAVAILABLE = re.compile(r"--- Delivery report unavailable ---")

# How Postfix's SMTP and LMTP clients quote a server.
_SAID = re.compile(
    r"(?:(?:host|server) (?P<host>\S+?) ?(?:\[(?P<address>[^\]\s]*)\])?(?::\d+)?,? said: "
    r"|(?:host|connect to) (?P<refusing>\S+?)\[(?P<at>[^\]\s]*)\](?::\d+)?:?"
    r"(?: server)? refused to (?:talk to me|start TLS): )"
    r"(?P<reply>.*?)\s*(?:\(in reply to (?P<command>[\w ]+?)(?: command)?\))?\s*$"
)
_NO_ANSWER = re.compile(
    r"(?:connect to|lost connection with|conversation with|by host|server|host) (?P<server>\S+?\[\S*?\])"
)
_WHILE = re.compile(r"\bwhile (?P<doing>[\w \-]+)")
_GREETED = "Postfix says so of the greeting and of the reply to EHLO or HELO alike"
_HAS_NO_SERVER = re.compile(
    r"Command died|delivery failed|cannot (?:update|open)|Command output|Command time"
)


def failures_in(mail: BouncedMail) -> Iterator[Failure]:
    """The failed recipients in a bounce or warning by Postfix; none if another program wrote the mail.

    The texts are those of its manual bounce(5) and of its SMTP, LMTP, local and pipe clients. Postfix wraps
    them at blanks, at 79 characters, and indents them by four.
    """
    text = mail.text
    if not (_QUEUE_ID.search(mail.status[:LONGEST_TEXT]) or _ALWAYS.search(text)):
        return
    action: Literal["failed", "delayed"] = "delayed" if _DELAYED.search(text) else "failed"
    for found in _BLOCK.finditer(text):
        failure = _failure(found["recipient"], " ".join(found["text"].split()), action)
        original = found["original"] if "@" in (found["original"] or "") else None
        yield dataclasses.replace(failure, original=original)
    if _UNAVAILABLE.search(text) and (recipient := _only_recipient(mail)) is not None:
        yield Failure(recipient=recipient, action=action, words="Delivery report unavailable")


def _failure(recipient: str, text: str, action: Literal["failed", "delayed"]) -> Failure:
    found = None if _HAS_NO_SERVER.match(text) else _SAID.search(text)
    reply = reply_in(found["reply"]) if found else ()
    if found is None or not reply:
        return _without_reply(recipient, text, action)
    named = found["host"] or found["refusing"]
    address = server_in(f"[{found['address'] or found['at'] or ''}]")[1]
    stage, rule = _stage(text, found)
    return Failure(
        recipient=recipient,
        host=None if server_in(named)[1] else named.lower(),
        address=address,
        stage=stage,
        stage_rule=rule,
        reply=reply,
        action=action,
    )


def _stage(text: str, found: re.Match[str]) -> tuple[Stage | None, str | None]:
    if found["command"]:
        return named_stage(found["command"]), None
    if "refused to start TLS" in found[0]:
        return Stage.STARTTLS, None
    if found["refusing"]:
        return Stage.CONNECT, _GREETED
    return (Stage.AUTH, None) if text.startswith("SASL authentication failed") else (None, None)


def _without_reply(recipient: str, text: str, action: Literal["failed", "delayed"]) -> Failure:
    doing = _WHILE.search(text)
    stage = named_stage(doing["doing"]) if doing else None
    why = Reason(stage=stage, words=text) if _HAS_NO_SERVER.match(text) else in_words(text, stage)
    if why.fault is None and re.search(r"\bTLS\b", text):
        why = why._replace(stage=Stage.STARTTLS)
    server = _NO_ANSWER.search(text)
    host, address = server_in(server["server"]) if server else (None, None)
    return Failure(
        recipient=recipient,
        host=host,
        address=address,
        status=enhanced_in(text),
        action=action,
        **why._asdict(),
    )


def _only_recipient(mail: BouncedMail) -> str | None:
    """The only recipient in the header of the returned mail; None if there is not exactly one."""
    fields = [str(it) for name in ("To", "Cc", "Bcc") for it in mail.returned.get_all(name, [])]
    addresses = [address for it in fields for _, address in mailboxes_of(it) if "@" in address]
    return addresses[0] if len(addresses) == 1 else None
