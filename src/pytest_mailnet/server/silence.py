"""Where nothing is to be heard: connections on which a server stands still, and a place without answers."""

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
    """The clients' ends, on loopback, on which nothing comes unless time passes.

    One lock: the engine's thread and dialling threads add and remove, those who wait look.
    """

    def __init__(self) -> None:
        self._ends: set[tuple[int, int]] = set()
        self._lock = lock()

    def put(self, kind: int, port: int, silent: bool) -> None:  # noqa: FBT001
        """Note whether nothing comes to a client's port."""
        with self._lock:
            (self._ends.add if silent else self._ends.discard)((kind, port))

    def __contains__(self, end: tuple[int, int]) -> bool:
        with self._lock:
            return end in self._ends


class BlackHole:
    """A loopback port where connections are never answered: its queue is full, and nobody takes from it.

    The kernel drops what a connect sends there, as the network drops what is sent to a host that is down.
    """

    def __init__(self) -> None:
        self._sockets: list[KernelSocket] = []
        self._lock = lock()

    def where(self) -> Endpoint:
        """Its address; opened at first use."""
        with self._lock:
            if not self._sockets:
                listener = KernelSocket(socket.AF_INET, socket.SOCK_STREAM)
                listener.bind(("127.0.0.1", 0))
                listener.listen(0)
                self._sockets = [listener]
                for _ in range(2):  # one fills the queue; the other is what a kernel may take beyond it
                    filler = KernelSocket(socket.AF_INET, socket.SOCK_STREAM)
                    self._sockets.append(filler)
                    filler.setblocking(False)  # noqa: FBT003
                    with contextlib.suppress(BlockingIOError):
                        filler.connect(listener.getsockname())
            return Endpoint(*self._sockets[0].getsockname())

    def close(self) -> None:
        """Close the port; connections that wait there are refused when they try again."""
        with self._lock:
            while self._sockets:
                self._sockets.pop().close()


def unsent(descriptor: int) -> bool:
    """Whether the kernel holds back something of what was written to a socket (Nagle, a full window)."""
    left = bytearray(4)
    with contextlib.suppress(OSError):  # other systems than Linux do not tell
        fcntl.ioctl(descriptor, _SIOCOUTQNSD, left)
    return any(left)
