"""One thread, one event loop, one listener: hands every connection to the service at its destination.

Everything that arrives is a connection from a virtual source to a virtual destination. Whoever dials
(the patched sockets, a child process, a test) first notes the two under the client's loopback port, and
then connects to the one listener. The listener looks the peer's port up in these notes.

The thread starts at first use. It is the only one that touches transports; one lock guards the tables
that other threads write.
"""

from __future__ import annotations

import asyncio
import functools
import os
import socket
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from pytest_mailnet.certificates import Authority
from pytest_mailnet.errors import MailNetError
from pytest_mailnet.server.connection import Connection, Tenant
from pytest_mailnet.server.dialled import Calls
from pytest_mailnet.server.dns_server import DatagramServer, StreamServer
from pytest_mailnet.server.silence import BlackHole, Silences, unsent
from pytest_mailnet.system.kernel import KernelSocket, new_loop
from pytest_mailnet.system.native import lock, original, start
from pytest_mailnet.values import Endpoint

__all__ = ["Engine"]

_LOOPBACK = "127.0.0.1"
_ROUNDS = 8  # of the loop: enough to accept a connection, make its transport, greet it, read and answer
_T = TypeVar("_T")


class Engine:
    """The background thread of a test run; serves any number of nets, one after the other or nested.

    Attributes:
        calls: the calls to its listeners.
        authority: signs the certificates of every net of the run.
        silences: the clients' ports that get nothing unless time passes.
        black_hole: the port to which calls without an answer go.
    """

    def __init__(self) -> None:
        self._lock = lock()  # for what `_begin_anew` sets: nets may begin in several threads
        self.authority: Authority = Authority()
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._join: Callable[[], object] | None = None
        self._ident = 0
        self._sockets: list[Any] = []  # the listening ones
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.listener: Endpoint = Endpoint(_LOOPBACK, 0)
        self.dns: Endpoint = Endpoint(_LOOPBACK, 0)
        self.silences: Silences = Silences()
        self.calls: Calls = Calls(self.silences)
        self.black_hole: BlackHole = BlackHole()

    def start(self) -> None:
        """Bind the sockets and start the thread, if it does not run.

        Raises:
            MailNetError: if no loopback port could be bound.
        """
        with self._lock:
            if self._forked:
                self._begin_anew()
            if self._join is not None:
                return
            listener = _bound(socket.SOCK_STREAM, 0)
            dns_udp, dns_tcp = _bound_pair()
            self._sockets += [listener, dns_udp, dns_tcp]
            self.listener = Endpoint(*listener.getsockname())
            self.dns = Endpoint(*dns_udp.getsockname())
            ready = lock()
            ready.acquire()
            run = functools.partial(self._run, listener, dns_udp, dns_tcp, ready.release)
            self._join = start(run, "mailnet")
            ready.acquire()

    def close(self) -> None:
        """Stop the thread, close every socket, remove the files on disk. `start` works again afterwards."""
        self.authority.close()
        self.black_hole.close()
        with self._lock:
            join, self._join = self._join, None
            self._sockets = []
        if join is None:
            return
        loop, stop = self._loop, self._stop
        assert loop is not None
        assert stop is not None
        loop.call_soon_threadsafe(stop.set)
        join()

    def enter(self, tenant: Tenant) -> None:
        """Make a net the innermost one: it gets the questions that come without a note."""
        self.start()
        self.calls.enter(tenant)

    def leave(self, tenant: Tenant) -> None:
        """Forget a net: calls under way never arrive, open connections are reset."""
        if (standing := self.calls.leave(tenant)) and not self._forked:
            self.run(_reset(standing))

    def note(self, kind: socket.SocketKind, port: int, call: Connection) -> Endpoint:
        """Note a call from a client's loopback port.

        Args:
            kind: SOCK_STREAM or SOCK_DGRAM.
            port: the client's port.
            call: source and destination.

        Returns:
            The loopback address that the client has to connect to.
        """
        self.calls.note(kind, port, call)
        return self.dns if kind == socket.SOCK_DGRAM or call.service is None else self.listener

    def lose(self, port: int, call: Connection) -> Endpoint:
        """Note a call to a host that never answers.

        Args:
            port: the client's loopback port, of a stream.
            call: source and destination.

        Returns:
            The loopback address that the client has to connect to.
        """
        self.silences.put(socket.SOCK_STREAM, port, silent=True)
        self.calls.note(socket.SOCK_STREAM, port, call)
        return self.black_hole.where()

    def connected(self, port: int) -> None:
        """Note that the connect of a client's loopback port has returned."""
        held = self.calls.connected(port)
        if held is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(held)

    def settled(self) -> bool:
        """Wait until everything that clients have sent so far is answered.

        Returns:
            Whether all replies are on their way; False while some are held back (a full congestion window).
        """

        async def rounds() -> bool:
            for _ in range(_ROUNDS):
                await asyncio.sleep(0)
            return not any(map(_unsent, self.calls.standing))

        return self.run(rounds())

    @property
    def busy_here(self) -> bool:
        """Whether the caller runs in the engine's thread."""
        return bool(original("_thread", "get_ident")() == self._ident)

    def listen(self, connection: Callable[[Endpoint], Connection]) -> tuple[Endpoint, Callable[[], None]]:
        """Open a real loopback port for clients that cannot be intercepted.

        Args:
            connection: makes the net's connection for a client's real address.

        Returns:
            The port's address, and a function that closes it.
        """
        return self.serve(lambda: _Arrival(self.calls, connection))

    def serve(self, protocol: Callable[[], asyncio.Protocol]) -> tuple[Endpoint, Callable[[], None]]:
        """Open a loopback port, and serve each connection to it with a protocol of its own.

        Returns:
            The port's address, and a function that closes the port and its connections.
        """
        self.start()
        bound: Any = _bound(socket.SOCK_STREAM, 0)
        where = Endpoint(*bound.getsockname())
        self._sockets.append(bound)
        made: list[_Tracked] = []

        def tracked() -> asyncio.Protocol:
            made.append(_Tracked(protocol()))
            return made[-1]

        async def open_port() -> asyncio.Server:
            return await asyncio.get_running_loop().create_server(tracked, sock=bound, backlog=512)

        server = self.run(open_port())

        async def close() -> None:
            asyncio.get_running_loop().remove_reader(bound)
            await asyncio.sleep(0)  # accepted connections get their protocols before their server is closed
            server.close()
            self._sockets.remove(bound)
            for each in made:
                each.abort()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

        return where, lambda: None if self._forked else self.run(close())

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in the engine's thread and wait for its result.

        Raises:
            MailNetError: in a child process that was forked from the engine's.
        """
        if self._forked:
            work.close()
            raise MailNetError(
                "this process was forked off the one in which the net is. Ask the net in that one; what a "
                "child sends is led there after mailnet.include_children()"
            )
        assert self._loop is not None
        # A lock of the system: those of `concurrent.futures` may be gevent's or eventlet's.
        done = lock()
        done.acquire()
        tasks: list[asyncio.Task[_T]] = []

        def begin() -> None:
            tasks.append(asyncio.ensure_future(work))
            tasks[0].add_done_callback(lambda _: done.release())

        self._loop.call_soon_threadsafe(begin)
        done.acquire()
        return tasks[0].result()

    def close_inherited(self) -> None:
        """Close a forked child's copies of the engine's sockets.

        Otherwise a port that the parent has closed would still listen in the child, and its callers would
        wait for ever. Clients would not see connections end either.
        """
        for sock in self._sockets:
            sock.close()
        for call in list(self.calls.standing):
            sock = getattr(call.transport, "_sock", None)
            if sock is not None:
                sock.close()

    @property
    def _forked(self) -> bool:
        """Whether this is the copy in a forked child, which has no thread."""
        return self._process != os.getpid()

    def _run(
        self,
        listener: Any,
        dns_udp: KernelSocket,
        dns_tcp: Any,
        ready: Callable[[], object],
    ) -> None:
        self._ident = original("_thread", "get_ident")()

        async def serve() -> None:
            self._loop = loop = asyncio.get_running_loop()
            self._stop = asyncio.Event()
            datagrams = DatagramServer(
                dns_udp,
                functools.partial(self.calls.question, socket.SOCK_DGRAM),
                functools.partial(self.silences.put, socket.SOCK_DGRAM),
            )
            datagrams.start(loop)
            by_stream = functools.partial(self.calls.question, socket.SOCK_STREAM)
            servers = [
                await loop.create_server(
                    lambda: _Arrival(self.calls, self.calls.by_stream), sock=listener, backlog=512
                ),
                await loop.create_server(lambda: _Arrival(self.calls, by_stream), sock=dns_tcp, backlog=128),
            ]
            ready()
            await self._stop.wait()
            datagrams.close()
            for sock in (listener, dns_tcp):
                loop.remove_reader(sock)
            # Accepted connections get their protocols in tasks of asyncio, which need the open servers.
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
            for server in servers:
                server.close()
            await _reset(list(self.calls.standing))

        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(serve())


class _Tracked(asyncio.Protocol):
    """A first protocol that remembers the transport, and hands over to the real protocol."""

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
    """The first protocol of every connection: looks the call up, and hands over to its service's protocol."""

    def __init__(self, calls: Calls, find: Callable[[Endpoint], Connection | None]) -> None:
        self._calls = calls
        self._find = find

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        peer = Endpoint(*transport.get_extra_info("peername")[:2])
        call = self._find(peer)
        if call is None:
            transport.abort()
            return
        call.once_connected = functools.partial(self._calls.once_connected, call)
        self._calls.arrived(call, peer.port, transport)
        if call.service is None:
            protocol: asyncio.Protocol = StreamServer(call, lambda: self._calls.departed(call))
        else:
            protocol = call.service.accept(call, asyncio.get_running_loop())
        transport.set_protocol(protocol)
        protocol.connection_made(transport)


