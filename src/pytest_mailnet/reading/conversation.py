"""A conversation in which mail is read: what IMAP and POP3 have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_mailnet.reading.response import Response, filled
from pytest_mailnet.record.session import Exchange, add_exchange, note
from pytest_mailnet.smtp.state import NO_DETAILS, HangUp
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.mailboxes.shelves import Shelves
    from pytest_mailnet.reading.host import ReadingHost
    from pytest_mailnet.record.journal import Journal
    from pytest_mailnet.smtp.sasl import Credentials
    from pytest_mailnet.smtp.service import Reading
    from pytest_mailnet.smtp.state import Step

__all__ = ["SHUT_DOWN", "ReadingDialogue"]

SHUT_DOWN = "the server was shut down"
"""How a session has ended whose server was shut down."""


class ReadingDialogue(ABC):
    """One conversation, without sockets: bytes in, bytes out. Only who has the engine's turn calls it.

    Args:
        host: decides what is said.
        step: the session.
        journal: where it is recorded.

    Attributes:
        host, step: as above.
        closing: whether the connection is closed once the bytes are sent.
        starting_tls: whether a TLS handshake comes next.
        reading: reads the bytes that are no lines; None while lines come.
        awaiting: whether a reply is still to come; always False.
        owed: replies that are still to be given; always empty.
        longest_line: how many bytes of an unfinished line are kept.
        push: sends bytes that answer no command.
        forget: called at the end of the session.
    """

    awaiting: bool = False
    longest_line: int = 65536

    def __init__(self, host: ReadingHost, step: Step, journal: Journal) -> None:
        self.host, self.step, self._journal = host, step, journal
        self.closing: bool = False
        self.starting_tls: bool = False
        self.reading: Reading | None = None
        self.owed: list[Callable[[], bytes]] = []
        self.push: Callable[[Callable[[], bytes]], object] = _nowhere
        self.forget: Callable[[], object] = bool
        self._shelves: Shelves | None = None

    @abstractmethod
    def greet(self) -> bytes:
        """Say the greeting."""

    @abstractmethod
    def command(self, line: bytes, *, pipelined: bool = False) -> bytes:
        """Answer a line.

        Args:
            line: what came, line end included.
            pipelined: whether more had come behind it before it was answered.
        """

    @abstractmethod
    def content(self, *, pipelined: bool = False) -> bytes:
        """Go on after the bytes that `reading` has read to their end.

        Args:
            pipelined: whether more had come behind them.
        """

    @abstractmethod
    def timed_out(self, unanswered: bytes) -> bytes:
        """Hang up on a client that has been silent for too long.

        Args:
            unanswered: bytes that came from it and got no reply.
        """

    @abstractmethod
    def shut_down(self) -> bytes:
        """Hang up on the client, as a server does that is shut down."""

    def further(self) -> bytes:
        """Give the next of the replies that are owed."""
        return self.owed.pop(0)()

    def encrypted(self, version: str) -> bytes:
        """Go on after a handshake; the greeting comes where TLS begins with the first byte.

        Args:
            version: of TLS.
        """
        self.step.tls = True
        note(self.step.session, tls=version)
        self.starting_tls = False
        return b"" if self.step.session.exchanges else self.greet()

    def lost(self, how: str, unanswered: bytes = b"") -> None:
        """Record how the connection ended, unless the record has it already.

        Args:
            how: in words: "client closed the connection".
            unanswered: bytes that came from the client and got no reply.
        """
        if self.step.session.ended is None:
            if unanswered:
                self.record(None, unanswered, b"")
            self.close(how)

    def close(self, how: str) -> None:
        """Hang up after the bytes are sent, and record how the session ended."""
        self.closing = True
        self.forget()
        self.left()
        note(self.step.session, ended=how)

    @abstractmethod
    def left(self) -> None:
        """Let go of what is read; the session has ended."""

    @property
    def shelves(self) -> Shelves:
        """The folders of the user who has logged in."""
        assert self._shelves is not None
        return self._shelves

    def decide(self, stage: Stage) -> Response | HangUp | None:
        """The test's own answer; an exception in it fails the test, and is answered by an error."""
        try:
            return self.host.decide(stage, self.step)
        except Exception as error:  # noqa: BLE001  # of the test's own predicate
            answer = self.host.words("local_error")
            self.host.failed(error, stage, self.step, str(answer))
            return answer

    def log_in(self, credentials: Credentials) -> Response | HangUp:
        """The answer to a log-in, after which the user's folders are there if it is a yes.

        Args:
            credentials: what the client has sent.
        """
        step = self.step
        step.credentials, step.verb = credentials, "LOGIN"
        answer = self.decide(Stage.AUTH)
        if answer is None and (why := self.host.objection(credentials, step)):
            answer = self.host.words(why)
        if isinstance(answer, HangUp) or (answer is not None and not answer.positive):
            return answer
        step.authenticated_as = self.host.user_of(credentials.identity)
        note(step.session, user=step.authenticated_as)
        self._shelves = self.host.shelves_of(credentials.identity)
        return self.host.words("login_ok") if answer is None else answer

    def record(self, stage: Stage | None, request: bytes, reply: bytes) -> None:
        """Record an exchange.

        Args:
            stage: where in the session it stands; None for nowhere.
            request: the bytes that were answered.
            reply: the bytes that are sent.
        """
        step = self.step
        if stage is Stage.FETCH:
            self.host.note_download(step, len(reply))
        add_exchange(step.session, Exchange(self._journal.elapsed(), stage, request, reply, step.finding))
        step.finding, step.details = None, NO_DETAILS

    def tell(self, **details: str) -> None:
        """Have values for the variables of the next response."""
        self.step.details = {**self.step.details, **details}

    def line(self, name: str) -> bytes:
        """A line of the host's own that is no status response; b"" if it has none."""
        return filled(self.host.line(name), self.value_of).encode()

    def value_of(self, variable: str) -> str:
        """What stands for a variable of a response, in one line."""
        value = self.host.value_of(self.step, variable)
        return "".join(it if it.isprintable() else "?" for it in value)


def _nowhere(_make: Callable[[], bytes]) -> None:
    """Push nothing, before there is a server."""
