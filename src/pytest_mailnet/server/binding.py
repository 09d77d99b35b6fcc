"""Sockets of this machine, bound to a port that was asked for or to any that is free."""

from __future__ import annotations

import socket

from pytest_mailnet.errors import MailNetError
from pytest_mailnet.system.kernel import KernelSocket
from pytest_mailnet.values import Endpoint

__all__ = ["ANYWHERE", "BACKLOG", "bound", "bound_pair"]

ANYWHERE = Endpoint("127.0.0.1", 0)
"""Any free port of loopback."""

BACKLOG = 512
"""How many connections wait at a listening socket until the loop accepts them."""


def bound(kind: socket.SocketKind, at: Endpoint) -> KernelSocket:
    """A socket bound to an address, not blocking.

    Args:
        kind: SOCK_STREAM or SOCK_DGRAM.
        at: the machine's address and port; port 0 for any that is free.

    Raises:
        OSError: if that port is not to be had.
    """
    sock = KernelSocket(socket.AF_INET6 if ":" in at.ip else socket.AF_INET, kind)
    try:
        if at.port and kind == socket.SOCK_STREAM:  # the connections of an earlier listener may linger
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(tuple(at))
    except BaseException:
        sock.close()
        raise
    sock.setblocking(False)  # noqa: FBT003
    return sock


def bound_pair(at: Endpoint) -> tuple[KernelSocket, KernelSocket]:
    """A UDP and a TCP socket on the same port, as resolvers that fall back to TCP expect.

    Args:
        at: the machine's address and port; port 0 for any that is free for both.

    Raises:
        OSError: if that port is not to be had.
        MailNetError: if no port is free for both.
    """
    for _ in range(100):
        udp = bound(socket.SOCK_DGRAM, at)
        try:
            return udp, bound(socket.SOCK_STREAM, Endpoint(at.ip, udp.getsockname()[1]))
        except OSError:
            udp.close()
            if at.port:
                raise
    raise MailNetError(f"found no port of {at.ip} that is free for both UDP and TCP; are all in use?")
