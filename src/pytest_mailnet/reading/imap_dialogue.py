"""The server's side of an IMAP session (RFC 3501, RFC 9051), without sockets: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pytest_mailnet.imap.command_arguments import Arguments, BadCommand, literal_announced
from pytest_mailnet.reading.conversation import SHUT_DOWN, ReadingDialogue
from pytest_mailnet.reading.response import Response
from pytest_mailnet.reading.view import View
from pytest_mailnet.record.session import HUNG_UP
from pytest_mailnet.smtp.state import HANG_UP, HangUp
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.reading.host import ReadingHost
    from pytest_mailnet.record.journal import Journal
    from pytest_mailnet.smtp.state import Step

__all__ = ["Done", "ImapCommand", "ImapDialogue", "State"]

_LARGEST = 1 << 26  # bytes of a command with its literals
_STAGES = {
    "AUTHENTICATE": Stage.AUTH,
    "EXAMINE": Stage.SELECT,
    "FETCH": Stage.FETCH,
    "IDLE": Stage.IDLE,
    "LOGIN": Stage.AUTH,
    "LOGOUT": Stage.QUIT,
    "NOOP": Stage.NOOP,
    "SELECT": Stage.SELECT,
    "STARTTLS": Stage.STARTTLS,
}
_KEEP_NUMBERS = {"FETCH", "SEARCH", "STORE"}  # no mail may lose its number amid them (RFC 3501, 7.4.1)


class State(Enum):
    """Where a session is (RFC 3501, 3)."""

    NOT_AUTHENTICATED = "not authenticated"
    AUTHENTICATED = "authenticated"
    SELECTED = "selected"


class Done(NamedTuple):
    """What a command has come to.

    Attributes:
        answer: the tagged response; None where the client has to respond to a challenge first.
        data: the lines before it.
    """

    answer: Response | HangUp | None
    data: Sequence[bytes] = ()


class ImapCommand(NamedTuple):
    """A command.

    Attributes:
        run: carries it out; raises `BadCommand` for arguments that it does not take.
        states: in which states it can be given.
        needs: the capability without which it is unknown; "" for none.
    """

    run: Callable[[ImapDialogue, Arguments], Done]
    states: frozenset[State]
    needs: str = ""

    def known(self, dialogue: ImapDialogue) -> bool:
        """Whether the server knows it."""
        return not self.needs or self.needs in dialogue.host.capabilities(dialogue.step)


class ImapDialogue(ReadingDialogue):
    """One IMAP session.

    Args:
        host: decides what is said.
        step: the session.
        journal: where it is recorded.
        commands: the commands by name, those by uids with "UID " before it.

    Attributes:
        view: the folder that is selected, as the client knows it; None for none.
        utf8: whether the client has enabled UTF8=ACCEPT (RFC 9755).
        response_to: takes the client's next line in place of a command; None where a command comes.
    """

    def __init__(
        self, host: ReadingHost, step: Step, journal: Journal, commands: Mapping[str, ImapCommand]
    ) -> None:
        super().__init__(host, step, journal)
        self._commands = commands
        self.view: View | None = None
        self.utf8: bool = False
        self.response_to: Callable[[bytes], bytes] | None = None
        self._pending = bytearray()
        self._unrecorded = 0
        self._tag = "*"
        self._whole = b""
        self._by_uid = False
        self._refused_once = False

    @property
    def tag(self) -> str:
        """The tag of the command under way."""
        return self._tag

    @property
    def state(self) -> State:
        """Where the session is (RFC 3501, 3)."""
        if self.step.authenticated_as is None:
            return State.NOT_AUTHENTICATED
        return State.AUTHENTICATED if self.view is None else State.SELECTED

    def greet(self) -> bytes:
        """Say the greeting, or the test's own answer in its place."""
        answer = self.decide(Stage.CONNECT)
        return self.say(Stage.CONNECT, b"", answer or self.host.words("greeting"), tag="*")

    def command(self, line: bytes, *, pipelined: bool = False) -> bytes:  # noqa: ARG002
        """Answer a line: a command, a part of one, or the response to a challenge."""
        if self.response_to is not None:
            return self.response_to(line)
        self._pending += line
        literal = literal_announced(line)
        if literal is None:
            return self._run()
        if literal.size + len(self._pending) > _LARGEST:
            return self._too_big(waits=literal.waits)
        self.reading = _Literal(literal.size)
        return self._ask_for_literal() if literal.waits else b""

    def content(self, *, pipelined: bool = False) -> bytes:  # noqa: ARG002
        """Go on after a literal."""
        assert isinstance(self.reading, _Literal)
        self._pending += self.reading.begun
        self.reading = None
        return b""

    def _ask_for_literal(self) -> bytes:
        said = self.line("continue_literal") + b"\r\n"
        self.record(None, bytes(self._pending[self._unrecorded :]), said)
        self._unrecorded = len(self._pending)
        return said

    def _too_big(self, *, waits: bool) -> bytes:
        """Refuse a literal; what comes unasked cannot be told from commands, so that ends the session."""
        whole = self._take()
        tag = whole.split(b" ", 1)[0].decode("ascii", "replace")
        answer = self.host.words("literal_too_big")
        return self.say(None, whole, answer if waits else Response("BYE", answer.text, closes=True), tag=tag)

    def _take(self) -> bytes:
        """The command that has come, from what is not recorded yet."""
        whole, self._whole = bytes(self._pending[self._unrecorded :]), bytes(self._pending)
        self._pending.clear()
        self._unrecorded = 0
        return whole

    def _run(self) -> bytes:
        request = self._take()
        arguments = Arguments(self._whole, utf8=self.utf8)
        self._tag = "*"
        try:
            self._tag = arguments.tag()
            arguments.space()
            name = arguments.keyword()
            self._by_uid = name == "UID"
            if self._by_uid:
                arguments.space()
                name = f"UID {arguments.keyword()}"
        except BadCommand as bad:
            self.tell(problem=bad.text)
            return self.say(None, request, self.host.words("bad_command"))
        self.step.verb = verb = name.removeprefix("UID ")
        self.step.details = {"command": verb}
        return self.finish(_STAGES.get(verb, Stage.OTHER), request, self._done(name, arguments))

    def _done(self, name: str, arguments: Arguments) -> Done:
        scripted = self.decide(Stage.OTHER)
        if scripted is not None and (isinstance(scripted, HangUp) or not scripted.positive):
            return Done(scripted)
        finding, self.step.finding = self.step.finding, None
        done = self._carried_out(name, arguments)
        # A test's yes is the usual one in other words; a no of the server's own it leaves alone.
        if scripted is not None and isinstance(done.answer, Response) and done.answer.positive:
            done, self.step.finding = Done(scripted, done.data), finding
        return done

    def _carried_out(self, name: str, arguments: Arguments) -> Done:
        known = self._commands.get(name)
        if known is None or not known.known(self):
            return Done(self.host.words("command_unknown"))
        if self.state not in known.states:
            return Done(self.host.words("wrong_state"))
        if why := self.host.refusal(self.step):
            return self._refused(why)
        try:
            return known.run(self, arguments)
        except BadCommand as bad:
            self.tell(problem=bad.text)
            return Done(self.host.words("bad_command"))

    def _refused(self, why: str) -> Done:
        """Refuse a command of a user who has logged in; there are hosts that hang up at the second one."""
        answer, bye = self.host.words(why), self.line("refused_again")
        self._refused_once, again = True, self._refused_once
        if not (again and bye):
            return Done(answer)
        self.select(None)
        return Done(HANG_UP, [answer.line(self.value_of, self._tag), bye + b"\r\n"])

    def finish(self, stage: Stage, request: bytes, done: Done) -> bytes:
        """Say what a command has come to, with the news before it.

        Args:
            stage: where in the session it stands.
            request: the bytes that it answers.
            done: what it has come to.
        """
        if done.answer is None:
            said = b"".join(done.data)
            self.record(stage, request, said)
            return said
        self.response_to = None
        if self.view is not None:
            self.view.end()
        news = self.news(keep_numbers=self.step.verb in _KEEP_NUMBERS and not self._by_uid)
        return self.say(stage, request, done.answer, [*done.data, *news])

    def told_idle(self) -> bytes:
        """The news for a client that idles, as the engine's loop asks for them after a change."""
        news = b"".join(self.news()) if self.response_to is not None else b""
        if news:
            self.record(Stage.IDLE, b"", news)
        return news

    def news(self, *, keep_numbers: bool = False) -> list[bytes]:
        """What has changed in the folder that is selected since the client was told last.

        Args:
            keep_numbers: whether the client must not be told now that mails have gone.
        """
        return [] if self.view is None else self.view.news(keep_numbers=keep_numbers)

    def say(
        self,
        stage: Stage | None,
        request: bytes,
        answer: Response | HangUp,
        data: Sequence[bytes] = (),
        *,
        tag: str = "",
    ) -> bytes:
        """Give an answer, and record the exchange.

        Args:
            stage: where in the session it stands.
            request: the bytes that it answers.
            answer: the answer.
            data: the lines before it.
            tag: of the command; "" for the one under way.
        """
        before = b"".join(data)
        said = before if isinstance(answer, HangUp) else before + answer.line(self.value_of, tag or self._tag)
        self.record(stage, request, said)
        if isinstance(answer, HangUp):
            self.close(HUNG_UP)
        elif stage is Stage.QUIT and answer.positive:
            self.close("client quit")
        elif answer.closes or (stage is Stage.CONNECT and not answer.positive):
            self.close(f"closed by the server after {answer.status}")
        return said

    def timed_out(self, unanswered: bytes) -> bytes:
        """Say BYE to a client that has been silent for too long."""
        return self._bye("timeout", f"idle for {self.host.idle_seconds} s", unanswered)

    def shut_down(self) -> bytes:
        """Say BYE, as a server does that is shut down (RFC 3501, 7.1.5)."""
        return self._bye("shutdown", SHUT_DOWN)

    def _bye(self, condition: str, how: str, unanswered: bytes = b"") -> bytes:
        """Say BYE for a condition, and record how the session ended."""
        said = self.say(None, unanswered, self.host.words(condition), tag="*")
        self.close(how)
        return said

    def folder_named(self, arguments: Arguments) -> str:
        """Read the name of the folder that a command is about, and have it for the answer's words."""
        arguments.space()
        name = arguments.mailbox()
        self.tell(folder=name)
        return name

    def select(self, view: View | None) -> None:
        """Have a folder selected, or none."""
        if self.view is not None:
            self.view.end()
        self.view = view

    def left(self) -> None:
        """Let go of the folder that is selected."""
        self.select(None)


class _Literal:
    """Reads so many bytes (RFC 3501, 4.3)."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._bytes = bytearray()

    @property
    def begun(self) -> bytes:
        """The bytes so far."""
        return bytes(self._bytes)

    def feed(self, data: bytes) -> bytes | None:
        """Add bytes; return those behind the literal, or None while it is not complete."""
        room = self._size - len(self._bytes)
        self._bytes += data[:room]
        return data[room:] if len(data) >= room else None

    def finish(self) -> bytes:
        """Nothing is said to a literal alone."""
        return b""
