"""A conversation that somebody else decides: commands are passed on to a far end, replies come back.

The far end is a handler of aiosmtpd's, or a server of the application's. The test's own answers come first.
Faults, TLS and the record work as on every other server of the net.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from pytest_mailnet.record.journal import Journal
from pytest_mailnet.record.session import Exchange, add_exchange, note
from pytest_mailnet.smtp.data import Content
from pytest_mailnet.smtp.dialogue import Dialogue
from pytest_mailnet.smtp.paths import CommandError, forward_path, reverse_path
from pytest_mailnet.smtp.service import Reading, SmtpHost
from pytest_mailnet.smtp.state import HangUp, Step, agreed
from pytest_mailnet.values import DELIVERY, Reply, Stage

__all__ = ["FarEnd", "PassedDialogue"]

_STAGES: Mapping[bytes, Stage] = MappingProxyType(
    {
        b"EHLO": Stage.EHLO,
        b"HELO": Stage.EHLO,
        b"LHLO": Stage.EHLO,
        b"STARTTLS": Stage.STARTTLS,
        b"AUTH": Stage.AUTH,
        b"MAIL": Stage.MAIL,
        b"RCPT": Stage.RCPT,
        b"DATA": Stage.DATA,
        b"RSET": Stage.RSET,
        b"NOOP": Stage.NOOP,
        b"QUIT": Stage.QUIT,
    }
)


class FarEnd(Protocol):
    """Who decides a conversation. Called in the engine's thread; it replies by `PassedDialogue.heard`."""

    def begin(self) -> None:
        """Say the banner."""
        ...

    def say(self, data: bytes) -> None:
        """Answer a command, or the content of a mail with its final dot."""
        ...

    def discard(self, content: bytes) -> None:
        """Get past the content of a mail that the test has refused, final dot included, and answer it."""
        ...

    def begin_anew(self) -> None:
        """Go on after the client's TLS handshake, as after the banner."""
        ...

    def end(self) -> None:
        """Let go: the client has gone, or nothing more is to be said to it."""
        ...


class _Asked(NamedTuple):
    """A command that the far end has not answered yet."""

    verb: bytes
    stage: Stage | None
    request: bytes
    instead: Reply | None  # the test's reply in place of the far end's


