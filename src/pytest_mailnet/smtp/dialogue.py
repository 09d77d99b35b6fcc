"""One SMTP conversation, without sockets: its state, and the replies to what is said (RFC 5321, 4).

Every reply comes from the service: its rules, or its phrasebook by condition.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from pytest_mailnet.record.journal import Journal
from pytest_mailnet.record.session import Exchange, note
from pytest_mailnet.smtp.parameters import NOTHING, Offer, offer_of
from pytest_mailnet.smtp.service import Answer, Reading, SmtpHost
from pytest_mailnet.smtp.state import NO_DETAILS, HangUp, Step
from pytest_mailnet.values import Envelope, Reply, Stage

__all__ = ["Dialogue"]

_BAD_COMMANDS = 5  # as many get an answer; the next ends the session


class Dialogue(ABC):
    """The state of one conversation. What it returns is bytes to send.

    Args:
        service: decides.
        step: the session, opened already.
        journal: gives the time of each exchange, which is appended to the session.

    Attributes:
        closing: whether the server hangs up when the bytes are sent.
        reading: takes what comes next where that is content and not a command; None for commands.
        starting_tls: whether what comes next is the client's handshake.
        response_to: takes the next line where that is a response in an AUTH exchange; None for commands.
        binary: whether MAIL said that the content need not be lines.
        utf8: whether MAIL said that addresses may be in UTF-8.
        rcpt_refused: whether a recipient of the transaction was refused.
    """

    def __init__(self, service: SmtpHost, step: Step, journal: Journal) -> None:
        self.service = service
        self.step = step
        self._journal = journal
        self._bad_commands = 0
        self.rcpt_refused = False
        self.utf8 = False
        self.binary = False
        self.chunks: list[bytes] = []
        self.closing = False
        self.reading: Reading | None = None
        self.starting_tls = False
        self.response_to: Callable[[bytes], bytes] | None = None

    def greet(self) -> bytes:
        """Say the banner, or what the service says in its place; a server that does not welcome hangs up."""
        answer = self.decide(Stage.CONNECT)
        said = self.answer(Stage.CONNECT, b"", answer, "banner")
        if isinstance(answer, Reply) and not answer.positive:
            self.close(f"closed by the server after {answer.code}")
        return said

    @property
    def awaiting(self) -> bool:
        """Whether a reply has still to come; until then nothing more is to be said to it."""
        return False

    @abstractmethod
    def command(self, line: bytes, *, pipelined: bool = False) -> bytes:
        """Answer one command line.

        Args:
            line: what came, line end included; of a line over the limit the beginning will do.
            pipelined: whether more had come behind it before it was answered.

        Returns:
            The bytes to send; none where the reply comes later.
        """

    def content(self) -> bytes:
        """Answer the content or chunk that `reading` has taken to its end."""
        assert self.reading is not None
        reading, self.reading = self.reading, None
        return reading.finish()

    def encrypted(self, version: str) -> bytes:
        """Begin anew after a handshake: what was said in the clear is forgotten (RFC 3207, 4.2).

        Returns:
            What to send: the banner, where the session has only begun (RFC 8314, 3.3).
        """
        step = self.step
        begun = bool(step.session.exchanges)
        step.tls = True
        note(step.session, tls=version)
        step.helo, step.extended, step.authenticated_as = "", False, None
        self.starting_tls = False
        self.reset()
        return b"" if begun else self.greet()

    def lost(self, how: str, unanswered: bytes = b"") -> None:
        """Note how the connection ended, unless that is known already, and what came and got no reply."""
        session = self.step.session
        if session.ended is None:
            if unanswered:
                session.exchanges.append(Exchange(self._journal.elapsed(), None, unanswered, b""))
            self.close(how)

    @property
    def offer(self) -> Offer:
        """What the service offers to the session as it stands."""
        # Asked anew each time: a test may take an extension away between two commands.
        return offer_of(self.service.extension_lines(self.step) or ())

    @property
    def agreed_on(self) -> Offer:
        """What of that the client may use: nothing, if it said HELO."""
        return self.offer if self.step.extended else NOTHING

    def decide(self, stage: Stage) -> Answer:
        """The service's answer; an exception in it is told to the test, and answered as a local error."""
        try:
            return self.service.decide(stage, self.step)
        except Exception as error:  # noqa: BLE001  # of a rule or of the test's own predicate
            return self._failed(error, stage)

    def deliver(self, content: bytes) -> Reply | None:
        """Hand the mail to the service; a reply only where that failed."""
        step = self.step
        envelope = Envelope(
            step.reverse_path or "", tuple(step.recipients), step.mail_options, tuple(step.rcpt_options)
        )
        try:
            self.service.deliver(step, envelope, content)
        except Exception as error:  # noqa: BLE001  # likewise
            return self._failed(error, Stage.MESSAGE)
        return None

    def unknown(self, line: bytes, condition: str = "unrecognized_command") -> bytes:
        """Answer what is no command here; too many of them end the session."""
        self._bad_commands += 1
        return self.say(line, "too_many_bad_commands" if self._bad_commands > _BAD_COMMANDS else condition)

    def say(self, request: bytes, condition: str, stage: Stage | None = None) -> bytes:
        """Give the usual reply for a condition."""
        return self.answer(stage, request, None, condition)

    def answer(self, stage: Stage | None, request: bytes, answer: Answer, condition: str) -> bytes:
        """Give an answer, or the usual reply for a condition where there is none; and record the exchange."""
        reply = self.service.phrase(condition) if answer is None else answer
        said = b"" if isinstance(reply, HangUp) else reply.wire(self.value_of)
        step = self.step
        step.session.exchanges.append(Exchange(self._journal.elapsed(), stage, request, said, step.finding))
        step.finding, step.details = None, NO_DETAILS
        if isinstance(reply, HangUp):
            self.close("the server hung up")
            return said
        if reply.code >= 500:
            step.errors += 1
        if reply.closes:
            self.close(f"closed by the server after {reply.code}")
        return said

    def close(self, how: str) -> None:
        """Hang up when the bytes are sent."""
        self.closing = True
        note(self.step.session, ended=how)

    def reset(self) -> None:
        """Forget the mail transaction."""
        self.step.reset()
        self.chunks = []
        self.rcpt_refused = self.binary = False

    def _failed(self, error: Exception, stage: Stage) -> Reply:
        self.service.failed(error, stage, self.step)
        return self.service.phrase("local_error")

    def value_of(self, variable: str) -> str:
        """What stands for a variable of a reply, in one line."""
        value = self.service.value_of(self.step, variable)
        # What the client sent may come back in a reply, and must not become a line of its own there.
        return value if value.isprintable() else "".join(it if it.isprintable() else "?" for it in value)
