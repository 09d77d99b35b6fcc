"""What holds while a net is active, from its patches to its open ports, and is undone when it is left."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable

from pytest_mailnet.entry import INTERCEPTION, Network, Nowhere, Origin, carrying
from pytest_mailnet.entry.child import ParentNetwork
from pytest_mailnet.entry.parent import Children, Parent
from pytest_mailnet.errors import MailNetTampered
from pytest_mailnet.net.compressed_time import Lapse
from pytest_mailnet.net.dialling import Reach
from pytest_mailnet.net.internet import Internet
from pytest_mailnet.providers.host_service import HostService
from pytest_mailnet.record.journal import Incident
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.values import Endpoint

__all__ = ["Activation"]

_FORKED = (
    "the process was forked off the one that has the net, which does not include children. "
    "Call mailnet.include_children() before the fork"
)


class Activation:
    """One `with` block of a net. A net that is entered again has another.

    Args:
        internet: what the application is led into.
        engine: the background it runs in.
        title: what messages call the net.

    Attributes:
        verified: whether it was looked for patches that others have replaced.
    """

    def __init__(self, internet: Internet, engine: Engine, title: str) -> None:
        self._internet = internet
        self._engine = engine
        self._reach = Reach(internet, engine)
        self._title = title
        self._origin: Origin | None = None
        self._lapse: Lapse | None = None
        self._outside: list[str] = []
        self._asked: Parent | None = None
        self._includes_children = False
        self._closing: list[Callable[[], None]] = []
        self.verified = False

    def begin(self) -> None:
        """Lead the application into the net."""
        # First: a plugin may have forbidden all sockets, the engine's too.
        self._origin = INTERCEPTION.enter(self._reach, self._title)
        try:
            with carrying(None):  # the engine's thread is no net's
                self._engine.enter(self._internet)
        except BaseException:
            INTERCEPTION.leave(self._origin)
            raise
        self._origin.child = self._forked

    def end(self) -> None:
        """Close what was opened, put the patches back, and forget the net."""
        assert self._origin is not None
        for session in self._internet.journal.sessions:
            if session.amid_a_mail:
                what = f"a mail to {session.host}"
                INTERCEPTION.nets.note_cut_off(self._origin, session.client.port, what)
        while self._closing:
            self._closing.pop()()
        INTERCEPTION.leave(self._origin)
        self._engine.leave(self._internet)

    def verify(self) -> None:
        """Note who has tampered with the patches, if anybody has."""
        # Once a net: at the end of the test, not again when other plugins have put their own back.
        self.verified = True
        journal = self._internet.journal
        for what in INTERCEPTION.tampered():
            text = f"{what}, while a mailnet was active: what it did since may have bypassed the net"
            journal.add(Incident(journal.elapsed(), "tampering", text, MailNetTampered(text)))

    def listen(self, host: HostService, port: int, waits: str) -> Endpoint:
        """Open a real loopback port that leads to a port of a host.

        Args:
            host: which.
            port: one that it listens on.
            waits: calls a wait of a client there, where time is compressed.
        """
        where, close = self._engine.listen(lambda client: self._reach.call(client.port, host, port))
        self._closing.append(close)
        self._reach.opened.add(where)
        self._let_outside(waits)
        return where

    def include_children(self) -> None:
        """Lead the Python processes that are started from now on into the net too."""
        self._closing.append(Children(self._parent()).close)
        self._includes_children = True
        self._let_outside("a wait of a child process")

    def compress(self) -> None:
        """Let the application's waits take no time from now on."""
        if self._lapse is None:
            self._lapse = Lapse(self._internet, self._engine)
            assert self._origin is not None
            INTERCEPTION.compress(self._origin, self._lapse)
            for waits in self._outside:
                self._lapse.uncovered(waits)

    def _parent(self) -> Parent:
        """Where child processes ask; made once."""
        if self._asked is None:
            self._asked = Parent(self._engine, self._reach)
            self._closing.append(self._asked.close)
        return self._asked

    def _forked(self) -> Network:
        """What a process that is forked now will see of the net."""
        if self._engine.busy_here:
            return Nowhere(_FORKED, str, every_name=True)
        parent = self._parent()
        world = ParentNetwork(parent.port, parent.secret)
        if self._includes_children:
            return world

        def note(text: str) -> None:
            with contextlib.suppress(OSError):  # the net has been left
                world.leaked(f"in child process {os.getpid()}, {text}")

        return Nowhere(_FORKED, note, every_name=True)

    def _let_outside(self, waits: str) -> None:
        """Remember who waits in another process, to tell of it where time is compressed."""
        self._outside.append(waits)
        if self._lapse is not None:
            self._lapse.uncovered(waits)
