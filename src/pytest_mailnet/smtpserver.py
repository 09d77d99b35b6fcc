"""The wire side of a mail server: aiosmtpd's SMTP, with the conversation taken out of it.

aiosmtpd's class stays what it is for transports, TLS and time-outs. Its command loop runs a task and a
stream reader a session, and reads content line by line; here bytes go to a `Dialogue` as they come. What it
protects against stays: only CRLF.CRLF ends the content (SMTP smuggling), and lines have limits.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any, Protocol, cast

from aiosmtpd.smtp import SMTP, Session

from pytest_mailnet.certificates import Certificate
from pytest_mailnet.clock import Clock
from pytest_mailnet.connection import Connection, elapse
from pytest_mailnet.dialogue import Dialogue
from pytest_mailnet.dialogue import Service as Conversation
from pytest_mailnet.faults import Fault, Manner
from pytest_mailnet.faults.arming import Armed
from pytest_mailnet.faults.damage import EARLY, damage
from pytest_mailnet.faults.fault import CERTIFICATES, LATE_SECONDS
from pytest_mailnet.faults.slowlink import SlowLink
from pytest_mailnet.journal import Finding, Journal
from pytest_mailnet.model import Stage
from pytest_mailnet.routes import IMPLICIT_TLS_PORTS
from pytest_mailnet.step import Step
from pytest_mailnet.tlschannel import TlsChannel

__all__ = ["MailHost", "MailServer", "MailService"]

_IDLE = 300.0  # RFC 5321, 4.5.3.2.7
_KEPT = 12289  # of an unfinished command line, in bytes: more than any command may have
_ENDS_A_HANDSHAKE = {Manner.HANDSHAKE_STALLED: "stall", Manner.HANDSHAKE_CLOSED: "close"}
_AT_ONCE = struct.pack("ii", 1, 0)  # struct linger: on, for no time


class MailHost(Conversation, Protocol):
    """What a mail server needs of its host."""

    @property
    def faults(self) -> Armed:
        """What goes wrong on its connections."""

    @property
    def clock(self) -> Clock:
        """The net's."""

    def tls_context(self, certificate: Certificate | None = None) -> ssl.SSLContext:
        """What it shakes hands with; what a certificate says that one connection is shown in its place."""


