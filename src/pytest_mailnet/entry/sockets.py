"""Replaces the methods of `socket.socket` that take or return addresses by ones that translate them.

The methods are replaced as attributes of the class. This reaches subclasses, asyncio, trio, TLS sockets, and
code that imported the class before.
"""

from __future__ import annotations

import _socket
import errno
import os
import socket
from collections.abc import Callable
from typing import Any

from pytest_mailnet.entry import tls_sockets
from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.own_thread import OwnThread
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.translation import (
    INTERNET,
    Translation,
    is_loopback_address,
    kernel_peer,
    virtual_address,
)

__all__ = ["MAKERS", "install", "kernel_classes", "lead_new"]

MAKERS = ("socket", "gevent", "eventlet")
"""The packages whose classes and functions may stand in the module `socket`, if no plugin forbids sockets."""

_TRANSLATED = (
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
)
_HASTENED = ("close", "send", "sendall")  # without which a net is slower, and nothing gets past it


def install(patches: Patches, world: Network) -> None:
    """Lead the sockets of this process into a network.

    Args:
        patches: where the replaced methods are kept.
        world: the network.
    """
    found: type = socket.socket
    allowed = next((cls for cls in found.__mro__ if cls.__module__.partition(".")[0] in MAKERS), found)
    forbidden: type | None = None
    patches.assume(socket, "socket")
    if found is not allowed:
        # Somebody forbids sockets by replacing the class (pytest-socket's --disable-socket). The net's
        # connections never leave the process, so they are let through; all others stay forbidden.
        forbidden = found
        patches.put(socket, "socket", allowed)
    own_thread = OwnThread(world)
    for cls in kernel_classes("socket", "gevent._socket3"):
        _lead(patches, world, cls, forbidden, own_thread)
    tls_sockets.install(patches, own_thread)


def lead_new(patches: Patches, world: Network, module: str) -> None:
    """Lead the sockets of a module into a network, if it was imported while a net was active.

    Args:
        patches: where the replaced methods are kept.
        world: the network.
        module: the name of the module.
    """
    for cls in kernel_classes(module):
        if "connect" not in vars(cls):  # not replaced yet
            _lead(patches, world, cls, None, OwnThread(world))


def kernel_classes(*modules: str) -> list[Any]:
    """The classes that some modules have derived from the interpreter's own `_socket.socket`.

    The standard library has one. If eventlet is imported, there is another in its copy of the standard
    library's module. gevent's socket is not derived from it, but has such a socket inside.
    """
    return [cls for cls in _socket.socket.__subclasses__() if cls.__module__ in modules]


def _lead(patches: Patches, world: Network, cls: Any, forbidden: type | None, own_thread: OwnThread) -> None:
    methods = _Methods(patches, world, cls, forbidden, own_thread)
    for name in _TRANSLATED:
        if hasattr(cls, name):
            patches.put(cls, name, getattr(methods, name)())
    for name in _HASTENED:
        patches.put_note(cls, name, getattr(methods, name)())


