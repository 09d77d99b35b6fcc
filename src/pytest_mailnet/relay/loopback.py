"""The client's end of an SMTP connection to a server of the same net.

There is no socket between the two: when a call returns, the other end has the bytes. The server is the one
that serves applications, and handles the connection like theirs. Only the reply of a handler is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from typing import Any

from pytest_mailnet.errors import InvalidReply
from pytest_mailnet.server.connection import Connection
from pytest_mailnet.server.mail_server import MailServer
from pytest_mailnet.server.tls_channel import TlsChannel, any_certificate
from pytest_mailnet.values import Reply

__all__ = ["HandshakeFailed", "LineLost", "Loopback"]

_PATIENCE = 60.0  # real seconds, with a handler that does not come to an end
_ROUNDS = 8  # a handshake takes three


class LineLost(Exception):
    """The server has hung up, or sent something that is no reply."""


class HandshakeFailed(LineLost):
    """The TLS handshake has failed."""


class Loopback:
    """A connection that the server has accepted, before its banner is read. Used in the engine's thread.

    Args:
        connection: the source, the destination, and the service there.
    """

    def __init__(self, connection: Connection) -> None:
        service = connection.service
        assert service is not None
        self._wire = _Wire()
        server = service.accept(connection, asyncio.get_running_loop())
        assert isinstance(server, MailServer)
        self._server = server
        self._server.connection_made(self._wire)
        self._channel: TlsChannel | None = None
        self._heard = b""
        self._gone = False

    async def reply(self) -> Reply:
        """Read the server's next reply.

        Raises:
            LineLost: if no reply comes.
        """
        if self._server.dialogue.awaiting:
            await self._answered()
        self._hear()
        lines = []
        while True:
            line, end, rest = self._heard.partition(b"\r\n")
            if not end:
                how = "closed the connection" if self._wire.closed else "does not answer"
                self.hang_up()
                raise LineLost(f"the server {how}")
            self._heard = rest
            lines.append(line.decode("utf-8", "replace"))
            if line[3:4] != b"-":
                break
        try:
            return _parsed("\n".join(lines))
        except InvalidReply as error:
            raise LineLost(str(error)) from error

    async def say(self, data: bytes) -> Reply:
        """Send a command or content, and return the reply.

        Raises:
            LineLost: if no reply comes.
        """
        self._send(data)
        return await self.reply()

    def encrypt(self, server_name: str) -> None:
        """Encrypt the connection, with any certificate: any TLS is better than none (RFC 7435).

        Raises:
            HandshakeFailed: if the handshake fails.
        """
        self._channel = channel = TlsChannel(any_certificate(), server_name)
        data = b""
        for _ in range(_ROUNDS):
            try:
                channel.receive(data)
            except ssl.SSLError as error:
                self.hang_up()
                raise HandshakeFailed(f"the TLS handshake failed: {error.reason}") from error
            self._transmit(channel.outgoing())
            if channel.version is not None:
                return
            data = self._wire.taken()
        self.hang_up()
        raise HandshakeFailed("the TLS handshake did not come to an end")

    @property
    def open(self) -> bool:
        """Whether neither end has hung up."""
        return not (self._gone or self._wire.closed)

    def hang_up(self) -> None:
        """Close the connection, if it is still open."""
        if not self._gone:
            self._gone = True
            self._server.connection_lost(None)

    async def _answered(self) -> None:
        """Wait for the reply of a server that does not reply at once, because a handler is asked."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while self._server.dialogue.awaiting and not self._wire.closed:
                    self._wire.more.clear()
                    await self._wire.more.wait()

    def _send(self, data: bytes) -> None:
        if self._channel is not None:
            self._channel.send(data)
            data = self._channel.outgoing()
        self._transmit(data)

    def _transmit(self, data: bytes) -> None:
        if self._wire.closed or self._gone:
            self.hang_up()
            raise LineLost("the server closed the connection")
        self._server.data_received(data)

    def _hear(self) -> None:
        data = self._wire.taken()
        if self._channel is not None and data:
            try:
                data = self._channel.receive(data)
            except ssl.SSLError as error:
                raise LineLost(f"TLS failed: {error.reason}") from error
        self._heard += data


class _Wire(asyncio.Transport):
    """The server's transport: keeps the bytes that the server writes."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []
        self.closed = False
        self.more = asyncio.Event()  # set by whatever the server does

    def taken(self) -> bytes:
        written, self._written = self._written, []
        return b"".join(written)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self._written.append(bytes(data))
        self.more.set()

    def close(self) -> None:
        self.closed = True
        self.more.set()

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


@functools.lru_cache(maxsize=256)  # a queue hears the same again and again
def _parsed(text: str) -> Reply:
    return Reply.parse(text)
