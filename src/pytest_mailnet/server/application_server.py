"""A server of the application's that really listens somewhere, and decides the conversations of a host."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from pytest_mailnet.addresses import checked_endpoint
from pytest_mailnet.errors import InvalidSetting, amongst
from pytest_mailnet.handles.attributes import flag
from pytest_mailnet.server.announcing import Announcement, proxy_line, xclient_line, xclient_offer
from pytest_mailnet.server.tls_channel import TlsChannel, any_certificate
from pytest_mailnet.smtp.parameters import offer_of
from pytest_mailnet.system.kernel import KernelSocket
from pytest_mailnet.values import Endpoint, Fate, Reply, Stage

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver
    from pytest_mailnet.server.passed_dialogue import PassedDialogue
    from pytest_mailnet.server.smtp_server import MailHost

__all__ = ["ApplicationServer", "Reach"]

Reach: TypeAlias = "Callable[[str, str], KernelSocket | None]"
"""Makes the socket for a connection between two addresses; None where that is the machine's own to make."""

_CHUNK = 65536
_NOT_PASSED_ON = frozenset({"CHUNKING", "BINARYMIME"})  # content goes by DATA alone


class ApplicationServer:
    """Where a server of the application's listens.

    Args:
        call: the beginning of the test's call, for error messages.
        at: its real address and port.
        announce: how it is told who connects; None if it is not.
        lmtp: whether it speaks LMTP (RFC 2033), whatever its clients here speak.
        reach: makes the socket for a connection from a client's address to the server's, where the server is
            among the net's programs; None where it is on the machine.
        dns: the net's, where the names of clients are looked up.

    Raises:
        InvalidSetting: for anything else.
    """

    def __init__(  # noqa: PLR0917  # called once
        self, call: str, at: object, announce: object, lmtp: object, reach: Reach, dns: Resolver
    ) -> None:
        if announce not in {None, *get_args(Announcement)}:
            known = amongst(str(announce), get_args(Announcement))
            raise InvalidSetting(
                f"{call}, announce={announce!r}): it is not told who connects by that{known}"
            )
        self.at: Endpoint = checked_endpoint(at, f"{call}, at", "the application's server really listens")
        self.announce = announce
        self.reach: Reach = reach
        self.dns = dns
        self.lmtp: bool = flag(lmtp, f"{call}, lmtp=...)")

    def start(self) -> None:
        """Do nothing: the application has started it."""

    def close(self) -> None:
        """Do nothing: each connection ends with the client's."""

    def far_end(
        self, dialogue: PassedDialogue, host: MailHost, loop: asyncio.AbstractEventLoop
    ) -> _Connection:
        """Make the far end of a conversation; it connects when the banner is due.

        Args:
            dialogue: the conversation.
            host: the host that it is held with.
            loop: the engine's.
        """
        return _Connection(self, dialogue, host, loop)


