"""The name server in a network namespace, where it answers at every address."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import Any

from pytest_mailnet.server.connection import Connection
from pytest_mailnet.server.dns_server import DatagramServer
from pytest_mailnet.system.kernel import KernelLoop, KernelSocket
from pytest_mailnet.values import Endpoint

__all__ = ["RoutedDatagrams"]

_IP_PKTINFO = 8
_HEADER, _REFUSED = 12, b"\x80\x05"  # RFC 1035, 4.1.1: an answer, with RCODE 5
_ROOM = 64  # bytes of control messages
_ANOTHER, _ANOTHER_IPV6 = "192.0.2.1", "2001:db8::1"  # than any that is asked


class RoutedDatagrams(DatagramServer):
    """A UDP socket of the programs' name server; each answer comes from the address that was asked.

    Args:
        sock: bound, not blocking, and telling to which address each datagram came; closed by `close`.
        loop: the engine's.
        who: makes the connection from a source to a destination; None if nobody answers for it.
        silent: called with a client's port, and whether it gets no answer unless time passes.
    """

    def __init__(
        self,
        sock: KernelSocket,
        loop: KernelLoop,
        who: Callable[[Endpoint, Endpoint], Connection | None],
        silent: Callable[[int, bool], object],
    ) -> None:
        super().__init__(sock, loop, lambda _: None, silent)
        self._connection = who
        self._port: int = sock.getsockname()[1]

    def _receive(self) -> tuple[bytes, Any]:
        packet, told, _, peer = self._sock.recvmsg(65535, _ROOM)
        return packet, (*peer[:2], self._asked(told))

    def _call_of(self, peer: Any) -> Connection | None:
        ip, port, asked = peer
        return self._connection(Endpoint(ip, port), Endpoint(asked, self._port))

    def _send(self, reply: bytes, peer: Any) -> None:
        ip, port, asked = peer
        packed = socket.inet_pton(self._sock.family, asked)
        # From that address, by whichever device.
        if self._sock.family == socket.AF_INET6:
            told = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, packed + bytes(4))
        else:
            told = (socket.IPPROTO_IP, _IP_PKTINFO, bytes(4) + packed + bytes(4))
        with contextlib.suppress(OSError):  # as in `DatagramServer`
            self._sock.sendmsg([reply], [told], 0, (ip, port))

    def _turn_away(self, packet: bytes, peer: Any) -> None:
        if len(packet) >= _HEADER:
            self._send(packet[:2] + _REFUSED + bytes(_HEADER - 4), peer)

    def _send_astray(self, reply: bytes, peer: Any) -> None:
        other = _ANOTHER_IPV6 if self._sock.family == socket.AF_INET6 else _ANOTHER
        self._send(reply, (*peer[:2], other))

    def _asked(self, told: list[tuple[int, int, bytes]]) -> str:
        """The address to which a datagram came."""
        [(_, _, info)] = told
        part = info[:16] if self._sock.family == socket.AF_INET6 else info[8:12]
        return socket.inet_ntop(self._sock.family, part)
