"""Network address translation: which loopback addresses stand for the virtual ones of a net.

A client's kernel socket is bound to a loopback port. The net is told which virtual address this port calls,
and the kernel connects to the net's listener. If nobody is at the destination, the call fails with the error
that the kernel would give.
"""

from __future__ import annotations

import _socket
import errno
import os
import socket
from typing import Any, NamedTuple

from pytest_mailnet.entry.arguments import host_name, numeric, port_number
from pytest_mailnet.entry.machine import destinations
from pytest_mailnet.entry.network import ConnectionQuestions, Network
from pytest_mailnet.values import Endpoint

__all__ = [
    "INTERNET",
    "RealDestination",
    "Translation",
    "is_loopback_address",
    "kernel_peer",
    "virtual_address",
]

INTERNET = (socket.AF_INET, socket.AF_INET6)
_MAPPED = "::ffff:"


class RealDestination(NamedTuple):
    """What the kernel is asked to connect or send to.

    Attributes:
        where: the address, as the kernel takes it.
        led: whether it is the net's.
        resets: whether the server there resets the connection at once.
    """

    where: Any
    led: bool = False
    resets: bool = False


class Translation:
    """Translates the destinations of sockets. The kernel is called directly for the net's own connections.

    Args:
        world: the network that is asked.
        forbidden: raises the error of a plugin that forbids sockets; None if none does.
    """

    def __init__(self, world: Network, forbidden: type | None) -> None:
        self._connections, self._names = world.connections, world.names
        self._world = world
        self._forbidden = forbidden
        self._kernel: Any = _socket.socket

    def dial(self, sock: socket.socket, address: Any) -> RealDestination | OSError:
        """Find out where a connection or datagram really goes, and tell the net of it.

        Args:
            sock: the socket that connects or sends.
            address: as the application gave it.

        Returns:
            The destination, or the error to fail with.
        """
        if sock.family not in INTERNET or not isinstance(address, tuple) or len(address) < 2:
            return RealDestination(address)
        world, kind = self._world.of_caller(), sock.type
        try:
            there, found = self._destinations(world, sock, *address[:2])
        except OSError as error:
            return error
        destination = next((it for it in there if world.connections.takes(kind, it)), None)
        if destination is None:
            if self._forbidden is not None:
                self._forbidden()  # raises the error of whoever forbids sockets
            # The machine's resolver does not know the net's names.
            return RealDestination((*there[0], *address[2:]) if found else address)
        port = self.port(sock) or self.bind(sock, None)
        dialled = self._connections.dial(kind, port, destination)
        if dialled.errno:
            return OSError(dialled.errno, f"{os.strerror(dialled.errno)}: {dialled.text}")
        assert dialled.where is not None
        return RealDestination(_on_loopback(sock, dialled.where.port), led=True, resets=dialled.resets)

    def connect_before_reset(self, sock: socket.socket, where: tuple[Any, ...]) -> int:
        """Connect to a server that resets at once; return the errno.

        The reset waits for the connect to return. So the client always sees a connection first and then the
        reset, and never a connect that fails.

        Args:
            sock: the client's socket.
            where: the address of the net's listener.
        """
        connect, port = self._kernel.connect_ex, self.port(sock)
        try:
            error = int(connect(sock, where))
            # On loopback the handshake is done by now, even if the connect did not wait for it.
            stands = error == errno.EINPROGRESS and connect(sock, where) in (0, errno.EISCONN)
            return 0 if stands else error
        finally:
            self._connections.connected(port)

    def _destinations(
        self, world: Network, sock: socket.socket, host: Any, port: Any
    ) -> tuple[list[Endpoint], bool]:
        """The destinations of an address, and whether they come from the net's DNS."""
        number = port_number(port)
        if number is None:
            return [], False  # the kernel's own error
        if not 0 <= number <= 65535:
            # Here, because the kernel's own method looks the name up before it checks the port.
            raise OverflowError("connect(): port must be 0-65535.")
        name = host_name(host)
        if name is None or not world.names.claims(name, number):
            if name is not None and self._forbidden is not None:
                return [], False  # what is forbidden is not looked up either
            there = destinations(sock, host, number)
            if name is not None:
                world.names.passed(name, [it.ip for it in there])
            return there, False
        found = self._names.resolve(name, sock.family, "connect", number)
        if found.error:
            raise socket.gaierror(found.error, found.text)
        return [Endpoint(found.addresses[0], number)], True

    def bind(self, sock: socket.socket, source: str | None) -> int:
        """Bind a socket to a free loopback port, and return the port.

        Args:
            sock: the socket.
            source: the sender's address that stands for the port; None for no particular sender's.
        """
        if sock.family == socket.AF_INET6:
            # An IPv6 socket reaches the one IPv4 listener by a mapped address (RFC 4291, 2.5.5.2).
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self._kernel.bind(sock, _on_loopback(sock, 0))
        port = self.port(sock)
        self._connections.bind(sock.type, port, source)
        return port

    def port(self, sock: socket.socket) -> int:
        """The port that a socket is really bound to; 0 if it is not bound."""
        return int(self._kernel.getsockname(sock)[1])

    def advise(self, refused: OSError, address: Any) -> None:
        """Add a note to an error of the kernel's: where in the net mail could go instead.

        Args:
            refused: the error.
            address: the address that has refused the connection.
        """
        ip = numeric(address[0]) if isinstance(address, tuple) else None
        if ip is not None and (text := self._world.instead_of(Endpoint(ip, address[1]))):
            refused.add_note(text)


def virtual_address(connections: ConnectionQuestions, sock: socket.socket, address: Any) -> Any:
    """The virtual address that an address of the net's listener or name server stands for.

    Args:
        connections: the net's.
        sock: the client's socket, which has dialled the virtual address.
        address: the address that the kernel returned to the client.

    Returns:
        The virtual address. Any address that is not the net's is returned unchanged.
    """
    if sock.family not in INTERNET or not address or not is_loopback_address(address[0]):
        return address
    if not connections.is_engine(_endpoint(address)):
        return address
    destination = connections.far_end(sock.type, _socket.socket.getsockname(sock)[1])
    return address if destination is None else (*destination, *address[2:])


def kernel_peer(sock: Any) -> Endpoint | None:
    """The real address that a socket is connected to; None if it is not connected."""
    try:
        address = _socket.socket.getpeername(sock)
    except OSError:
        return None
    return _endpoint(address) if isinstance(address, tuple) else Endpoint(str(address), 0)


def _on_loopback(sock: socket.socket, port: int) -> tuple[Any, ...]:
    return ("127.0.0.1", port) if sock.family == socket.AF_INET else (_MAPPED + "127.0.0.1", port, 0, 0)


def _endpoint(address: tuple[Any, ...]) -> Endpoint:
    return Endpoint(address[0].removeprefix(_MAPPED), address[1])


def is_loopback_address(ip: str) -> bool:
    """Whether an address that the kernel returned is IPv4 loopback, mapped to IPv6 or not."""
    return ip.startswith(("127.", _MAPPED + "127."))
