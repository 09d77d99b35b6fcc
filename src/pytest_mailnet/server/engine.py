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
from collections.abc import Callable, Coroutine, Iterable, Mapping
from selectors import EVENT_READ
from typing import Any, Protocol, TypeVar, cast

from pytest_mailnet.certificates import Authority
from pytest_mailnet.errors import MailNetError
from pytest_mailnet.server.connection import Connection, Tenant
from pytest_mailnet.server.dialled import Calls
from pytest_mailnet.server.dns_server import DatagramServer, StreamServer
from pytest_mailnet.server.silence import BlackHole, Silences, unsent
from pytest_mailnet.server.transport import Listener, MakeProtocol, StreamTransport
from pytest_mailnet.server.watched_socket import WatchedSocket
from pytest_mailnet.system.kernel import KernelLoop, KernelSocket, new_loop
from pytest_mailnet.system.native import lock, original, start
from pytest_mailnet.values import Endpoint

__all__ = ["Engine"]

_ANYWHERE = Endpoint("127.0.0.1", 0)
_BACKLOG = 512
_ROUNDS = 8  # of the loop: enough to accept connections, greet, read and answer
_T = TypeVar("_T")


class _Closes(Protocol):
    def close(self) -> None: ...


_K = TypeVar("_K", bound=_Closes)


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
        self._kept: dict[Callable[[], _Closes], _Closes] = {}
        self._loop: KernelLoop | None = None
        self._stop: asyncio.Event | None = None
        self._entrances: Mapping[int, WatchedSocket] = {}
        self.listener: Endpoint = _ANYWHERE
        self.dns: Endpoint = _ANYWHERE
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
            listener = _bound(socket.SOCK_STREAM, _ANYWHERE)
            dns_udp, dns_tcp = _bound_pair(_ANYWHERE)
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
            kept, self._kept = list(self._kept.values()), {}
        for each in reversed(kept):
            each.close()
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

    def let_go_of_idle(self, tenant: Tenant) -> None:
        """Let a net's servers hang up on clients that have been silent for too long by its clock."""

        async def let_go() -> None:
            self._let_go_of_idle(tenant)

        if not self.calls.standing or self._forked:
            return
        if self.busy_here:  # a rule has moved the clock
            self._let_go_of_idle(tenant)
        else:
            self.run(let_go())

    def cut(self, tenant: Tenant) -> None:
        """Reset a net's open connections, as the end of the process that has them would."""

        async def cut() -> None:
            standing = [call for call in self.calls.standing if call.tenant is tenant]
            await _reset(standing, "reset: the application died")

        if self.calls.standing and not self._forked:
            self.run(cut())

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
        """Whether the caller runs in the engine's thread, or does its work for it."""
        return self.is_here or (self._loop is not None and self._loop.turn_taken_here)

    @property
    def is_here(self) -> bool:
        """Whether the caller runs in the engine's thread."""
        return bool(original("_thread", "get_ident")() == self._ident)

    def entrance(self, kind: int) -> WatchedSocket | None:
        """Where clients arrive: the listener of streams, the socket of datagrams; None while nothing runs.

        Args:
            kind: SOCK_STREAM or SOCK_DGRAM.
        """
        return self._entrances.get(kind)

    def end_of(self, port: int) -> WatchedSocket | None:
        """The engine's end of the connection from a client's loopback port; None before it has arrived."""
        call = self.calls.noted(socket.SOCK_STREAM, port)
        transport = None if call is None else call.transport
        return transport if isinstance(transport, WatchedSocket) else None

    def listen(
        self, connection: Callable[[Endpoint], Connection], at: Endpoint = _ANYWHERE
    ) -> tuple[Endpoint, Callable[[], None]]:
        """Open a real port for clients that cannot be intercepted.

        Args:
            connection: makes the net's connection for a client's real address.
            at: the machine's address and port; port 0 for any that is free.

        Returns:
            The port's address, and a function that closes it.

        Raises:
            OSError: if that port is not to be had.
        """
        return self.serve(functools.partial(self._arrived, connection), at)

    def serve(self, protocol: MakeProtocol, at: Endpoint = _ANYWHERE) -> tuple[Endpoint, Callable[[], None]]:
        """Open a port, and serve each connection to it with a protocol of its own.

        Args:
            protocol: makes the protocol for a client's real address and the engine's end of the connection.
            at: the machine's address and port; port 0 for any that is free.

        Returns:
            The port's address, and a function that closes the port and its connections.

        Raises:
            OSError: if that port is not to be had.
        """
        bound = _bound(socket.SOCK_STREAM, at)
        where = Endpoint(*bound.getsockname()[:2])

        def begin(loop: KernelLoop) -> Callable[[], None]:
            listener = Listener(bound, loop, protocol)
            listener.start(_BACKLOG)
            return listener.break_off

        return where, self.watch((bound,), begin)

    def answer(
        self, connection: Callable[[Endpoint], Connection], at: Endpoint = _ANYWHERE
    ) -> tuple[Endpoint, Callable[[], None]]:
        """Open a real port for resolvers that cannot be intercepted, over UDP and TCP.

        Args:
            connection: makes the net's connection for a client's real address.
            at: the machine's address and port; port 0 for any that is free.

        Returns:
            The port's address, and a function that closes it.

        Raises:
            OSError: if that port is not to be had.
        """
        datagrams, streams = _bound_pair(at)

        def begin(loop: KernelLoop) -> Callable[[], None]:
            answers = DatagramServer(datagrams, loop, connection, lambda *_: None)
            listener = Listener(streams, loop, functools.partial(self._arrived, connection))
            answers.want(EVENT_READ)
            listener.start(_BACKLOG)

            def end() -> None:
                answers.close()
                listener.break_off()

            return end

        close = self.watch((datagrams, streams), begin)
        return Endpoint(*datagrams.getsockname()[:2]), close

    def watch(
        self, sockets: Iterable[Any], begin: Callable[[KernelLoop], Callable[[], None]]
    ) -> Callable[[], None]:
        """Watch sockets in the engine's loop that somebody else has made.

        Args:
            sockets: these, of which a forked child closes its copies.
            begin: begins to watch them, in the loop's thread; returns what ends that and closes them.

        Returns:
            A function that ends it.
        """
        self.start()
        loop, watched = self._loop, list(sockets)
        assert loop is not None
        self._sockets += watched

        async def start() -> Callable[[], None]:
            return begin(loop)

        async def stop() -> None:
            end()
            self._sockets = [it for it in self._sockets if it not in watched]
            await asyncio.sleep(0)  # in which transports close their sockets

        end = self.run(start())
        return lambda: None if self._forked else self.run(stop())

    def kept(self, kind: Callable[[], _K]) -> _K:
        """Something of which a run has one: made at first use, and closed with the engine.

        Args:
            kind: its class, or what else makes it.
        """
        with self._lock:
            if self._forked:
                self._begin_anew()
            found = self._kept.get(kind)
        if found is None:
            made = kind()  # it may use the engine
            with self._lock:
                found = self._kept.setdefault(kind, made)
            if found is not made:
                made.close()
        return cast("_K", found)

    def also_watched(self, sockets: Iterable[Any]) -> None:
        """Remember further sockets that are watched, of which a forked child closes its copies."""
        self._sockets += sockets

    def accept(self, call: Connection, transport: StreamTransport, port: int = 0) -> asyncio.Protocol | None:
        """The protocol of a connection that has arrived by a listener of somebody else's.

        Args:
            call: the connection.
            transport: the engine's end.
            port: the client's, if its waits can be compressed.
        """
        return self._arrived(lambda _: call, Endpoint(call.source.ip, port), transport)

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
            if call.transport is not None:
                call.transport.get_extra_info("socket").close()

    @property
    def _forked(self) -> bool:
        """Whether this is the copy in a forked child, which has no thread."""
        return self._process != os.getpid()

    def _arrived(
        self, find: Callable[[Endpoint], Connection | None], peer: Endpoint, transport: StreamTransport
    ) -> asyncio.Protocol | None:
        """The protocol of a connection that has arrived: its service's. None if nobody has noted a call."""
        call = find(peer)
        if call is None:
            return None
        call.once_connected = functools.partial(self.calls.once_connected, call)
        self.calls.arrived(call, peer.port, transport)
        if call.service is None:
            return StreamServer(call, lambda: self.calls.departed(call))
        assert self._loop is not None
        return call.service.accept(call, self._loop)

    def _let_go_of_idle(self, tenant: Tenant) -> None:
        for call in list(self.calls.standing):
            protocol = None if call.transport is None else call.transport.get_protocol()
            let_go = getattr(protocol, "let_go_if_idle", None)
            if let_go is not None and call.tenant is tenant:
                let_go()

    def _run(
        self,
        listener: KernelSocket,
        dns_udp: KernelSocket,
        dns_tcp: KernelSocket,
        ready: Callable[[], object],
    ) -> None:
        self._ident = original("_thread", "get_ident")()

        async def serve() -> None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, KernelLoop)
            self._loop = loop
            self._stop = asyncio.Event()
            datagrams = DatagramServer(
                dns_udp,
                loop,
                functools.partial(self.calls.question, socket.SOCK_DGRAM),
                functools.partial(self.silences.put, socket.SOCK_DGRAM),
            )
            datagrams.want(EVENT_READ)
            by_stream = functools.partial(self.calls.question, socket.SOCK_STREAM)
            servers = [
                Listener(listener, loop, functools.partial(self._arrived, self.calls.by_stream)),
                Listener(dns_tcp, loop, functools.partial(self._arrived, by_stream)),
            ]
            for server in servers:
                server.start(_BACKLOG)
            self._entrances = {socket.SOCK_STREAM: servers[0], socket.SOCK_DGRAM: datagrams}
            ready()
            await self._stop.wait()
            datagrams.close()
            for server in servers:
                server.close()
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
            await _reset(list(self.calls.standing))

        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(serve())


