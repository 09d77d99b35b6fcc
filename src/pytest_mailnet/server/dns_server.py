"""The wire side of the name server: datagrams, and streams (RFC 7766)."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
from collections.abc import Callable, Iterable

from pytest_mailnet.dns.packets import Sent
from pytest_mailnet.server.connection import Connection, elapse
from pytest_mailnet.system.kernel import KernelSocket
from pytest_mailnet.values import Endpoint

__all__ = ["DatagramServer", "StreamServer"]

_AT_ONCE = 32  # datagrams read per wake-up, so that one busy client does not starve the SMTP sessions


class DatagramServer:
    """One UDP socket for all nets: reads what has come in and answers it, some datagrams a wake-up.

    Args:
        sock: bound and not blocking; closed by `close`.
        who: tells for a client's end point who asks whom; None for nobody that is known.
        silent: told for a client's port whether no answer comes unless time passes.
    """

    def __init__(
        self,
        sock: KernelSocket,
        who: Callable[[Endpoint], Connection | None],
        silent: Callable[[int, bool], object],
    ) -> None:
        self._sock = sock
        self._who = who
        self._silent = silent
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to read in a loop; called in its thread."""
        self._loop = loop
        loop.add_reader(self._sock.fileno(), self._readable)

    def close(self) -> None:
        """Stop reading and close the socket."""
        if self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())
        self._sock.close()

    def _readable(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                packet, peer = self._sock.recvfrom(65535)
            except OSError:  # nothing more to read, or an ICMP error of an answer that nobody waited for
                return
            call = self._who(Endpoint(*peer[:2]))
            if call is not None:
                self._reply(call, packet, peer)

    def _reply(self, call: Connection, packet: bytes, peer: tuple[str, int]) -> None:
        sent = _reply(call, packet, tcp=False)
        reply = sent.packet
        heard = reply is not None and not (sent.after or sent.astray) and reply[:2] == packet[:2]
        self._silent(peer[1], not heard)
        if reply is None:
            return
        if sent.astray:
            with contextlib.closing(KernelSocket(socket.AF_INET, socket.SOCK_DGRAM)) as elsewhere:
                elsewhere.sendto(reply, peer)
        elif sent.after:
            assert self._loop is not None
            elapse(call.tenant.clock, self._loop, sent.after, functools.partial(self._send, reply, peer))
        else:
            self._send(reply, peer)

    def _send(self, reply: bytes, peer: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):  # a full buffer loses a datagram, as networks do
            self._sock.sendto(reply, peer)


class StreamServer(asyncio.Protocol):
    """One TCP connection of a resolver: questions with their length before them.

    Args:
        call: who asks whom.
        on_lost: called once when the connection is gone.
    """

    def __init__(self, call: Connection, on_lost: Callable[[], None]) -> None:
        self._call = call
        self._on_lost = on_lost
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
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
            elif sent.packet is None:
                self._call.silent(True)  # noqa: FBT003
            else:
                self._transport.write(len(sent.packet).to_bytes(2, "big") + sent.packet)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """Let go."""
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
