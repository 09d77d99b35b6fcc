"""Carries connections from a namespace to a port of the machine's loopback, such as a database's."""

from __future__ import annotations

import _socket
import os

__all__ = ["carry"]

_CHUNK = 65536
_ADDRESSES = ((_socket.AF_INET, "127.0.0.1"), (_socket.AF_INET6, "::1"))


def carry(listening: int, port: int) -> None:
    """Take connections for ever, and carry each, in two processes of its own, one a direction.

    Args:
        listening: the descriptor of a socket in the namespace.
        port: of this process's loopback.
    """
    listener = _socket.socket(fileno=listening)
    while True:
        fd, _ = listener._accept()  # type: ignore[attr-defined]  # noqa: SLF001  # the module's only way to accept
        near = _socket.socket(fileno=fd)
        far = _connected(port)
        if far is not None:
            for one, other in ((near, far), (far, near)):
                if not os.fork():
                    listener.close()
                    _copy(one, other)
            far.close()
        near.close()


def _connected(port: int) -> _socket.socket | None:
    for family, ip in _ADDRESSES:
        try:
            far = _socket.socket(family, _socket.SOCK_STREAM)
            far.connect((ip, port))
        except OSError:
            continue
        return far
    return None


def _copy(one: _socket.socket, other: _socket.socket) -> None:
    try:
        while data := one.recv(_CHUNK):
            other.sendall(data)
        other.shutdown(_socket.SHUT_WR)
    except OSError:  # one of the two has broken off
        pass
    finally:
        os._exit(0)
