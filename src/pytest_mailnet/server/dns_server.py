"""The name server on the wire: over UDP, and over TCP (RFC 7766)."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from pytest_mailnet.server.connection import Connection, elapse
from pytest_mailnet.server.watched_socket import WatchedSocket
from pytest_mailnet.system.kernel import KernelLoop, KernelSocket
from pytest_mailnet.values import Endpoint

if TYPE_CHECKING:
    from pytest_mailnet.dns.name_server import Sent

__all__ = ["DatagramServer", "StreamServer"]

_AT_ONCE = 32  # datagrams read per wake-up, so that one busy client does not starve the SMTP sessions


class DatagramServer(WatchedSocket):
    """One UDP socket for all nets: answers the datagrams that have come in, some at each wake-up.

    Args:
        sock: bound and not blocking; closed by `close`.
        loop: the engine's.
        who: finds the connection for a client's loopback address; None for an unknown client.
        silent: called with a client's port, and whether it gets no answer unless time passes.
    """

    def __init__(
        self,
        sock: KernelSocket,
        loop: KernelLoop,
        who: Callable[[Endpoint], Connection | None],
        silent: Callable[[int, bool], object],
    ) -> None:
        super().__init__(sock, loop)
        self._who = who
        self._silent = silent

    def close(self) -> None:
        """Stop reading and close the socket."""
        self.want(0)
        self._sock.close()

    def ready(self, events: int) -> None:  # noqa: ARG002
        """Answer datagrams that have come."""
        for _ in range(_AT_ONCE):
            try:
                packet, peer = self._receive()
            except OSError:  # nothing more to read, or an ICMP error for an answer to a closed port
                return
            call = self._call_of(peer)
            if call is not None:
                self._reply(call, packet, peer)
            else:
                self._turn_away(packet, peer)

    def _receive(self) -> tuple[bytes, Any]:
        return self._sock.recvfrom(65535)

    def _call_of(self, peer: Any) -> Connection | None:
        return self._who(Endpoint(*peer[:2]))

    def _turn_away(self, packet: bytes, peer: Any) -> None:
        """React to a question for which nobody answers."""

    def _reply(self, call: Connection, packet: bytes, peer: Any) -> None:
        sent = _reply(call, packet, tcp=False)
        reply = sent.packet
        heard = reply is not None and not (sent.after or sent.astray) and reply[:2] == packet[:2]
        self._silent(peer[1], not heard)
        if reply is None:
            return
        if sent.astray:
            self._send_astray(reply, peer)
        elif sent.after:
            elapse(call.tenant.clock, self._loop, sent.after, functools.partial(self._send, reply, peer))
        else:
            self._send(reply, peer)

    def _send(self, reply: bytes, peer: Any) -> None:
        with contextlib.suppress(OSError):  # a full buffer loses a datagram, as networks do
            self._sock.sendto(reply, peer)

    def _send_astray(self, reply: bytes, peer: Any) -> None:
        with contextlib.closing(KernelSocket(socket.AF_INET, socket.SOCK_DGRAM)) as elsewhere:
            elsewhere.sendto(reply, peer)


class StreamServer(asyncio.Protocol):
    """One TCP connection of a resolver: each question comes after its length.

    Args:
        call: the resolver's connection in the net.
        on_lost: called once when the connection is gone.
    """

    def __init__(self, call: Connection, on_lost: Callable[[], None]) -> None:
        self._call = call
        self._on_lost = on_lost
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, to answer on it."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every question that is complete by now."""
        assert self._transport is not None
        self._buffer += data
        for packet in self._packets():
            sent = _reply(self._call, packet, tcp=True)
            if sent.reset:
                self._transport.abort()
                return
            if sent.packet is None:
                self._call.silent(True)  # noqa: FBT003
            else:
                self._transport.write(len(sent.packet).to_bytes(2, "big") + sent.packet)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Call `on_lost`."""
        self._on_lost()

    def _packets(self) -> Iterable[bytes]:
        while len(self._buffer) >= 2:
            end = 2 + int.from_bytes(self._buffer[:2], "big")
            if len(self._buffer) < end:
                return
            packet = bytes(self._buffer[2:end])
            del self._buffer[:end]
            yield packet


def _reply(call: Connection, packet: bytes, *, tcp: bool) -> Sent:
    return call.tenant.name_server.reply(packet, tcp=tcp, server=call.destination, client=call.source.ip)
