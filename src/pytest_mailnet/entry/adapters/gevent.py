"""gevent, whether it has patched the standard library or is used by name.

Its sockets have a socket of the kernel's inside, which is translated. Its hub has a resolver of its own
(threads, dnspython or c-ares), which is replaced by one that asks the net.
"""

from __future__ import annotations

import _socket
import importlib
import socket
import sys
from typing import Any

import gevent
import gevent.hub

from pytest_mailnet.entry.adapters.greenlets import Deadlines
from pytest_mailnet.entry.network import Network
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.sockets import lead_new
from pytest_mailnet.entry.waits import Waits

__all__ = ["compress", "install"]


def install(patches: Patches, world: Network) -> None:
    """Lead gevent's sockets and look-ups into a network."""
    lead_new(patches, world, "gevent._socket3")
    for name in ("gevent._socketcommon", "gevent._socket3", "gevent.socket"):
        if name in sys.modules:
            patches.put(sys.modules[name], "getfqdn", socket.getfqdn)
    hub: Any = gevent.hub.Hub
    found = hub.resolver
    patches.put(hub, "resolver", property(lambda hub: _Resolver(), found.fset, found.fdel))  # noqa: ARG005


class _Resolver:
    """Looks names up by the patched functions of the C module, without a switch to other greenlets."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_socket, name)

    def close(self) -> None:
        """Do nothing: there is nothing to close."""


def compress(patches: Patches, waits: Waits) -> None:
    """Let sockets, and `gevent.Timeout` on them, wait in the net's time."""
    # By its name: when it is being imported, its package does not have it yet.
    sockets: Any = importlib.import_module("gevent._socketcommon").SocketMixin
    hub: Any = gevent.hub.Hub
    deadlines = Deadlines(waits, gevent.getcurrent)
    start, hub_wait, sock_wait = gevent.Timeout.start, hub.wait, sockets._wait  # noqa: SLF001

    def wait(sock: Any, watcher: Any, timeout_exc: BaseException | None = None) -> None:
        if watcher is None or waits.patience.own_thread():
            sock_wait(sock, watcher, timeout_exc)
            return

        def step(seconds: float) -> bool:
            # gevent's own types leave out that False ends the block without an error.
            with _Step(seconds, False):  # noqa: FBT003  # pyright: ignore[reportArgumentType]
                sock.hub.wait(watcher)
                return True
            return False

        writing = watcher is sock._write_event  # noqa: SLF001
        if not deadlines.wait(sock.fileno(), step, sock.timeout, writing=writing):
            raise timeout_exc or TimeoutError("timed out")

    def note(timeout: Any) -> None:
        start(timeout)
        if timeout.seconds is not None and not isinstance(timeout, _Step):
            deadlines.add(timeout)

    def tell(hub: Any, watcher: Any) -> None:
        if type(watcher).__name__ == "timer":
            waits.patience.uncovered("gevent.sleep")
        hub_wait(hub, watcher)

    patches.put(sockets, "_wait", wait)
    patches.put(gevent.Timeout, "start", note)
    patches.put(hub, "wait", tell)


class _Step(gevent.Timeout):  # type: ignore[misc]
    """The end of one step of a wait; it is not a time-out of the application."""
