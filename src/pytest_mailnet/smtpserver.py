"""The wire side of a mail server: aiosmtpd's SMTP, with the conversation taken out of it.

aiosmtpd's class stays what it is for transports, TLS and time-outs. Its command loop runs a task and
a stream reader a session, and reads content line by line; here bytes go to a `Dialogue` as they come. What it
protects against stays: only CRLF.CRLF ends the content (SMTP smuggling), lines have limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Any

from aiosmtpd.smtp import SMTP, Session

from pytest_mailnet.connection import Connection
from pytest_mailnet.dialogue import Dialogue, Service
from pytest_mailnet.journal import Journal
from pytest_mailnet.step import Step

__all__ = ["MailServer", "MailService"]

_IDLE = 300.0  # RFC 5321, 4.5.3.2.7
_COMMAND_BUFFER = 1001  # aiosmtpd's: past this a line is thrown away up to its end
_LINE_LIMIT: int = SMTP.line_length_limit
_END = b"\r\n.\r\n"
_BEFORE = b"\r\n"  # the end of the DATA line stands before the content, so that a dot alone ends an empty one


class MailService:
    """What listens at a host's port, for the engine."""

    def __init__(
        self, host: Service, provider: str, journal: Journal, departed: Callable[[Connection], None]
    ) -> None:
        self._host, self._provider, self._journal, self._departed = host, provider, journal, departed

    def accept(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
        """Open the session's record and return the server that serves it."""
        session = self._journal.open_session(
            connection.source, connection.destination, self._host.hostname, self._provider
        )
        step = Step(session, connection.source, connection.destination, self._host.hostname)
        dialogue = Dialogue(self._host, step, self._journal)
        return MailServer(dialogue, step, loop, lambda: self._departed(connection))


class MailServer(SMTP):
    """Serves one connection.

    Args:
        dialogue: the conversation.
        step: the session.
        loop: the engine's.
        on_lost: called once when the connection is gone.
    """

    def __init__(
        self, dialogue: Dialogue, step: Step, loop: asyncio.AbstractEventLoop, on_lost: Callable[[], None]
    ) -> None:
        # Not aiosmtpd's __init__: it looks through all attributes of the class for every connection. What
        # its TLS and closing code needs is set here.
        asyncio.StreamReaderProtocol.__init__(self, asyncio.StreamReader(loop=loop), loop=loop)
        self.loop = loop
        self.transport: asyncio.Transport | None = None
        self.session: Any = Session(loop)
        self._original_transport: asyncio.BaseTransport | None = None
        self._tls_protocol: Any = None
        self._dialogue = dialogue
        self._step = step
        self._on_lost = on_lost
        self._buffer = bytearray()
        self._skipping = False
        self._kept = bytearray(_BEFORE)
        self._too_big = False
        self._heard = loop.time()
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.session.peer = tuple(self._step.client)
        self._timer = self.loop.call_later(_IDLE, self._idle)
        self._send(self._dialogue.greet())

    def data_received(self, data: bytes) -> None:
        self._heard = self.loop.time()
        if self._dialogue.closing:
            return  # what was pipelined behind a reply that closes is not answered
        self._buffer += data
        replies = []
        while self._buffer and not self._dialogue.closing:
            reply = self._content() if self._dialogue.reading_content else self._command()
            if reply is None:
                break
            replies.append(reply)
        self._send(b"".join(replies))

    def eof_received(self) -> bool:
        self._dialogue.ended("client closed the connection")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._dialogue.ended("connection reset" if error else "client closed the connection")
        if self._timer is not None:
            self._timer.cancel()
        self.transport = None
        self._on_lost()

    def pause_writing(self) -> None:
        """Stop reading commands from a client that does not read its replies."""
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on reading."""
        if self.transport is not None:
            self.transport.resume_reading()

    def reset(self, how: str) -> None:
        """Break the connection off with a RST, so that the client sees an error and no orderly end."""
        self._dialogue.ended(how)
        if self.transport is not None:
            sock = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()

    def _command(self) -> bytes | None:
        end = self._buffer.find(b"\n")
        if self._skipping:
            del self._buffer[: end + 1 if end >= 0 else len(self._buffer)]
            self._skipping = end < 0
            return b"" if end >= 0 else None
        if end < 0:
            if len(self._buffer) <= _COMMAND_BUFFER:
                return None
            begun = bytes(self._buffer[:_COMMAND_BUFFER])
            self._buffer.clear()
            self._skipping = True
            return self._dialogue.too_long(begun)
        line = bytes(self._buffer[: end + 1])
        del self._buffer[: end + 1]
        return self._dialogue.command(line)

    def _content(self) -> bytes | None:
        """Take the content up to its end, throwing away what is over the size limit."""
        kept = self._kept
        scanned = max(0, len(kept) - len(_END) + 1)
        kept += self._buffer
        self._buffer.clear()
        end = kept.find(_END, scanned)
        limit = self._dialogue.size_limit
        if end < 0:
            if limit is not None and len(kept) > limit + len(_BEFORE) + len(_END):
                self._too_big = True
                del kept[: -len(_END)]
            return None
        self._buffer += kept[end + len(_END) :]
        content = bytes(kept[: end + 2])
        self._kept = bytearray(_BEFORE)
        too_big, self._too_big = self._too_big, False
        # Counted as sent, dots stuffed: RFC 1870, 3 leaves a server that much room.
        if too_big or (limit is not None and len(content) - len(_BEFORE) > limit):
            return self._dialogue.content(b"", "size_exceeded")
        longest = len(content) if len(content) <= _LINE_LIMIT else max(map(len, content.split(b"\r\n"))) + 2
        if longest > _LINE_LIMIT:
            return self._dialogue.content(b"", "content_line_too_long")
        # Of the dots that a line begins with, one was put there by the client (RFC 5321, 4.5.2).
        return self._dialogue.content(content.replace(b"\r\n.", b"\r\n")[len(_BEFORE) :])

    def _send(self, reply: bytes) -> None:
        if self.transport is None:
            return
        if reply:
            self.transport.write(reply)
        if self._dialogue.closing:
            self.transport.close()

    def _idle(self) -> None:
        """Close a connection on which nothing has come for too long; else look again later."""
        left = self._heard + _IDLE - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(left, self._idle)
        elif self.transport is not None:
            self._dialogue.ended(f"idle for {_IDLE:.0f} s")
            self.transport.close()
