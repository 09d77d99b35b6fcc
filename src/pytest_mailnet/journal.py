"""What happened in a net: append-only, in order, in both directions.

The engine's thread and the application's threads write, the test reads. Records are frozen; a
session grows by whole exchanges, and only the engine's thread appends to it.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from pytest_mailnet.attributes import steady
from pytest_mailnet.model import Endpoint, Stage
from pytest_mailnet.native import lock
from pytest_mailnet.realtime import monotonic
from pytest_mailnet.shown import lines_of
from pytest_mailnet.snapshot import Snapshot

__all__ = [
    "Attempt",
    "ClockMoved",
    "Entry",
    "Exchange",
    "Finding",
    "Incident",
    "Journal",
    "Query",
    "Session",
    "Started",
    "note",
]


_MESSAGES = "mailnet.messages has those that servers took, each with its .session"
_HELD: Mapping[str, str] = MappingProxyType({"messages": _MESSAGES, "message": _MESSAGES})


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


@steady("a session", _HELD)
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


@dataclass(frozen=True, slots=True)
class Attempt:
    """A connection that did not come about: nobody listens, there is no way there, or no answer.

    Attributes:
        at: seconds since the net began.
        client: the sender's address.
        server: the address and port that it would connect to.
        host: the server's name, "" where there is none.
        error: what came of it, in the words of the system: "connection refused".
        why: the cause in words.
    """

    at: float
    client: str
    server: Endpoint
    host: str
    error: str
    why: str


@steady("a query")
@dataclass(frozen=True, slots=True)
class Query:
    """A question to the net's DNS, and what it was told.

    Attributes:
        at: seconds since the net began.
        name: as asked, case kept, without the final dot.
        rdtype: "MX", "A", "TYPE65280".
        rcode: "NOERROR", "NXDOMAIN", "SERVFAIL", …
        answers: the answer section, each as "name TTL type rdata"; empty with NOERROR is NODATA.
        via: "udp", "tcp", or the function that asked ("getaddrinfo").
        server: the name server that was asked, None where a function asked.
        client: the sender's address.
    """

    at: float
    name: str
    rdtype: str
    rcode: str
    answers: tuple[str, ...]
    via: str
    server: Endpoint | None = None
    client: str = ""


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that a test should hear of: a leak, an exception in a rule, a patch undone.

    Attributes:
        at: seconds since the net began.
        kind: "leak", "error", "tampering" or "unknown name".
        text: what happened, what there was, the way out.
        error: the exception, where there is one.
        fails: whether it fails the test at its end.
    """

    at: float
    kind: str
    text: str
    error: BaseException | None = None
    fails: bool = True


@dataclass(frozen=True, slots=True)
class Started:
    """A process that the application has started, and that is not in the net.

    Attributes:
        at: seconds since the net began.
        command: what was started.
    """

    at: float
    command: str


@dataclass(frozen=True, slots=True)
class ClockMoved:
    """The test moved the clock.

    Attributes:
        at: seconds since the net began.
        seconds: the step.
        now: the clock's time after it, in UTC, as text.
    """

    at: float
    seconds: float
    now: str


Entry = Session | Attempt | Query | Incident | ClockMoved | Started


def note(
    session: Session, *, tls: str | None = None, user: str | None = None, ended: str | None = None
) -> None:
    """Note what has become of a session: only who serves it does, for a test it is a record."""
    for name, value in (("tls", tls), ("user", user), ("ended", ended)):
        if value is not None:
            object.__setattr__(session, name, value)


class Journal:
    """The record of one net; `at` everywhere is seconds since the journal was made."""

    def __init__(self) -> None:
        self._began = monotonic()
        self._entries: list[Entry] = []
        self._sessions = 0
        self._lock = lock()  # numbers sessions; a list's append needs none

    def elapsed(self) -> float:
        """Real seconds since the journal was made."""
        return monotonic() - self._began

    def add(self, entry: Entry) -> None:
        """Append a record."""
        self._entries.append(entry)

    def not_connected(self, client: str, server: Endpoint, host: str, error: int, why: str) -> None:
        """Append a connection that did not come about.

        Args:
            client: the sender's address.
            server: where to.
            host: its name, "" where there is none.
            error: the errno; ETIMEDOUT where nobody answers.
            why: the cause in words.
        """
        told = "no answer" if error == errno.ETIMEDOUT else os.strerror(error).lower()
        self.add(Attempt(self.elapsed(), client, server, host, told, why.removeprefix(f"{host}: ")))

    def open_session(self, client: Endpoint, server: Endpoint, host: str, provider: str) -> Session:
        """Append a new session and return it for the server to fill."""
        with self._lock:
            self._sessions += 1
            session = Session(self.elapsed(), self._sessions, client, server, host, provider)
            self._entries.append(session)
        return session

    @property
    def entries(self) -> tuple[Entry, ...]:
        """Everything, in the order in which it began."""
        return tuple(self._entries)

    @property
    def sessions(self) -> list[Session]:
        """The SMTP sessions, failed ones too."""
        return [entry for entry in self.entries if isinstance(entry, Session)]

    @property
    def queries(self) -> list[Query]:
        """The DNS questions."""
        return [entry for entry in self.entries if isinstance(entry, Query)]

    @property
    def incidents(self) -> list[Incident]:
        """What a test should hear of."""
        return [entry for entry in self.entries if isinstance(entry, Incident)]


def _decoded(sent: bytes) -> str:
    return sent.decode("utf-8", "backslashreplace")
