"""One session's SMTP conversation, without sockets: commands in, replies out (RFC 5321, 4).

Every reply comes from the service: its rules, or its phrasebook by condition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

from pytest_mailnet.journal import Exchange, Journal
from pytest_mailnet.model import Envelope, Reply, Stage
from pytest_mailnet.paths import Path, parse_path, well_formed
from pytest_mailnet.step import HangUp, Step

__all__ = ["Dialogue", "Service"]

_LINE_LIMIT = 512  # RFC 5321, 4.5.3.1.4, line end included
_MAIL_LIMIT = 512 + 26 + 10  # SIZE (RFC 1870, 3) and SMTPUTF8 (RFC 6531, 3.4) make MAIL longer
_BAD_COMMANDS = 5


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
        self._data_line = b""
        self.closing = False
        self.reading_content = False

    def greet(self) -> bytes:
        """Say the banner, or what the service says in its place."""
        return self._answer(Stage.CONNECT, b"", self._decide(Stage.CONNECT), "banner")

    def command(self, line: bytes) -> bytes:
        """Answer one command line, line end included."""
        stripped = line.rstrip(b"\r\n")
        verb, _, rest = stripped.partition(b" ")
        verb = verb.upper()
        if len(line) > (_MAIL_LIMIT if verb == b"MAIL" and self._step.extended else _LINE_LIMIT):
            return self.too_long(line[:_LINE_LIMIT])
        try:
            argument = rest.decode("utf-8" if self._offers("SMTPUTF8") else "ascii").strip()
        except UnicodeDecodeError:
            return self._say(line, "non_ascii_command")
        handler = _COMMANDS.get(verb)
        if handler is None:
            return self._unknown(line, verb)
        return handler(self, line, argument)

    def too_long(self, line: bytes) -> bytes:
        """Answer a line that went on past every limit; `line` is how it began."""
        return self._say(line, "line_too_long")

    def content(self, content: bytes, problem: str | None = None) -> bytes:
        """Answer the content, unstuffed, without the dot.

        Args:
            content: what came; b"" where it was not kept.
            problem: the condition for which it was not kept: "size_exceeded", "content_line_too_long".
        """
        self.reading_content = False
        step = self._step
        step.content = content
        if problem is not None:
            reply = self._say(content, problem, Stage.MESSAGE)
        else:
            answer = self._decide(Stage.MESSAGE)
            if answer is None or (isinstance(answer, Reply) and answer.positive):
                answer = self._deliver(content) or answer
            reply = self._answer(Stage.MESSAGE, content, answer, "ok_queued")
        self._reset()
        return reply

    def ended(self, how: str) -> None:
        """Note how the connection ended, unless that is known already."""
        if self._step.session.ended is None:
            self._step.session.ended = how

    # -- commands

    def _ehlo(self, line: bytes, argument: str) -> bytes:
        extensions = self._service.extension_lines()
        if extensions is None:
            return self._unknown(line, b"EHLO")
        return self._hello(line, argument, "ehlo", extensions)

    def _helo(self, line: bytes, argument: str) -> bytes:
        return self._hello(line, argument, "helo", ())

    def _hello(self, line: bytes, argument: str, condition: str, extensions: tuple[str, ...]) -> bytes:
        if not argument:
            return self._say(line, "helo_syntax", Stage.EHLO)
        self._reset()
        step = self._step
        before = step.helo, step.extended
        step.helo, step.extended = argument, condition == "ehlo"
        answer = self._decide(Stage.EHLO)
        if answer is None:
            usual = self._service.phrase(condition)
            answer = Reply(usual.code, (*usual.lines, *extensions), usual.enhanced) if extensions else usual
        if not isinstance(answer, Reply) or not answer.positive:
            step.helo, step.extended = before
        return self._answer(Stage.EHLO, line, answer, condition)

    def _mail(self, line: bytes, argument: str) -> bytes:
        step = self._step
        if not step.helo:
            return self._say(line, "helo_required", Stage.MAIL)
        if step.reverse_path is not None:
            return self._say(line, "nested_mail", Stage.MAIL)
        path = parse_path(argument, "FROM")
        if not isinstance(path, Path):
            return self._say(line, "mail_syntax" if path == "syntax" else "bad_sender_address", Stage.MAIL)
        step.reverse_path, step.mail_options = path
        wrong = self._wrong_mail_parameter(path)
        if wrong is None:
            answer = self._decide(Stage.MAIL)
            if answer is None or (isinstance(answer, Reply) and answer.positive):
                return self._answer(Stage.MAIL, line, answer, "ok_mail")
            reply = self._answer(Stage.MAIL, line, answer, "ok_mail")
        else:
            reply = self._say(line, wrong, Stage.MAIL)
        self._reset()
        return reply

    def _wrong_mail_parameter(self, path: Path) -> str | None:
        """The condition under which MAIL's parameters are refused; None if they are in order."""
        utf8 = False
        for parameter in path.parameters:
            keyword, _, value = parameter.upper().partition("=")
            if not well_formed(parameter):
                return "mail_syntax"
            if keyword == "SIZE" and self._offers("SIZE"):
                if not value.isdigit():
                    return "mail_syntax"
                self._step.declared_size = int(value)
                limit = self.size_limit
                if limit is not None and int(value) > limit:
                    return "size_exceeded"
            elif keyword == "BODY" and self._offers("8BITMIME"):
                if value not in {"7BIT", "8BITMIME"}:
                    return "mail_syntax"
            elif parameter.upper() == "SMTPUTF8" and self._offers("SMTPUTF8"):
                utf8 = True
            else:
                return "mail_parameter"
        return None if utf8 or path.address.isascii() else "smtputf8_required"

    def _rcpt(self, line: bytes, argument: str) -> bytes:
        step = self._step
        if step.reverse_path is None:
            return self._say(line, "rcpt_before_mail" if step.helo else "helo_required", Stage.RCPT)
        path = parse_path(argument, "TO")
        if not isinstance(path, Path):
            return self._say(line, "rcpt_syntax" if path == "syntax" else "bad_recipient_address", Stage.RCPT)
        if not path.address:
            return self._say(line, "bad_recipient_address", Stage.RCPT)
        if path.parameters:
            formed = all(map(well_formed, path.parameters))
            return self._say(line, "rcpt_parameter" if formed else "rcpt_syntax", Stage.RCPT)
        if not path.address.isascii() and "SMTPUTF8" not in map(str.upper, step.mail_options):
            return self._say(line, "smtputf8_required", Stage.RCPT)
        step.recipient = path.address
        answer = self._decide(Stage.RCPT)
        reply = self._answer(Stage.RCPT, line, answer, "ok_rcpt")
        step.recipient = None
        if answer is None or (isinstance(answer, Reply) and answer.positive):
            step.recipients.append(path.address)
            step.rcpt_options.append(path.parameters)
        else:
            self._rcpt_refused = True
        return reply

    def _data(self, line: bytes, argument: str) -> bytes:
        step = self._step
        if not step.helo:
            return self._say(line, "helo_required", Stage.DATA)
        if argument:
            return self._say(line, "data_syntax", Stage.DATA)
        if not step.recipients:
            condition = "no_valid_recipients" if self._rcpt_refused else "data_before_rcpt"
            return self._say(line, condition, Stage.DATA)
        answer = self._decide(Stage.DATA)
        reply = self._answer(Stage.DATA, line, answer, "ok_data")
        self.reading_content = not self.closing and (
            answer is None or (isinstance(answer, Reply) and answer.positive)
        )
        return reply

    def _rset(self, line: bytes, argument: str) -> bytes:
        if argument:
            return self._say(line, "rset_syntax")
        self._reset()
        return self._say(line, "ok_rset")

    def _noop(self, line: bytes, argument: str) -> bytes:  # noqa: ARG002
        return self._say(line, "ok_noop")

    def _vrfy(self, line: bytes, argument: str) -> bytes:
        return self._say(line, "vrfy" if argument else "vrfy_syntax")

    def _help(self, line: bytes, argument: str) -> bytes:  # noqa: ARG002
        return self._say(line, "help")

    def _quit(self, line: bytes, argument: str) -> bytes:
        if argument:
            return self._say(line, "quit_syntax")
        self.closing = True
        self.ended("client quit")
        return self._say(line, "ok_quit")

    def _unimplemented(self, line: bytes, argument: str) -> bytes:  # noqa: ARG002
        return self._say(line, "command_unimplemented")

    def _unknown(self, line: bytes, verb: bytes) -> bytes:  # noqa: ARG002
        self._bad_commands += 1
        return self._say(
            line, "too_many_bad_commands" if self._bad_commands > _BAD_COMMANDS else "unrecognized_command"
        )

    # -- replies

    @property
    def size_limit(self) -> int | None:
        """What a message may have in bytes, as SIZE advertises it now (RFC 1870, 4); None for no limit."""
        for offered in self._service.extension_lines() or ():
            keyword, _, value = offered.partition(" ")
            if keyword.upper() == "SIZE" and value.isdigit():
                return int(value) or None
        return None

    def _offers(self, keyword: str) -> bool:
        if not self._step.extended and keyword != "SMTPUTF8":
            return False
        lines = self._service.extension_lines() or ()
        return any(line.partition(" ")[0].upper() == keyword for line in lines)

    def _decide(self, stage: Stage) -> Reply | HangUp | None:
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
        except Exception as error:  # noqa: BLE001
            return self._failed(error, Stage.MESSAGE)
        return None

    def _failed(self, error: Exception, stage: Stage) -> Reply:
        self._service.failed(error, stage, self._step)
        return self._service.phrase("local_error")

    def _say(self, request: bytes, condition: str, stage: Stage | None = None) -> bytes:
        return self._answer(stage, request, None, condition)

    def _answer(
        self, stage: Stage | None, request: bytes, answer: Reply | HangUp | None, condition: str
    ) -> bytes:
        if isinstance(answer, HangUp):
            sent = b""
            self.closing = True
            self.ended("the server hung up")
        else:
            reply = self._service.phrase(condition) if answer is None else answer
            sent = reply.wire(self._value_of)
            if reply.closes or (stage is Stage.CONNECT and not reply.positive):
                self.closing = True
                self.ended(f"closed by the server after {reply.code}")
        self._step.session.exchanges.append(Exchange(self._journal.elapsed(), stage, request, sent))
        return sent

    def _value_of(self, variable: str) -> str:
        return self._service.value_of(self._step, variable)

    def _reset(self) -> None:
        self._step.reset()
        self._rcpt_refused = False


_COMMANDS: Mapping[bytes, Callable[[Dialogue, bytes, str], bytes]] = MappingProxyType(
    {
        b"EHLO": Dialogue._ehlo,  # noqa: SLF001
        b"HELO": Dialogue._helo,  # noqa: SLF001
        b"MAIL": Dialogue._mail,  # noqa: SLF001
        b"RCPT": Dialogue._rcpt,  # noqa: SLF001
        b"DATA": Dialogue._data,  # noqa: SLF001
        b"RSET": Dialogue._rset,  # noqa: SLF001
        b"NOOP": Dialogue._noop,  # noqa: SLF001
        b"QUIT": Dialogue._quit,  # noqa: SLF001
        b"VRFY": Dialogue._vrfy,  # noqa: SLF001
        b"HELP": Dialogue._help,  # noqa: SLF001
        **dict.fromkeys((b"EXPN", b"ETRN", b"TURN", b"STARTTLS", b"AUTH", b"BDAT"), Dialogue._unimplemented),  # noqa: SLF001
    }
)
