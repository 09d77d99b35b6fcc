"""One session's SMTP conversation, without sockets: commands in, replies out (RFC 5321, 4).

Every reply comes from the service: its rules, or its phrasebook by condition.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, NamedTuple, Protocol, TypeAlias

from pytest_mailnet.journal import Exchange, Journal
from pytest_mailnet.model import Envelope, Reply, Stage
from pytest_mailnet.parameters import Offer, offer_of, read_mail_parameters
from pytest_mailnet.paths import CommandError, forward_path, reverse_path, well_formed
from pytest_mailnet.step import NO_DETAILS, HangUp, Step

__all__ = ["Dialogue", "Service"]

_Answer: TypeAlias = Reply | HangUp | None

_LINE_LIMIT = 512  # RFC 5321, 4.5.3.1.4, line end included
_BAD_COMMANDS = 5  # as many get an answer; the next ends the session
_NOTHING = offer_of(())


class Service(Protocol):
    """What a host does with its sessions. Called in the engine's thread."""

    @property
    def hostname(self) -> str:
        """The name that it goes by."""

    def phrase(self, condition: str) -> Reply:
        """The reply for a condition."""

    def extension_lines(self) -> tuple[str, ...] | None:
        """What follows the first line of the EHLO reply; None where it does not know EHLO."""

    def decide(self, stage: Stage, step: Step) -> Reply | HangUp | None:
        """An answer of its own at a stage; None for the usual one."""

    def deliver(self, step: Step, envelope: Envelope, content: bytes) -> None:
        """Take a message; called before the reply that says so is sent."""

    def value_of(self, step: Step, variable: str) -> str:
        """What stands for a variable of a reply."""

    def failed(self, error: Exception, stage: Stage, step: Step) -> None:
        """Told of an exception in `decide` or `deliver`; the client gets the reply for "local_error"."""


class _Command(NamedTuple):
    carry_out: Callable[[Dialogue, bytes, str], bytes]
    stage: Stage | None = None