class _Methods:
    """Makes the functions that take the place of the socket class's methods.

    A method that is replaced is still called for what is not the net's, so that the guards of other plugins
    keep guarding. For the net's own connections the kernel's method is called directly.
    """

    def __init__(
        self,
        patches: Patches,
        world: Network,
        cls: Any,
        forbidden: type | None,
        own_thread: OwnThread,
    ) -> None:
        self._patches = patches
        self._connections = world.connections
        self._cls = cls
        self._kernel: Any = _socket.socket
        self._translation = Translation(world, forbidden)
        self._own_thread = own_thread

    def connect(self) -> Callable[..., None]:
        found, dial, lead = self._cls.connect, self._translation.dial, self._own_thread.connect

        def connect(sock: socket.socket, address: Any, /) -> None:
            dialled = dial(sock, address)
            if isinstance(dialled, OSError):
                raise dialled
            if not dialled.led:
                try:
                    found(sock, dialled.where)
                except ConnectionRefusedError as refused:
                    self._translation.advise(refused, dialled.where)
                    raise
            elif not dialled.resets:
                lead(sock, dialled.where)
            elif error := self._translation.connect_before_reset(sock, dialled.where):
                raise OSError(error, os.strerror(error))

        return connect

    def connect_ex(self) -> Callable[..., int]:
        found, translation, kernel = self._cls.connect_ex, self._translation, self._kernel.connect_ex

        def connect_ex(sock: socket.socket, address: Any, /) -> int:
            dialled = translation.dial(sock, address)
            if isinstance(dialled, OSError):
                if isinstance(dialled, socket.gaierror):
                    raise dialled  # as the kernel's does: a failing look-up has no errno
                return dialled.errno or errno.EIO
            if not dialled.led:
                return int(found(sock, dialled.where))
            if dialled.resets:
                return translation.connect_before_reset(sock, dialled.where)
            return int(kernel(sock, dialled.where))

        return connect_ex

    def bind(self) -> Callable[..., None]:
        found, connections, translation = self._cls.bind, self._connections, self._translation

        def bind(sock: socket.socket, address: Any, /) -> None:
            if sock.family not in INTERNET:
                found(sock, address)
            elif isinstance(address, tuple) and connections.is_sender(address[0]):
                # The port that was asked for is virtual too: another program may hold it on loopback.
                translation.bind(sock, address[0])
            else:
                found(sock, address)
                connections.bind(sock.type, translation.port(sock), None)

        return bind

    def close(self) -> Callable[..., None]:
        found, own = self._cls.close, self._own_thread.close

        def close(sock: socket.socket, /) -> None:
            own(sock, found)

        return close

    def send(self) -> Callable[..., int]:
        found, own = self._cls.send, self._own_thread.send

        def send(sock: socket.socket, data: Any, flags: int = 0, /) -> int:
            return own(sock, data, flags) or int(found(sock, data, flags))

        return send

    def sendall(self) -> Callable[..., None]:
        found, own = self._cls.sendall, self._own_thread.send

        def sendall(sock: socket.socket, data: Any, flags: int = 0, /) -> None:
            sent = own(sock, data, flags)
            if not sent:
                found(sock, data, flags)
            elif sent < len(data):
                found(sock, data[sent:])

        return sendall

    def sendto(self) -> Callable[..., int]:
        found: Any = self._cls.sendto
        dial, kernel, own = self._translation.dial, self._kernel.sendto, self._own_thread.send_datagram

        def sendto(sock: socket.socket, data: Any, *rest: Any) -> int:
            if not rest:
                return int(found(sock, data))  # the kernel's own error
            dialled = dial(sock, rest[-1])
            if isinstance(dialled, OSError):
                raise dialled
            send, where = kernel if dialled.led else found, dialled.where
            if sock.type != socket.SOCK_DGRAM or sock.family not in INTERNET or not isinstance(where, tuple):
                return int(send(sock, data, *rest[:-1], where))
            return own(where, lambda: int(send(sock, data, *rest[:-1], where)))

        return sendto

    def sendmsg(self) -> Callable[..., int]:
        found, dial, kernel = self._cls.sendmsg, self._translation.dial, self._kernel.sendmsg

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
        found, connections = self._cls.getsockname, self._connections

        def getsockname(sock: socket.socket, /) -> Any:
            address = found(sock)
            if sock.family not in INTERNET or not is_loopback_address(address[0]):
                return address
            # Another socket may have been a client at this port before.
            if (peer := kernel_peer(sock)) and not connections.is_engine(peer):
                return address
            source = connections.near_end(sock.type, address[1])
            return address if source is None else (*source, *address[2:])

        return getsockname

    def _seen(self, sock: socket.socket, address: Any) -> Any:
        # trio keeps what it bound when it was imported, and goes on calling it when the net is left.
        return virtual_address(self._connections, sock, address) if self._patches.in_place else address
