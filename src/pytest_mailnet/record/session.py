"""One session, what was said in it, and the messages that came of it.

Records are frozen; a session grows by whole exchanges, and only the engine's thread appends to it.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from types import MappingProxyType
from typing import NamedTuple

from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.handles.snapshot import Snapshot
from pytest_mailnet.printable import lines_of
from pytest_mailnet.record.contents import Attachment, attachments_of, body_of, links_in
from pytest_mailnet.values import Endpoint, Envelope, Stage

__all__ = ["Exchange", "Finding", "Message", "Session", "add_message", "note", "parsed"]

_OF_A_SESSION: Mapping[str, str] = MappingProxyType(
    {"message": "session.messages are those that the server took in it"}
)
_OF_A_MESSAGE: Mapping[str, str] = MappingProxyType(
    {
        "headers": "message['Subject'] is a header field, message.parsed.items() are all",
        "body": "message.text and message.html have it",
        "raw": "message.content has the bytes as sent",
        "mail_from": "message.sender is what MAIL said",
        "from_": "message.sender is what MAIL said, message['From'] the header field",
        "to": "message.recipients are whom RCPT named, message['To'] is the header field",
        "rcpt_tos": "message.recipients are whom RCPT named",
        "date": "message.received is when it came, message['Date'] the header field",
    }
)


class Finding(NamedTuple):
    """What a rule has decided.

    Attributes:
        rule: its name, as in a provider's file.
        why: the evidence, in words; "" for a rule that permits and has no more to say.
    """

    rule: str
    why: str


class Exchange(NamedTuple):
    """One request and its reply. The banner has no request, an abandoned command no reply.

    Attributes:
        at: seconds since the net began, when the reply was given.
        stage: the stage that it decided, None for RSET, NOOP, QUIT and unknown commands.
        request: the bytes as they came, line end included; after DATA the content as sent.
        reply: the bytes as they went.
        finding: the rule that decided, None where none did.
    """

    at: float
    stage: Stage | None
    request: bytes
    reply: bytes
    finding: Finding | None = None

    @property
    def code(self) -> int | None:
        """The reply's code, None where there is no reply."""
        return int(self.reply[:3]) if self.reply else None


@steady("a session", _OF_A_SESSION)
@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """One connection to a mail server: who, where to, what was said, how it ended.

    Attributes:
        at: seconds since the net began, when the connection arrived.
        number: counts the sessions of the net from 1.
        client: the sender's address and port in the net.
        server: the address and port that it connected to.
        host: the server's name.
        provider: the name of the provider or server that the host belongs to.
        exchanges: requests with their replies, in order; the first is the banner.
        ended: how it ended, in words, None while it is open.
        tls: the protocol version by which it is encrypted, "TLSv1.3"; None while it is not.
        user: who has logged in, None for nobody.
    """

    at: float
    number: int
    client: Endpoint
    server: Endpoint
    host: str
    provider: str
    exchanges: list[Exchange] = field(default_factory=list)
    ended: str | None = None
    tls: str | None = None
    user: str | None = None
    _messages: list[Message] = field(default_factory=list, repr=False)

    @property
    def commands(self) -> list[str]:
        """What the client said, each as text without its line end; contents and the greeting are left out."""
        said = (
            _decoded(exchange.request).rstrip("\r\n")
            for exchange in self.exchanges
            if exchange.request and exchange.stage is not Stage.MESSAGE
        )
        return Snapshot(said, "session.commands", "session.exchanges has the record.")

    @property
    def messages(self) -> list[Message]:
        """The messages that the server took in it, in order."""
        return Snapshot(self._messages, "session.messages", "mailnet.messages has those of all sessions.")

    @property
    def replies(self) -> list[str]:
        """The replies as texts, without line ends."""
        said = (_decoded(exchange.reply).rstrip("\r\n") for exchange in self.exchanges if exchange.reply)
        return Snapshot(said, "session.replies", "session.exchanges has the record.")

    @property
    def open(self) -> bool:
        """Whether the connection still stands."""
        return self.ended is None

    @property
    def amid_a_mail(self) -> bool:
        """Whether the connection stands and a mail has begun whose end was not answered."""
        last = self.exchanges[-1].stage if self.exchanges else None
        return self.open and last in {Stage.MAIL, Stage.RCPT, Stage.DATA}

    def __str__(self) -> str:
        """The conversation, a line each, "C:" for the client and "S:" for the server; all of it printable."""
        said: list[str] = []
        for exchange in self.exchanges:
            said += [f"C: {line}" for line in lines_of(exchange.request)]
            if exchange.stage is Stage.MESSAGE:
                said.append("C: .")
            said += [f"S: {line}" for line in lines_of(exchange.reply)]
        return "\n".join(said)

    def __repr__(self) -> str:
        return f"<Session {self.number} {self.client} -> {self.host} ({self.server}), {self.ended or 'open'}>"