def _unsent(call: Connection) -> bool:
    """Whether the server or the kernel still holds back some of a reply (a full congestion window)."""
    transport = call.transport
    if not isinstance(transport, asyncio.Transport) or transport.is_closing():
        return False
    return unsent(transport.get_extra_info("socket").fileno()) or transport.get_write_buffer_size() > 0


async def _reset(calls: list[Connection]) -> None:
    for call in calls:
        transport = call.transport
        if transport is None:  # ended meanwhile
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


def _bound(kind: socket.SocketKind, port: int) -> KernelSocket:
    # The protocol is named, since asyncio sets TCP_NODELAY only on sockets with IPPROTO_TCP.
    protocol = socket.IPPROTO_TCP if kind == socket.SOCK_STREAM else socket.IPPROTO_UDP
    sock = KernelSocket(socket.AF_INET, kind, protocol)
    try:
        sock.bind((_LOOPBACK, port))
    except BaseException:
        sock.close()
        raise
    sock.setblocking(False)  # noqa: FBT003
    return sock


def _bound_pair() -> tuple[KernelSocket, KernelSocket]:
    """A UDP and a TCP socket on the same port, as resolvers that fall back to TCP expect."""
    for _ in range(100):
        udp = _bound(socket.SOCK_DGRAM, 0)
        try:
            return udp, _bound(socket.SOCK_STREAM, udp.getsockname()[1])
        except OSError:
            udp.close()
    raise MailNetError("found no loopback port that is free for both UDP and TCP; are all in use?")
