"""The application's ends of connections that it waits for, found by their file descriptors."""

from __future__ import annotations

import _socket
import socket
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from pytest_mailnet.server.silence import unsent
from pytest_mailnet.system.native import original
from pytest_mailnet.values import Endpoint

__all__ = ["End", "ends_of", "poller"]

_poll = original("select", "poll")  # the kernel's, whoever patches the module


class End(NamedTuple):
    """The application's end of a connection that it waits for.

    Attributes:
        kind: `socket.SOCK_STREAM` or `SOCK_DGRAM`.
        port: on loopback.
        peer: the real address that it is connected to; None if it is not connected.
        sending: whether the kernel still holds back something that was written.
    """

    kind: int
    port: int
    peer: Endpoint | None
    sending: bool = False


def ends_of(descriptors: Iterable[int]) -> list[End]:
    """The ends of the Internet sockets among file descriptors."""
    found = []
    for descriptor in descriptors:
        try:
            sock = _socket.socket(fileno=descriptor)  # the kernel's, without anybody's patches
        except OSError:  # a pipe, say
            continue
        try:
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                found.append(End(sock.type, sock.getsockname()[1], _peer(sock), unsent(descriptor)))
        finally:
            sock.detach()
    return found


def poller(events: Mapping[int, int]) -> Callable[[float], list[tuple[int, int]]]:
    """A function that waits until one of some file descriptors is ready.

    Args:
        events: what to wait for on each descriptor: `POLLIN`, `POLLOUT` or both.

    Returns:
        The function. It takes the seconds to wait, and returns the ready descriptors with their events.
    """
    polled = _poll()
    for descriptor, event in events.items():
        polled.register(descriptor, event)
    return lambda seconds: polled.poll(seconds * 1000)


def _peer(sock: Any) -> Endpoint | None:
    try:
        ip, port, *_ = sock.getpeername()
    except OSError:
        return None
    return Endpoint(ip.removeprefix("::ffff:"), port)