def _unsent(call: Connection) -> bool:
    """Whether the server or the kernel still holds back some of a reply (a full congestion window)."""
    transport = call.transport
    if not isinstance(transport, asyncio.Transport) or transport.is_closing():
        return False
    return unsent(transport.get_extra_info("socket").fileno()) or transport.get_write_buffer_size() > 0


async def _reset(calls: list[Connection], how: str = "reset: its net was left") -> None:
    for call in calls:
        transport = call.transport
        if transport is None:  # ended meanwhile
            continue
        assert isinstance(transport, asyncio.Transport)
        protocol = transport.get_protocol()
        reset = getattr(protocol, "reset", None)
        if reset is not None:
            reset(how)
        else:
            transport.abort()
    # The aborted transports close their sockets in the loop's next round.
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def _bound(kind: socket.SocketKind, at: Endpoint) -> KernelSocket:
    sock = KernelSocket(socket.AF_INET6 if ":" in at.ip else socket.AF_INET, kind)
    try:
        if at.port and kind == socket.SOCK_STREAM:  # the connections of an earlier listener may linger
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(tuple(at))
    except BaseException:
        sock.close()
        raise
    sock.setblocking(False)  # noqa: FBT003
    return sock


def _bound_pair(at: Endpoint) -> tuple[KernelSocket, KernelSocket]:
    """A UDP and a TCP socket on the same port, as resolvers that fall back to TCP expect."""
    for _ in range(100):
        udp = _bound(socket.SOCK_DGRAM, at)
        try:
            return udp, _bound(socket.SOCK_STREAM, Endpoint(at.ip, udp.getsockname()[1]))
        except OSError:
            udp.close()
            if at.port:
                raise
    raise MailNetError(f"found no port of {at.ip} that is free for both UDP and TCP; are all in use?")
