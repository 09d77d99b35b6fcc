"""The stage of a session at which a reply was given: named by the evidence, or inferred from the reply."""

from __future__ import annotations

import re
from typing import NamedTuple

from pytest_mailnet.evidence.replies import code_of, enhanced_of
from pytest_mailnet.values import Stage

__all__ = ["STAGE_SIGNS", "StageSign", "inferred_stage", "named_stage", "stage_of_status", "words_for"]

# Names that programs have for the answered command; a longer name stands before a shorter one within it.
_NAMED: tuple[tuple[re.Pattern[str], Stage], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), stage)
    for pattern, stage in (
        (
            r"end[ -]of[ -](?:data|message|mail)|data end|^\.$|final dot|data send|\bfinal data\b",
            Stage.MESSAGE,
        ),
        (r"\bmessage (?:body|content|header)|\bafter (?:I sent )?the (?:message|dot)\b", Stage.MESSAGE),
        (r"\bsending (?:the )?message\b|\bbdat\b", Stage.MESSAGE),
        (r"\brcpt\b|\brcpt[ _]?to\b", Stage.RCPT),
        (r"\bmail[ _]?from\b|\bmail\b(?= command|:?<|$)", Stage.MAIL),
        (r"\bdata\b", Stage.DATA),
        (r"\bstarttls\b", Stage.STARTTLS),
        (r"\bauth\b", Stage.AUTH),
        (r"\b(?:ehlo|helo|lhlo)\b", Stage.EHLO),
        (r"\b(?:greeting|banner|initial connection|connect|conn)\b|^connection$", Stage.CONNECT),
    )
)


def named_stage(command: str) -> Stage | None:
    """The stage of a command, or of a program's name for one; None for any other text.

    Args:
        command: "RCPT TO:<alice@shop.example>", "end of DATA", "initial server greeting".
    """
    return next((stage for pattern, stage in _NAMED if pattern.search(command)), None)


def words_for(stage: Stage) -> tuple[re.Pattern[str], ...]:
    """The names that programs have for the command of a stage."""
    return tuple(pattern for pattern, named in _NAMED if named is stage)


class StageSign(NamedTuple):
    """A sign by which a stage is inferred.

    Attributes:
        says: the rule, as users read it.
        sign: matches the text of a reply, with its code in front.
        stage: the stage at which replies with this sign are given.
    """

    says: str
    sign: re.Pattern[str]
    stage: Stage


def _rule(says: str, sign: str, stage: Stage) -> StageSign:
    return StageSign(says, re.compile(sign, re.IGNORECASE), stage)


_CODE = r"^[45]\d\d[ :\-]+[\[(#]*"

STAGE_SIGNS = (
    _rule("535, 534 and 432 answer a log-in (RFC 4954, 6)", r"^(?:535|534|432)\b", Stage.AUTH),
    _rule("530 asks for TLS or a log-in before a mail begins (RFC 3207, 4)", r"^530\b", Stage.MAIL),
    _rule(
        "x.1.7 and x.1.8 are of the sender's address (RFC 3463, 3.2)", _CODE + r"[45]\.1\.[78]\b", Stage.MAIL
    ),
    _rule(
        "x.1.0 to x.1.6 are of the recipient's address (RFC 3463, 3.2)",
        _CODE + r"[45]\.1\.[0-6]\b",
        Stage.RCPT,
    ),
    _rule("x.1.10 is a recipient's null MX (RFC 7505, 4)", _CODE + r"[45]\.1\.10\b", Stage.RCPT),
    _rule("x.7.27 is a sender's null MX (RFC 7505, 4)", _CODE + r"[45]\.7\.27\b", Stage.MAIL),
    _rule(
        "x.2.3 and x.3.4 are of the size (RFC 3463, 3.3)",
        _CODE + r"[45]\.(?:2\.3|3\.4)\b",
        Stage.MESSAGE,
    ),
    _rule("x.2.x are of the mailbox (RFC 3463, 3.3)", _CODE + r"[45]\.2\.\d", Stage.RCPT),
    _rule("x.6.x are of the content (RFC 3463, 3.7)", _CODE + r"[45]\.6\.\d", Stage.MESSAGE),
    _rule("x.7.20 to x.7.22 are of DKIM (RFC 7372, 3.1)", _CODE + r"[45]\.7\.2[012]\b", Stage.MESSAGE),
    _rule("x.7.23 and x.7.24 are of SPF (RFC 7372, 3.2)", _CODE + r"[45]\.7\.2[34]\b", Stage.MAIL),
    _rule("DKIM and DMARC look at the message", r"\b(?:dkim|dmarc)\b", Stage.MESSAGE),
    _rule(
        "its words are of a mailbox",
        r"(?:unknown|no such|invalid|non-?existent) (?:user|mailbox|recipient|account|address|local)"
        r"|(?:user|mailbox|recipient|account|address|inbox)\b.{0,60}"
        r"(?:unknown|not (?:found|exist|known|valid)|n.t exist|\bfull\b|unavailable|disabled|inactive"
        r"|suspended|over quota|not registered)"
        r"|over ?quota|quota exceeded|no mailbox here|not (?:our|a) (?:customer|local)",
        Stage.RCPT,
    ),
    _rule("its words are of relaying", r"\brelay(?:ing)?\b", Stage.RCPT),
    _rule("its words are of greylisting", r"gr[ea]y-?list", Stage.RCPT),
    _rule(
        "its words are of a message",
        r"\b(?:spam\b|spammy|unsolicited|virus|infected|content|header|attachment|size (?:limit|exceed)"
        r"|message (?:too|size|rejected|was|not|is|contains|looks|has))",
        Stage.MESSAGE,
    ),
    _rule("552 is of what has been stored (RFC 5321, 4.3.2)", r"^552\b", Stage.MESSAGE),
    _rule("its words are of a sender's address", r"\bsender\b|\bmail from\b", Stage.MAIL),
    _rule(
        "its words are of the client's address",
        r"\b(?:blocked|listed|black-?list\w*|block-?list\w*|banned|reputation|rbl|dnsbl|ptr|reverse dns)\b"
        r"|\bconnections?\b",
        Stage.CONNECT,
    ),
    _rule("421 ends a session, mostly before a mail has begun (RFC 5321, 3.8)", r"^421\b", Stage.CONNECT),
    _rule("most refusals are of a recipient", r"^[45]\d\d\b", Stage.RCPT),
)
"""The signs by which a stage is inferred if the evidence does not state it; the first match decides."""


def inferred_stage(reply: tuple[str, ...], status: str | None = None) -> tuple[Stage, str] | None:
    """The stage at which a reply was most likely given, and the rule for it; None if no rule applies.

    Args:
        reply: the lines of the reply.
        status: the enhanced status code given beside the reply; used if the reply has none itself.
    """
    if not reply:
        return None
    text = " ".join(reply)
    if status is not None and enhanced_of(reply) is None:
        text = f"{code_of(reply[0])} {status} {text[4:]}"
    return next(((rule.stage, rule.says) for rule in STAGE_SIGNS if rule.sign.search(text)), None)


def stage_of_status(status: str | None) -> tuple[Stage, str] | None:
    """The stage of an enhanced status code that has no reply beside it, and the rule; None for none."""
    text = f"{status[0]}50 {status}" if status else ""
    rules = (rule for rule in STAGE_SIGNS if rule.sign.pattern.startswith(_CODE))
    return next(((rule.stage, rule.says) for rule in rules if rule.sign.search(text)), None)
