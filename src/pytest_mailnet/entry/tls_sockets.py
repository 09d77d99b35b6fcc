"""TLS sockets of the standard library that block: the server answers in the client's own thread."""

from __future__ import annotations

import ssl
from typing import Any

from pytest_mailnet.entry.own_thread import OwnThread
from pytest_mailnet.entry.patches import Patches

__all__ = ["install"]


def install(patches: Patches, own_thread: OwnThread) -> None:
    """Have servers answer to what TLS sockets send. Without it a net is slower, and nothing gets past it.

    Args:
        patches: where the replaced methods are kept.
        own_thread: the clients whose servers may answer at once.
    """
    cls = ssl.SSLSocket
    if cls.__module__ != "ssl":
        return  # gevent's or eventlet's, which never block
    found_send, found_handshake = cls.send, cls.do_handshake

    def send(sock: ssl.SSLSocket, data: Any, flags: int = 0) -> int:
        return own_thread.send_encrypted(sock, data, lambda: found_send(sock, data, flags))

    def do_handshake(sock: ssl.SSLSocket, block: bool = False) -> None:  # noqa: FBT001, FBT002  # as found
        if not own_thread.shake_hands(sock, lambda: found_handshake(sock)):
            found_handshake(sock, block)

    patches.put_note(cls, "send", send)
    patches.put_note(cls, "do_handshake", do_handshake)
