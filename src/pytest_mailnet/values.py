"""Frozen values that all layers share: replies, stages, envelopes, end points."""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal, NamedTuple

from pytest_mailnet.errors import InvalidReply

__all__ = ["COMMANDS", "DELIVERY", "OF_READING", "Endpoint", "Envelope", "Fate", "Reply", "Stage", "literal"]


class Stage(StrEnum):
    """Where in a session a reply is given (RFC 5321, 4.3.2); MESSAGE is after the final dot or last chunk.

    RSET, NOOP, QUIT and OTHER are commands that belong to no step of a delivery; OTHER is each that has no
    stage of its own, as VRFY, HELP, or a command that the server does not know. SELECT, FETCH and IDLE are
    those of IMAP; FETCH is RETR and TOP in POP3, too.
    """

    CONNECT = "connect"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    MESSAGE = "message"
    RSET = "rset"
    NOOP = "noop"
    QUIT = "quit"
    OTHER = "other"
    SELECT = "select"
    FETCH = "fetch"
    IDLE = "idle"


DELIVERY = (
    Stage.CONNECT,
    Stage.EHLO,
    Stage.STARTTLS,
    Stage.AUTH,
    Stage.MAIL,
    Stage.RCPT,
    Stage.DATA,
    Stage.MESSAGE,
)
"""The stages of a delivery, in order."""

OF_READING = (Stage.SELECT, Stage.FETCH, Stage.IDLE)
"""The stages of sessions in which mail is read, besides those that they have in common with SMTP's."""


COMMANDS: Mapping[Stage, str] = MappingProxyType(
    {
        Stage.CONNECT: "connection",
        Stage.EHLO: "EHLO command",
        Stage.STARTTLS: "STARTTLS command",
        Stage.AUTH: "AUTH command",
        Stage.MAIL: "MAIL FROM command",
        Stage.RCPT: "RCPT TO command",
        Stage.DATA: "DATA command",
        Stage.MESSAGE: "end of DATA command",
        Stage.RSET: "RSET command",
        Stage.NOOP: "NOOP command",
        Stage.QUIT: "QUIT command",
        Stage.OTHER: "other command",
        Stage.SELECT: "SELECT command",
        Stage.FETCH: "FETCH command",
        Stage.IDLE: "IDLE command",
    }
)
"""The name that delivery reports give to the client's last act at each stage."""


class Endpoint(NamedTuple):
    """An IP address and a port of the net, or of the machine."""

    ip: str
    port: int

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True)
class Envelope:
    """The sender and the recipients of a mail as MAIL and RCPT named them, whatever its headers say.

    Attributes:
        mail_from: the reverse-path; "" is the null sender of bounces (RFC 5321, 4.5.5).
        rcpt_tos: the recipients that were accepted, in order.
        mail_options: the parameters of MAIL, as written ("SIZE=120", "BODY=8BITMIME").
        rcpt_options: for each recipient the parameters of its RCPT.
    """

    mail_from: str
    rcpt_tos: tuple[str, ...]
    mail_options: tuple[str, ...] = ()
    rcpt_options: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Fate:
    """What a test has decided to become of a mail after the server has said yes to it.

    Attributes:
        name: "junk", "discard" or "bounce".
        diagnostic: what the bounce says; None for another fate.
        recipients: for which recipients, by their numbers in the envelope.
    """

    name: Literal["junk", "discard", "bounce"]
    diagnostic: Reply | None = None
    recipients: frozenset[int] = frozenset()


# RFC 5321, 4.2.1 has 0 to 5 as second digit; servers that refuse with 571 are met all the same.
_REPLY_LINE = re.compile(r"(?P<code>[23][0-5][0-9]|[45][0-9]{2})(?:(?P<separator>[ -])(?P<text>.*))?")
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?= |$)")  # RFC 3463, 2
_VARIABLE = re.compile(
    r"\{\{([A-Za-z_]\w*)\}\}|\{([A-Za-z_]\w*)\}", re.ASCII
)  # the first of them stands for braces
_BRACES = re.compile(r"\{([A-Za-z_]\w*)\}", re.ASCII)
_CHALLENGE = 334

