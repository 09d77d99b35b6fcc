"""The net's end of a helper: asks it for things, and has the engine serve the sockets that it makes."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Iterable, Sequence
from selectors import EVENT_READ
from socket import AF_INET6, CMSG_SPACE, SOCK_DGRAM, SOCK_STREAM
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pytest_mailnet.entry.namespace.nursery import end_helper
from pytest_mailnet.entry.namespace.users import why_not
from pytest_mailnet.errors import NoNamespace
from pytest_mailnet.server.gate import Gate
from pytest_mailnet.server.routed_datagrams import RoutedDatagrams
from pytest_mailnet.system.kernel import KernelLoop, KernelSocket
from pytest_mailnet.system.native import lock
from pytest_mailnet.values import Endpoint

if TYPE_CHECKING:
    import asyncio

    from pytest_mailnet.server.connection import Connection
    from pytest_mailnet.server.engine import Engine
    from pytest_mailnet.server.transport import StreamTransport

__all__ = ["RESOLVER", "Junction", "OwnHost", "Wired", "told"]

RESOLVER = "192.0.2.53"
"""The name server in the programs' resolv.conf. The net answers questions at every address."""
_NOBODY = {4: RESOLVER, 6: "2001:db8::53"}
"""Who calls a server among the programs where a program has called one of the net that stands for it."""
_MOST_SOCKETS = 250  # in one message (SCM_MAX_FD of unix(7))
_DNS_PORT = 53


class OwnHost(NamedTuple):
    """What the programs' host finds out about itself.

    Attributes:
        name: its host name.
        addresses: its addresses; connections come from the first of each kind unless they are bound.
    """

    name: str
    addresses: tuple[str, ...]


class Wired(Protocol):
    """A net, as its namespaces see it. All but `own_host` and `ports` is asked in the engine's turn."""

    def call_between(self, source: Endpoint, destination: Endpoint) -> Connection | int:
        """Make a program's connection; or tell the errno with which it fails, ETIMEDOUT for no answer."""
        ...

    def question_between(self, source: Endpoint, destination: Endpoint) -> Connection | None:
        """Make the connection of a program that asks a name server; None if nobody answers for it."""
        ...

    def own_host(self) -> OwnHost:
        """What the programs' host finds out about itself now."""
        ...

    def ports(self) -> Iterable[int]:
        """The ports at which hosts of the net listen now."""
        ...


