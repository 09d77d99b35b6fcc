"""What goes wrong on one connection, and how its server behaves from then on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from pytest_mailnet.faults import Fault
from pytest_mailnet.faults.armed import Armed
from pytest_mailnet.faults.damage import EARLY, damage
from pytest_mailnet.faults.fault import LATE_SECONDS
from pytest_mailnet.record.session import Finding
from pytest_mailnet.server.connection import Connection
from pytest_mailnet.smtp.state import Step
from pytest_mailnet.values import Stage

__all__ = ["FaultyServer", "Mishaps"]


class FaultyServer(Protocol):
    """The server that they happen to."""

    def send(self, reply: bytes) -> None:
        """Say something."""

    def resume(self, data: bytes) -> None:
        """Go on with what has come while a reply was late."""

    def later(self, seconds: float, do: Callable[[], object]) -> None:
        """Have something done when so much time has passed in the net."""

    def lose(self, how: str) -> None:
        """Record that the connection has ended, by the server's doing; what is said last closes it."""

    def reset(self, how: str) -> None:
        """Break the connection off."""


class Mishaps:
    """What goes wrong on one connection. All of it runs in the loop's thread.

    Args:
        armed: what may go wrong.
        connection: which.
        step: its session.
        server: serves it.

    Attributes:
        armed: the same; false where nothing can go wrong any more.
    """

    def __init__(self, armed: Armed, connection: Connection, step: Step, server: FaultyServer) -> None:
        self.armed = armed
        self._connection = connection
        self._step = step
        self._server = server
        self._stalled = False
        self._late: bytearray | None = None  # what came while a reply is late
        self._forgotten: Fault | None = None
        self._said_early: Stage | None = None

    @property
    def deaf(self) -> bool:
        """Whether the server answers nothing of what has come by now."""
        return self._stalled or self._late is not None

    @property
    def late(self) -> bool:
        """Whether a reply is still to be said."""
        return self._late is not None

    def hear(self, data: bytes) -> bool:
        """Whether the server goes on with what has come; what comes while a reply is late is kept."""
        if self._forgotten is not None:
            self._server.reset(f"fault {self._forgotten.id}")
        if self._late is not None:
            self._late += data
        return not self.deaf

    def reply(self, before: list[bytes], reply: bytes) -> bytes:
        """A reply as it goes out; where something goes wrong now, what stands `before` it is sent first."""
        stage = self._step.session.exchanges[-1].stage if self.armed and reply else None
        if stage is None:
            return reply
        if stage is self._said_early:
            self._said_early = None
            return b""
        fault = self.armed.at(stage)
        if fault is None:
            return self._with_next(stage, reply)
        pieces, then = damage(fault.manner, reply)
        self.note(fault, b"".join(pieces))
        self._server.send(b"".join(before))
        before.clear()
        if then == "late":
            self._be_late(reply)
            return b""
        *firsts, last = pieces or [b""]
        for piece in firsts:
            self._server.send(piece)
        self.end(then, fault)
        return last

    def broken_off(self, before: list[bytes], data: bytes) -> bool:
        """Whether something goes wrong amid the content, of which this has come."""
        fault = self.armed.at(Stage.MESSAGE, in_content=True) if data else None
        if fault is None:
            return False
        self.note(fault)
        self._server.send(b"".join(before))
        before.clear()
        self.end(damage(fault.manner, b"").then, fault)
        return True

    def note(self, fault: Fault, reply: bytes | None = None) -> None:
        """Record what goes wrong, and what is said because of it, where that is not the reply."""
        # Whatever comes of it, who waits from now on has been kept waiting by the fault.
        self._connection.silent(True)  # noqa: FBT003
        exchanges = self._step.session.exchanges
        if exchanges:
            last = exchanges[-1]
            exchanges[-1] = last._replace(
                reply=last.reply if reply is None else reply, finding=Finding("fault", fault.does)
            )

    def end(self, then: str, fault: Fault) -> None:
        """Do what a fault ends in."""
        how = f"fault {fault.id}"
        match then:
            case "close":
                self._server.lose(how)
            case "reset":
                # A connect would sometimes fail by it: the client may not have seen yet that it stands.
                self._connection.once_connected(lambda: self._server.reset(how))
            case "stall":
                self._stalled = True
            case "forget":
                self._forgotten = fault

    def _with_next(self, stage: Stage, reply: bytes) -> bytes:
        fault = self.armed.early(stage, reply)
        if fault is None:
            return reply
        self._said_early = fault.stage
        reply += EARLY[fault.stage]
        self.note(fault, reply)
        return reply

    def _be_late(self, reply: bytes) -> None:
        self._late = bytearray()

        def say() -> None:
            data, self._late = bytes(self._late or b""), None
            self._server.send(reply)
            self._server.resume(data)

        self._server.later(LATE_SECONDS, say)
