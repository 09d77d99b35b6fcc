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
import socket
from collections.abc import Callable, Coroutine, Iterable, Mapping
from selectors import EVENT_READ
from typing import Any, Protocol, TypeVar, cast

from pytest_mailnet.certificates import Authority
from pytest_mailnet.server.binding import ANYWHERE, BACKLOG, bound, bound_pair
from pytest_mailnet.server.connection import Connection, Tenant
from pytest_mailnet.server.dialled import Calls
from pytest_mailnet.server.dns_server import DatagramServer, StreamServer
from pytest_mailnet.server.loop_thread import Begin, LoopThread
from pytest_mailnet.server.silence import BlackHole, Silences, unsent
from pytest_mailnet.server.transport import Listener, StreamTransport
from pytest_mailnet.server.watched_socket import WatchedSocket
from pytest_mailnet.system.kernel import KernelLoop, KernelSocket
from pytest_mailnet.values import Endpoint

__all__ = ["Engine"]

_ROUNDS = 8  # of the loop: enough to accept connections, greet, read and answer


class _Closes(Protocol):
    def close(self) -> None: ...


_ROUND_TRIP = 0.05  # seconds in which a client that the kernel has woken sees its connect return
_K = TypeVar("_K", bound=_Closes)


class Engine(LoopThread):
    """The background thread of a test run; serves any number of nets, one after the other or nested.

    Attributes:
        calls: the calls to its listeners.
        authority: signs the certificates of every net of the run.
        silences: the clients' ports that get nothing unless time passes.
        black_hole: the port to which calls without an answer go.
        listener: where streams arrive.
        dns: where the name server is asked, over UDP and TCP.
    """

    def __init__(self) -> None:
        self.authority: Authority = Authority()
        super().__init__()

    def _begin_anew(self) -> None:
        super()._begin_anew()
        self._kept: dict[Callable[[], _Closes], _Closes] = {}
        self._entrances: Mapping[int, WatchedSocket] = {}
        self.listener: Endpoint = ANYWHERE
        self.dns: Endpoint = ANYWHERE
        self.silences: Silences = Silences()
        self.calls: Calls = Calls(self.silences)
        self.black_hole: BlackHole = BlackHole()

    def _bind(self) -> tuple[Iterable[KernelSocket], Begin]:
        listener = bound(socket.SOCK_STREAM, ANYWHERE)
        dns_udp, dns_tcp = bound_pair(ANYWHERE)
        self.listener = Endpoint(*listener.getsockname())
        self.dns = Endpoint(*dns_udp.getsockname())
        sockets = listener, dns_udp, dns_tcp
        return sockets, functools.partial(self._begin, *sockets)

    def _begin(
        self, listener: KernelSocket, dns_udp: KernelSocket, dns_tcp: KernelSocket, loop: KernelLoop
    ) -> Callable[[], Coroutine[Any, Any, None]]:
        datagrams = DatagramServer(
            dns_udp,
            loop,
            functools.partial(self.calls.question, socket.SOCK_DGRAM),
            functools.partial(self.silences.put, socket.SOCK_DGRAM),
        )
        datagrams.want(EVENT_READ)
        by_stream = functools.partial(self.calls.question, socket.SOCK_STREAM)
        servers = [
            Listener(listener, loop, functools.partial(self.arrived, self.calls.by_stream)),
            Listener(dns_tcp, loop, functools.partial(self.arrived, by_stream)),
        ]
        for server in servers:
            server.start(BACKLOG)
        self._entrances = {socket.SOCK_STREAM: servers[0], socket.SOCK_DGRAM: datagrams}

        async def end() -> None:
            datagrams.close()
            for server in servers:
                server.close()
            await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()}, return_exceptions=True)
            await _reset(list(self.calls.standing))

        return end

    def close(self) -> None:
        """Stop the thread, close every socket, remove the files on disk. `start` works again afterwards."""
        self.authority.close()
        self.black_hole.close()
        with self._lock:
            kept, self._kept = list(self._kept.values()), {}
        for each in reversed(kept):
            each.close()
        super().close()

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
            return not any(it.held is not None or _unsent(it) for it in self.calls.standing)

        return self.run(rounds())

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

    def accept(self, call: Connection, transport: StreamTransport, port: int = 0) -> asyncio.Protocol | None:
        """The protocol of a connection that has arrived by a listener of somebody else's.

        Args:
            call: the connection.
            transport: the engine's end.
            port: the client's, if its waits can be compressed.
        """
        protocol = self.arrived(lambda _: call, Endpoint(call.source.ip, port), transport)
        if call.dialling and self._loop is not None:
            self._loop.call_later(_ROUND_TRIP, self.calls.believed_connected, call)
        return protocol

    def arrived(
        self, find: Callable[[Endpoint], Connection | None], peer: Endpoint, transport: StreamTransport
    ) -> asyncio.Protocol | None:
        """The protocol of a connection that has arrived: its service's. None if nobody has noted a call.

        Args:
            find: finds the call by the client's real address.
            peer: that address.
            transport: the engine's end.
        """
        call = find(peer)
        if call is None:
            return None
        call.once_connected = functools.partial(self.calls.once_connected, call)
        self.calls.arrived(call, peer.port, transport)
        if call.service is None:
            return StreamServer(call, lambda: self.calls.departed(call))
        assert self._loop is not None
        return call.service.accept(call, self._loop)

    def close_inherited(self) -> None:
        """Close a forked child's copies of the engine's sockets.

        Otherwise a port that the parent has closed would still listen in the child, and its callers would
        wait for ever. Clients would not see connections end either.
        """
        super().close_inherited()
        for call in list(self.calls.standing):
            if call.transport is not None:
                call.transport.get_extra_info("socket").close()

    def _let_go_of_idle(self, tenant: Tenant) -> None:
        for call in list(self.calls.standing):
            protocol = None if call.transport is None else call.transport.get_protocol()
            let_go = getattr(protocol, "let_go_if_idle", None)
            if let_go is not None and call.tenant is tenant:
                let_go()


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
