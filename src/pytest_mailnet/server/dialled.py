"""The calls of an engine: dialling threads note them, and its loop looks them up when they arrive."""

from __future__ import annotations

import functools
import socket
from asyncio import BaseTransport
from collections.abc import Callable

from pytest_mailnet.server.connection import Connection, Tenant, at_once
from pytest_mailnet.server.silence import Silences
from pytest_mailnet.system.native import lock
from pytest_mailnet.values import Endpoint

__all__ = ["Calls"]


class Calls:
    """The calls of one engine, by the clients' loopback ports. One lock; single look-ups need none.

    Args:
        silences: records which clients get nothing unless time passes.
    """

    def __init__(self, silences: Silences) -> None:
        self._silences = silences
        self._lock = lock()
        self._tcp: dict[int, Connection] = {}
        self._udp: dict[int, Connection] = {}
        self._tenants: list[Tenant] = []
        self.standing: set[Connection] = set()
        """Calls that have arrived and not ended. Only the loop's thread may iterate over them."""

    def enter(self, tenant: Tenant) -> None:
        """Make a net the innermost one: it gets the questions that come without a note."""
        with self._lock:
            self._tenants.append(tenant)

    def leave(self, tenant: Tenant) -> list[Connection]:
        """Forget a net: its calls that are under way never arrive. Return its open connections."""
        with self._lock:
            self._tenants.remove(tenant)
            for table in (self._tcp, self._udp):
                for port in [port for port, call in table.items() if call.tenant is tenant]:
                    del table[port]
            return [call for call in self.standing if call.tenant is tenant]

    def note(self, kind: socket.SocketKind, port: int, call: Connection) -> None:
        """Note a call from a client's loopback port.

        Args:
            kind: SOCK_STREAM or SOCK_DGRAM.
            port: the client's port.
            call: source and destination.
        """
        with self._lock:
            if kind == socket.SOCK_DGRAM:
                self._udp[port] = call
            else:
                # A stream connects once; for a second try the kernel has errors (EISCONN, EALREADY).
                self._tcp.setdefault(port, call)

    def forget(self, kind: socket.SocketKind, port: int) -> None:
        """Forget the call noted for a loopback port, because another client has the port now.

        Args:
            kind: SOCK_STREAM or SOCK_DGRAM.
            port: the port.
        """
        self._silences.put(kind, port, silent=False)
        with self._lock:
            (self._udp if kind == socket.SOCK_DGRAM else self._tcp).pop(port, None)

    def noted(self, kind: socket.SocketKind, port: int) -> Connection | None:
        """The call noted for a client's loopback port; None without a note.

        Args:
            kind: SOCK_STREAM or SOCK_DGRAM.
            port: the client's port.
        """
        return (self._udp if kind == socket.SOCK_DGRAM else self._tcp).get(port)

    def by_stream(self, peer: Endpoint) -> Connection | None:
        """The call of a client that has just arrived at the listener. A note is good for one arrival."""
        with self._lock:
            call = self._tcp.get(peer.port)
        return call if call is not None and call.service is not None and not call.arrived else None

    def question(self, kind: socket.SocketKind, peer: Endpoint) -> Connection | None:
        """The connection of a client that asks the name server.

        Args:
            kind: SOCK_STREAM or SOCK_DGRAM.
            peer: the client's address on loopback.

        Returns:
            The noted call; without a note, a call within the innermost net; None where no net is active.
        """
        with self._lock:
            call = self.noted(kind, peer.port)
            if call is not None or not self._tenants:
                return call
            tenant = self._tenants[-1]
        return Connection(tenant, Endpoint(tenant.caller(), peer.port), None, None)

    def arrived(self, call: Connection, port: int, transport: BaseTransport) -> None:
        """Record that a call has arrived.

        Args:
            call: the call.
            port: the client's loopback port.
            transport: the server's end.
        """
        call.silent = functools.partial(self._silences.put, socket.SOCK_STREAM, port)
        with self._lock:
            call.transport, call.arrived = transport, True
            self.standing.add(call)

    def departed(self, call: Connection) -> None:
        """Let go of a connection that has ended."""
        with self._lock:
            self.standing.discard(call)
            call.silent(False)  # noqa: FBT003
            # The note stays for getpeername(), and lets go of the rest.
            call.transport = call.service = None
            call.silent, call.once_connected = bool, at_once

    def connected(self, port: int) -> Callable[[], object] | None:
        """Note that the connect of a client's loopback port has returned; return the callback that waits."""
        with self._lock:
            call = self._tcp.get(port)
            return None if call is None else _returned(call)

    def believed_connected(self, call: Connection) -> None:
        """Take a client's connect as returned that nobody tells of, and run the callback that waits."""
        with self._lock:
            held = _returned(call)
        if held is not None:
            held()

    def once_connected(self, call: Connection, do: Callable[[], object]) -> None:
        """Run a callback when a client's connect has returned; at once where it has returned already.

        Args:
            call: the client's call.
            do: the callback.
        """
        with self._lock:
            if call.dialling:
                call.held = do
                return
        do()


def _returned(call: Connection) -> Callable[[], object] | None:
    call.dialling, held, call.held = False, call.held, None
    return held
