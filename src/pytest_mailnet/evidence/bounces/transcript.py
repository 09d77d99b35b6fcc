"""Transcripts of sessions in bounces: ">>> RCPT To:<…>" was sent, "<<< 550 …" was the reply."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_mailnet.evidence.replies import reply_lines
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["LEFT_OPEN", "QuotedReply", "answers_in", "stage_of"]

LEFT_OPEN = "Sendmail shows DATA for the final dot too"
"""The rule by which a refusal under DATA counts as a refusal of the message."""

_TALK = re.compile(
    r"[ \t]*(?:\.\.\.[ \t]*)?while (?:talking|connected|speaking) to (?P<host>\S+?)\.?:?[ \t]*$",
    re.IGNORECASE,
)
_LINE = re.compile(
    r"[ \t]*(?:(?P<who>sent|received)[ \t]*)?(?P<arrow>>>>|<<<|-->|<--)[ \t]?(?P<text>.*)", re.IGNORECASE
)
_REPLY = re.compile(r"[2-5]\d\d(?:[ \-]|$)")
_COMMAND = re.compile(
    r"(?:RCPT|MAIL|DATA|BDAT|EHLO|HELO|LHLO|STARTTLS|AUTH|RSET|QUIT|NOOP|VRFY)\b|\.$", re.IGNORECASE
)
_CONSEQUENCE = re.compile(
    r"^(?:503\b|5\d\d[ \-].*(?:(?:no|without|need|valid|all)\b.{0,20}\b(?:rcpt|recipients?)\b"
    r"|rcpt\b.{0,20}\b(?:first|before|precede|expected|required)))",
    re.IGNORECASE,
)
_USER_UNKNOWN = re.compile(r"^[45]\d\d\b.*@.*\.\.\. *User unknown", re.IGNORECASE)


@dataclass(slots=True)
class QuotedReply:
    """A server's reply in a transcript, with its context.

    Attributes:
        host: the server's name in the transcript; "" if it is not named.
        command: the last command before the reply; "" before any command, so that the reply is the greeting.
        reply: the lines of the reply.
        remarks: the program's own lines behind the reply.
        group: all replies to the same command.
        place: the index of this reply in the group.
    """

    host: str
    command: str
    reply: tuple[str, ...]
    remarks: list[str] = field(default_factory=list)
    group: list[tuple[str, ...]] = field(default_factory=list)
    place: int = 0

    @property
    def later(self) -> list[tuple[str, ...]]:
        """The replies to the same command behind this one."""
        return self.group[self.place + 1 :]

    @property
    def is_consequence(self) -> bool:
        """Whether the reply only says that no recipient is left: DATA's refusal after all were refused."""
        return _CONSEQUENCE.match(self.reply[0]) is not None

    def mentions(self, address: str) -> bool:
        """Whether an address stands in the command, the reply or a remark."""
        text = "\n".join((self.command, *self.reply, *self.remarks)).lower()
        return address.lower() in text


def answers_in(lines: Iterable[str]) -> tuple[list[QuotedReply], list[str]]:
    """The replies in a transcript, and the program's own lines.

    Args:
        lines: ">>> DATA", "<<< 550 No", "... while talking to mx.shop.example.:" and any others, in order.
    """
    answers: list[QuotedReply] = []
    remarks: list[str] = []
    host = command = ""
    continued = False  # whether the last line was one of a reply, so that the next may continue it
    for line in lines:
        if talk := _TALK.match(line):
            host, command, continued = talk["host"], "", False
        elif found := _LINE.match(line):
            text = found["text"].strip()
            if _is_sent(found, text):
                command, continued = text, False
            elif continued and answers[-1].reply[-1][3:4] == "-":
                answers[-1].reply += (" ".join(text.split()),)
            else:
                reply = reply_lines(text) or ((text,) if text else ())
                if reply:
                    _note(answers, QuotedReply(host, command, reply))
                continued = bool(reply)
        elif line.strip():
            remarks.append(line.strip())
            continued = False
            if answers:
                answers[-1].remarks.append(line.strip())
    return answers, remarks


def stage_of(answer: QuotedReply) -> tuple[Stage | None, str | None]:
    """The stage at which a reply was given; and the rule, if the transcript leaves the stage open.

    With PIPELINING (RFC 2920) Sendmail sends all recipients before it reads a reply, and shows only the last
    command. So refusals of recipients stand under DATA too. DATA's own refusal, for want of recipients,
    follows them, or Sendmail's remark "User unknown", which it never makes about a refused message.
    """
    if not answer.command:
        return Stage.CONNECT, None
    if not re.match(r"DATA\b", answer.command, re.IGNORECASE):
        return Stage.MESSAGE if answer.command == "." else named_stage(answer.command), None
    if any(map(_CONSEQUENCE.match, (it[0] for it in answer.later))) or any(
        map(_USER_UNKNOWN.match, answer.remarks)
    ):
        return Stage.RCPT, None
    if answer.is_consequence:
        return Stage.DATA, None
    return Stage.MESSAGE, LEFT_OPEN


def _note(answers: list[QuotedReply], answer: QuotedReply) -> None:
    last = answers[-1] if answers else None
    if last is not None and (last.host, last.command) == (answer.host, answer.command):
        answer.group = last.group
    answer.place = len(answer.group)
    answer.group.append(answer.reply)
    answers.append(answer)


def _is_sent(found: re.Match[str], text: str) -> bool:
    """Whether the client sent a line: by the word in front or the content, since arrows point both ways."""
    if found["who"]:
        return found["who"].lower() == "sent"
    if _REPLY.match(text):
        return False
    return _COMMAND.match(text) is not None or found["arrow"] in {">>>", "-->"}
