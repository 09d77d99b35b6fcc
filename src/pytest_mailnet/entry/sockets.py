"""Network address translation at the edge of `socket.socket`.

`connect` and its sisters are replaced as attributes of the class, so that subclasses, asyncio, trio, TLS
sockets and names bound early are reached. The kernel socket is bound to a loopback port, the world is
told who calls whom, and the kernel connects to the net's listener. A destination that is not there fails
with the error that the kernel would give.
"""

from __future__ import annotations

import _socket
import errno
import os
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

from pytest_mailnet.entry.machine import destinations
from pytest_mailnet.entry.network import Network, host_name, numeric, port_number
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.values import Endpoint

__all__ = ["MAKERS", "install", "kernel_classes", "kernel_peer", "lead_new", "virtual_address"]

_INTERNET = (socket.AF_INET, socket.AF_INET6)
_MAPPED = "::ffff:"
MAKERS = ("socket", "gevent", "eventlet")  # of what stands in the module `socket`, where nobody forbids it


def install(patches: Patches, world: Network) -> None:
    """Lead the sockets of this process into a world."""
    found: type = socket.socket
    allowed = next((cls for cls in found.__mro__ if cls.__module__.partition(".")[0] in MAKERS), found)
    forbidden: type | None = None
    if found is not allowed:
        # Somebody forbids sockets by replacing the class (pytest-socket's --disable-socket). The net's
        # connections never leave the process, so they are let through; all others stay forbidden.
        forbidden = found
        patches.put(socket, "socket", allowed)
    else:
        patches.assume(socket, "socket")
    for cls in kernel_classes("socket", "gevent._socket3"):
        _lead(patches, world, cls, forbidden)


def lead_new(patches: Patches, world: Network, module: str) -> None:
    """Lead the sockets of a module that has been imported while the net is active into a world."""
    for cls in kernel_classes(module):
        if "connect" not in vars(cls):  # it is the kernel's still
            _lead(patches, world, cls, None)


def kernel_classes(*modules: str) -> list[Any]:
    """The classes that some modules have derived from the kernel's own socket.

    There is one in the standard library, and where eventlet is imported, one more in a copy of that. gevent's
    socket is none, but has one inside.
    """
    return [cls for cls in _socket.socket.__subclasses__() if cls.__module__ in modules]


def _lead(patches: Patches, world: Network, cls: Any, forbidden: type | None) -> None:
    nat = _Translation(patches, world, cls, forbidden)
    for name in (
        "connect",
        "connect_ex",
        "bind",
        "sendto",
        "sendmsg",
        "recvfrom",
        "recvfrom_into",
        "recvmsg",
        "getpeername",
        "getsockname",
    ):
        if hasattr(cls, name):
            patches.put(cls, name, getattr(nat, name)())


class _Call(NamedTuple):
    """Where a connection really goes, whether that is the net, and whether its server resets it at once."""

    where: Any
    led: bool = False
    resets: bool = False


