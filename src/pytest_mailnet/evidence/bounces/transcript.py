"""Transcripts of sessions in bounces: ">>> RCPT To:<…>" is what was sent, "<<< 550 …" what was answered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_mailnet.evidence.replies import reply_lines
from pytest_mailnet.evidence.stages import named_stage
from pytest_mailnet.values import Stage

__all__ = ["LEFT_OPEN", "QuotedReply", "answers_in", "stage_of"]

LEFT_OPEN = "Sendmail shows DATA for the final dot too"
"""Why a refusal under DATA counts as one of the message."""

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
    """What a server answered, and what stands around it.

    Attributes:
        host: the server, as the transcript calls it; "" where it does not.
        command: what had been sent last; "" for nothing, so that this is of the greeting.
        reply: what it answered, line by line.
        remarks: what the program says behind it, of its own.
        group: all answers to the same command.
        place: which of them this is.
    """

    host: str
    command: str
    reply: tuple[str, ...]
    remarks: list[str] = field(default_factory=list)
    group: list[tuple[str, ...]] = field(default_factory=list)
    place: int = 0

    @property
    def later(self) -> list[tuple[str, ...]]:
        """What was answered to the same command behind it."""
        return self.group[self.place + 1 :]

    @property
    def is_consequence(self) -> bool:
        """Whether it only says that no recipient is left: a reply to DATA after all were refused."""
        return _CONSEQUENCE.match(self.reply[0]) is not None

    def mentions(self, address: str) -> bool:
        """Whether the command, the reply or a remark has an address in it."""
        text = "\n".join((self.command, *self.reply, *self.remarks)).lower()
        return address.lower() in text


def answers_in(lines: Iterable[str]) -> tuple[list[QuotedReply], list[str]]:
    """The answers in a transcript, and the lines that are the program's own.

    Args:
        lines: ">>> DATA", "<<< 550 No", "... while talking to mx.shop.example.:" and others, as they come.
    """
    answers: list[QuotedReply] = []
    remarks: list[str] = []
    host = command = ""
    continued = False  # whether the last line was one of an answer, so that another may go on with it
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
    """At which stage an answer was given, and the rule if the transcript leaves that open.

    With PIPELINING (RFC 2920) all recipients are sent before a reply is read, and Sendmail shows the last
    command: under DATA stand the refusals of recipients, too. They are followed by DATA's own refusal, for
    want of recipients, or by Sendmail's "User unknown", which it says of no refusal of a message.
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
    """Whether a line is the client's: by its word or what it says, since arrows are drawn both ways."""
    if found["who"]:
        return found["who"].lower() == "sent"
    if _REPLY.match(text):
        return False
    return _COMMAND.match(text) is not None or found["arrow"] in {">>>", "-->"}
