"""How the patched functions of this process see one net: the answers to all their questions."""

from __future__ import annotations

from pytest_mailnet.addresses import is_loopback
from pytest_mailnet.entry.arguments import numeric
from pytest_mailnet.entry.network import (
    ConnectionQuestions,
    EngineSocket,
    NameQuestions,
    Network,
    Notes,
    TlsQuestions,
)
from pytest_mailnet.net.dialling import Dialling
from pytest_mailnet.net.internet import Internet
from pytest_mailnet.net.looking_up import LookingUp, ascii_name
from pytest_mailnet.providers.host_service import HostService
from pytest_mailnet.record.journal import Incident, Journal, Started
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.values import Endpoint

__all__ = ["WayIn"]

_OF_TEST_SERVERS = frozenset({1025, 1587, 2525, 2587, 5025, 8025, 10025})
"""The ports on which mail servers of tests and of developers' machines usually listen."""
_SHOWN = 2


class WayIn:
    """The `Network` of this process for one net.

    Args:
        net: the parts of the net.
        engine: the background that it runs in.

    Attributes:
        opened: the ports on loopback that lead to hosts.
        dialling: answers for connections; also makes those that come by a port of `opened`.
    """

    def __init__(self, net: Internet, engine: Engine) -> None:
        self._net = net
        self._engine = engine
        self.opened: set[Endpoint] = set()
        self.notes: Notes = _Recording(net.journal, strict=net.config.strict)
        names = LookingUp(net, engine)
        self.dialling: Dialling = Dialling(net, engine, names, self.notes, self.opened)
        self.connections: ConnectionQuestions = self.dialling
        self.names: NameQuestions = names
        self.tls: TlsQuestions = _ServerTls(net, engine, self.opened)

    def instead_of(self, refused: Endpoint) -> str:
        if refused.port not in _OF_TEST_SERVERS or not is_loopback(refused.ip):
            return ""
        told = [
            f"{it.name} (port {', '.join(map(str, it.ports))})"
            for it in list(self._net.directory.hosts.values())[:_SHOWN]
        ]
        servers = f"such as {' and '.join(told)}" if told else "which mailnet.add_server(name) adds"
        return (
            f"In a mailnet mail goes to servers by name, {servers}. A port of the machine leads to one "
            "after mailnet.listen('mx.shop.example')"
        )

    def of_caller(self) -> Network:
        return self

    def entrance(self, kind: int) -> EngineSocket | None:
        return self._engine.entrance(kind)

    def end_of(self, port: int) -> EngineSocket | None:
        return self._engine.end_of(port)

    @property
    def answers_all(self) -> bool:
        return self._net.passing is not None

    def after_fork(self) -> None:
        self._engine.close_inherited()


class _ServerTls:
    """Answers the `TlsQuestions` of one net."""

    def __init__(self, net: Internet, engine: Engine, opened: set[Endpoint]) -> None:
        self._net = net
        self._engine = engine
        self._opened = opened

    def serves(self, host: str, port: int) -> bool:
        ip = numeric(host)
        if ip is None:
            return self._net.dns.has(ascii_name(host))
        if is_loopback(ip):
            here = Endpoint(ip, port)
            led = here == self._engine.listener or here in self._opened
            return led or self._net.host_at(ip) is not None
        return isinstance(self._net.occupant(ip), HostService)

    def authority(self) -> str:
        return self._net.authority.pem if self._net.config.trust_ca else ""


class _Recording:
    """Puts what the patches report into the record of a net."""

    def __init__(self, journal: Journal, *, strict: bool) -> None:
        self._journal = journal
        self._strict = strict

    def leaked(self, what: str) -> None:
        self._journal.add(Incident(self._journal.elapsed(), "leak", what, fails=self._strict))

    def overheard(self, what: str) -> None:
        self._journal.add(Incident(self._journal.elapsed(), "not of this test", what, fails=False))

    def started(self, command: str) -> None:
        self._journal.add(Started(self._journal.elapsed(), command))