class _Connection:
    """One connection to the application's server, encrypted when the client's is, with any certificate.

    What the `PassedDialogue` wants of it is done in turn, in the engine's loop.
    """

    def __init__(
        self,
        server: ApplicationServer,
        dialogue: PassedDialogue,
        host: MailHost,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._server, self._dialogue, self._host, self._loop = server, dialogue, host, loop
        self._in_turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._sock: KernelSocket | None = None
        self._channel: TlsChannel | None = None
        self._encrypts = False
        self._heard = b""
        self._hello = b""

    def begin(self) -> None:
        """Connect, and pass the banner on."""
        self._do(self._greet())

    def say(self, data: bytes) -> None:
        """Pass a command or a content on, and its reply back."""
        self._do(self._pass(data))

    def discard(self, content: bytes) -> None:  # noqa: ARG002
        """Hang up in the midst of the content, so that the server does not take it."""
        self._hang_up()
        self._dialogue.heard(b"554 5.3.0 refused\r\n")  # the test's answer takes its place

    def begin_anew(self) -> None:
        """Encrypt this connection too."""
        self._encrypts = True
        self._do(self._encrypt())

    def end(self) -> None:
        """Hang up."""
        for task in self._tasks:
            task.cancel()
        self._hang_up()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(self._done(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _done(self, work: Coroutine[Any, Any, None]) -> None:
        async with self._in_turn:
            try:
                await work
            except (OSError, ssl.SSLError) as error:
                self._hang_up()
                # asyncio writes more than the reason into `strerror`, and OpenSSL has numbers of its own.
                why = str(error) if isinstance(error, ssl.SSLError) else os.strerror(error.errno or 0)
                self._dialogue.hung_up(f"the application's server at {self._server.at} is gone: {why}")

    async def _greet(self) -> None:
        banner = await self._open()
        if self._server.announce == "XCLIENT" and banner.startswith(b"2"):
            banner = await self._announced_by_xclient()
        self._dialogue.heard(banner)

    async def _pass(self, data: bytes) -> None:
        if self._sock is None:  # hung up over a content that the test has refused
            await self._reopen()
        lmtp, stage = self._speaks_lmtp, self._dialogue.stage
        if data[:4].upper() in {b"EHLO", b"HELO", b"LHLO"}:
            self._hello = data = b"LHLO" + data[4:] if lmtp else data
        reply = await self._asked(data)
        if data == self._hello:
            reply = _without(self._unoffered(), reply)
        elif stage is Stage.MESSAGE and lmtp:
            reply = await self._for_each_recipient(reply)
        self._dialogue.heard(reply)

    async def _for_each_recipient(self, first: bytes) -> bytes:
        """The replies after the dot, of which LMTP has one for each recipient (RFC 2033, 4.2).

        A client that speaks SMTP is told one. The host returns the mail for those who are refused alone, as a
        server does that hands mail over by LMTP.
        """
        step = self._dialogue.step
        replies = [first, *[await self._reply() for _ in step.recipients[1:]]]
        refused = frozenset(number for number, it in enumerate(replies) if not it.startswith(b"2"))
        if step.lmtp:
            return b"".join(replies)
        if not refused or len(refused) == len(replies):
            return first
        said = Reply.parse(replies[min(refused)].decode("utf-8", "replace"))
        step.fate = Fate("bounce", said, refused)
        return next(it for it in replies if it.startswith(b"2"))

    @property
    def _speaks_lmtp(self) -> bool:
        """Whether the server is spoken to in LMTP, because it is said to, or because the client does."""
        return self._server.lmtp or self._dialogue.step.lmtp

    def _unoffered(self) -> frozenset[str]:
        offered = offer_of(self._host.extension_lines(self._dialogue.step) or ()).keywords
        return _NOT_PASSED_ON if "STARTTLS" in offered else _NOT_PASSED_ON | {"STARTTLS"}

    async def _open(self) -> bytes:
        """Connect, and read the banner."""
        at, step = self._server.at, self._dialogue.step
        self._sock = self._server.reach(step.client.ip, at.ip)
        if self._sock is None:
            self._sock = KernelSocket(socket.AF_INET6 if ":" in at.ip else socket.AF_INET, socket.SOCK_STREAM)
            self._sock.setblocking(False)  # noqa: FBT003
        self._channel, self._heard = None, b""
        await self._loop.sock_connect(self._sock, tuple(at))  # type: ignore[arg-type]  # KernelSocket has what it needs
        if self._server.announce == "PROXY":
            await self._write(proxy_line(step.client, step.server))
        return await self._reply()

    async def _reopen(self) -> None:
        """Bring a new connection to where the last one was between two mails."""
        await self._open()
        if self._server.announce == "XCLIENT":
            await self._announced_by_xclient()
        if self._encrypts:
            await self._asked(self._hello)
            await self._asked(b"STARTTLS\r\n")
            await self._encrypt()
        await self._asked(self._hello)

    async def _announced_by_xclient(self) -> bytes:
        """Say who connects; the banner that follows."""
        step = self._dialogue.step
        hello = "LHLO" if self._speaks_lmtp else "EHLO"
        offered = xclient_offer(await self._asked(f"{hello} {step.host}\r\n".encode()))
        if offered is None:
            error = InvalidSetting(
                f"mailnet.add_server({step.host!r}, at={tuple(self._server.at)!r}, announce='XCLIENT'): the "
                f"server there does not offer XCLIENT in reply to {hello}. Postfix does to clients that "
                "smtpd_authorized_xclient_hosts names, Dovecot to those of login_trusted_networks: 127.0.0.1"
            )
            told = "421 4.3.5 Server configuration error"
            self._dialogue.service.failed(error, Stage.CONNECT, step, told)
            self._hang_up()
            return f"{told}\r\n".encode()
        return await self._asked(xclient_line(offered, step.client, self._server.dns))

    async def _encrypt(self) -> None:
        channel = TlsChannel(any_certificate(), self._host.hostname)
        data = b""
        while channel.version is None:
            try:
                channel.receive(data)
            finally:
                await self._send(channel.outgoing())
            if channel.version is None:
                data = await self._received()
        self._channel = channel

    async def _asked(self, data: bytes) -> bytes:
        await self._write(data)
        return await self._reply()

    async def _reply(self) -> bytes:
        """One whole reply, of however many lines."""
        begin = 0
        while True:
            end = self._heard.find(b"\n", begin) + 1
            if not end:
                data = await self._received()
                self._heard += data if self._channel is None else self._channel.receive(data)
            elif self._heard[begin + 3 : begin + 4] == b"-":
                begin = end
            else:
                reply, self._heard = self._heard[:end], self._heard[end:]
                return reply

    async def _write(self, data: bytes) -> None:
        if self._channel is not None:
            self._channel.send(data)
            data = self._channel.outgoing()
        await self._send(data)

    async def _send(self, data: bytes) -> None:
        if self._sock is not None:
            await self._loop.sock_sendall(self._sock, data)  # type: ignore[arg-type]  # as above

    async def _received(self) -> bytes:
        data = b"" if self._sock is None else await self._loop.sock_recv(self._sock, _CHUNK)  # type: ignore[arg-type]
        if not data:
            raise ConnectionResetError(errno.ECONNRESET, "it has closed the connection")
        return data

    def _hang_up(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None:
            with contextlib.suppress(OSError):
                self._loop.remove_reader(sock.fileno())
                self._loop.remove_writer(sock.fileno())
            sock.close()


def _without(keywords: frozenset[str], reply: bytes) -> bytes:
    """A reply to EHLO without some of its extensions."""
    first, *lines = reply.splitlines()
    kept = [it for it in lines if it[4:].split(b" ")[0].upper().decode("ascii", "replace") not in keywords]
    if len(kept) == len(lines):
        return reply
    *before, last = (first, *kept)
    return b"".join(it[:3] + b"-" + it[4:] + b"\r\n" for it in before) + last[:3] + b" " + last[4:] + b"\r\n"
