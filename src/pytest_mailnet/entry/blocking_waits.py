"""Compressed time for blocking sockets, with and without TLS."""

from __future__ import annotations

import _socket
import socket
import ssl
from collections.abc import Callable
from typing import Any

from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.sockets import kernel_classes
from pytest_mailnet.entry.waits import Waits

__all__ = ["compress"]


def compress(patches: Patches, waits: Waits) -> None:
    """Let connects, reads and handshakes wait in the net's time.

    Args:
        patches: where the replaced methods are kept.
        waits: waits in the net's time.
    """
    # By their base class: the sockets that gevent and eventlet put into the modules must not block.
    for cls in kernel_classes("socket"):
        _compress_sockets(patches, waits, cls)
        for derived in cls.__subclasses__():
            if derived.__module__ == "ssl":
                _compress_tls(patches, waits, derived)


def _compress_sockets(patches: Patches, waits: Waits, cls: Any) -> None:
    connect = cls.connect

    def patient_connect(sock: socket.socket, address: Any, /) -> None:
        timeout = sock.gettimeout()
        if timeout == 0 or waits.patience.own_thread():
            connect(sock, address)
            return
        sock.settimeout(0)
        try:
            connect(sock, address)
        except BlockingIOError:
            waits.connected(sock, timeout)
        finally:
            sock.settimeout(timeout)

    def patient(found: Callable[..., Any]) -> Callable[..., Any]:
        def wait(sock: socket.socket, *args: Any, **kwargs: Any) -> Any:
            timeout = sock.gettimeout()
            if timeout != 0 and sock.fileno() >= 0 and not waits.patience.own_thread():
                waits.readable(sock, timeout)
            return found(sock, *args, **kwargs)

        return wait

    patches.put(cls, "connect", patient_connect)
    for name in ("recv", "recv_into", "recvfrom", "recvfrom_into"):
        patches.put(cls, name, patient(getattr(cls, name)))


def _compress_tls(patches: Patches, waits: Waits, cls: Any) -> None:
    read, do_handshake, unwrap = cls.read, cls.do_handshake, cls.unwrap

    def patiently(sock: ssl.SSLSocket, step: Callable[[], Any], error: str) -> Any:
        timeout = _socket.socket.gettimeout(sock)  # eventlet's, of a derived class, never block
        if timeout == 0 or waits.patience.own_thread():
            return step()
        sock.settimeout(0)
        try:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    waits.readable(sock, timeout, error)
        finally:
            sock.settimeout(timeout)

    def patient_read(sock: ssl.SSLSocket, *args: Any) -> Any:
        return patiently(sock, lambda: read(sock, *args), "The read operation timed out")

    def patient_handshake(sock: ssl.SSLSocket, block: bool = False) -> None:  # noqa: FBT001, FBT002
        blocking = block and _socket.socket.gettimeout(sock) == 0
        if blocking:
            sock.settimeout(None)
        try:
            patiently(sock, lambda: do_handshake(sock), "_ssl.c: The handshake operation timed out")
        finally:
            if blocking:
                sock.settimeout(0)

    def patient_unwrap(sock: ssl.SSLSocket) -> socket.socket:
        unwrapped: socket.socket = patiently(sock, lambda: unwrap(sock), "The read operation timed out")
        return unwrapped

    patches.put(cls, "read", patient_read)
    patches.put(cls, "do_handshake", patient_handshake)
    patches.put(cls, "unwrap", patient_unwrap)
