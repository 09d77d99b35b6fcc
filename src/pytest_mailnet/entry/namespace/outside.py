"""The namespaces of one net: starts the helper that holds them; the engine serves its sockets."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterable, Sequence
from selectors import EVENT_READ
from socket import AF_INET6, CMSG_SPACE, SHUT_WR
from typing import TYPE_CHECKING, NamedTuple, Protocol

from pytest_mailnet.entry.namespace.files import Files
from pytest_mailnet.entry.namespace.nursery import Nursery
from pytest_mailnet.entry.namespace.users import map_several, why_not
from pytest_mailnet.errors import NoNamespace
from pytest_mailnet.server.gate import Gate
from pytest_mailnet.server.routed_datagrams import RoutedDatagrams
from pytest_mailnet.system.kernel import KernelLoop, KernelSocket
from pytest_mailnet.system.native import lock
from pytest_mailnet.values import Endpoint

if TYPE_CHECKING:
    from pytest_mailnet.server.connection import Connection
    from pytest_mailnet.server.engine import Engine

__all__ = ["RESOLVER", "Namespace", "OwnHost", "Wired"]

RESOLVER = "192.0.2.53"
"""The name server in the programs' resolv.conf. The net answers questions at every address."""
_MOST_SOCKETS = 250  # in one message (SCM_MAX_FD of unix(7))
_LONGEST_NAME = 64  # of a host, in Linux
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

    def question_between(self, source: Endpoint, destination: Endpoint) -> Connection:
        """Make the connection of a program that asks a name server."""
        ...

    def own_host(self) -> OwnHost:
        """What the programs' host finds out about itself now."""
        ...

    def ports(self) -> Iterable[int]:
        """The ports at which hosts of the net listen now."""
        ...


class Namespace:
    """The namespaces of one net. One lock, for requests: tests add senders and ports in several threads.

    Args:
        engine: serves the sockets.
        net: decides about connections, and answers questions.

    Attributes:
        first: the number of the first process there, which lives as long as the namespaces.
        files: what programs read in place of the machine's.
        users: whether the users there are others than the machine's, too.

    Raises:
        NoNamespace: where they are not to be had; the message says why.
    """

    def __init__(self, engine: Engine, net: Wired) -> None:
        nursery = engine.kept(Nursery)
        self._engine, self._net = engine, net
        self._lock = lock()
        self._listening: set[int] = set()
        self._gate: Gate | None = None
        self._loop: KernelLoop | None = None
        self._stop: Callable[[], None] | None = None
        self.users: bool = nursery.mapping != "root"
        self.files: Files = Files(RESOLVER)
        self._control = nursery.helper()
        try:
            said, _ = self._answer()
            if len(said) > 1:
                map_several(int(said[1]))
                self._control.send(b"mapped")
                said, _ = self._answer()
            self.first: int = int(said[0])
            self._furnish()
            self._serve()
        except BaseException:
            self.close()
            raise

    def move(self) -> None:
        """Bring the programs' host in line with the net's senders."""
        name, addresses = self._net.own_host()
        self.files.name(name, addresses)
        self._ask(["host", name[:_LONGEST_NAME], *addresses])

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

    def trust(self, authority: str) -> None:
        """Have programs trust an authority besides the machine's.

        Args:
            authority: its certificate, as PEM.
        """
        if not self.files.environment:
            self._ask(*(["mount", *pair] for pair in self.files.trust(authority)))

    def close(self) -> None:
        """End all programs, and remove the namespaces."""
        if self._stop is not None:
            self._stop()
        with contextlib.suppress(OSError):
            self._control.shutdown(SHUT_WR)  # also where a forked child has a copy
            while self._control.recv(1 << 16):
                pass  # what nobody waits for
        self._control.close()
        self.files.close()

    def _furnish(self) -> None:
        name, addresses = self._net.own_host()
        self.files.name(name, addresses)
        self._ask(
            ["host", name[:_LONGEST_NAME], *addresses],
            *(["mask", folder] for folder in self.files.masks),
            *(["mount", *pair] for pair in self.files.mounts),
        )

    def _serve(self) -> None:
        self._listening = {_DNS_PORT, *self._net.ports()}
        heard, *sends = self._ask(["first"])
        datagrams = self._ask(["datagrams", str(_DNS_PORT)])
        listening = self._listened(sorted(self._listening))

        def begin(loop: KernelLoop) -> Callable[[], None]:
            versions = {6 if it.family == AF_INET6 else 4: it for it in sends}
            gate = Gate(heard, versions, loop, self._net.call_between, self._engine.accept)
            gate.want(EVENT_READ)
            gate.watch(listening)
            servers = [RoutedDatagrams(it, loop, self._net.question_between) for it in datagrams]
            for server in servers:
                server.want(EVENT_READ)
            self._loop, self._gate = loop, gate

            def end() -> None:
                gate.close()
                for server in servers:
                    server.close()

            return end

        self._stop = self._engine.watch([heard, *sends, *datagrams, *listening], begin)

    def _listened(self, ports: Sequence[int]) -> list[KernelSocket]:
        step = _MOST_SOCKETS // 2  # for each there are two
        parts = [ports[at : at + step] for at in range(0, len(ports), step)]
        return self._ask(*(["listen", *map(str, part)] for part in parts))

    def _ask(self, *requests: Sequence[str]) -> list[KernelSocket]:
        """Ask the helper for something, or for several things at once; returns the sockets that it made."""
        with self._lock:
            for words in requests:
                self._control.send("\0".join(words).encode())
            answers = [self._answer() for _ in requests]
        return [sock for _, sockets in answers for sock in sockets]

    def _answer(self) -> tuple[list[str], list[KernelSocket]]:
        data, told, *_ = self._control.recvmsg(1 << 16, CMSG_SPACE(4 * _MOST_SOCKETS))
        sockets = [KernelSocket(fileno=fd) for *_, fds in told for (fd,) in struct.iter_unpack("=i", fds)]
        for sock in sockets:
            sock.setblocking(False)  # noqa: FBT003
        said, *words = data.decode().split("\0")
        if said in {"ok", "map"}:
            return (words if said == "ok" else [said, *words]), sockets
        reason = words[-1] if words else "the helper has ended"
        raise NoNamespace(f"this machine gives no namespaces for programs: {reason}{why_not()}")
