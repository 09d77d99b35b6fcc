"""One SMTP conversation, without sockets: its state, and the replies to the client (RFC 5321, 4).

Every reply comes from the service: from its rules, or from its phrasebook by a condition.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable

from pytest_mailnet.record.journal import Journal
from pytest_mailnet.record.session import HUNG_UP, Exchange, add_exchange, note
from pytest_mailnet.smtp.parameters import NOTHING, Offer, offer_of
from pytest_mailnet.smtp.paths import written_address, written_path
from pytest_mailnet.smtp.service import Answer, Reading, SmtpHost
from pytest_mailnet.smtp.state import NO_DETAILS, HangUp, Step, agreed
from pytest_mailnet.values import Envelope, Reply, Stage

__all__ = ["Dialogue"]


@functools.lru_cache(maxsize=64)  # one for all mails with as many recipients, of which most have one
def _no_options(recipients: int) -> tuple[tuple[str, ...], ...]:
    return ((),) * recipients


class Dialogue(ABC):
    """The state of one conversation. Its methods return the bytes to send.

    Args:
        service: the host, which decides about replies.
        step: the session, already opened.
        journal: the clock for the times of exchanges; the exchanges are appended to the session.

    Attributes:
        manners: how the host holds its conversations.
        read: the command line that is being answered, as the server reads it.
        argument: what follows the verb there.
        naming: which variable of replies that argument's address is, "sender" or "recipient"; "" for none, or
            once the step has it.
        rejecting: whether all mail is refused, for what came too early.
        closing: whether the server hangs up after the bytes are sent.
        reading: reads the next bytes as content or a chunk; None while a command is expected.
        starting_tls: whether the next bytes are the client's TLS handshake.
        response_to: answers the next line as a response in an AUTH exchange; None while a command is
            expected.
        binary: whether MAIL declared content that need not consist of lines.
        utf8: whether MAIL allowed addresses in UTF-8.
        rcpt_refused: whether a recipient of the current mail was refused.
        refusal: the text of the last such refusal; of several lines the first.
        chunks: the content so far of a mail that comes by BDAT.
        owed: says the replies that follow the last one, in order; only LMTP has such.
        awaiting: whether a reply has still to come; until then nothing more is to be said to it.
        longest_line: how many bytes are kept of a line without an end: more than any command may have.
    """

    longest_line: int = 12289

    def __init__(self, service: SmtpHost, step: Step, journal: Journal) -> None:
        self.service = service
        self.manners = service.manners
        self.step = step
        self._journal = journal
        self.read = self.argument = b""
        self.naming = ""
        self.rejecting: bool = False
        self._unknown_commands = self._refusals = self._mistakes = self._nonmail = 0
        self._free = _FREE_ONCE
        self.rcpt_refused: bool = False
        self.refusal = ""
        self.utf8 = False
        self.binary: bool = False
        self.chunks: list[bytes] = []
        self.closing: bool = False
        self.reading: Reading | None = None
        self.awaiting: bool = False
        self.starting_tls: bool = False
        self.owed: list[Callable[[], bytes]] = []
        self.response_to: Callable[[bytes], bytes] | None = None

    def greet(self) -> bytes:
        """Say the banner, or the service's own answer in its place; a refusal closes the connection."""
        answer = self.decide(Stage.CONNECT)
        said = self.answer(Stage.CONNECT, b"", answer, "lmtp_banner" if self.step.lmtp else "banner")
        if isinstance(answer, Reply) and not answer.positive:
            self.close(f"closed by the server after {answer.code}")
        return said

    @abstractmethod
    def command(self, line: bytes, *, pipelined: bool = False) -> bytes:
        """Answer one command line.

        Args:
            line: what came, line end included; of a line over the limit the beginning will do.
            pipelined: whether more had come behind it before it was answered.

        Returns:
            The bytes to send; none where the reply comes later.
        """

    def content(self, *, pipelined: bool = False) -> bytes:
        """Answer the content or chunk that `reading` has read to its end.

        Args:
            pipelined: whether more had come behind it.
        """
        assert self.reading is not None
        reading, self.reading = self.reading, None
        if pipelined and self.manners.unauthorised_pipelining and "PIPELINING" not in self.offer.keywords:
            return self.give_up(reading.begun, "unauthorised_pipelining")
        return reading.finish()

    def further(self) -> bytes:
        """Give the next of the replies that are owed."""
        return self.owed.pop(0)()

    def encrypted(self, version: str) -> bytes:
        """Start afresh after a handshake: the session forgets what was said in the clear (RFC 3207, 4.2).

        Returns:
            The bytes to send: the banner where TLS is implicit (RFC 8314, 3.3), otherwise b"".
        """
        step = self.step
        begun = bool(step.session.exchanges)
        step.tls = True
        note(step.session, tls=version)
        step.helo, step.extended, step.authenticated_as = "", False, None
        self.starting_tls = False
        self.reset()
        return b"" if begun else self.greet()

    def timed_out(self, unanswered: bytes) -> bytes:
        """Hang up on a client that has been silent for too long.

        Args:
            unanswered: bytes that came from it and got no reply.

        Returns:
            The bytes to send.
        """
        how = f"idle for {self.manners.idle_seconds} s"
        if self.reading is None and not self.manners.idle_told:
            self.lost(how, unanswered)
            return b""
        said = self.say(unanswered, "timeout" if self.reading is None else "timeout_in_content")
        self.close(how)
        return said

    def lost(self, how: str, unanswered: bytes = b"") -> None:
        """Record how the connection ended, unless the record has it already.

        Args:
            how: in words: "client closed the connection".
            unanswered: bytes that came from the client and got no reply.
        """
        session = self.step.session
        if session.ended is None:
            if unanswered:
                add_exchange(session, Exchange(self._journal.elapsed(), None, unanswered, b""))
            self.close(how)

    @property
    def offer(self) -> Offer:
        """The extensions that the service offers now."""
        # Asked anew each time: a test may take an extension away between two commands.
        return offer_of(self.service.extension_lines(self.step) or ())

    @property
    def agreed_on(self) -> Offer:
        """The extensions that the client may use: none after HELO."""
        return self.offer if self.step.extended else NOTHING

    @property
    def offered(self) -> Offer:
        """The extensions whose commands the server knows at this point."""
        return self.agreed_on if self.manners.offered_by_hello else self.offer

    def decide(self, stage: Stage) -> Answer:
        """The service's answer at a stage; an exception fails the test and becomes a local error."""
        try:
            return self.service.decide(stage, self.step)
        except Exception as error:  # noqa: BLE001  # of a rule or of the test's own predicate
            return self._failed(error, stage)

    def deliver(self, content: bytes) -> Reply | None:
        """Hand the mail to the service. Return a reply if that failed, otherwise None."""
        step = self.step
        options = tuple(step.rcpt_options) if any(step.rcpt_options) else _no_options(len(step.recipients))
        envelope = Envelope(step.reverse_path or "", tuple(step.recipients), step.mail_options, options)
        try:
            self.service.deliver(step, envelope, content)
        except Exception as error:  # noqa: BLE001  # as in `decide`
            return self._failed(error, Stage.MESSAGE)
        return None

    def unknown(self, line: bytes, condition: str = "unrecognized_command") -> bytes:
        """Answer a line that is no command of this server; too many of them end the session.

        Args:
            line: the line as it came.
            condition: the condition of the reply.
        """
        answer = self._decide_aside(Stage.OTHER, line)
        if answer is not None:
            return self.answer(Stage.OTHER, line, answer, "")
        self._unknown_commands += 1
        if 0 < self.manners.unknown_commands < self._unknown_commands:
            return self.give_up(line)
        self.step.details = {"command": self.read.rstrip(b"\r\n").decode("utf-8", "backslashreplace")}
        empty = not line.strip() and condition == "unrecognized_command"
        return self.say(line, "empty_command" if empty else condition)

    def give_up(self, line: bytes, condition: str = "too_many_bad_commands") -> bytes:
        """Say why the session ends, whatever the code of the reply, and hang up.

        Args:
            line: the line as it came.
            condition: the condition of the reply.
        """
        said = self.say(line, condition)
        if not self.closing:
            self.close("closed by the server")
        return said

    @property
    def exhausted(self) -> bool:
        """Whether the client has been refused so often that the server ends the session."""
        return 0 < self.manners.refusals <= self._refusals

    def counts_as_nonmail(self, verb: bytes) -> bool:
        """Count a command that belongs to no mail; whether there were too many of them."""
        if verb in self._free:
            self._free -= _HELLO if verb in _HELLO else {verb}
        elif verb not in _OF_A_MAIL:
            self._nonmail += 1
        return self._nonmail > self.manners.nonmail_commands

    def mistaken(self, line: bytes, condition: str, stage: Stage) -> bytes:
        """Answer a command that is badly formed or out of order; too many of them end the session.

        Args:
            line: the line as it came.
            condition: the condition of the reply.
            stage: the command's stage.
        """
        said = self.say(line, condition, stage)
        self._mistakes += 1
        if 0 < self.manners.mistakes < self._mistakes and not self.closing:
            self.close("closed by the server")
        return said

    def aside(self, stage: Stage, line: bytes, condition: str) -> tuple[bool, bytes]:
        """Answer a command that belongs to no step of a delivery.

        Args:
            stage: RSET, NOOP, QUIT or OTHER.
            line: the line as it came.
            condition: the condition of the usual reply.

        Returns:
            Whether the server agrees, and the bytes to send.
        """
        answer = self._decide_aside(stage, line)
        return agreed(answer), self.answer(stage, line, answer, condition)

    def _decide_aside(self, stage: Stage, line: bytes) -> Answer:
        self.step.verb = line.rstrip(b"\r\n").partition(b" ")[0].upper().decode("ascii", "replace")
        return self.decide(stage)

    def say(self, request: bytes, condition: str, stage: Stage | None = None) -> bytes:
        """Give the usual reply for a condition, and record the exchange.

        Args:
            request: the bytes that the reply answers.
            condition: a key of the phrasebook, "mail_syntax".
            stage: the stage of the exchange; None for commands outside of all stages.
        """
        return self.answer(stage, request, None, condition)

    def answer(self, stage: Stage | None, request: bytes, answer: Answer, condition: str) -> bytes:
        """Give the service's answer, or the usual reply for a condition, and record the exchange.

        Args:
            stage: the stage of the exchange; None for commands outside of all stages.
            request: the bytes that the reply answers.
            answer: the service's own answer; None for the usual reply.
            condition: a key of the phrasebook, for the usual reply.
        """
        reply = self.service.phrase(condition) if answer is None else answer
        if self.naming:  # the path is refused, and the step may have an earlier one
            self.step.details = {self.naming: written_address(self._written), **self.step.details}
            self.naming = ""
        said = b"" if isinstance(reply, HangUp) else reply.wire(self.value_of)
        step = self.step
        add_exchange(step.session, Exchange(self._journal.elapsed(), stage, request, said, step.finding))
        step.finding, step.details = None, NO_DETAILS
        if isinstance(reply, HangUp):
            self.close(HUNG_UP)
            return said
        if reply.code >= 400:
            self._refusals += 1
            step.errors += reply.code >= 500
        elif stage is Stage.MESSAGE:
            self._refusals, self._free = 0, _FREE_ONCE
        if reply.closes:
            self.close(f"closed by the server after {reply.code}")
        return said

    def close(self, how: str) -> None:
        """Hang up after the bytes are sent, and record how the session ended."""
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
        if variable == "queue_id" and self.step.queue_id:
            return self.step.queue_id  # it stands in almost every reply
        if variable in {"argument", "path"}:
            return _shown(self._written if variable == "argument" else written_path(self._written))
        value = self.service.value_of(self.step, variable)
        # What the client sent may come back in a reply, and must not become a line of its own there.
        return _shown(value)

    @property
    def _written(self) -> str:
        return self.argument.strip().decode("utf-8", "backslashreplace")


def _shown(value: str) -> str:
    return value if value.isprintable() else "".join(it if it.isprintable() else "?" for it in value)


_HELLO = {b"EHLO", b"HELO"}
_FREE_ONCE = frozenset({*_HELLO, b"RSET", b"STARTTLS", b"AUTH"})
_OF_A_MAIL = frozenset({b"MAIL", b"RCPT", b"DATA", b"BDAT", b"QUIT"})
