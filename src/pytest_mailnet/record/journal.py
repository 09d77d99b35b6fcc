"""The record of what happened in a net: append-only, in order, in both directions.

The engine's thread and the application's threads write, the test reads. Records are frozen; a
session grows by whole exchanges, and only who has the engine's turn appends to it.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import NamedTuple

from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.record.session import Session
from pytest_mailnet.system.native import lock
from pytest_mailnet.system.realtime import monotonic
from pytest_mailnet.values import Endpoint

__all__ = [
    "Attempt",
    "ClockMoved",
    "Entry",
    "Incident",
    "Journal",
    "Query",
    "Started",
]


class Attempt(NamedTuple):
    """A connection that failed: refused, no route, or no answer.

    Attributes:
        at: seconds since the net began.
        client: the sender's address.
        server: the address and port that it was to.
        host: the server's name, "" if there is no server.
        error: the error in the words of the system, such as "connection refused".
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
    """A question to the net's DNS, and the answer.

    Attributes:
        at: seconds since the net began.
        name: the name as asked, case kept, without the final dot.
        rdtype: such as "MX", "A", "TYPE65280".
        rcode: "NOERROR", "NXDOMAIN", "SERVFAIL", …
        answers: the answer section, each as "name TTL type rdata"; empty with NOERROR is NODATA.
        via: "udp", "tcp", or the function that asked ("getaddrinfo").
        server: the name server that was asked; None where a function asked.
        client: the sender's address.
        fault: the id of the fault that it has met, "dns-servfail"; "" for none.
    """

    at: float
    name: str
    rdtype: str
    rcode: str
    answers: tuple[str, ...]
    via: str
    server: Endpoint | None = None
    client: str = ""
    fault: str = ""


class Incident(NamedTuple):
    """An event that the test's report shows: a leak, an exception in a rule, a patch undone.

    Attributes:
        at: seconds since the net began.
        kind: "leak", "not of this test", "error", "tampering", "hang", "real time" or "chaos".
        text: what happened, what the net has instead, and the remedy.
        error: the exception behind it; None for none.
        fails: whether it fails the test at its end.
    """

    at: float
    kind: str
    text: str
    error: BaseException | None = None
    fails: bool = True


class Started(NamedTuple):
    """A process started by the application that is not in the net.

    Attributes:
        at: seconds since the net began.
        command: the command that was run.
    """

    at: float
    command: str


class ClockMoved(NamedTuple):
    """A step of the net's clock.

    Attributes:
        at: seconds since the net began.
        seconds: the length of the step.
        now: the clock's time after it, in UTC, as text.
    """

    at: float
    seconds: float
    now: str


Entry = Session | Attempt | Query | Incident | ClockMoved | Started


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
        """Append a connection that failed.

        Args:
            client: the sender's address.
            server: the address and port that it was to.
            host: the server's name, "" if there is no server.
            error: the errno; ETIMEDOUT where nobody answers.
            why: the cause in words.
        """
        told = "no answer" if error == errno.ETIMEDOUT else os.strerror(error).lower()
        self.add(Attempt(self.elapsed(), client, server, host, told, why.removeprefix(f"{host}: ")))

    def open_session(
        self, client: Endpoint, server: Endpoint, host: str, provider: str, protocol: str = "SMTP"
    ) -> Session:
        """Append a new session and return it; its server fills it.

        Args:
            client: the client's address and port in the net.
            server: the address and port that it connected to.
            host: the server's name.
            provider: the name of the provider or server that the host belongs to.
            protocol: "SMTP", "IMAP" or "POP3".
        """
        with self._lock:
            self._sessions += 1
            session = Session(self.elapsed(), self._sessions, client, server, host, provider, protocol)
            self._entries.append(session)
        return session

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All records, in the order in which they began."""
        return tuple(self._entries)

    @property
    def sessions(self) -> list[Session]:
        """The SMTP sessions, failed ones too."""
        return self.sessions_of("SMTP")

    def sessions_of(self, protocol: str) -> list[Session]:
        """The sessions of a protocol, failed ones too: "SMTP", "IMAP" or "POP3"."""
        return [it for it in self.entries if isinstance(it, Session) and it.protocol == protocol]

    @property
    def queries(self) -> list[Query]:
        """The DNS questions."""
        return [entry for entry in self.entries if isinstance(entry, Query)]

    @property
    def incidents(self) -> list[Incident]:
        """The events that the test's report shows."""
        return [entry for entry in self.entries if isinstance(entry, Incident)]