class MailService:
    """What listens at a host's port, for the engine.

    Args:
        host: decides what its sessions are told.
        provider: the name under which they are recorded.
        journal: where they are recorded.
        departed: told of each connection that is gone.
        drawn: what the connection meets besides the host's own faults.
    """

    def __init__(
        self,
        host: MailHost,
        provider: str,
        journal: Journal,
        departed: Callable[[Connection], None],
        drawn: Fault | None = None,
    ) -> None:
        self._host, self._provider, self._journal, self._departed = host, provider, journal, departed
        self._drawn = drawn

    def accept(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> asyncio.Protocol:
        """Open the session's record and return the server that serves it."""
        assert connection.destination is not None
        session = self._journal.open_session(
            connection.source, connection.destination, self._host.hostname, self._provider
        )
        step = Step(session, connection.source, connection.destination, self._host.hostname)
        dialogue = Dialogue(self._host, step, self._journal)
        dialogue.starting_tls = connection.destination.port in IMPLICIT_TLS_PORTS
        server = MailServer(dialogue, step, loop, self._host, lambda: self._departed(connection))
        server.faults = self._host.faults.with_drawn(self._drawn)
        server.silent = connection.silent
        server.once_connected = connection.once_connected
        return server


class MailServer(SMTP):
    """Serves one connection. All of it runs in the loop's thread.

    Args:
        dialogue: the conversation.
        step: the session.
        loop: the engine's.
        host: has what it shakes hands with, and what goes wrong.
        on_lost: called once when the connection is gone.

    Attributes:
        faults: what goes wrong on it.
        silent: told whether nothing more comes unless time passes.
        once_connected: has something done when the client's connect has returned.
    """

    def __init__(
        self,
        dialogue: Dialogue,
        step: Step,
        loop: asyncio.AbstractEventLoop,
        host: MailHost,
        on_lost: Callable[[], None],
    ) -> None:
        # None of the base classes' __init__: aiosmtpd's looks through all attributes of the class for every
        # connection, asyncio's makes a stream reader. What their methods need that are left is set here.
        self.loop = loop
        self.transport: asyncio.Transport | None = None
        self.session = Session(loop)
        self._original_transport: asyncio.BaseTransport | None = None
        self._tls_protocol: Any = None
        self._dialogue = dialogue
        self._step = step
        self._host = host
        self.faults = host.faults
        self.silent: Callable[[bool], object] = bool
        self.once_connected: Callable[[Callable[[], object]], object] = lambda do: do()
        self._stalled = False
        self._late: bytearray | None = None  # what came while a reply is late
        self._forgotten: Fault | None = None
        self._tls_fault: Fault | None = None
        self._said_early: Stage | None = None
        self._on_lost = on_lost
        self._rest = b""
        self._channel: TlsChannel | None = None
        self._heard = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client, once hands are shaken where the port is one for TLS alone (RFC 8314, 3.3)."""
        self.transport = cast("asyncio.Transport", transport)
        # The client's address in the net; the transport knows only that on the machine.
        cast("Session", self.session).peer = cast("Any", tuple(self._step.client))
        self._heard = self.loop.time()
        self._timer = self.loop.call_later(_IDLE, self._idle)
        slow = self.faults.slow() if self.faults else None
        if slow is not None:
            self.transport = SlowLink(self.transport, self._later)
        stripped = None
        if self._dialogue.starting_tls:
            self._shake_hands()
        else:
            stripped = self.faults.stripped() if self.faults else None
            self._step.stripped = stripped is not None
            self._send(self._given([], self._dialogue.greet()))
        for fault in filter(None, (slow, stripped)):
            self._note(fault)

    def data_received(self, data: bytes) -> None:
        """Answer every command and content that is complete by now, with one write."""
        self._heard = self.loop.time()
        if self._forgotten is not None:
            self.reset(f"fault {self._forgotten.id}")
        if self._stalled:
            return
        if self._late is not None:
            self._late += data
            return
        if self._channel is not None:
            data = self._decrypted(self._channel, data)
        self._send(self._replies(self._rest + data))
        self._begin_tls()

    def _begin_tls(self) -> None:
        if self._dialogue.starting_tls and self._channel is None and self._late is None:
            # What was sent before the handshake is no part of the encrypted session (CVE-2011-0411).
            self._rest = b""
            self._shake_hands()

    def _shake_hands(self) -> None:
        self._tls_fault = fault = self.faults.tls() if self.faults else None
        shown = None if fault is None else CERTIFICATES.get(fault.manner)
        self._channel = TlsChannel(self._host.tls_context(shown))

    def _replies(self, data: bytes) -> bytes:
        dialogue, begin = self._dialogue, 0
        replies: list[bytes] = []
        # What was pipelined behind a reply that closes is not answered.
        while not (dialogue.closing or dialogue.starting_tls or self._stalled or self._late is not None):
            if dialogue.reading is not None:
                if self.faults and self._broken_off(replies, data[begin:]):
                    break
                behind = dialogue.reading.feed(data[begin:])
                if behind is None:
                    begin = len(data)
                    break
                data, begin = behind, 0
                replies.append(self._given(replies, dialogue.content()))
                continue
            end = data.find(b"\n", begin) + 1
            if not end:
                break
            replies.append(self._given(replies, dialogue.command(data[begin:end], pipelined=end < len(data))))
            begin = end
        self._rest = data[begin : begin + _KEPT]
        return b"".join(replies)

    def _given(self, before: list[bytes], reply: bytes) -> bytes:
        """A reply as it goes out: as it is, unless something goes wrong now."""
        stage = self._step.session.exchanges[-1].stage if self.faults and reply else None
        if stage is None:
            return reply
        if stage is self._said_early:
            self._said_early = None
            return b""
        fault = self.faults.at(stage)
        if fault is None:
            return self._with_next(stage, reply)
        pieces, then = damage(fault.manner, reply)
        self._note(fault, b"".join(pieces))
        self._send(b"".join(before))
        before.clear()
        if then == "late":
            self._be_late(reply)
            return b""
        *firsts, last = pieces or [b""]
        for piece in firsts:
            self._send(piece)
        self._end(then, fault)
        return last

    def _with_next(self, stage: Stage, reply: bytes) -> bytes:
        fault = self.faults.early(stage, reply)
        if fault is None:
            return reply
        self._said_early = fault.stage
        reply += EARLY[fault.stage]
        self._note(fault, reply)
        return reply

    def _note(self, fault: Fault, reply: bytes | None = None) -> None:
        # Whatever comes of it, who waits from now on has been kept waiting by the fault.
        self.silent(True)  # noqa: FBT003
        exchanges = self._step.session.exchanges
        if exchanges:
            last = exchanges[-1]
            exchanges[-1] = last._replace(
                reply=last.reply if reply is None else reply, finding=Finding("fault", fault.does)
            )

    def _broken_off(self, before: list[bytes], data: bytes) -> bool:
        """Whether something goes wrong amid the content, of which this has come."""
        fault = self.faults.at(Stage.MESSAGE, in_content=True) if data else None
        if fault is None:
            return False
        self._note(fault)
        self._send(b"".join(before))
        before.clear()
        self._end(damage(fault.manner, b"").then, fault)
        return True

    def _end(self, then: str, fault: Fault) -> None:
        how = f"fault {fault.id}"
        match then:
            case "close":
                self._lost(how)
            case "reset":
                # A connect would sometimes fail by it: the client may not have seen yet that it stands.
                self.once_connected(lambda: self.reset(how))
            case "stall":
                self._stalled = True
            case "forget":
                self._forgotten = fault

    def _be_late(self, reply: bytes) -> None:
        self._late = bytearray()

        def say() -> None:
            data, self._late = bytes(self._late or b""), None
            self._send(reply)
            self._begin_tls()
            if self.transport is not None:
                self.data_received(data)

        self._later(LATE_SECONDS, say)

    def _later(self, seconds: float, do: Callable[[], object]) -> None:
        elapse(self._host.clock, self.loop, seconds, do)

    def _decrypted(self, channel: TlsChannel, data: bytes) -> bytes:
        shaking = channel.version is None
        fault = self._tls_fault
        if shaking and fault is not None and fault.manner in _ENDS_A_HANDSHAKE:
            self._note(fault)
            self._end(_ENDS_A_HANDSHAKE[fault.manner], fault)
            return b""
        if shaking and fault is not None and fault.manner in CERTIFICATES:
            self._note(fault)
            self._tls_fault = None
        try:
            data = channel.receive(data)
        except ssl.SSLError as error:
            self._lost(f"TLS {'handshake ' if shaking else ''}failed: {error.reason or error}")
            data = b""
        if shaking and channel.version is not None:
            greeting = self._dialogue.encrypted(channel.version)
            self._send(self._given([], greeting) if greeting else b"")
        return data

    def _encrypted(self, channel: TlsChannel, reply: bytes) -> bytes:
        fault, self._tls_fault = self._tls_fault, None if reply else self._tls_fault
        manner = fault.manner if fault is not None and reply else None
        if fault is not None and reply:
            self._note(fault)
        if manner is Manner.NO_CLOSE_NOTIFY and fault is not None:
            self._lost(f"fault {fault.id}")
            return b""
        if manner is Manner.CLEAR_AGAIN:
            return channel.outgoing() + reply
        if reply:
            channel.send(reply)
        if self._dialogue.closing:
            channel.close()
        sent = channel.outgoing()
        return sent[:-1] + bytes([sent[-1] ^ 0xFF]) if manner is Manner.BROKEN_RECORD else sent

    def eof_received(self) -> bool:
        """Let the transport close."""
        self._lost("client closed the connection")
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """Let go of everything."""
        self._lost("client closed the connection" if error is None else "connection reset")
        if self._timer is not None:
            self._timer.cancel()
        self.transport = None
        self._on_lost()

    def pause_writing(self) -> None:
        """Take no commands from a client that does not read its replies."""
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        if self.transport is not None:
            self.transport.resume_reading()

    def reset(self, how: str) -> None:
        """Break the connection off with a RST, so that the client sees an error and no orderly end.

        Args:
            how: what the session's record says of it.
        """
        self._lost(how)
        if self.transport is not None:
            sock = self.transport.get_extra_info("socket")
            with contextlib.suppress(OSError, AttributeError):  # a queue's line has no socket
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.transport.abort()

    def _lost(self, how: str) -> None:
        reading = self._dialogue.reading
        self._dialogue.lost(how, self._rest if reading is None else reading.begun)

    def _send(self, reply: bytes) -> None:
        if self.transport is None:
            return
        if self._channel is not None:
            reply = self._encrypted(self._channel, reply)
        if reply:
            self.transport.write(reply)
        if self._dialogue.closing:
            self.transport.close()

    def _idle(self) -> None:
        # One timer a connection, set again for the time that is left, and not one a command.
        left = self._heard + _IDLE - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(left, self._idle)
        elif self.transport is not None:
            self._lost(f"idle for {_IDLE:g} s")
            self.transport.close()
