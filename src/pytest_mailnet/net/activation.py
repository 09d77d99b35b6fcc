"""What is set up when a net is entered and undone when it is left: patches, open ports, the environment."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_mailnet.addresses import is_loopback
from pytest_mailnet.entry import INTERCEPTION, Network, Nowhere, Origin, carrying
from pytest_mailnet.errors import MailNetTampered
from pytest_mailnet.net.compressed_time import CompressedTime
from pytest_mailnet.net.internet import Internet
from pytest_mailnet.net.way_in import WayIn
from pytest_mailnet.providers.host_service import HostService
from pytest_mailnet.record.journal import Incident
from pytest_mailnet.server.connection import Connection
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.values import Endpoint

if TYPE_CHECKING:
    from pytest_mailnet.entry.namespace.moved import Moved
    from pytest_mailnet.entry.parent import Door
    from pytest_mailnet.net.process import MailNetProcess

__all__ = ["Activation"]

_FORKED = (
    "the process was forked off the one that has the net, which does not include children. "
    "Call mailnet.include_children() before the fork"
)


class Activation:
    """One `with` block of a net. A net that is entered again has another.

    Args:
        internet: the parts of the net.
        engine: the background that it runs in.
        title: the net's name in messages.

    Attributes:
        verified: whether `verify` was called.
    """

    def __init__(self, internet: Internet, engine: Engine, title: str) -> None:
        self._internet = internet
        self._engine = engine
        self._way_in = WayIn(internet, engine)
        self._title = title
        self._origin: Origin | None = None
        self._time: CompressedTime | None = None
        self._outside: list[str] = []
        self._asked: Door | None = None
        self._process: MailNetProcess | None = None
        self._trust: Callable[[str], object] = bool
        self._includes_children = False
        self._closing: list[Callable[[], None]] = []
        self.verified: bool = False

    def begin(self) -> None:
        """Lead the application into the net."""
        if INTERCEPTION.moved is not None:
            self._begin_around(INTERCEPTION.moved)
            return
        # First: a plugin may have forbidden all sockets, the engine's too.
        self._origin = INTERCEPTION.enter(self._way_in, self._title)
        try:
            with carrying(None):  # the engine's thread is no net's
                self._engine.enter(self._internet)
        except BaseException:
            INTERCEPTION.leave(self._origin)
            raise
        self._origin.child = self._forked

    def _begin_around(self, moved: Moved) -> None:
        """Be the net of the namespace that the process has moved into."""
        from pytest_mailnet.net.process import surround  # noqa: PLC0415  # few runs have moved

        INTERCEPTION.renew()
        self._engine.enter(self._internet)
        try:
            self._closing.append(surround(moved, self._internet, self._way_in.dialling, self._engine))
        except BaseException:
            self._engine.leave(self._internet)
            raise

    def end(self) -> None:
        """Close what was opened, take the patches away, and let the engine forget the net."""
        if self._origin is not None:
            for session in self._internet.journal.sessions:
                if session.amid_a_mail:
                    what = f"a mail to {session.host}"
                    INTERCEPTION.nets.note_cut_off(self._origin, session.client.port, what)
        while self._closing:
            self._closing.pop()()
        if self._origin is not None:
            INTERCEPTION.leave(self._origin)
        self._engine.leave(self._internet)

    def verify(self) -> None:
        """Record each patch that somebody has replaced since it was put in place."""
        # Once a net: at the end of the test, not again when other plugins have put their own back.
        self.verified = True
        journal = self._internet.journal
        for what in INTERCEPTION.tampered() if self._origin is not None else ():
            text = f"{what}, while a mailnet was active: what it did since may have bypassed the net"
            journal.add(Incident(journal.elapsed(), "tampering", text, MailNetTampered(text)))

    def answer_questions(self, at: Endpoint) -> Endpoint:
        """Open a real port where the net answers questions, over UDP and TCP.

        Args:
            at: the machine's address and port; port 0 for any that is free.

        Raises:
            OSError: if that port is not to be had.
        """
        from pytest_mailnet.server.opened_ports import open_to_resolvers  # noqa: PLC0415  # few tests open ports

        net = self._internet

        def asked(peer: Endpoint) -> Connection:
            return Connection(net, Endpoint(net.caller(), peer.port), None, None)

        where, close = open_to_resolvers(self._engine, asked, at)
        self._closing.append(close)
        self._way_in.opened.add(where)
        self._let_outside("a wait of a client of mailnet.dns.listen()")
        return where

    def listen(self, host: HostService, port: int, at: Endpoint, waits: str) -> Endpoint:
        """Open a real port that leads to a port of a host.

        Args:
            host: the host.
            port: one of the ports that it listens on.
            at: the machine's address and port; port 0 for any that is free.
            waits: what messages call a wait of a client there, which compressed time cannot shorten.

        Returns:
            The address of the real port.

        Raises:
            OSError: if that port is not to be had.
        """
        from pytest_mailnet.server.opened_ports import open_to_clients  # noqa: PLC0415  # few tests open ports

        called = self._way_in.dialling.call
        where, close = open_to_clients(self._engine, lambda client: called(client.port, host, port), at)
        self._closing.append(close)
        self._way_in.opened.add(where)
        self._let_outside(waits)
        return where

    def include_children(self) -> None:
        """Lead the Python processes that are started from now on into the net too."""
        if INTERCEPTION.moved is not None:
            return  # they are in the namespace, too
        from pytest_mailnet.entry.parent import Children  # noqa: PLC0415  # few tests have children

        self._closing.append(Children(self._door()).close)
        self._includes_children = True
        self._let_outside("a wait of a child process")

    def process(self, *, trust_ca: bool) -> MailNetProcess:
        """Open the namespaces for programs, at first use.

        Args:
            trust_ca: whether programs there trust the net's authority besides the machine's.
        """
        if self._process is None:
            # Few tests run programs. The helper's process starts while the rest is imported.
            from pytest_mailnet.entry.namespace.nursery import Nursery  # noqa: PLC0415

            self._engine.kept(Nursery).prepare()
            from pytest_mailnet.net.process import open_process  # noqa: PLC0415

            opened = open_process(self._internet, self._way_in.dialling, self._engine)
            self._process, self._trust, close = opened
            self._closing.append(close)
            self._let_outside("a wait of a program of mailnet.process()")
        if trust_ca:
            self._trust(self._internet.authority.pem)
        return self._process

    def compress(self) -> None:
        """Let the application's waits take no time from now on."""
        if self._time is None:
            moved = self._origin is None
            if self._origin is None:
                self._origin = INTERCEPTION.enter_around(self._way_in, self._title)
            leads_here = _leads_out if moved else self._way_in.dialling.is_engine
            self._time = CompressedTime(self._internet, self._engine, leads_here)
            INTERCEPTION.compress(self._origin, self._time)
            for waits in self._outside:
                self._time.uncovered(waits)

    def _door(self) -> Door:
        """Where child processes ask; opened at first use."""
        if self._asked is None:
            from pytest_mailnet.entry.parent import Parent  # noqa: PLC0415  # as in `include_children`

            self._asked = self._engine.kept(Parent).open(self._way_in, self._engine)
            self._closing.append(self._asked.close)
        return self._asked

    def _forked(self) -> Network:
        """The network of a process that is forked now."""
        if self._engine.busy_here:
            return Nowhere(_FORKED, str, every_name=True)
        from pytest_mailnet.entry.child import ParentNetwork  # noqa: PLC0415  # as in `include_children`

        door = self._door()
        world = ParentNetwork(door.port, door.words)
        if self._includes_children:
            return world

        def note(text: str) -> None:
            with contextlib.suppress(OSError):  # the net has been left
                world.notes.leaked(f"in child process {os.getpid()}, {text}")

        return Nowhere(_FORKED, note, every_name=True)

    def _let_outside(self, waits: str) -> None:
        """Remember a wait in another process, and report it once time is compressed."""
        self._outside.append(waits)
        if self._time is not None:
            self._time.uncovered(waits)


def _leads_out(peer: Endpoint) -> bool:
    """Whether an address is not the machine's own: for a process that has moved, all others are the net's."""
    return not is_loopback(peer.ip)
