"""A test run that has moved into a network namespace itself, with all that it starts."""

from __future__ import annotations

import contextlib
import functools
import os
import socket
from _socket import sethostname
from collections.abc import Iterable
from errno import ENETUNREACH
from typing import TYPE_CHECKING, NamedTuple

from pytest_mailnet.entry.namespace import syscalls
from pytest_mailnet.entry.namespace.authorities import Authorities
from pytest_mailnet.entry.namespace.files import Files
from pytest_mailnet.entry.namespace.junction import RESOLVER, Junction, OwnHost, Wired, told
from pytest_mailnet.entry.namespace.netlink import Netlink
from pytest_mailnet.entry.namespace.nursery import Nursery
from pytest_mailnet.entry.namespace.users import mapping, why_not
from pytest_mailnet.errors import NoNamespace
from pytest_mailnet.system.kernel import KernelSocket
from pytest_mailnet.system.native import lock

if TYPE_CHECKING:
    import asyncio

    from pytest_mailnet.server.connection import Connection
    from pytest_mailnet.server.engine import Engine
    from pytest_mailnet.server.transport import StreamTransport
    from pytest_mailnet.values import Endpoint

__all__ = ["Moved"]

_LONGEST_NAME = 64  # of a host, in Linux


class Moved:
    """The namespaces that the process is in from now on: of network, mounts, host name, and perhaps users.

    What moves is the thread that makes it, with all that it starts then: pytest's main thread, at the start.
    Nets are there from `enter` to `leave`, and the innermost one answers. One lock guards which that is.

    Args:
        pass_ports: ports of the machine's loopback that are on that of the namespace, too.

    Raises:
        NoNamespace: if the machine has no namespaces; the message says why.
    """

    def __init__(self, pass_ports: Iterable[int]) -> None:
        self._lock = lock()
        self._nets: tuple[_Entered, ...] = ()
        self._trusted = _Trusted()
        self._junctions: dict[Engine, _Around] = {}
        self._made = 0
        mapping()  # raises where there is no Linux
        user, group = os.geteuid(), os.getegid()
        try:
            if user != 0:
                syscalls.unshare(syscalls.NEW_USERS)
                syscalls.map_one(user, group)
            # What stays in the machine's network starts before the move.
            self._nursery = Nursery()
            syscalls.unshare(syscalls.NEW_NET | syscalls.NEW_MOUNTS | syscalls.NEW_UTS)
            syscalls.mounts_of_its_own()
        except OSError as error:
            reason = f"this machine gives no namespaces for a test run: {error}{why_not()}"
            raise NoNamespace(reason) from None
        Netlink().close()  # it has brought the loopback up
        for port in pass_ports:
            listening = KernelSocket(socket.AF_INET, socket.SOCK_STREAM)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(("127.0.0.1", port))
            listening.listen()
            self._nursery.carry(listening.fileno(), port)
            listening.close()
        self.files: Files = Files(RESOLVER)
        for folder in self.files.masks:
            syscalls.mount("none", folder, "tmpfs", 0)
        for pair in self.files.mounts:
            syscalls.mount_over(*pair)
        self._namespace = os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    def enter(self, engine: Engine, net: Wired, authority: str) -> None:
        """Let a net answer, until it is left or another is entered.

        Args:
            engine: serves it.
            net: the net.
            authority: the certificate that is to be trusted besides the machine's, as PEM; "" for none.
        """
        with self._lock:
            self._nets = (*self._nets, _Entered(engine, net, authority))
        if engine not in self._junctions:
            self._junctions[engine] = engine.kept(functools.partial(_Around, self, engine))
        self._lead()

    def leave(self, net: Wired) -> None:
        """Let a net answer no more."""
        with self._lock:
            self._nets = tuple(it for it in self._nets if it.net is not net)
        self._lead()

    def moved(self) -> None:
        """Bring the host in line with the senders of the innermost net."""
        self._lead()

    def opened(self, ports: Iterable[int]) -> None:
        """Listen on further ports."""
        if (innermost := self.innermost) is not None:
            self._junctions[innermost.engine].listen(ports)

    @property
    def innermost(self) -> _Entered | None:
        """The net that answers now."""
        return self._nets[-1] if self._nets else None

    def helper(self) -> KernelSocket:
        """Have a helper made that leads from the process's namespace into one of a net."""
        with self._lock:
            number, self._made = self._made, self._made + 1
        return self._nursery.helper_around(self._namespace, number)

    def ended(self, engine: Engine) -> None:
        """Forget an engine, which serves no more nets."""
        self._junctions.pop(engine, None)

    def close(self) -> None:
        """End what stayed outside, and remove the files. The process stays where it is."""
        self._nursery.close()
        os.close(self._namespace)
        self.files.close()

    def _lead(self) -> None:
        innermost = self.innermost
        if innermost is not None:
            engine, net, authority = innermost
            self._trusted.become(engine, authority)
            name, addresses = net.own_host()
            with contextlib.suppress(OSError):  # a thread that was there before the move
                sethostname(name[:_LONGEST_NAME])
            self.files.name(name, addresses)
            self._junctions[engine].listen(net.ports())
            self._junctions[engine].move()