class PassedDialogue(Dialogue):
    """One conversation that is passed on. It runs in the engine's thread.

    Args:
        service: the host, with the test's script; exceptions are reported to it.
        step: the session, opened already.
        journal: gives the time of each exchange.
        loop: the engine's.

    Attributes:
        far_end: who decides it.
        answered: called with each reply when it has come.
        tls_info: returns what asyncio's transports know of an encrypted connection.
    """

    reading: Reading | None
    far_end: FarEnd

    def __init__(
        self, service: SmtpHost, step: Step, journal: Journal, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(service, step, journal)
        self._loop = loop
        self._begun = self._over = False
        self._asked: _Asked | None = None
        self._said = bytearray()
        self._responding = False  # in an AUTH exchange
        self.answered: Callable[[bytes], object] = bytes
        self.tls_info: Callable[[], Mapping[str, Any]] = dict

    @property
    def scripted(self) -> bool:
        """Whether the test has answered the command that the far end is at."""
        return self._asked is not None and self._asked.instead is not None

    @property
    def stage(self) -> Stage | None:
        """The stage that the far end is at; None between two commands."""
        return None if self._asked is None else self._asked.stage

    def greet(self) -> bytes:
        """Let the far end send its banner, unless the test refuses the connection."""
        answer = self.decide(Stage.CONNECT)
        if not agreed(answer):
            said = self.answer(Stage.CONNECT, b"", answer, "banner")
            if isinstance(answer, Reply):
                self.close(f"closed by the server after {answer.code}")
            return said
        self._await(_Asked(b"", Stage.CONNECT, b"", answer if isinstance(answer, Reply) else None))
        self._begun = True
        self.far_end.begin()
        return b""

    def _await(self, asked: _Asked | None) -> None:
        self._asked, self.awaiting = asked, asked is not None

    def command(self, line: bytes, *, pipelined: bool = False) -> bytes:
        """Pass a command on; the reply comes later, unless the test refuses the command.

        Args:
            line: the command, line end included.
            pipelined: whether the client had sent more behind it.
        """
        verb, _, rest = line.rstrip(b"\r\n").partition(b" ")
        verb = verb.upper()
        stage = Stage.AUTH if self._responding else _STAGES.get(verb, Stage.OTHER)
        self.step.pipelined = pipelined
        rest_of_line = rest.decode("utf-8", "replace").strip()
        self.step.verb = verb.decode("ascii", "replace")
        if stage is Stage.AUTH or not self._in_order(stage, rest_of_line):
            return self._ask(_Asked(verb, stage, line, None))
        answer = self.decide(stage)
        if not agreed(answer) or (answer is not None and stage in {Stage.NOOP, Stage.OTHER}):
            self._settle(verb, stage, agreed=False)
            return self.answer(stage, line, answer, "")
        return self._ask(_Asked(verb, stage, line, answer if isinstance(answer, Reply) else None))

    def encrypted(self, version: str) -> bytes:
        """Begin anew after a handshake, of which the far end learns."""
        begun = self._begun
        said = super().encrypted(version)
        if begun:
            self.far_end.begin_anew()
        return said

    def timed_out(self, unanswered: bytes) -> bytes:
        """Hang up without a word, as aiosmtpd does.

        Args:
            unanswered: bytes that came from the client and got no reply.
        """
        self.lost(f"idle for {self.service.manners.idle_seconds} s", unanswered)
        return b""

    def lost(self, how: str, unanswered: bytes = b"") -> None:
        """Note how the connection ended, and end the far end's side of it.

        Args:
            how: the end in words, for the session's record.
            unanswered: what the client had sent without a reply; b"" for the command that the far end is at.
        """
        asked = self._asked
        if asked is not None:
            unanswered = unanswered or asked.request
            if asked.stage is not Stage.MESSAGE:  # a hook may take a mail whose sender has gone
                self._await(None)
        super().lost(how, unanswered)
        if not self._over:
            self._over = True
            self.far_end.end()

    def take(self, content: bytes, raw: bytes) -> bytes:
        """Decide about a mail's content after its final dot.

        Args:
            content: the content, dot-unstuffed.
            raw: the same as it came, the final dot included.
        """
        self.step.content = content
        answer = self.decide(Stage.MESSAGE)
        if isinstance(answer, HangUp):
            return self.answer(Stage.MESSAGE, content, answer, "")
        self._await(_Asked(b"", Stage.MESSAGE, content, answer))
        (self.far_end.say if agreed(answer) else self.far_end.discard)(raw)
        return b""

    def heard(self, said: bytes) -> None:
        """Take bytes that the far end has written; a reply may come in several pieces."""
        self._said += said
        if self._said.endswith(b"\r\n") and self._said[self._said.rfind(b"\n", 0, -1) + 1 :][3:4] != b"-":
            self._loop.call_soon(self._reply)

    def hung_up(self, how: str = "closed by the server") -> None:
        """Note that the far end has closed the connection.

        Args:
            how: the end in words, for the session's record.
        """
        if not self.closing:
            self.close(how)
        self._loop.call_soon(self._reply)

    def _ask(self, asked: _Asked) -> bytes:
        self._await(asked)
        self.far_end.say(asked.request)
        return b""

    def _reply(self) -> None:
        said, self._said = bytes(self._said), bytearray()
        asked = self._asked
        self._await(None)
        if said:
            asked = asked or _Asked(b"", None, b"", None)
            said = self._instead_of(said, asked)
            agreed = said[:1] in (b"2", b"3")
            if not self._over:
                self._settle(asked.verb, asked.stage, agreed=agreed, code=said[:3])
                self._record(asked, said)
            if asked.stage is Stage.MESSAGE:
                if agreed:
                    self.deliver(self.step.content or b"")
                self.reset()
        if said or self.closing:
            self.answered(said)

    def _record(self, asked: _Asked, said: bytes) -> None:
        step = self.step
        exchange = Exchange(self._journal.elapsed(), asked.stage, asked.request, said, step.finding)
        add_exchange(step.session, exchange)
        step.finding = None

    def _instead_of(self, said: bytes, asked: _Asked) -> bytes:
        instead = asked.instead
        if instead is None or (instead.positive and said[:1] not in (b"2", b"3")):
            return said  # the test's yes cannot help where the far end failed
        return instead.wire(self.value_of)

    def _in_order(self, stage: Stage, argument: str) -> bool:
        """Bring the step in line with a command; whether it is in order, so that the test may answer it."""
        step = self.step
        try:
            match stage:
                case Stage.EHLO:
                    step.helo = argument or step.helo
                case Stage.MAIL if step.helo and step.reverse_path is None:
                    step.reverse_path, step.mail_options = reverse_path(argument)
                    return True
                case Stage.RCPT if step.reverse_path is not None:
                    step.recipient, step.options = forward_path(argument)
                    return True
        except CommandError:
            return False
        known = {
            Stage.EHLO: bool(argument),
            Stage.DATA: bool(step.recipients) and not argument,
            Stage.STARTTLS: bool(step.helo) and not step.tls,
        }
        return stage not in DELIVERY or known.get(stage, False)

    def _settle(self, verb: bytes, stage: Stage | None, *, agreed: bool, code: bytes = b"") -> None:
        """Bring the step in line with a reply."""
        step = self.step
        self._responding = code == b"334"
        match stage:
            case Stage.EHLO if agreed:
                step.extended = verb != b"HELO"
                self.reset()
            case Stage.MAIL if not agreed:
                self.reset()
            case Stage.RCPT:
                if agreed and step.recipient is not None:
                    step.recipients.append(step.recipient)
                    step.rcpt_options.append(step.options)
                step.recipient = None
            case Stage.DATA if agreed:
                self.reading = _Letter(self)
            case Stage.STARTTLS if agreed:
                self.starting_tls = True
            case Stage.AUTH if code == b"235":
                # For a mechanism of the far end's own, the user is not known here.
                step.authenticated_as = step.credentials.identity if step.credentials else ""
                note(step.session, user=step.authenticated_as)
            case Stage.RSET if agreed:
                self.reset()
            case Stage.QUIT if agreed:
                self.close("client quit")
            case _:
                pass


class _Letter:
    """Reads a mail's content: all bytes between the reply to DATA and the final dot."""

    def __init__(self, dialogue: PassedDialogue) -> None:
        self._dialogue = dialogue
        self._end = Content(None)  # finds the final dot; only CRLF.CRLF counts
        self._raw = bytearray()

    @property
    def begun(self) -> bytes:
        return bytes(self._raw)

    def feed(self, data: bytes) -> bytes | None:
        behind = self._end.feed(data)
        self._raw += data if behind is None else data[: len(data) - len(behind)]
        return behind

    def finish(self) -> bytes:
        raw = bytes(self._raw)
        stuffed = b"\r\n" + raw.removesuffix(b".\r\n")
        return self._dialogue.take(stuffed.replace(b"\r\n.", b"\r\n")[2:], raw)
