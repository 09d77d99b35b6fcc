"""The gate of a network namespace: decides about each connection of its programs before the kernel makes it.

A packet socket hears of the first packet of each connection, which the listeners do not take as it is. If
the net lets it pass, the gate sends it on with a mark, which they want. Otherwise it answers as a network
would: by RST, by ICMP, or not at all. So a program meets what a client in the test's own process would.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable
from selectors import EVENT_READ

from pytest_mailnet.server.connection import Connection
from pytest_mailnet.server.segments import FirstPacket
from pytest_mailnet.server.transport import Listener, StreamTransport
from pytest_mailnet.server.watched_socket import WatchedSocket
from pytest_mailnet.system.kernel import KernelLoop, KernelSocket
from pytest_mailnet.values import Endpoint

__all__ = ["Gate"]

_AT_ONCE = 64
_REMEMBERED = 1024  # connections about which the gate has decided, and that may be asked for again
_SENT_BY_US = 4  # PACKET_OUTGOING of packet(7)


class Gate(WatchedSocket):
    """Hears of connections, and hands those that are made to the engine.

    Args:
        heard: the packet socket; closed by `close`.
        sends: the sockets that send packets, by the version of IP; closed by `close`.
        loop: the engine's.
        decide: makes the connection from a source to a destination; or returns the errno with which it fails,
            ETIMEDOUT where nobody answers.
        arrived: makes the protocol of a connection that has arrived.
        silent: called with a client's port, and whether nobody answers it.
    """

    def __init__(
        self,
        heard: KernelSocket,
        sends: dict[int, KernelSocket],
        loop: KernelLoop,
        decide: Callable[[Endpoint, Endpoint], Connection | int],
        arrived: Callable[[Connection, StreamTransport], asyncio.Protocol | None],
        *,
        silent: Callable[[int, bool], object],
    ) -> None:
        super().__init__(heard, loop)
        self._sends = sends
        self._decide, self._arrived, self._silent = decide, arrived, silent
        self._decided: dict[tuple[Endpoint, Endpoint, int], int] = {}
        self._passed: dict[tuple[Endpoint, Endpoint], Connection] = {}
        self._listeners: dict[tuple[int, int], Listener] = {}

    def watch(self, listening: Iterable[KernelSocket]) -> None:
        """Watch listening sockets, too. Only with the loop's turn."""
        for sock in listening:
            version = 6 if sock.family == socket.AF_INET6 else 4
            listener = Listener(sock, self._loop, self._called)
            self._listeners[version, sock.getsockname()[1]] = listener
            listener.want(EVENT_READ)

    def ready(self, events: int) -> None:  # noqa: ARG002
        """Decide about the connections that are asked for."""
        for _ in range(_AT_ONCE):
            try:
                packet, where = self._sock.recvfrom(65535)
            except OSError:
                return
            if where[2] != _SENT_BY_US:
                self._consider(FirstPacket.read(packet))

    def close(self) -> None:
        """Stop hearing, close the listeners, and break off their connections."""
        self.want(0)
        for listener in self._listeners.values():
            listener.break_off()
        for sock in (self._sock, *self._sends.values()):
            sock.close()

    def _consider(self, first: FirstPacket) -> None:
        ends = first.source, first.destination
        error = self._decided.get((*ends, first.sequence))
        if error is None:
            try:
                decided = self._decide(*ends)
            except Exception as failure:  # noqa: BLE001  # the loop must go on
                self._loop.call_exception_handler({"message": f"{ends} failed", "exception": failure})
                decided = errno.ENETUNREACH
            if isinstance(decided, Connection):
                error, self._passed[ends] = 0, decided
            else:
                error = decided
            _remember(self._decided, (*ends, first.sequence), error)
            self._silent(first.source.port, error == errno.ETIMEDOUT)
        self._answer(first, error)

    def _answer(self, first: FirstPacket, error: int) -> None:
        if error == errno.ETIMEDOUT:
            return
        if error:
            packet = first.refused() if error == errno.ECONNREFUSED else first.unreachable(error)
            to = first.source.ip
        else:
            packet, to = first.passed_on(), first.destination.ip
        try:
            self._sends[first.version].sendto(packet, (to, 0))
        except OSError:  # a full buffer loses a packet, as networks do, and the client sends another
            return
        listener = self._listeners.get((first.version, first.destination.port))
        if not error and listener is not None:
            listener.ready(EVENT_READ)  # by now the two kernels have shaken hands

    def _called(self, peer: Endpoint, transport: StreamTransport) -> asyncio.Protocol | None:
        here = transport.get_extra_info("socket").getsockname()
        call = self._passed.pop((peer, Endpoint(*here[:2])), None)
        return None if call is None else self._arrived(call, transport)


def _remember(
    decided: dict[tuple[Endpoint, Endpoint, int], int], asked: tuple[Endpoint, Endpoint, int], error: int
) -> None:
    decided[asked] = error
    if len(decided) > _REMEMBERED:
        del decided[next(iter(decided))]
