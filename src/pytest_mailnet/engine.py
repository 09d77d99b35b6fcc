"""One thread, one event loop, one listener: hands every connection to the service at its destination.

Everything that arrives is a connection from a virtual source to a virtual destination. Whoever dials
(the patched sockets, a child process, a test) first notes under the client's loopback port who is
calling whom, and then connects to the one listener, which looks its peer up in that table.

The thread starts at first use. It is the only one that touches transports; the tables that other
threads write are guarded by one lock.
"""

from __future__ import annotations

import asyncio
import functools
import socket
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pytest_mailnet.certificates import Authority
from pytest_mailnet.connection import Connection, Tenant
from pytest_mailnet.dnsserver import DatagramServer, StreamServer
from pytest_mailnet.errors import MailNetError
from pytest_mailnet.model import Endpoint
from pytest_mailnet.silence import BlackHole, Silences, unsent

__all__ = ["Engine"]

_LOOPBACK = "127.0.0.1"
_ROUNDS = 8  # of the loop: a connection is accepted, gets its transport, is greeted, heard and answered
_T = TypeVar("_T")


@dataclass(slots=True)
class _Tables:
    """What dialling threads write and the loop reads, under one lock."""

    tcp: dict[int, Connection] = field(default_factory=dict)
    udp: dict[int, Connection] = field(default_factory=dict)
    tenants: list[Tenant] = field(default_factory=list)
    arrived: set[Connection] = field(default_factory=set)