class Junction:
    """Where a net meets programs in a network namespace.

    One lock, for requests: tests add senders and ports in several threads.

    Args:
        engine: serves the sockets.
        net: decides about connections, and answers questions.
        control: the socket to the helper.
    """

    def __init__(self, engine: Engine, net: Wired, control: KernelSocket) -> None:
        self._engine, self._net, self._control = engine, net, control
        self._lock = lock()
        self._listening: set[int] = set()
        self._gate: Gate | None = None
        self._loop: KernelLoop | None = None
        self._stop: Callable[[], None] | None = None

    def move(self) -> None:
        """Bring the programs' host in line with the net's senders."""
        self.ask(self._host())

    def listen(self, ports: Iterable[int]) -> None:
        """Listen on further ports."""
        with self._lock:
            new = sorted(set(ports) - self._listening)
            self._listening.update(new)
        loop, gate = self._loop, self._gate
        if new and loop is not None and gate is not None:
            sockets = self._listened(new)
            self._engine.also_watched(sockets)
            # Nobody waits for it: the caller may hold a lock that the engine's thread waits for.
            loop.call_soon_threadsafe(gate.watch, sockets)

    def caller(self, source: str, destination: str) -> KernelSocket | None:
        """Make a socket for a connection of the net's to a server among the programs.

        Args:
            source: where the connection comes from.
            destination: the server's address.

        Returns:
            The socket, bound to the source; None if the programs' host does not have the destination.
        """
        ours = self._net.own_host().addresses
        if destination not in ours:
            return None
        version = 6 if ":" in destination else 4
        [sock] = self.ask(["caller", str(version)])
        if source in ours or (":" in source) != (version == 6):
            source = _NOBODY[version]  # a host takes nothing from its own address
        sock.bind((source, 0))
        return sock

    def close(self) -> None:
        """End the helper, and with it all that it has made."""
        if self._stop is not None:
            self._stop()
        end_helper(self._control)

    def serve(self) -> None:
        """Have the engine serve the ports of the net's hosts, and its name server."""
        self._listening = {_DNS_PORT, *self._net.ports()}
        heard, *sends = self.ask(["first"])
        datagrams = self.ask(["datagrams", str(_DNS_PORT)])
        listening = self._listened(sorted(self._listening))

        def begin(loop: KernelLoop) -> Callable[[], None]:
            versions = {6 if it.family == AF_INET6 else 4: it for it in sends}
            silent = functools.partial(self._silent, SOCK_STREAM)
            gate = Gate(heard, versions, loop, self._net.call_between, self._accept, silent=silent)
            gate.want(EVENT_READ)
            gate.watch(listening)
            silent = functools.partial(self._silent, SOCK_DGRAM)
            servers = [RoutedDatagrams(it, loop, self._net.question_between, silent) for it in datagrams]
            for server in servers:
                server.want(EVENT_READ)
            self._loop, self._gate = loop, gate

            def end() -> None:
                gate.close()
                for server in servers:
                    server.close()

            return end

        self._stop = self._engine.watch([heard, *sends, *datagrams, *listening], begin)

    def ask(self, *requests: Sequence[str]) -> list[KernelSocket]:
        """Ask the helper for something, or for several things at once; returns the sockets that it made.

        Raises:
            NoNamespace: if one of them failed; the message says why.
        """
        with self._lock:
            try:
                for words in requests:
                    self._control.send("\0".join(words).encode())
                answers = [self.answer() for _ in requests]
            except OSError as error:
                raise NoNamespace(f"the helper of the net's namespaces has ended: {error}") from None
        return [sock for words, sockets in answers for sock in (sockets if told(words) else ())]

    def answer(self) -> tuple[list[str], list[KernelSocket]]:
        """What the helper says next, and the sockets that come with it."""
        data, sent, *_ = self._control.recvmsg(1 << 16, CMSG_SPACE(4 * _MOST_SOCKETS))
        sockets = [KernelSocket(fileno=fd) for *_, fds in sent for (fd,) in struct.iter_unpack("=i", fds)]
        for sock in sockets:
            sock.setblocking(False)  # noqa: FBT003
        return data.decode().split("\0"), sockets

    def _accept(self, call: Connection, transport: StreamTransport) -> asyncio.Protocol | None:
        """The protocol of a program's connection, whose waits take their time."""
        return self._engine.accept(call, transport)

    def _silent(self, kind: int, port: int, silent: bool) -> None:  # noqa: FBT001
        """Note whether a client gets nothing unless time passes. Programs wait in their own time."""

    def _host(self) -> list[str]:
        """The request for what the programs' host is to be."""
        name, addresses = self._net.own_host()
        return ["host", name, *addresses]

    def _listened(self, ports: Sequence[int]) -> list[KernelSocket]:
        step = _MOST_SOCKETS // 2  # for each there are two
        parts = [ports[at : at + step] for at in range(0, len(ports), step)]
        return self.ask(*(["listen", *map(str, part)] for part in parts))


def told(words: Sequence[str]) -> Sequence[str]:
    """An answer of the helper, if it is none that says no.

    Raises:
        NoNamespace: if it says no, or nothing more; the message says why.
    """
    said, *rest = words
    if said in {"ok", "map"}:
        return words
    reason = rest[-1] if rest else "the helper has ended"
    raise NoNamespace(f"this machine gives no namespaces for programs: {reason}{why_not()}")
