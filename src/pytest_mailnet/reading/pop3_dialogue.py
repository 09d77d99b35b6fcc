"""The server's side of a POP3 session (RFC 1939), without sockets: bytes in, bytes out."""

from __future__ import annotations

from pytest_mailnet.reading.conversation import SHUT_DOWN
from pytest_mailnet.reading.maildrop import NoSuchMail
from pytest_mailnet.reading.pop3_commands import COMMANDS, BadArgument, Pop3Command
from pytest_mailnet.reading.pop3_session import Pop3Done, Pop3Session
from pytest_mailnet.reading.response import Response
from pytest_mailnet.record.session import HUNG_UP
from pytest_mailnet.smtp.state import HangUp
from pytest_mailnet.values import Stage

__all__ = ["Pop3Dialogue"]

# Octets of a command with its CRLF (RFC 2449, 4), of AUTH with an initial response too (RFC 5034, 4). Google
# takes longer ones (developers.google.com/gmail/imap/xoauth2-protocol), Microsoft does not
# (github.com/getmail6/getmail6/issues/256).
_LONGEST = 255
_LOG_INS = {"USER", "SASL"}


class Pop3Dialogue(Pop3Session):
    """One POP3 session; its arguments and attributes are those of `Pop3Session`."""

    def greet(self) -> bytes:
        """Say the greeting, or the test's own answer in its place."""
        answer = self.decide(Stage.CONNECT)
        return self._say(Stage.CONNECT, b"", Pop3Done(answer or self.host.words("greeting")))

    def command(self, line: bytes, *, pipelined: bool = False) -> bytes:  # noqa: ARG002
        """Answer a command, or the response to a challenge."""
        if self.authentication is not None:
            self.step.details = {"command": "AUTH"}
            return self._say(Stage.AUTH, line, self.went_on(self.authentication.respond(line)))
        name, _, argument = line.rstrip(b"\r\n").partition(b" ")
        step = self.step
        step.verb = name.decode("ascii", "backslashreplace").upper()
        step.details = {"command": step.verb}
        known = COMMANDS.get(step.verb)
        stage = Stage.OTHER if known is None else known.stage
        scripted = self.decide(Stage.OTHER)
        if scripted is not None and not Pop3Done(scripted).agreed:
            return self._say(stage, line, Pop3Done(scripted), ends=stage is Stage.QUIT)
        finding, step.finding = step.finding, None
        done = self._run(known, line, argument)
        # A test's yes is the usual one in other words; a no of the server's own it leaves alone.
        if scripted is not None and (done.agreed or known is None):
            done, step.finding = Pop3Done(scripted, done.data), finding
        return self._say(stage, line, done, ends=stage is Stage.QUIT and done.agreed)

    def content(self, *, pipelined: bool = False) -> bytes:  # noqa: ARG002
        """Nothing comes but lines."""
        return b""

    def encrypted(self, version: str) -> bytes:
        """Forget what was said in the clear (RFC 2595, 4), and go on."""
        self.user = None
        return super().encrypted(version)

    def timed_out(self, unanswered: bytes) -> bytes:
        """Hang up on a client that has been silent for too long, and remove nothing (RFC 1939, 3).

        RFC 1939 wants nothing said; a host that says something has a line for it.
        """
        line = self.line("timeout")
        said = line + b"\r\n" if line else b""
        if said or unanswered:
            self.record(None, unanswered, said)
        self.close(f"idle for {self.host.idle_seconds} s")
        return said

    def shut_down(self) -> bytes:
        """Hang up, and remove nothing; POP3 has no word for that."""
        self.close(SHUT_DOWN)
        return b""

    def _run(self, known: Pop3Command | None, line: bytes, argument: bytes) -> Pop3Done:
        if known is None:
            return self.told("command_unknown")
        if why := self._objection(known, line) or self.host.refusal(self.step):
            return self.told(why)
        try:
            return known.run(self, argument)
        except BadArgument:
            return self.told("bad_argument")
        except NoSuchMail as none:
            return self.told(none.condition)

    def _objection(self, known: Pop3Command, line: bytes) -> str:
        """The condition by which a command cannot be given now; "" where it can."""
        if len(line) > _LONGEST and (known.capability != "SASL" or self.host.line("short_auth")):
            return "line_too_long"
        if self.state not in known.states:
            return "wrong_state"
        if not known.capability or self._offers(known.capability):
            return ""
        if known.capability == "STLS" and self.step.tls:
            return "tls_active"
        return (
            "login_needs_tls" if known.capability in _LOG_INS and self._offers("STLS") else "command_unknown"
        )

    def _offers(self, capability: str) -> bool:
        if capability == "SASL":
            return bool(self.host.mechanisms(self.step))
        return any(it.split(" ", 1)[0] == capability for it in self.host.capabilities(self.step))

    def _say(self, stage: Stage, request: bytes, done: Pop3Done, *, ends: bool = False) -> bytes:
        """Give an answer, and record the exchange.

        Args:
            stage: where in the session it stands.
            request: the bytes that it answers.
            done: the answer, and what is behind it.
            ends: whether the session ends with it.
        """
        answer = done.answer
        said = (answer.line(self.value_of) if isinstance(answer, Response) else b"") + done.data
        self.record(stage, request, said)
        if isinstance(answer, HangUp):
            self.close(HUNG_UP)
        elif answer and ends and answer.positive:
            self.close("client quit")
        elif answer and (ends or answer.closes or (stage is Stage.CONNECT and not answer.positive)):
            self.close(f"closed by the server after {answer.status}")
        return said