class _Entered(NamedTuple):
    """A net that is around the process, its engine, and the authority that is trusted in it; "" for none."""

    engine: Engine
    net: Wired
    authority: str


class _Trusted:
    """Whom the process trusts besides the machine's authorities: as the innermost net has it."""

    def __init__(self) -> None:
        self._authority = ""
        self._mounted: list[str] = []
        self._before: dict[str, str | None] = {}

    def become(self, engine: Engine, authority: str) -> None:
        """Trust an authority from now on; "" for none."""
        if authority == self._authority:
            return
        while self._mounted:
            syscalls.unmount(self._mounted.pop())
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        self._authority, self._before = authority, {}
        if authority:
            mounts, environment = engine.kept(Authorities).trusting(authority)
            for what, where in mounts:
                syscalls.mount_over(what, where)
                self._mounted.append(where)
            self._before = {name: os.environ.get(name) for name in environment}
            os.environ.update(environment)


class _Around(Junction):
    """Where the nets of one engine meet the process that has moved."""

    def __init__(self, moved: Moved, engine: Engine) -> None:
        self._moved = moved
        super().__init__(engine, _Innermost(moved, engine), moved.helper())
        try:
            told(self.answer()[0])
            self.serve()
        except BaseException:
            super().close()
            raise

    def close(self) -> None:
        self._moved.ended(self._engine)
        super().close()

    def _accept(self, call: Connection, transport: StreamTransport) -> asyncio.Protocol | None:
        return self._engine.accept(call, transport, call.source.port)

    def _silent(self, kind: int, port: int, silent: bool) -> None:  # noqa: FBT001
        self._engine.silences.put(kind, port, silent)


class _Innermost:
    """The innermost net, as a net's namespaces see it; nobody where there is none."""

    def __init__(self, moved: Moved, engine: Engine) -> None:
        self._moved, self._engine = moved, engine

    def call_between(self, source: Endpoint, destination: Endpoint) -> Connection | int:
        net = self._net()
        return ENETUNREACH if net is None else net.call_between(source, destination)

    def question_between(self, source: Endpoint, destination: Endpoint) -> Connection | None:
        net = self._net()
        return None if net is None else net.question_between(source, destination)

    def own_host(self) -> OwnHost:
        net = self._net()
        assert net is not None  # it is asked when one is entered
        return net.own_host()

    def ports(self) -> Iterable[int]:
        net = self._net()
        return () if net is None else net.ports()

    def _net(self) -> Wired | None:
        innermost = self._moved.innermost
        return innermost.net if innermost is not None and innermost.engine is self._engine else None
