"""The faults of one connection, and what its server does once one has happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pytest_mailnet.faults import Fault
from pytest_mailnet.faults.armed import Armed
from pytest_mailnet.faults.damage import EARLY, damage
from pytest_mailnet.faults.fault import LATE_SECONDS
from pytest_mailnet.printable import cut, printable
from pytest_mailnet.record.session import Finding
from pytest_mailnet.server.connection import Connection
from pytest_mailnet.smtp.state import Step
from pytest_mailnet.values import Stage

__all__ = ["FaultyServer", "Mishaps", "read_said", "said"]


class FaultyServer(Protocol):
    """A server to which faults happen, as `Mishaps` uses it."""

    def send(self, reply: bytes) -> None:
        """Send bytes to the client."""
        ...

    def resume(self, data: bytes) -> None:
        """Go on with the bytes that came while a reply was late."""
        ...

    def later(self, seconds: float, do: Callable[[], object]) -> None:
        """Run a callback after some seconds of the net's time.

        Args:
            seconds: the delay.
            do: the callback.
        """
        ...

    def lose(self, how: str) -> None:
        """Record that the server has ended the connection, and how; the next `send` closes it."""
        ...

    def reset(self, how: str) -> None:
        """Break the connection off with a RST, and record why."""
        ...


class Mishaps:
    """The faults of one connection. Everything here runs in the loop's thread.

    Args:
        armed: the faults that may happen on it.
        connection: the connection.
        step: its session.
        server: the server at its end.

    Attributes:
        armed: the faults that may still happen; false if there are none.
        deaf: whether the server answers nothing for now: it has stalled, or its reply is late.
    """

    def __init__(self, armed: Armed, connection: Connection, step: Step, server: FaultyServer) -> None:
        self.armed = armed
        self._connection = connection
        self._step = step
        self._smtp = step.session.protocol == "SMTP"
        self._server = server
        self.deaf: bool = False
        self._late: bytearray | None = None  # bytes that came while a reply is late
        self._forgotten: Fault | None = None
        self._said_early: Fault | None = None

    @property
    def late(self) -> bool:
        """Whether a late reply is still to be sent."""
        return self._late is not None

    def hear(self, data: bytes) -> bool:
        """Whether the server handles these bytes now; while a reply is late, they are kept for `resume`."""
        if self._forgotten is not None:
            self._server.reset(f"fault {self._forgotten.id}")
        if self._late is not None:
            self._late += data
        return not self.deaf

    def reply(self, before: list[bytes], reply: bytes) -> bytes:
        """Apply a fault to a reply, if one is due at its stage.

        Args:
            before: earlier replies that are not sent yet. If a fault happens, they are sent and the list is
                emptied.
            reply: the reply as it would go out.

        Returns:
            The bytes still to send: the reply, as a fault may have changed it. A fault may also add the next
            stage's reply to it early; then b"" is returned when that stage comes.
        """
        if (reply and self._died(reply)) or (self._step.delay and self._delay(before, reply)):
            return b""
        stage = self._step.session.exchanges[-1].stage if self.armed and reply else None
        if stage is None:
            return reply
        if self._said_early is not None and stage is self._said_early.stage:
            self.note(self._said_early)  # clients that drop what comes early hear no other reply
            self._said_early = None
            return b""
        fault = self.armed.at(stage, smtp=self._smtp)
        if fault is None:
            return self._with_next(stage, reply)
        pieces, then = damage(fault.manner, reply)
        self.note(fault, b"".join(pieces))
        # A server that is deaf does not hang up: the last piece does, where the reply would.
        self.deaf = True
        self._server.send(b"".join(before))
        before.clear()
        if then == "late":
            self._be_late(reply, LATE_SECONDS if fault.seconds is None else fault.seconds)
            return b""
        *firsts, last = pieces or [b""]
        for piece in firsts:
            self._server.send(piece)
        self.deaf = False
        self.end(then, fault)
        return last

    def dies_at(self, line: bytes | None, before: list[bytes]) -> bool:
        """Whether the application dies at what it has just said, before the server acts on it.

        Args:
            line: the command; None for the content of a mail.
            before: earlier replies that are not sent yet.
        """
        if not self._connection.arrived or (passing := self._connection.tenant.passing) is None:
            return False
        heard = None if before else self._step.session
        told = said(line) if self._smtp else read_said(line)
        self.deaf = passing(told, heard=heard, drop=self._drop)
        return self.deaf

    def _died(self, reply: bytes) -> bool:
        """Whether the application dies before it hears a reply."""
        if not self._connection.arrived or (passing := self._connection.tenant.passing) is None:
            return False
        last = self._step.session.exchanges[-1]
        line = None if last.stage is Stage.MESSAGE else last.request
        told = f"{reply[:3].decode()} to {said(line)}" if self._smtp else f"reply to {read_said(line)}"
        self.deaf = passing(told, after=True, drop=self._drop)
        return self.deaf

    def _drop(self) -> None:
        self.deaf = True
        self._server.reset("the application died")

    def broken_off(self, before: list[bytes], data: bytes) -> bool:
        """Apply a fault amid a mail's content, if one is due.

        Args:
            before: earlier replies that are not sent yet. If a fault happens, they are sent and the list is
                emptied.
            data: the part of the content that has come.

        Returns:
            Whether a fault has happened.
        """
        fault = self.armed.at(Stage.MESSAGE, in_content=True) if data else None
        if fault is None:
            return False
        self.note(fault)
        self._server.send(b"".join(before))
        before.clear()
        self.end(damage(fault.manner, b"").then, fault)
        return True

    def note(self, fault: Fault, reply: bytes | None = None) -> None:
        """Record a fault in the last exchange.

        Args:
            fault: the fault.
            reply: what the client is sent in place of the recorded reply; None leaves that as it is.
        """
        # From now on, a client that waits does so because of the fault.
        self._connection.silent(True)  # noqa: FBT003
        exchanges = self._step.session.exchanges
        if exchanges:
            last = exchanges[-1]
            exchanges[-1] = last._replace(
                reply=last.reply if reply is None else reply, finding=Finding("fault", fault.does)
            )

    def lost(self) -> None:
        """Forget a late reply: the connection is gone, so it never goes out."""
        self._late = None

    def end(self, then: str, fault: Fault) -> None:
        """Do what follows a fault: close or reset the connection, or stop answering.

        Args:
            then: "close", "reset", "stall" (nothing more is answered), or "forget" (a reset when the client
                sends again); anything else does nothing.
            fault: the fault, for the session's record.
        """
        how = f"fault {fault.id}"
        match then:
            case "close":
                self._server.lose(how)
            case "reset":
                # Not before the client's connect has returned: the reset would sometimes make it fail.
                self._connection.once_connected(lambda: self._server.reset(how))
            case "stall":
                self.deaf = True
            case "forget":
                self._forgotten = fault

    def _with_next(self, stage: Stage, reply: bytes) -> bytes:
        fault = self.armed.early(stage, reply) if self._smtp else None
        if fault is None:
            return reply
        self._said_early = fault
        reply += EARLY[fault.stage]
        self.note(fault, reply)
        return reply

    def _delay(self, before: list[bytes], reply: bytes) -> bool:
        seconds, self._step.delay = self._step.delay, 0.0
        self._connection.silent(True)  # noqa: FBT003
        self.deaf = True
        self._server.send(b"".join(before))
        before.clear()
        self._be_late(reply, seconds)
        return True

    def _be_late(self, reply: bytes, seconds: float) -> None:
        self._late, self.deaf = bytearray(), True
        exchanges = self._step.session.exchanges
        at, said = len(exchanges) - 1, exchanges[-1]
        exchanges[at] = said._replace(reply=b"")

        def say() -> None:
            if self._late is None:
                return
            exchanges[at] = said
            data, self._late, self.deaf = bytes(self._late), None, False
            self._server.send(reply)
            self._server.resume(data)

        self._server.later(seconds, say)


def said(line: bytes | None) -> str:
    """What a client has said, in a few words and without its secrets.

    Args:
        line: the command, b"" for the connection itself; None for the content of a mail.
    """
    if line is None:
        return "content"
    if not line:
        return "connect"
    text = printable(line.decode("utf-8", "backslashreplace").strip())
    verb = text.partition(" ")[0].upper()
    if verb in _TOLD_WHOLE:
        path, ends, _ = text[len(verb) :].partition(">")  # without parameters, such as the size
        return cut(f"{verb}{path}{ends}", 60)
    return verb if verb in _VERBS else "a line"  # which may be a password


def read_said(line: bytes | None) -> str:
    """What a client has said that reads mail, in a few words: its command, without tag and arguments.

    Args:
        line: the command, b"" for the connection itself; None for a literal.
    """
    if not line:
        return "a literal" if line is None else "connect"
    words = line.decode("utf-8", "backslashreplace").upper().split()
    known = [it for it in words[:3] if it in _READING_VERBS]
    return " ".join(known) or "a line"


_READING_VERBS = {
    *("APPEND", "AUTHENTICATE", "CAPABILITY", "CHECK", "CLOSE", "COPY", "CREATE", "DELETE", "DONE", "ENABLE"),
    *("EXAMINE", "EXPUNGE", "FETCH", "ID", "IDLE", "LIST", "LOGIN", "LOGOUT", "LSUB", "MOVE", "NAMESPACE"),
    *("NOOP", "RENAME", "SEARCH", "SELECT", "STARTTLS", "STATUS", "STORE", "SUBSCRIBE", "UID", "UNSELECT"),
    *("UNSUBSCRIBE", "XLIST"),
    *("AUTH", "CAPA", "DELE", "PASS", "QUIT", "RETR", "RSET", "STAT", "STLS", "TOP", "UIDL", "USER"),
}
_TOLD_WHOLE = {"EHLO", "HELO", "LHLO", "MAIL", "RCPT"}
_VERBS = {"DATA", "BDAT", "AUTH", "STARTTLS", "RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP"}