class _Translation:
    """Makes the functions that take the place of the socket class's methods.

    What is found under a name when it is patched is called for what is not the net's, so that other
    plugins' guards keep guarding. For the net's own connections the kernel is called directly.
    """

    def __init__(
        self,
        patches: Patches,
        world: Network,
        cls: Any,
        forbidden: type | None,
    ) -> None:
        self._patches = patches
        self._world = world
        self._cls = cls
        self._forbidden = forbidden
        self._kernel: Any = _socket.socket

    def connect(self) -> Callable[..., None]:
        found, dial, kernel = self._cls.connect, self._dial, self._kernel.connect

        def connect(sock: socket.socket, address: Any, /) -> None:
            dialled = dial(sock, address)
            if isinstance(dialled, OSError):
                raise dialled
            if not dialled.led:
                try:
                    found(sock, dialled.where)
                except ConnectionRefusedError as refused:
                    self._advise(refused, dialled.where)
                    raise
            elif not dialled.resets:
                kernel(sock, dialled.where)
            elif error := self._connected(sock, dialled.where):
                raise OSError(error, os.strerror(error))

        return connect

    def _advise(self, refused: OSError, address: Any) -> None:
        """Say where mail could go that the machine has refused."""
        ip = numeric(address[0]) if isinstance(address, tuple) else None
        if ip is not None and (text := self._world.instead_of(Endpoint(ip, address[1]))):
            refused.add_note(text)

    def connect_ex(self) -> Callable[..., int]:
        found, dial, kernel = self._cls.connect_ex, self._dial, self._kernel.connect_ex

        def connect_ex(sock: socket.socket, address: Any, /) -> int:
            dialled = dial(sock, address)
            if isinstance(dialled, OSError):
                if isinstance(dialled, socket.gaierror):
                    raise dialled  # as the kernel's does: a failing look-up has no errno
                return dialled.errno or errno.EIO
            if not dialled.led:
                return int(found(sock, dialled.where))
            where = dialled.where
            return self._connected(sock, where) if dialled.resets else int(kernel(sock, where))

        return connect_ex

    def bind(self) -> Callable[..., None]:
        found, world = self._cls.bind, self._world

        def bind(sock: socket.socket, address: Any, /) -> None:
            if sock.family not in _INTERNET:
                found(sock, address)
            elif isinstance(address, tuple) and world.is_sender(address[0]):
                # The port that was asked for is virtual too: another program may hold it on loopback.
                self._bind(sock, address[0])
            else:
                found(sock, address)
                world.bind(sock.type, self._port(sock), None)

        return bind

    def sendto(self) -> Callable[..., int]:
        found: Any = self._cls.sendto
        dial, kernel = self._dial, self._kernel.sendto

        def sendto(sock: socket.socket, data: Any, *rest: Any) -> int:
            if not rest:
                return int(found(sock, data))  # the kernel's own error
            dialled = dial(sock, rest[-1])
            if isinstance(dialled, OSError):
                raise dialled
            send = kernel if dialled.led else found
            return int(send(sock, data, *rest[:-1], dialled.where))

        return sendto

    def sendmsg(self) -> Callable[..., int]:
        found, dial, kernel = self._cls.sendmsg, self._dial, self._kernel.sendmsg

        def sendmsg(
            sock: socket.socket, buffers: Any, ancdata: Any = (), flags: int = 0, address: Any = None, /
        ) -> int:
            if address is None:
                return int(found(sock, buffers, ancdata, flags))
            dialled = dial(sock, address)
            if isinstance(dialled, OSError):
                raise dialled
            send = kernel if dialled.led else found
            return int(send(sock, buffers, ancdata, flags, dialled.where))

        return sendmsg

    def recvfrom(self) -> Callable[..., tuple[bytes, Any]]:
        found, seen = self._cls.recvfrom, self._seen

        def recvfrom(sock: socket.socket, *args: Any) -> tuple[bytes, Any]:
            data, address = found(sock, *args)
            return data, seen(sock, address)

        return recvfrom

    def recvfrom_into(self) -> Callable[..., tuple[int, Any]]:
        found, seen = self._cls.recvfrom_into, self._seen

        def recvfrom_into(sock: socket.socket, *args: Any, **kwargs: Any) -> tuple[int, Any]:
            count, address = found(sock, *args, **kwargs)
            return count, seen(sock, address)

        return recvfrom_into

    def recvmsg(self) -> Callable[..., tuple[bytes, Any, int, Any]]:
        found, seen = self._cls.recvmsg, self._seen

        def recvmsg(sock: socket.socket, *args: Any) -> tuple[bytes, Any, int, Any]:
            data, ancillary, flags, address = found(sock, *args)
            return data, ancillary, flags, seen(sock, address)

        return recvmsg

    def getpeername(self) -> Callable[..., Any]:
        found, seen = self._cls.getpeername, self._seen

        def getpeername(sock: socket.socket, /) -> Any:
            return seen(sock, found(sock))

        return getpeername

    def getsockname(self) -> Callable[..., Any]:
        found, world = self._cls.getsockname, self._world

        def getsockname(sock: socket.socket, /) -> Any:
            address = found(sock)
            if sock.family not in _INTERNET or not _is_loopback(address[0]):
                return address
            # Another socket may have been a client at this port before.
            if (peer := kernel_peer(sock)) and not world.is_engine(peer):
                return address
            source = world.near_end(sock.type, address[1])
            return address if source is None else (*source, *address[2:])

        return getsockname

    def _seen(self, sock: socket.socket, address: Any) -> Any:
        # trio keeps what it bound when it was imported, and goes on calling it when the net is left.
        return virtual_address(self._world, sock, address) if self._patches.in_place else address

    def _dial(self, sock: socket.socket, address: Any) -> _Call | OSError:
        """Whom to connect to really, by the kernel or whoever was asked before; or an error to fail with."""
        if sock.family not in _INTERNET or not isinstance(address, tuple) or len(address) < 2:
            return _Call(address)
        world, kind = self._world, sock.type
        try:
            there, found = self._destinations(sock, *address[:2])
        except OSError as error:
            return error
        destination = next((it for it in there if world.takes(kind, it)), None)
        if destination is None:
            if self._forbidden is not None:
                self._forbidden()  # raises the error of whoever forbids sockets
            # The machine's resolver does not know the net's names.
            return _Call((*there[0], *address[2:]) if found else address)
        if not self._port(sock):
            self._bind(sock, None)
        dialled = world.dial(kind, self._port(sock), destination)
        if dialled.errno:
            return OSError(dialled.errno, f"{os.strerror(dialled.errno)}: {dialled.text}")
        assert dialled.where is not None
        return _Call(_on_loopback(sock, dialled.where.port), led=True, resets=dialled.resets)

    def _connected(self, sock: socket.socket, where: tuple[Any, ...]) -> int:
        """Connect to a server that resets at once; return the errno.

        The client sees a connection first and the reset then, and not at times a connect that fails.
        """
        connect, port = self._kernel.connect_ex, self._port(sock)
        try:
            error = int(connect(sock, where))
            # On loopback hands are shaken by now, also where the connect did not wait for it.
            stands = error == errno.EINPROGRESS and connect(sock, where) in (0, errno.EISCONN)
            return 0 if stands else error
        finally:
            self._world.connected(port)

    def _destinations(self, sock: socket.socket, host: Any, port: Any) -> tuple[list[Endpoint], bool]:
        """Where an address leads, as far as that can be said, and whether the net's DNS says it."""
        number = port_number(port)
        if number is None:
            return [], False  # the kernel's own error
        if not 0 <= number <= 65535:
            # Said here, because the kernel's own method looks the name up before it looks at the port.
            raise OverflowError("connect(): port must be 0-65535.")
        name = host_name(host)
        if name is None or not self._world.claims(name, number):
            if name is not None and self._forbidden is not None:
                return [], False  # what is forbidden is not looked up either
            there = destinations(sock, host, number)
            if name is not None:
                self._world.passed(name, [it.ip for it in there])
            return there, False
        found = self._world.resolve(name, sock.family, "connect", number)
        if found.error:
            raise socket.gaierror(found.error, found.text)
        return [Endpoint(found.addresses[0], number)], True

    def _bind(self, sock: socket.socket, source: str | None) -> None:
        if sock.family == socket.AF_INET6:
            # An IPv6 socket reaches the one IPv4 listener by a mapped address (RFC 4291, 2.5.5.2).
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self._kernel.bind(sock, _on_loopback(sock, 0))
        self._world.bind(sock.type, self._port(sock), source)

    def _port(self, sock: socket.socket) -> int:
        return int(self._kernel.getsockname(sock)[1])


def virtual_address(world: Network, sock: socket.socket, address: Any) -> Any:
    """The virtual address behind the net's own, as the socket dialled it; any other as it is."""
    if sock.family not in _INTERNET or not address or not _is_loopback(address[0]):
        return address
    if not world.is_engine(_endpoint(address)):
        return address
    destination = world.far_end(sock.type, _socket.socket.getsockname(sock)[1])
    return address if destination is None else (*destination, *address[2:])


def kernel_peer(sock: Any) -> Endpoint | None:
    """Who really is at a socket's other end; None where nobody is yet."""
    try:
        address = _socket.socket.getpeername(sock)
    except OSError:
        return None
    return _endpoint(address) if isinstance(address, tuple) else Endpoint(str(address), 0)


def _on_loopback(sock: socket.socket, port: int) -> tuple[Any, ...]:
    return ("127.0.0.1", port) if sock.family == socket.AF_INET else (_MAPPED + "127.0.0.1", port, 0, 0)


def _endpoint(address: tuple[Any, ...]) -> Endpoint:
    return Endpoint(address[0].removeprefix(_MAPPED), address[1])


def _is_loopback(ip: str) -> bool:
    return ip.startswith(("127.", _MAPPED + "127."))
