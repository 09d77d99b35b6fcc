"""The engine's end of a stream: accepts connections and moves bytes, by its loop's watchers alone."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Callable
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, TypeAlias

from pytest_mailnet.server.watched_socket import WatchedSocket
from pytest_mailnet.system.kernel import KernelLoop, KernelSocket
from pytest_mailnet.values import Endpoint

__all__ = ["Listener", "MakeProtocol", "StreamTransport"]

MakeProtocol: TypeAlias = "Callable[[Endpoint, StreamTransport], asyncio.Protocol | None]"
"""Makes the protocol for a client's address on loopback and its transport; None to reset the connection."""

_AT_ONCE = 64  # connections accepted per wake-up, so that many callers do not starve the others
_CHUNK = 65536  # bytes read per wake-up
_HIGH, _LOW = 65536, 16384  # bytes unsent at which the protocol is to pause, and to go on, as asyncio has it
_NONE_LEFT = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_SECONDS_UNTIL_SOME = 1.0


class Listener(WatchedSocket):
    """A listening socket: gives each connection its protocol.

    Args:
        sock: bound, and not blocking; closed by `close`.
        loop: the engine's.
        protocol: makes the protocol of each connection.

    Attributes:
        transports: those of the connections that are open.
    """

    def __init__(
        self,
        sock: KernelSocket,
        loop: KernelLoop,
        protocol: MakeProtocol,
    ) -> None:
        super().__init__(sock, loop)
        self._protocol = protocol
        self.transports: set[StreamTransport] = set()

    def start(self, backlog: int) -> None:
        """Listen, and accept connections from now on."""
        self._sock.listen(backlog)
        self.want(EVENT_READ)

    def close(self) -> None:
        """Accept no more; connections that are open go on."""
        self.want(0)
        self._sock.close()

    def break_off(self) -> None:
        """Accept no more, and break off the connections that are open."""
        self.close()
        for transport in list(self.transports):
            transport.abort()

    def ready(self, events: int) -> None:  # noqa: ARG002
        """Accept the connections that wait."""
        # A client that does this itself has one call to wait for.
        for _ in range(1 if self._loop.turn_taken_here else _AT_ONCE):
            try:
                sock, peer = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NONE_LEFT:  # the listener was closed meanwhile
                    return
                # The caller waits in the queue until descriptors are free again.
                self.want(0)
                self._loop.call_later(_SECONDS_UNTIL_SOME, self._go_on)
                return
            sock.setblocking(False)  # noqa: FBT003
            with contextlib.suppress(OSError):  # the caller has gone; some systems mind
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            transport = StreamTransport(sock, self._loop, self.transports.discard)
            self.transports.add(transport)
            transport.begin(self._protocol, Endpoint(*peer[:2]))

    def _go_on(self) -> None:
        if self._sock.fileno() >= 0:
            self.want(EVENT_READ)


class StreamTransport(WatchedSocket, asyncio.Transport):
    """The engine's end of one connection, as asyncio's protocols use it.

    Args:
        sock: connected, and not blocking.
        loop: the engine's.
        gone: called when the socket is closed.
    """

    def __init__(
        self, sock: KernelSocket, loop: KernelLoop, gone: Callable[[StreamTransport], object]
    ) -> None:
        super().__init__(sock, loop)
        self._gone = gone
        self._protocol: Any = None
        self._unsent = bytearray()
        self._reading = self._closing = self._lost = self._paused = False

    def begin(self, make: MakeProtocol, peer: Endpoint) -> None:
        """Make the protocol, and hand it the connection and what comes; break off if there is none.

        Args:
            make: makes the protocol.
            peer: the client's address on loopback.
        """
        self._protocol = self._call(make, peer, self)
        if self._protocol is None:
            self.abort()
            return
        self._reading = True
        self._watch()
        self._call(self._protocol.connection_made, self)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send bytes, at once as far as the kernel takes them."""
        if self._lost or not data:
            return
        sent = 0
        if not self._unsent:
            try:
                sent = self._sock.send(data)
            except (BlockingIOError, InterruptedError):
                pass
            except OSError as error:
                self._lose(error)
                return
            if sent == len(data):
                return
        self._unsent += data[sent:]
        self._watch()
        if len(self._unsent) > _HIGH and not self._paused:
            self._paused = True
            self._protocol.pause_writing()

    def close(self) -> None:
        """Close when all is sent."""
        self._closing = True
        if not self._unsent:
            self._lose(None)
        else:
            self._watch()

    def abort(self) -> None:
        """Break off; bytes not yet sent are lost."""
        self._lose(None)

    def is_closing(self) -> bool:
        """Whether it is closed, or will be when all is sent."""
        return self._closing or self._lost

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """The "socket"; anything else is not known."""
        return self._sock if name == "socket" else default

    def get_write_buffer_size(self) -> int:
        """How many bytes are not sent yet."""
        return len(self._unsent)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol that is handed what comes."""
        protocol: asyncio.BaseProtocol = self._protocol
        return protocol

    def pause_reading(self) -> None:
        """Stop reading."""
        self._reading = False
        self._watch()

    def resume_reading(self) -> None:
        """Read again."""
        self._reading = True
        self._watch()

    def ready(self, events: int) -> None:
        """Send what is left to send, and read what has come."""
        if events & EVENT_WRITE and self._unsent:
            self._flush()
        if events & EVENT_READ and self._reading and not self.is_closing():
            self._read()

    def _read(self) -> None:
        try:
            data = self._sock.recv(_CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        if data:
            self._call(self._protocol.data_received, data)
        elif self._call(self._protocol.eof_received):
            self.pause_reading()
        else:
            self.close()

    def _flush(self) -> None:
        try:
            del self._unsent[: self._sock.send(self._unsent)]
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lose(error)
            return
        if self._paused and len(self._unsent) <= _LOW:
            self._paused = False
            self._protocol.resume_writing()
        if not self._unsent:
            self._watch()
            if self._closing:
                self._lose(None)

    def _call(self, method: Callable[..., object], *arguments: object) -> object:
        try:
            return method(*arguments)
        except BaseException as error:
            # Who knows how far the protocol was? The other connections go on.
            self._lose(None)
            if self._loop.turn_taken_here and not isinstance(error, Exception):
                raise  # a signal's, which is meant for the client
            self._loop.call_exception_handler(
                {"message": f"{method!r} failed", "exception": error, "transport": self}
            )
            return None

    def _watch(self) -> None:
        if not self._lost:
            reads = EVENT_READ if self._reading and not self._closing else 0
            self.want(reads | (EVENT_WRITE if self._unsent else 0))

    def _lose(self, error: Exception | None) -> None:
        if self._lost:
            return
        self._lost = True
        self._unsent.clear()
        self.want(0)
        # Later, since the protocol may be in the midst of something.
        self._loop.put_off(lambda: self._end(error))

    def _end(self, error: Exception | None) -> None:
        try:
            if self._protocol is not None:
                self._call(self._protocol.connection_lost, error)
        finally:
            self._sock.close()
            self._gone(self)