class Engine:
    """The background of one test run; serves any number of nets, one after the other or nested.

    Attributes:
        authority: signs the certificates of every net of the run.
        silences: where nothing comes unless time passes.
        black_hole: where calls go that are never answered.
    """

    def __init__(self) -> None:
        # Reentrant: when it starts, its own sockets are bound by the patched functions of the entering net.
        self._lock = threading.RLock()
        self._tables = _Tables()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.listener = Endpoint(_LOOPBACK, 0)
        self.dns = Endpoint(_LOOPBACK, 0)
        self.authority = Authority()
        self.silences = Silences()
        self.black_hole = BlackHole()

    def start(self) -> None:
        """Bind the sockets and start the thread, unless that has been done.

        Raises:
            MailNetError: if no loopback port could be bound.
        """
        with self._lock:
            if self._thread is not None:
                return
            listener = _bound(socket.SOCK_STREAM, 0)
            dns_udp, dns_tcp = _bound_pair()
            self.listener = Endpoint(*listener.getsockname())
            self.dns = Endpoint(*dns_udp.getsockname())
            ready = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(listener, dns_udp, dns_tcp, ready), name="mailnet", daemon=True
            )
            self._thread.start()
        ready.wait()

    def close(self) -> None:
        """Stop the thread, close every socket, remove what is on disk; it can be started again."""
        self.authority.close()
        self.black_hole.close()
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is None:
            return
        loop, stop = self._loop, self._stop
        assert loop is not None
        assert stop is not None
        loop.call_soon_threadsafe(stop.set)
        thread.join()

    def enter(self, tenant: Tenant) -> None:
        """Make a net the innermost one: it gets the questions that come without a note."""
        self.start()
        with self._lock:
            self._tables.tenants.append(tenant)

    def leave(self, tenant: Tenant) -> None:
        """Forget a net: calls that are under way never arrive, connections that stand are reset."""
        with self._lock:
            tables = self._tables
            tables.tenants.remove(tenant)
            for table in (tables.tcp, tables.udp):
                for port in [port for port, call in table.items() if call.tenant is tenant]:
                    del table[port]
            standing = [call for call in tables.arrived if call.tenant is tenant]
        if standing:
            self.run(_reset(standing))

    def lose(self, port: int, connection: Connection) -> Endpoint:
        """Note that a client's loopback port calls somebody who never answers; return where to connect to."""
        self.silences.put(socket.SOCK_STREAM, port, silent=True)
        with self._lock:
            self._tables.tcp.setdefault(port, connection)
        return self.black_hole.where()

    def settled(self) -> bool:
        """Wait until what clients have sent by now is dealt with; whether all replies are under way."""

        async def rounds() -> bool:
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
            return not any(map(_unsent, self._tables.arrived))

        return self.run(rounds())

    @property
    def busy_here(self) -> bool:
        """Whether the calling thread is the engine's."""
        return threading.current_thread() is self._thread

    def note(self, kind: socket.SocketKind, port: int, connection: Connection) -> Endpoint:
        """Note that a client's loopback port calls somebody; return where to connect to."""
        with self._lock:
            if kind == socket.SOCK_DGRAM:
                self._tables.udp[port] = connection
                return self.dns
            # A stream calls once: of a second try the kernel says what it says (EISCONN, EALREADY).
            self._tables.tcp.setdefault(port, connection)
        return self.dns if connection.service is None else self.listener

    def connected(self, port: int) -> None:
        """Note that the connect of a client's loopback port has returned."""
        with self._lock:
            call = self._tables.tcp.get(port)
            if call is None:
                return
            call.dialling, held, call.held = False, call.held, None
        if held is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(held)

    def once_connected(self, call: Connection, do: Callable[[], object]) -> None:
        """Have something done when a client's connect has returned; at once where it has."""
        with self._lock:
            if call.dialling:
                call.held = do
                return
        do()

    def forget(self, kind: socket.SocketKind, port: int) -> None:
        """Forget what was noted for a client's loopback port: another client has it now."""
        self.silences.put(kind, port, silent=False)
        with self._lock:
            (self._tables.udp if kind == socket.SOCK_DGRAM else self._tables.tcp).pop(port, None)

    def noted(self, kind: socket.SocketKind, port: int) -> Connection | None:
        """The connection that was noted for a client's loopback port."""
        return (self._tables.udp if kind == socket.SOCK_DGRAM else self._tables.tcp).get(port)

    def listen(self, connection: Callable[[Endpoint], Connection]) -> tuple[Endpoint, Callable[[], None]]:
        """Open a real loopback port for clients that cannot be intercepted.

        Args:
            connection: told the client's real end point, returns who calls whom.

        Returns:
            The port's address, and what closes it.
        """
        return self.serve(lambda: _Arrival(self, connection))

    def serve(self, protocol: Callable[[], asyncio.Protocol]) -> tuple[Endpoint, Callable[[], None]]:
        """Open a loopback port, and serve each connection to it by a protocol of its own.

        Returns:
            The port's address, and what closes it and its connections.
        """
        self.start()
        bound = _bound(socket.SOCK_STREAM, 0)
        where = Endpoint(*bound.getsockname())
        made: list[_Tracked] = []

        def tracked() -> asyncio.Protocol:
            made.append(_Tracked(protocol()))
            return made[-1]

        async def open_port() -> asyncio.Server:
            return await asyncio.get_running_loop().create_server(tracked, sock=bound, backlog=512)

        server = self.run(open_port())

        async def close() -> None:
            asyncio.get_running_loop().remove_reader(bound)
            await asyncio.sleep(0)  # what was taken already gets its protocol before its server is closed
            server.close()
            for each in made:
                each.abort()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        return where, lambda: self.run(close())

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in the engine's thread and wait for its result."""
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def call_for(self, peer: Endpoint) -> Connection | None:
        """Take the note for a client that has just arrived; each note is good for one arrival."""
        with self._lock:
            call = self._tables.tcp.get(peer.port)
        return call if call is not None and call.service is not None and not call.arrived else None

    def question_from(self, kind: socket.SocketKind, peer: Endpoint) -> Connection | None:
        """Who asks the name server from a client's end point: as noted, or a client of the innermost net."""
        with self._lock:
            call = self.noted(kind, peer.port)
            if call is not None or not self._tables.tenants:
                return call
            tenant = self._tables.tenants[-1]
        return Connection(tenant, Endpoint(tenant.caller(), peer.port), None, None)

    def arrived(self, call: Connection, transport: asyncio.BaseTransport) -> None:
        """Keep a connection for `leave`."""
        with self._lock:
            call.transport, call.arrived = transport, True
            self._tables.arrived.add(call)

    def departed(self, call: Connection) -> None:
        """Let go of a connection that has ended."""
        with self._lock:
            self._tables.arrived.discard(call)
            call.silent(False)  # noqa: FBT003
            call.transport = call.service = None  # the note stays, for a client that asks who its peer was

    def _run(
        self,
        listener: socket.socket,
        dns_udp: socket.socket,
        dns_tcp: socket.socket,
        ready: threading.Event,
    ) -> None:
        async def serve() -> None:
            self._loop = loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            datagrams = DatagramServer(
                dns_udp,
                functools.partial(self.question_from, socket.SOCK_DGRAM),
                functools.partial(self.silences.put, socket.SOCK_DGRAM),
            )
            datagrams.start(loop)
            by_stream = functools.partial(self.question_from, socket.SOCK_STREAM)
            servers = [
                await loop.create_server(lambda: _Arrival(self, self.call_for), sock=listener, backlog=512),
                await loop.create_server(lambda: _Arrival(self, by_stream), sock=dns_tcp, backlog=128),
            ]
            ready.set()
            await self._stop.wait()
            datagrams.close()
            for sock in (listener, dns_tcp):
                loop.remove_reader(sock)
            # What was taken already gets its protocol, in tasks of asyncio's own that need the servers.
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
            for server in servers:
                server.close()
            await _reset(list(self._tables.arrived))

        # Not `asyncio.run`: the application's event loop policy (uvloop's, say) must not choose this loop.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(serve())


