"""Clients that block have the server answer in their own thread, right after they have sent something.

The answer is there when the client begins to wait for it. The two switches between threads that it would take
otherwise cost more than the server's work.
"""

from __future__ import annotations

import _socket
import os
import select
import socket
import ssl
from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from pytest_mailnet.entry.ends import poller
from pytest_mailnet.entry.network import EngineSocket, Network
from pytest_mailnet.values import Endpoint

__all__ = ["OwnThread"]

_T = TypeVar("_T")

_MOST = 65536  # bytes; the loop's thread reads longer contents while the client sends on
_MOST_ENCRYPTED = 4096  # bytes over TLS, for which the kernel has room where it has any


class OwnThread:
    """The clients of this process whose servers may answer in the client's thread.

    One table, used by single operations of a dict, which need no lock. An entry that has outlived its client
    does no harm: at most, a server reads what there is to read.

    Args:
        world: the network that has the servers.
    """

    def __init__(self, world: Network) -> None:
        self._world = world
        self._kernel: Any = _socket.socket
        # By the client's descriptor.
        self._ends: WeakValueDictionary[int, EngineSocket] = WeakValueDictionary()

    def connect(self, sock: socket.socket, where: tuple[Any, ...]) -> None:
        """Connect to the net's listener; the banner is there afterwards, if the client blocks.

        Args:
            sock: the client's socket.
            where: the listener's address.
        """
        world = self._world.of_caller()
        if sock.type != socket.SOCK_STREAM or not self._waits(sock.gettimeout()):
            self._kernel.connect(sock, where)
            return
        try:
            _holding(world.entrance(socket.SOCK_STREAM), lambda: self._kernel.connect(sock, where))
        finally:  # a client that does not block is told so by an error
            end = world.end_of(self._kernel.getsockname(sock)[1])
            if end is not None:
                self._ends[sock.fileno()] = end

    def send_datagram(self, where: Any, send: Callable[[], int]) -> int:
        """Send a datagram; if it goes to the net's name server, the answer is there afterwards.

        Args:
            where: the real address that it goes to.
            send: sends it. That does not wait for anything, so that this holds for every client.
        """
        world = self._world.of_caller()
        name_server = world.entrance(socket.SOCK_DGRAM)
        if name_server is None or not world.connections.is_engine(Endpoint(*where[:2])):
            return send()
        return _holding(name_server, send)

    def send(self, sock: socket.socket, data: Any, flags: int) -> int:
        """Send bytes to a server, and have it answer, if this client can.

        Args:
            sock: the client's socket.
            data: the bytes.
            flags: as for `socket.send`.

        Returns:
            How many bytes were sent. The caller sends the others as usual.
        """
        end = self._ends.get(sock.fileno())
        if end is None or flags or type(data) is not bytes or not 0 < len(data) <= _MOST:
            return 0
        timeout = sock.gettimeout()
        if not self._waits(timeout):
            return 0
        # Without waiting, since nobody reads in the meantime. With a time-out, the descriptor never blocks.
        if timeout is None:
            return _holding(end, lambda: _sent(self._kernel.send, sock, data, socket.MSG_DONTWAIT))
        return _holding(end, lambda: _sent(os.write, sock.fileno(), data))

    def send_encrypted(self, sock: ssl.SSLSocket, data: Any, send: Callable[[], int]) -> int:
        """Send bytes over TLS, and have the server answer, if this client can.

        Args:
            sock: the client's socket.
            data: the bytes.
            send: encrypts and sends them; it may wait until there is room for them.

        Returns:
            How many bytes were sent.
        """
        end = self._ends.get(sock.fileno())
        if end is None or not self._waits(sock.gettimeout()) or memoryview(data).nbytes > _MOST_ENCRYPTED:
            return send()
        # Where the kernel has room, so few bytes need not wait for somebody to read, which nobody does now.
        sent = _holding(end, lambda: send() if poller({sock.fileno(): select.POLLOUT})(0) else None)
        return send() if sent is None else sent

    def shake_hands(self, sock: ssl.SSLSocket, step: Callable[[], None]) -> bool:
        """Hold a TLS handshake, and have the server answer each flight, if this client can.

        Args:
            sock: the client's socket.
            step: goes on with the handshake, by the socket's time-out.

        Returns:
            Whether it is over. Otherwise the client goes on by itself, and waits.
        """
        timeout, end = sock.gettimeout(), self._ends.get(sock.fileno())
        if timeout == 0 or end is None or not end.hold():
            return False
        sock.settimeout(0)
        try:
            while _wants_more(end, step):
                if not (poller({sock.fileno(): select.POLLIN})(0) and end.hold()):
                    return False
        finally:
            sock.settimeout(timeout)
        return True

    def close(self, sock: socket.socket, close: Callable[[socket.socket], None]) -> None:
        """Close a client's socket; the server knows it afterwards.

        Args:
            sock: the client's socket.
            close: closes it.
        """
        end = self._ends.pop(sock.fileno(), None)
        if end is None or sock.gettimeout() == 0:
            close(sock)
        else:
            _holding(end, lambda: close(sock))

    def _waits(self, timeout: float | None) -> bool:
        """Whether a client with a time-out waits for the answer, or is to be served as if it did."""
        return timeout != 0 or self._world.of_caller().answers_all


def _holding(end: EngineSocket | None, do: Callable[[], _T]) -> _T:
    if end is None or not end.hold():
        return do()
    try:
        return do()
    finally:
        end.serve()


def _wants_more(end: EngineSocket, step: Callable[[], None]) -> bool:
    """Whether a step of a handshake, which the server then answers, waits for that answer."""
    try:
        step()
    except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
        return True
    finally:
        end.serve()
    return False


def _sent(send: Callable[..., int], *arguments: Any) -> int:
    try:
        return int(send(*arguments))
    except BlockingIOError:
        return 0
