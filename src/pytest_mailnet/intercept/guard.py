"""The guard: stops what got past the patches, and remembers it.

An audit hook sees every connect, send and look-up that passes through CPython's socket module, whatever
name it was called by. The interpreter never lets go of such a hook, so there is one a process, put in place
with the first net and idle without one; that is this package's one process-wide state.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
from typing import Any

from pytest_mailnet.intercept.world import World, numeric
from pytest_mailnet.model import Endpoint

__all__ = ["unwatch", "watch"]

_SENDS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_LOOKS_UP = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}


class _Guard:
    """The worlds that are watched, innermost last; replaced as a whole, so that the hook needs no lock."""

    def __init__(self) -> None:
        self.worlds: tuple[World, ...] = ()
        self.installed = False
        self.lock = threading.Lock()

    def hook(self, event: str, args: tuple[Any, ...]) -> None:
        if not self.worlds or not event.startswith("socket."):
            return
        if event in _SENDS:
            self._sent(self.worlds[-1], event, args)
        elif event in _LOOKS_UP:
            self._looked_up(self.worlds[-1], event, args)

    def _sent(self, world: World, event: str, args: tuple[Any, ...]) -> None:
        sock, address = args
        if not isinstance(address, tuple) or sock.family not in {socket.AF_INET, socket.AF_INET6}:
            return
        ip = numeric(address[0])
        if ip is None:
            if isinstance(address[0], str) and world.claims(address[0], address[1]):
                raise self._leak(world, event, f"{address[0]}:{address[1]}")
        elif world.takes(sock.type, Endpoint(ip, address[1])):
            raise self._leak(world, event, str(Endpoint(ip, address[1])))

    def _looked_up(self, world: World, event: str, args: tuple[Any, ...]) -> None:
        host = args[0]
        if isinstance(host, bytes):
            host = host.decode("ascii", "replace")
        if not isinstance(host, str) or not host or host == "localhost" or numeric(host) is not None:
            return
        port = args[1] if event == "socket.getaddrinfo" and isinstance(args[1], int) else None
        if event == "socket.getaddrinfo" and args[1] is not None and port is None:
            return  # a service's name: what claims it has been asked already
        if world.claims(host, port or None):
            raise self._leak(world, event, host)

    def _leak(self, world: World, event: str, target: str) -> OSError:
        text = (
            f"{event} to {target} got past the patches of this mailnet and was stopped: the function was bound "
            "before the net was there (from socket import ...), or is called on _socket's own class. "
            "docs/interception.md lists what in-process interception reaches"
        )
        world.leaked(text)
        if event in _LOOKS_UP:
            return socket.gaierror(socket.EAI_NONAME, text)
        return OSError(errno.ENETUNREACH, f"{os.strerror(errno.ENETUNREACH)}: {text}")


_guard = _Guard()


def watch(world: World) -> None:
    """Guard a world, until `unwatch`; the innermost one decides."""
    with _guard.lock:
        if not _guard.installed:
            sys.addaudithook(_guard.hook)
            _guard.installed = True
        _guard.worlds += (world,)


def unwatch(world: World) -> None:
    """Guard a world no more."""
    with _guard.lock:
        _guard.worlds = tuple(other for other in _guard.worlds if other is not world)