@steady("a message", _OF_A_MESSAGE)
@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """A mail that a server took.

    Attributes:
        envelope: whom it is from and for; kept apart from the headers.
        content: the bytes exactly as sent, after dot-unstuffing (RFC 5321, 4.5.2).
        session: the session in which it came.
        received: the net's time at which it came.
        provider: the name of the provider or server that took it.
        trace: the fields that the server put before it, with their line ends: Authentication-Results, where
            a rule has looked at who sent it.
    """

    envelope: Envelope
    content: bytes
    session: Session = field(repr=False)
    received: datetime
    provider: str
    trace: bytes = b""

    @property
    def parsed(self) -> EmailMessage:
        """The message, trace fields first, as the email package reads it; parsed anew at every call."""
        return parsed(self.trace + self.content)

    @property
    def sender(self) -> str:
        """The reverse-path, as MAIL said it; "" for the null sender."""
        return self.envelope.mail_from

    @property
    def recipients(self) -> tuple[str, ...]:
        """Whom RCPT named and the server accepted."""
        return self.envelope.rcpt_tos

    @property
    def subject(self) -> str:
        """The header field Subject, decoded; "" where there is none."""
        return self["Subject"] or ""

    @property
    def text(self) -> str:
        r"""The plain text, decoded, with "\n" at the ends of lines; "" where there is none."""
        return body_of(self.parsed, "plain")

    @property
    def html(self) -> str:
        """The HTML, decoded; "" where there is none."""
        return body_of(self.parsed, "html")

    @property
    def links(self) -> list[str]:
        """The http and https links in text and HTML, each once; none is ever followed."""
        mail = self.parsed
        return links_in(body_of(mail, "plain"), body_of(mail, "html"))

    @property
    def attachments(self) -> list[Attachment]:
        """The files in it, each with `.name`, `.content_type` and `.content`, its decoded bytes."""
        return attachments_of(self.parsed)

    def __getitem__(self, name: str) -> str | None:
        """A header field, decoded: `message["Subject"]`; the first of its name, None where there is none."""
        value = self.parsed[name]
        return None if value is None else str(value)

    __iter__ = None  # else __getitem__ would make a sequence of it
    __contains__ = None


def parsed(content: bytes) -> EmailMessage:
    """Read a message's bytes with the email package's modern policy."""
    return email.message_from_bytes(content, policy=email.policy.default)


def note(
    session: Session, *, tls: str | None = None, user: str | None = None, ended: str | None = None
) -> None:
    """Note what has become of a session: only who serves it does, for a test it is a record."""
    for name, value in (("tls", tls), ("user", user), ("ended", ended)):
        if value is not None:
            object.__setattr__(session, name, value)


def add_message(message: Message) -> None:
    """Note in its session that the server took a message: only who serves the session does."""
    message.session._messages.append(message)  # noqa: SLF001  # for a test it is a record


def _decoded(sent: bytes) -> str:
    return sent.decode("utf-8", "backslashreplace")
