"""A server of mail on the wire: passes lines to a conversation, and replies to the client, over TLS too."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from pytest_mailnet.certificates import Certificate
from pytest_mailnet.clock import timekeeper_of
from pytest_mailnet.faults import Fault, Manner
from pytest_mailnet.faults.fault import CERTIFICATES
from pytest_mailnet.record.session import fold
from pytest_mailnet.server.connection import elapse
from pytest_mailnet.server.handshakes import why_failed
from pytest_mailnet.server.slow_link import SlowLink
from pytest_mailnet.server.tls_channel import TlsChannel
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.server.faulty import Mishaps
    from pytest_mailnet.server.wire_dialogue import WireDialogue, WireHost
    from pytest_mailnet.smtp.state import Step

__all__ = ["MailServer"]

_ENDS_A_HANDSHAKE = {Manner.HANDSHAKE_STALLED: "stall", Manner.HANDSHAKE_CLOSED: "close"}
_AT_ONCE = struct.pack("ii", 1, 0)  # struct linger: on, for no time


class MailServer(asyncio.Protocol):
    """The server's end of one connection. Everything here runs in the loop's thread.

    Args:
        dialogue: the conversation.
        step: the session.
        loop: the engine's.
        host: the host, with its certificates and faults.
        on_lost: called once when the connection is gone.

    Attributes:
        dialogue: the conversation.
        mishaps: the connection's faults.
    """

    mishaps: Mishaps

    def __init__(
        self,
        dialogue: WireDialogue,
        step: Step,
        loop: asyncio.AbstractEventLoop,
        host: WireHost,
        on_lost: Callable[[], None],
    ) -> None:
        self.loop = loop
        self.transport: asyncio.Transport | None = None
        self.dialogue = dialogue
        self._step = step
        self._host = host
        self._tls_fault: Fault | None = None
        self._on_lost = on_lost
        self._rest = b""
        self._channel: TlsChannel | None = None
        self._shown = Certificate.VALID
        self._time = timekeeper_of(host.clock)
        self._heard = self._time.now

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client; at a port for TLS from the first byte on, after the handshake (RFC 8314, 3.3)."""
        self.transport = cast("asyncio.Transport", transport)
        self._heard = self._time.now
        mishaps = self.mishaps
        slow = mishaps.armed.slow() if mishaps.armed else None
        if slow is not None:
            self.transport = SlowLink(self.transport, self.later)
        stripped = None
        if self.dialogue.starting_tls:
            self._shake_hands()
        else:
            stripped = mishaps.armed.stripped() if mishaps.armed else None
            self._step.stripped = stripped is not None
            self.send(mishaps.reply([], self.dialogue.greet()))
        for fault in filter(None, (slow, stripped)):
            mishaps.note(fault)

    def data_received(self, data: bytes) -> None:
        """Answer every complete command and content, in one write."""
        self._heard = self._time.now
        if not self.mishaps.hear(data):
            return
        channel = self._channel
        if channel is None:
            self.send(self._replies(self._rest + data if self._rest else data))
        else:
            self.send(self._replies(self._rest + self._decrypted(channel, data)))
            if channel.ended and not self.mishaps.deaf:
                self._hang_up(self._left())
        if self.dialogue.starting_tls:
            self._begin_tls()

    def resume(self, data: bytes) -> None:
        """Go on with the bytes that came while a reply was late."""
        self._begin_tls()
        if self.transport is not None:
            self.data_received(data)

    def _begin_tls(self) -> None:
        if self.dialogue.starting_tls and self._channel is None and not self.mishaps.late:
            # Bytes sent before the handshake are no part of the encrypted session (CVE-2011-0411).
            self._rest = b""
            self._shake_hands()

    def _shake_hands(self) -> None:
        armed = self.mishaps.armed
        self._tls_fault = fault = armed.tls() if armed else None
        shown = None if fault is None else CERTIFICATES.get(fault.manner)
        self._shown = shown or self._host.certificate
        self._channel = TlsChannel(self._host.tls_context(self._shown))

    def _replies(self, data: bytes) -> bytes:
        dialogue, mishaps, begin = self.dialogue, self.mishaps, 0
        replies: list[bytes] = []
        # Commands pipelined behind a reply that closes are not answered.
        while not (dialogue.closing or dialogue.starting_tls or dialogue.awaiting or mishaps.deaf):
            if dialogue.owed:
                replies.append(mishaps.reply(replies, dialogue.further()))
                continue
            if dialogue.reading is not None:
                if mishaps.armed and mishaps.broken_off(replies, data[begin:]):
                    break
                behind = dialogue.reading.feed(data[begin:])
                if behind is None:
                    begin = len(data)
                    break
                data, begin = behind, 0
                if mishaps.dies_at(None, replies):
                    break
                replies.append(mishaps.reply(replies, dialogue.content(pipelined=bool(behind))))
                continue
            end = data.find(b"\n", begin) + 1
            if not end:
                break
            if mishaps.dies_at(data[begin:end], replies):
                break
            reply = dialogue.command(data[begin:end], pipelined=end < len(data))
            replies.append(mishaps.reply(replies, reply))
            begin = end
        # All bytes pipelined behind a command are kept while its reply is still to come.
        self._rest = data[begin:] if dialogue.awaiting else data[begin : begin + dialogue.longest_line]
        return b"".join(replies)

    @property
    def tls_info(self) -> dict[str, object]:
        """What asyncio's transports know of an encrypted connection: cipher, certificate, context."""
        return {} if self._channel is None else self._channel.info

    def answered(self, reply: bytes) -> None:
        """Send a reply that was awaited, and go on with the bytes that came meanwhile."""
        if self.transport is None:
            return
        reply = self.mishaps.reply([], reply)
        self.send(reply + self._replies(self._rest))
        self._begin_tls()

    def later(self, seconds: float, do: Callable[[], object]) -> None:
        """Run a callback after some seconds of the net's time.

        Args:
            seconds: the delay.
            do: the callback.
        """
        elapse(self._host.clock, self.loop, seconds, do)

    def _decrypted(self, channel: TlsChannel, data: bytes) -> bytes:
        shaking = channel.version is None
        fault = self._tls_fault
        if shaking and fault is not None and fault.manner in _ENDS_A_HANDSHAKE:
            self.mishaps.note(fault)
            self.mishaps.end(_ENDS_A_HANDSHAKE[fault.manner], fault)
            return b""
        if shaking and fault is not None and fault.manner in CERTIFICATES:
            self.mishaps.note(fault)
            self._tls_fault = None
        try:
            data = channel.receive(data)
        except ssl.SSLError as error:
            self.lose(why_failed(error, self._host.hostname, self._shown if shaking else None))
            data = b""
        if shaking and channel.version is not None:
            greeting = self.dialogue.encrypted(channel.version)
            self.send(self.mishaps.reply([], greeting) if greeting else b"")
        return data

    def _encrypted(self, channel: TlsChannel, reply: bytes) -> bytes:
        fault = self._tls_fault if reply or (self.dialogue.closing and channel.version) else None
        manner = fault and fault.manner
        if fault is not None:
            self._tls_fault = None
            self.mishaps.note(fault)
            if manner is Manner.NO_CLOSE_NOTIFY:
                self.lose(f"fault {fault.id}")
                return b""
        if manner is Manner.CLEAR_AGAIN:
            return channel.outgoing() + reply
        if reply:
            channel.send(reply)
        if self.dialogue.closing and not self.mishaps.deaf and not self._left_open():
            channel.close()
        sent = channel.outgoing()
        return sent[:-1] + bytes([sent[-1] ^ 0xFF]) if sent and manner is Manner.BROKEN_RECORD else sent

    def _left_open(self) -> bool:
        """Whether a fault keeps the server from saying that an encrypted connection ends here."""
        armed, exchanges = self.mishaps.armed, self._step.session.exchanges
        at_quit = armed and exchanges and exchanges[-1].stage is Stage.QUIT
        fault = armed.unclosed() if at_quit else None
        if fault is not None:
            self.mishaps.note(fault)
        return fault is not None

    def eof_received(self) -> bool:
        """Record that the client has closed, and let the transport close."""
        self._hang_up(self._left())
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Record the end."""
        self.mishaps.lost()
        self.lose(self._left() if error is None else "connection reset")
        fold(self._step.session)
        self.transport = None
        self._on_lost()

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read its replies."""
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Read again."""
        if self.transport is not None:
            self.transport.resume_reading()

    def reset(self, how: str) -> None:
        """Break the connection off with a RST, so that the client sees an error and no orderly end.

        Args:
            how: the end in words, for the session's record.
        """
        self.lose(how)
        if self.transport is not None:
            sock = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError, AttributeError):  # a queue's line has no socket
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.transport.abort()

    def let_go_if_idle(self) -> None:
        """Hang up if the client has been silent for as long as the host allows, by the net's clock."""
        dialogue, channel = self.dialogue, self._channel
        if self.transport is None or dialogue.closing or dialogue.awaiting or self.mishaps.deaf:
            return
        allowed = self._host.idle_seconds
        if not allowed or (self._time.now - self._heard).total_seconds() < allowed:
            return
        if dialogue.starting_tls or (channel is not None and channel.version is None):
            self._hang_up(f"idle for {allowed} s, in the TLS handshake")
        else:
            reading = dialogue.reading
            self.send(dialogue.timed_out(self._rest if reading is None else reading.begun))

    def lose(self, how: str) -> None:
        """Record that the connection has ended, and how; the next `send` closes it."""
        reading = self.dialogue.reading
        self.dialogue.lost(how, self._rest if reading is None else reading.begun)

    def push(self, make: Callable[[], bytes]) -> None:
        """Send what answers no command, if the conversation goes on and has something to say.

        Args:
            make: makes the bytes.
        """
        if self.transport is not None and not self.dialogue.closing and not self.mishaps.deaf:
            said = make()
            if said or self.dialogue.closing:
                self.send(self.mishaps.reply([], said))

    def send(self, reply: bytes) -> None:
        """Send bytes to the client, encrypted after a handshake; close where the conversation has ended."""
        if self.transport is None:
            return
        if self._channel is not None:
            reply = self._encrypted(self._channel, reply)
        if reply:
            self.transport.write(reply)
        if self.dialogue.closing and not self.mishaps.deaf:
            self.transport.close()

    def _left(self) -> str:
        shaking = self._channel is not None and self._channel.version is None
        return "client closed the connection" + (" in the TLS handshake" if shaking else "")

    def _hang_up(self, how: str) -> None:
        """Close the connection, with a close_notify where it is encrypted (RFC 5246, 7.2.1)."""
        self.lose(how)
        self.send(b"")
