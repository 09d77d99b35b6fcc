"""SMTP sessions, with their commands and replies, and the messages taken in them.

Records are frozen; a session grows by whole exchanges, and only who has the engine's turn appends to it.
"""

from __future__ import annotations

import marshal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.handles.snapshot import Snapshot
from pytest_mailnet.printable import lines_of
from pytest_mailnet.values import OF_READING, Endpoint, Envelope, Stage

if TYPE_CHECKING:
    from email.message import EmailMessage

    from pytest_mailnet.record.contents import Attachment

__all__ = [
    "HUNG_UP",
    "Exchange",
    "Finding",
    "Message",
    "Session",
    "add_exchange",
    "add_message",
    "fold",
    "note",
    "parsed",
]

HUNG_UP = "the server hung up"
"""How a session ended in which the server has closed the connection in place of a reply."""

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


_STAGES = (None, *Stage)
_CODE = 3  # digits
_WORTH_FOLDING = 3  # exchanges; a session that is a banner and a QUIT takes no less room folded


class Finding(NamedTuple):
    """The decision of a rule.

    Attributes:
        rule: the rule's name, as in a provider's file.
        why: the evidence, in words; "" for a rule that permits.
    """

    rule: str
    why: str

    @property
    def is_harm(self) -> bool:
        """Whether it is no decision: a fault, or the application's death, kept the reply from being heard."""
        return self.rule in {"fault", "crash"}


class Exchange(NamedTuple):
    """One request and its reply. The banner has no request, an abandoned command no reply.

    Attributes:
        at: seconds since the net began, when the reply was given.
        stage: the stage that it decided; None for RSET, NOOP, QUIT and unknown commands.
        request: the bytes as they came, line end included; after DATA the content as sent.
        reply: the bytes as they went out.
        finding: the decision of a rule; None where no rule decided.
    """

    at: float
    stage: Stage | None
    request: bytes
    reply: bytes
    finding: Finding | None = None

    @property
    def code(self) -> int | None:
        """The reply's code; None without a reply, or where a fault has put something else before it."""
        if self.stage in OF_READING:
            return None
        code = self.reply[:3]
        return int(code) if len(code) == _CODE and code.isdigit() else None


@steady("a session", _OF_A_SESSION)
@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """One connection to a mail server: its ends, commands and replies, and how it ended.

    Attributes:
        at: seconds since the net began, when the connection arrived.
        number: counts the sessions of the net from 1.
        client: the sender's address and port in the net.
        server: the address and port that it connected to.
        host: the server's name.
        provider: the name of the provider or server that the host belongs to.
        protocol: "SMTP"; "IMAP" or "POP3" where mail is read.
        ended: how it ended, in words; None while it is open.
        tls: the version of TLS, such as "TLSv1.3"; None while it is not encrypted.
        user: the user who has logged in; None for nobody.
    """

    at: float
    number: int
    client: Endpoint
    server: Endpoint
    host: str
    provider: str
    protocol: str = "SMTP"
    ended: str | None = None
    tls: str | None = None
    user: str | None = None
    _messages: list[Message] | tuple[()] = ()  # a list from the first message on
    _exchanges: list[Exchange] | bytes = field(default_factory=list)  # bytes: as `fold` writes them

    @property
    def exchanges(self) -> list[Exchange]:
        """Requests with their replies, in order; the first is the banner."""
        kept = self._exchanges
        return _unfolded(kept, self._messages) if isinstance(kept, bytes) else kept

    @property
    def commands(self) -> list[str]:
        """The client's commands as texts, without line ends and without the contents of mails."""
        said = (
            _decoded(exchange.request).rstrip("\r\n")
            for exchange in self.exchanges
            if exchange.request and exchange.stage is not Stage.MESSAGE
        )
        return Snapshot(said, "session.commands", "session.exchanges has the record.")

    @property
    def messages(self) -> list[Message]:
        """The messages that the server took in this session, in order."""
        return Snapshot(self._messages, "session.messages", "mailnet.messages has those of all sessions.")

    @property
    def replies(self) -> list[str]:
        """The replies as texts, without line ends."""
        said = (_decoded(exchange.reply).rstrip("\r\n") for exchange in self.exchanges if exchange.reply)
        return Snapshot(said, "session.replies", "session.exchanges has the record.")

    @property
    def open(self) -> bool:
        """Whether the connection is still open."""
        return self.ended is None

    @property
    def amid_a_mail(self) -> bool:
        """Whether the connection is open, and a mail in it has begun without a reply to its end."""
        exchanges = self.exchanges if self.open else []
        return bool(exchanges) and exchanges[-1].stage in {Stage.MAIL, Stage.RCPT, Stage.DATA}

    def __str__(self) -> str:
        """The conversation in printable lines: "C:" for the client, "S:" for the server."""
        said: list[str] = []
        stage = None
        for exchange in self.exchanges:
            said += [f"C: {line}" for line in lines_of(exchange.request)]
            if (
                exchange.stage is Stage.MESSAGE and stage is not Stage.MESSAGE
            ):  # LMTP's further replies have no dot of their own
                said.append("C: .")
            stage = exchange.stage
            said += [f"S: {line}" for line in lines_of(exchange.reply)]
        return "\n".join(said)

    def __repr__(self) -> str:
        return f"<Session {self.number} {self.client} -> {self.host} ({self.server}), {self.ended or 'open'}>"


