"""Clients that get no answer: on connections whose server stands still, and at a port that never answers."""

from __future__ import annotations

import contextlib
import fcntl
import socket

from pytest_mailnet.system.kernel import KernelSocket
from pytest_mailnet.system.native import lock
from pytest_mailnet.values import Endpoint

__all__ = ["BlackHole", "Silences", "unsent"]

_SIOCOUTQNSD = 0x894B  # linux/sockios.h


class Silences:
    """The clients' loopback ports that receive nothing unless time passes, each as (socket kind, port).

    One lock: who has the engine's turn and dialling threads add and remove, waiting threads look.
    """

    def __init__(self) -> None:
        self._ends: set[tuple[int, int]] = set()
        self._lock = lock()

    def put(self, kind: int, port: int, silent: bool) -> None:  # noqa: FBT001
        """Note whether a client's port receives nothing.

        Args:
            kind: SOCK_STREAM or SOCK_DGRAM.
            port: the client's loopback port.
            silent: True if nothing comes unless time passes.
        """
        with self._lock:
            (self._ends.add if silent else self._ends.discard)((kind, port))

    def __contains__(self, end: tuple[int, int]) -> bool:
        with self._lock:
            return end in self._ends


class BlackHole:
    """A loopback port that never answers: its queue of connections is full, and nobody accepts any.

    The kernel drops a connect to it, as the network drops packets to a host that is down.
    """

    def __init__(self) -> None:
        self._sockets: list[KernelSocket] = []
        self._lock = lock()

    def where(self) -> Endpoint:
        """The port's address; the port is opened at first use."""
        with self._lock:
            if not self._sockets:
                listener = KernelSocket(socket.AF_INET, socket.SOCK_STREAM)
                listener.bind(("127.0.0.1", 0))
                listener.listen(0)
                self._sockets = [listener]
                for _ in range(2):  # one fills the queue; a kernel may take one more
                    filler = KernelSocket(socket.AF_INET, socket.SOCK_STREAM)
                    self._sockets.append(filler)
                    filler.setblocking(False)  # noqa: FBT003
                    with contextlib.suppress(BlockingIOError):
                        filler.connect(listener.getsockname())
            return Endpoint(*self._sockets[0].getsockname())

    def close(self) -> None:
        """Close the port; waiting connections are refused when the kernel tries them again."""
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()


def unsent(descriptor: int) -> bool:
    """Whether the kernel has not sent all bytes written to a socket (Nagle, a full window).

    Always False on other systems than Linux, which do not say.
    """
    left = bytearray(4)
    with contextlib.suppress(OSError):  # not Linux
        fcntl.ioctl(descriptor, _SIOCOUTQNSD, left)
    return any(left)