class Dialogue:
    """The state of one conversation. Each method returns the bytes to send.

    Args:
        service: decides.
        step: the session, opened already.
        journal: gives the time of each exchange, which is appended to the session.

    Attributes:
        closing: whether the server hangs up when the bytes are sent.
        reading_content: whether what comes next is content, up to the dot, and not commands.
    """

    def __init__(self, service: Service, step: Step, journal: Journal) -> None:
        self._service = service
        self._step = step
        self._journal = journal
        self._bad_commands = 0
        self._rcpt_refused = False
        self._utf8 = False  # whether the sender's MAIL had SMTPUTF8
        self.closing = False
        self.reading_content = False

    def greet(self) -> bytes:
        """Say the banner, or what the service says in its place; a server that does not welcome hangs up."""
        answer = self._decide(Stage.CONNECT)
        said = self._answer(Stage.CONNECT, b"", answer, "banner")
        if isinstance(answer, Reply) and not answer.positive:
            self._close(f"closed by the server after {answer.code}")
        return said

    def command(self, line: bytes) -> bytes:
        """Answer one command line, line end included; of a line over the limit the beginning will do."""
        verb, _, rest = line.rstrip(b"\r\n").partition(b" ")
        verb = verb.upper()
        offer = self._offer
        if len(line) > (offer.mail_line_limit if verb == b"MAIL" and self._step.extended else _LINE_LIMIT):
            return self._say(line[:_LINE_LIMIT], "line_too_long")
        try:
            argument = rest.strip().decode("utf-8" if "SMTPUTF8" in offer.keywords else "ascii")
        except UnicodeDecodeError:
            return self._say(line, "non_ascii_command")
        command = self._COMMANDS.get(verb)
        if command is None:
            return self._unknown(line)
        try:
            return command.carry_out(self, line, argument)
        except CommandError as error:
            return self._say(line, error.condition, command.stage)

    def content(self, content: bytes, problem: str | None = None) -> bytes:
        """Answer the content, unstuffed, without the dot.

        Args:
            content: what came; b"" where it was not kept.
            problem: the condition for which it was not kept: "message_too_big", "content_line_too_long".
        """
        self.reading_content = False
        if problem is not None:
            said = self._say(content, problem, Stage.MESSAGE)
        else:
            self._step.content = content
            answer = self._decide(Stage.MESSAGE)
            if _positive(answer):
                answer = self._deliver(content) or answer
                self._step.messages += 1
            said = self._answer(Stage.MESSAGE, content, answer, "ok_queued")
        self._reset()
        return said

    def lost(self, how: str, unanswered: bytes = b"") -> None:
        """Note how the connection ended, unless that is known already, and what came and got no reply."""
        session = self._step.session
        if session.ended is None:
            if unanswered:
                session.exchanges.append(Exchange(self._journal.elapsed(), None, unanswered, b""))
            self._close(how)

    @property
    def size_limit(self) -> int | None:
        """What a message may have in bytes, as SIZE advertises it now (RFC 1870, 4); None for no limit."""
        return self._offer.size_limit

    def _ehlo(self, line: bytes, argument: str) -> bytes:
        extensions = self._service.extension_lines()
        if extensions is None:
            return self._unknown(line)
        return self._hello(line, argument, "ok_ehlo", extensions)

    def _helo(self, line: bytes, argument: str) -> bytes:
        return self._hello(line, argument, "ok_helo", ())

    def _hello(self, line: bytes, argument: str, condition: str, extensions: tuple[str, ...]) -> bytes:
        if not (argument.isascii() and argument.isprintable() and argument):
            raise CommandError("helo_syntax")
        step = self._step
        before = step.helo, step.extended
        step.helo, step.extended = argument, condition == "ok_ehlo"
        answer = self._decide(Stage.EHLO)
        if answer is None:
            answer = _with_extensions(self._service.phrase(condition), extensions)
        if _positive(answer):
            self._reset()
        else:  # RFC 5321, 4.1.4: all stays as it was
            step.helo, step.extended = before
        return self._answer(Stage.EHLO, line, answer, condition)

    def _mail(self, line: bytes, argument: str) -> bytes:
        step = self._step
        if not step.helo:
            raise CommandError("helo_required")
        if step.reverse_path is not None:
            raise CommandError("nested_mail")
        path = reverse_path(argument)
        size, utf8 = read_mail_parameters(path.parameters, self._offer if step.extended else _NOTHING)
        if not (utf8 or path.address.isascii()):
            raise CommandError("smtputf8_required")
        step.reverse_path, step.mail_options = path
        step.declared_size, self._utf8 = size, utf8
        answer = self._decide(Stage.MAIL)
        said = self._answer(Stage.MAIL, line, answer, "ok_mail")
        if not _positive(answer):
            self._reset()
        return said

    def _rcpt(self, line: bytes, argument: str) -> bytes:
        step = self._step
        if step.reverse_path is None:
            raise CommandError("rcpt_before_mail" if step.helo else "helo_required")
        path = forward_path(argument)
        if path.parameters:  # no extension that brings any is offered
            raise CommandError("rcpt_parameter" if all(map(well_formed, path.parameters)) else "rcpt_syntax")
        if not (self._utf8 or path.address.isascii()):
            raise CommandError("smtputf8_required")
        step.recipient = path.address
        answer = self._decide(Stage.RCPT)
        said = self._answer(Stage.RCPT, line, answer, "ok_rcpt")
        step.recipient = None
        if _positive(answer):
            step.recipients.append(path.address)
            step.rcpt_options.append(path.parameters)
        else:
            self._rcpt_refused = True
        return said

    def _data(self, line: bytes, argument: str) -> bytes:
        step = self._step
        if not step.helo:
            raise CommandError("helo_required")
        if argument:
            raise CommandError("data_syntax")
        if not step.recipients:
            raise CommandError("no_valid_recipients" if self._rcpt_refused else "data_before_rcpt")
        answer = self._decide(Stage.DATA)
        said = self._answer(Stage.DATA, line, answer, "ok_data")
        self.reading_content = _positive(answer)
        return said

    def _rset(self, line: bytes, argument: str) -> bytes:
        if argument:
            raise CommandError("rset_syntax")
        self._reset()
        return self._say(line, "ok_rset")

    def _noop(self, line: bytes, argument: str) -> bytes:  # noqa: ARG002  # RFC 5321, 4.1.1.9: ignored
        return self._say(line, "ok_noop")

    def _vrfy(self, line: bytes, argument: str) -> bytes:
        return self._say(line, "vrfy" if argument else "vrfy_syntax")

    def _help(self, line: bytes, argument: str) -> bytes:  # noqa: ARG002
        return self._say(line, "help")

    def _quit(self, line: bytes, argument: str) -> bytes:
        if argument:
            raise CommandError("quit_syntax")
        said = self._say(line, "ok_quit")
        self._close("client quit")
        return said

    def _unimplemented(self, line: bytes, argument: str) -> bytes:  # noqa: ARG002
        return self._say(line, "command_unimplemented")

    def _unknown(self, line: bytes) -> bytes:
        self._bad_commands += 1
        too_many = self._bad_commands > _BAD_COMMANDS
        return self._say(line, "too_many_bad_commands" if too_many else "unrecognized_command")

    _COMMANDS: ClassVar[Mapping[bytes, _Command]] = MappingProxyType(
        {
            b"EHLO": _Command(_ehlo, Stage.EHLO),
            b"HELO": _Command(_helo, Stage.EHLO),
            b"MAIL": _Command(_mail, Stage.MAIL),
            b"RCPT": _Command(_rcpt, Stage.RCPT),
            b"DATA": _Command(_data, Stage.DATA),
            b"RSET": _Command(_rset),
            b"NOOP": _Command(_noop),
            b"QUIT": _Command(_quit),
            b"VRFY": _Command(_vrfy),
            b"HELP": _Command(_help),
            # What RFCs define and nothing here does, told apart from what no RFC knows.
            **dict.fromkeys(
                (b"EXPN", b"ETRN", b"TURN", b"ATRN", b"BDAT", b"STARTTLS", b"AUTH"), _Command(_unimplemented)
            ),
        }
    )

    @property
    def _offer(self) -> Offer:
        # Asked anew each time: a test may take an extension away between two commands.
        return offer_of(self._service.extension_lines() or ())

    def _decide(self, stage: Stage) -> _Answer:
        try:
            return self._service.decide(stage, self._step)
        except Exception as error:  # noqa: BLE001  # of a rule or of the test's own predicate: told to the test
            return self._failed(error, stage)

    def _deliver(self, content: bytes) -> Reply | None:
        step = self._step
        envelope = Envelope(
            step.reverse_path or "", tuple(step.recipients), step.mail_options, tuple(step.rcpt_options)
        )
        try:
            self._service.deliver(step, envelope, content)
        except Exception as error:  # noqa: BLE001  # likewise
            return self._failed(error, Stage.MESSAGE)
        return None

    def _failed(self, error: Exception, stage: Stage) -> Reply:
        self._service.failed(error, stage, self._step)
        return self._service.phrase("local_error")

    def _say(self, request: bytes, condition: str, stage: Stage | None = None) -> bytes:
        return self._answer(stage, request, None, condition)

    def _answer(self, stage: Stage | None, request: bytes, answer: _Answer, condition: str) -> bytes:
        reply = self._service.phrase(condition) if answer is None else answer
        said = b"" if isinstance(reply, HangUp) else reply.wire(self._value_of)
        step = self._step
        step.session.exchanges.append(Exchange(self._journal.elapsed(), stage, request, said, step.finding))
        step.finding, step.details = None, NO_DETAILS
        if isinstance(reply, HangUp):
            self._close("the server hung up")
            return said
        if reply.code >= 500:
            step.errors += 1
        if reply.closes:
            self._close(f"closed by the server after {reply.code}")
        return said

    def _value_of(self, variable: str) -> str:
        value = self._service.value_of(self._step, variable)
        # What the client sent may come back in a reply, and must not become a line of its own there.
        return value if value.isprintable() else "".join(it if it.isprintable() else "?" for it in value)

    def _close(self, how: str) -> None:
        self.closing = True
        self._step.session.ended = how

    def _reset(self) -> None:
        self._step.reset()
        self._rcpt_refused = False


def _positive(answer: _Answer) -> bool:
    return answer is None or (isinstance(answer, Reply) and answer.positive)


@functools.lru_cache(maxsize=64)
def _with_extensions(usual: Reply, extensions: tuple[str, ...]) -> Reply:
    return Reply(usual.code, (*usual.lines, *extensions), usual.enhanced) if extensions else usual