@steady("a message", _OF_A_MESSAGE)
@dataclass(frozen=True, slots=True, eq=False)
class Message:
    """A mail that a server took.

    Attributes:
        envelope: its sender and recipients as MAIL and RCPT gave them; apart from the headers.
        content: the bytes exactly as sent, after dot-unstuffing (RFC 5321, 4.5.2).
        session: the session in which it came.
        received: the net's time at which it came.
        provider: the name of the provider or server that took it.
        trace: the fields that the server put before it, with their line ends: Authentication-Results, where
            a rule has authenticated the sender; Received, where a user submits it or it is relayed.
    """

    envelope: Envelope
    content: bytes
    session: Session = field(repr=False)
    received: datetime
    provider: str
    trace: bytes = b""

    @property
    def parsed(self) -> EmailMessage:
        """The message with its trace fields, parsed by the email package; anew at every call."""
        return parsed(self.trace + self.content)

    @property
    def sender(self) -> str:
        """The reverse-path, as MAIL gave it; "" for the null sender."""
        return self.envelope.mail_from

    @property
    def recipients(self) -> tuple[str, ...]:
        """The recipients of RCPT that the server accepted."""
        return self.envelope.rcpt_tos

    @property
    def subject(self) -> str:
        """The header field Subject, decoded; "" without one."""
        return self["Subject"] or ""

    @property
    def text(self) -> str:
        r"""The plain text, decoded, with "\n" at the ends of lines; "" without one."""
        from pytest_mailnet.record.contents import body_of  # noqa: PLC0415  # with html.parser: few tests look into mails

        return body_of(self.parsed, "plain")

    @property
    def html(self) -> str:
        """The HTML, decoded; "" without one."""
        from pytest_mailnet.record.contents import body_of  # noqa: PLC0415  # as in `text`

        return body_of(self.parsed, "html")

    @property
    def links(self) -> list[str]:
        """The http and https links in text and HTML, each once; they are never followed."""
        from pytest_mailnet.record.contents import body_of, links_in  # noqa: PLC0415  # as in `text`

        mail = self.parsed
        return links_in(body_of(mail, "plain"), body_of(mail, "html"))

    @property
    def attachments(self) -> list[Attachment]:
        """The attached files, each with `.name`, `.content_type` and `.content`, the decoded bytes."""
        from pytest_mailnet.record.contents import attachments_of  # noqa: PLC0415  # as in `text`

        return attachments_of(self.parsed)

    def __getitem__(self, name: str) -> str | None:
        """A header field, decoded: `message["Subject"]`; the first of that name, None without one."""
        value = self.parsed[name]
        return None if value is None else str(value)

    __iter__ = None  # __getitem__ alone would make it a sequence
    __contains__ = None


def parsed(content: bytes) -> EmailMessage:
    """Read a message's bytes with the email package's modern policy."""
    import email.policy  # noqa: PLC0415  # most tests count mails, and few look into them

    return email.message_from_bytes(content, policy=email.policy.default)


def note(
    session: Session, *, tls: str | None = None, user: str | None = None, ended: str | None = None
) -> None:
    """Note a change of a session. Only its server does this; for a test, a session is read-only.

    Args:
        session: the session.
        tls: the version of TLS that encrypts it from now on; None for no change.
        user: the user who has logged in; None for no change.
        ended: how it ended, in words; None for no change.
    """
    for name, value in (("tls", tls), ("user", user), ("ended", ended)):
        if value is not None:
            object.__setattr__(session, name, value)


def add_message(message: Message) -> None:
    """Add a message to its session. Only the session's server does this."""
    session = message.session
    taken = session._messages  # noqa: SLF001  # read-only for a test
    if isinstance(taken, list):
        taken.append(message)
    else:
        object.__setattr__(session, "_messages", [message])


def add_exchange(session: Session, exchange: Exchange) -> None:
    """Add an exchange to a session. Only the session's server does this."""
    kept = session.exchanges
    kept.append(exchange)
    if kept is not session._exchanges:  # noqa: SLF001  # a hook was still at work when the connection ended
        object.__setattr__(session, "_exchanges", kept)


def fold(session: Session) -> None:
    """Keep a session's exchanges in a third of the room. Only its server does this, at the end.

    A net keeps all sessions of a test, which may be ten thousand, and looks into few of them.
    """
    if len(session.exchanges) < _WORTH_FOLDING or isinstance(session._exchanges, bytes):  # noqa: SLF001
        return
    times, stages, requests, replies, findings = zip(*session.exchanges, strict=True)
    # Of a content there is one copy, the message's.
    numbers = {id(it.content): number for number, it in enumerate(session._messages)}  # noqa: SLF001
    kept = [
        numbers.get(id(it), it) if stage is Stage.MESSAGE else it
        for it, stage in zip(requests, stages, strict=True)
    ]
    found = {number: tuple(it) for number, it in enumerate(findings) if it is not None}
    columns = times, bytes(map(_STAGES.index, stages)), tuple(kept), replies, found
    object.__setattr__(session, "_exchanges", marshal.dumps(columns))


def _unfolded(kept: bytes, messages: Sequence[Message]) -> list[Exchange]:
    times, stages, requests, replies, found = marshal.loads(kept)  # noqa: S302  # written by `fold`
    return [
        Exchange(
            at,
            _STAGES[stage],
            messages[request].content if isinstance(request, int) else request,
            reply,
            Finding(*found[number]) if number in found else None,
        )
        for number, (at, stage, request, reply) in enumerate(
            zip(times, stages, requests, replies, strict=True)
        )
    ]


def _decoded(sent: bytes) -> str:
    return sent.decode("utf-8", "backslashreplace")