# What a client can be told at each stage besides 4yz and 5yz (RFC 5321, 4.3.2).
_POSITIVE = {
    Stage.CONNECT: {220},
    Stage.EHLO: {250},
    Stage.STARTTLS: {220},
    Stage.AUTH: {235},
    Stage.MAIL: {250},
    Stage.RCPT: {250, 251, 252},
    Stage.DATA: {354},
    Stage.MESSAGE: {250},
    Stage.RSET: {250},
    Stage.NOOP: {250},
    Stage.QUIT: {221},
    Stage.OTHER: {*range(200, 360)},  # HELP has 214, XCLIENT 220, and nobody knows of all
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP reply (RFC 5321, 4.2), and whether the server hangs up after it.

    Attributes:
        code: three digits.
        lines: the text, line by line, without code and enhanced status code. It may hold
            variables such as {queue_id} or {ip}, which the session fills in; {{ip}} is sent as {ip}.
        enhanced: the enhanced status code (RFC 3463), repeated on every line, or None.
        closes: whether the server hangs up after it; a 421 always does (RFC 5321, 3.8).

    Raises:
        InvalidReply: if code or text could not be sent as a reply.
    """

    code: int
    lines: tuple[str, ...] = ("",)
    enhanced: str | None = None
    closes: bool = False
    _template: bytes = field(init=False, repr=False, compare=False)
    _varies: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not _REPLY_LINE.fullmatch(str(self.code)):
            raise InvalidReply(
                f"{self.code} is no reply code: it takes three digits, 200 to 359 or 400 to 599"
            )
        if self.enhanced is not None and not _ENHANCED.fullmatch(self.enhanced):
            raise InvalidReply(
                f"{self.enhanced!r} is no enhanced status code: RFC 3463 has them as in '5.1.1'"
            )
        for line in self.lines:
            if not line.replace("\t", " ").isprintable():
                raise InvalidReply(f"a reply's line cannot hold control characters: {line!r}")
        if self.code == 421:
            object.__setattr__(self, "closes", True)
        object.__setattr__(self, "_template", _on_the_wire(self))
        object.__setattr__(self, "_varies", b"{" in self._template)

    @classmethod
    def parse(cls, text: str, *, closes: bool = False) -> Reply:
        """Read a reply as a server would write it, "550 5.1.1 No such user".

        Further lines may repeat the code ("550-5.1.1 ...", as copied from a log) or leave it out.

        Args:
            text: the reply, one line or several.
            closes: whether the server hangs up after it.

        Raises:
            InvalidReply: if that is no reply; says what is wrong.
        """
        written = text.rstrip("\r\n").splitlines()
        first = _REPLY_LINE.fullmatch(written[0]) if written else None
        if first is None:
            raise InvalidReply(
                f"{text!r} is no SMTP reply: it begins with {text[:3]!r} and not with a code of three "
                "digits (2, 3, 4 or 5 first), a space, and a text, as in '550 5.1.1 No such user'"
            )
        code = int(first["code"])
        texts = [first["text"] or ""]
        for line in written[1:]:
            further = _REPLY_LINE.fullmatch(line)
            if further and int(further["code"]) != code:
                raise InvalidReply(
                    f"{text!r} has two codes, {code} and {further['code']}: "
                    "all lines of one reply have the same (RFC 5321, 4.2.1)"
                )
            texts.append((further["text"] or "") if further else line)
        enhanced = _ENHANCED.match(texts[0])
        if enhanced is not None:
            prefix = enhanced[1]
            texts = [
                line[len(prefix) :].removeprefix(" ") if line.startswith(prefix) else line for line in texts
            ]
        return cls(code, tuple(texts), enhanced and enhanced[1], closes)

    @classmethod
    def raw(cls, content: bytes) -> Reply:
        r"""A reply that goes out as other bytes: a blank or foreign line before it, two replies in a row.

        Args:
            content: the bytes, line ends included: b"\r\n250 OK\r\n". The server goes on by the first reply
                among them.

        Raises:
            InvalidReply: if no line of them is a reply.
        """
        written = content.decode("utf-8", "backslashreplace") if isinstance(content, bytes) else ""
        first = next(filter(_REPLY_LINE.fullmatch, written.splitlines()), None)
        if first is None:
            raise InvalidReply(
                f"Reply.raw({content!r}): it takes bytes of which a line is a reply, as in "
                r"b'\r\n250 OK\r\n'"
            )
        reply = cls.parse(first)
        object.__setattr__(reply, "_template", content)
        object.__setattr__(reply, "_varies", False)
        return reply

    def closing(self) -> Reply:
        """The same reply, after which the server hangs up."""
        reply = copy.copy(self)
        object.__setattr__(reply, "closes", True)
        return reply

    @property
    def variables(self) -> list[str]:
        """The names of the variables in it, each once."""
        return list(dict.fromkeys(name for name, _ in _slots(self._template)[1])) if self._varies else []

    @property
    def text(self) -> str:
        """The text in one line, without code and enhanced status code."""
        return " ".join(line.strip() for line in self.lines)

    @property
    def positive(self) -> bool:
        """Whether the server said yes: 2yz, or 354."""
        return self.code < 400

    def wire(self, value_of: Callable[[str], str] | None = None) -> bytes:
        """The bytes to send, CRLF included. `value_of` returns a variable's value; None fills none in."""
        if value_of is None or not self._varies:
            return self._template
        first, rest = _slots(self._template)
        return (first + "".join([value_of(name) + text for name, text in rest])).encode()

    def check_stage(self, stage: Stage) -> Reply:
        """Check that a server can give the reply at a stage, and return the reply.

        Raises:
            InvalidReply: if it makes no sense there; names the codes that do.
        """
        if self.code < 400 and self.code not in _POSITIVE[stage]:
            allowed = ", ".join(map(str, sorted(_POSITIVE[stage])))
            raise InvalidReply(
                f"'{self}' makes no sense at {stage.upper()}: a client that waits there understands "
                f"{allowed} as yes, 4yz as not now and 5yz as no (RFC 5321, 4.3.2)"
            )
        return self

    def __str__(self) -> str:
        return self._template.decode("utf-8", "backslashreplace").rstrip("\r\n").replace("\r\n", "\n")


def literal(text: str) -> str:
    """A text with its braces escaped, so that a reply holds it as it is: {ip} becomes {{ip}}."""
    return _BRACES.sub(r"{{\1}}", text)


@functools.lru_cache(maxsize=4096)
def _slots(template: bytes) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The text before the first variable; and each variable, with the text behind it."""
    first, *found = _VARIABLE.split(template.decode())
    slots: list[tuple[str, str]] = []
    for escaped, name, text in zip(found[::3], found[1::3], found[2::3], strict=True):
        if name:
            slots.append((name, text))
        elif slots:
            slots[-1] = slots[-1][0], f"{slots[-1][1]}{{{escaped}}}{text}"
        else:
            first += f"{{{escaped}}}{text}"
    return first, tuple(slots)


def _on_the_wire(reply: Reply) -> bytes:
    prefix = f"{reply.enhanced} " if reply.enhanced else ""
    *firsts, last = reply.lines or ("",)
    written = [f"{reply.code}-{prefix}{line}" for line in firsts]
    # An empty challenge keeps its space (RFC 4954, 4).
    ending = f"{prefix}{last}" if last or reply.code == _CHALLENGE else prefix.rstrip()
    written.append(f"{reply.code} {ending}" if ending or reply.code == _CHALLENGE else str(reply.code))
    return ("\r\n".join(written) + "\r\n").encode()