class _Tracked(asyncio.Protocol):
    """Remembers the transport of the protocol that it makes way for."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        self._protocol = protocol
        self._transport: asyncio.Transport | None = None
        self._aborted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_protocol(self._protocol)
        self._protocol.connection_made(transport)
        if self._aborted:
            transport.abort()

    def abort(self) -> None:
        self._aborted = True
        if self._transport is not None:
            self._transport.abort()


class _Arrival(asyncio.Protocol):
    """The first protocol of every connection: finds out who calls whom, and steps aside."""

    def __init__(self, engine: Engine, find: Callable[[Endpoint], Connection | None]) -> None:
        self._engine = engine
        self._find = find

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        peer = Endpoint(*transport.get_extra_info("peername")[:2])
        call = self._find(peer)
        if call is None:
            transport.abort()
            return
        call.silent = functools.partial(self._engine.silences.put, socket.SOCK_STREAM, peer.port)
        call.once_connected = functools.partial(self._engine.once_connected, call)
        self._engine.arrived(call, transport)
        if call.service is None:
            protocol: asyncio.Protocol = StreamServer(call, lambda: self._engine.departed(call))
        else:
            protocol = call.service.accept(call, asyncio.get_running_loop())
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


def _unsent(call: Connection) -> bool:
    """Whether the server has said more than the kernel has let go by now (a full congestion window)."""
    transport = call.transport
    if not isinstance(transport, asyncio.Transport) or transport.is_closing():
        return False
    return unsent(transport.get_extra_info("socket").fileno()) or transport.get_write_buffer_size() > 0


async def _reset(calls: list[Connection]) -> None:
    for call in calls:
        transport = call.transport
        if transport is None:  # it has ended in between
            continue
        assert isinstance(transport, asyncio.Transport)
        protocol = transport.get_protocol()
        reset = getattr(protocol, "reset", None)
        if reset is not None:
            reset("reset: its net was left")
        else:
            transport.abort()
    # The aborted transports close their sockets in the loop's next round.
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def _bound(kind: socket.SocketKind, port: int) -> socket.socket:
    # By its protocol's name: asyncio sends without delay (TCP_NODELAY) only on what says that it is TCP.
    protocol = socket.IPPROTO_TCP if kind == socket.SOCK_STREAM else socket.IPPROTO_UDP
    sock = socket.socket(socket.AF_INET, kind, protocol)
    try:
        sock.bind((_LOOPBACK, port))
    except BaseException:
        sock.close()
        raise
    sock.setblocking(False)  # noqa: FBT003
    return sock


def _bound_pair() -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on the same port, as resolvers that fall back to TCP expect."""
    for _ in range(100):
        udp = _bound(socket.SOCK_DGRAM, 0)
        try:
            return udp, _bound(socket.SOCK_STREAM, udp.getsockname()[1])
        except OSError:
            udp.close()
    raise MailNetError("found no loopback port that is free for both UDP and TCP; are all in use?")
