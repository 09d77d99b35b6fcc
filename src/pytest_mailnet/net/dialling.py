"""Where connections go: finds the host at a destination, and notes the call for the engine."""

from __future__ import annotations

import errno
import socket
from collections.abc import Set as AbstractSet

from pytest_mailnet.addresses import DNS_OVER_TLS_PORT, MAIL_PORTS, SMTP_PORTS, is_loopback
from pytest_mailnet.entry.network import Dialled, Notes
from pytest_mailnet.errors import amongst
from pytest_mailnet.net.internet import Internet
from pytest_mailnet.net.looking_up import LookingUp
from pytest_mailnet.providers.host_service import HostService
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.server.connection import Connection
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.values import Endpoint

__all__ = ["Dialling"]

_DNS_PORT = 53
_DIED = errno.ECONNABORTED, "the application died"


class Dialling:
    """Answers the `ConnectionQuestions` of one net.

    Called in the application's threads. The table of bound ports is used by single operations of a dict,
    which need no lock; the other tables belong to the engine and the directory, which have locks.

    Args:
        net: the hosts and senders.
        engine: where connections really arrive.
        names: the addresses that the machine found.
        notes: where leaks are recorded.
        opened: the ports on loopback that lead to hosts.
    """

    def __init__(
        self, net: Internet, engine: Engine, names: LookingUp, notes: Notes, opened: AbstractSet[Endpoint]
    ) -> None:
        self._net = net
        self._engine = engine
        self._names = names
        self._notes = notes
        self._opened = opened
        self._bound: dict[tuple[int, int], str] = {}

    def takes(self, kind: int, destination: Endpoint) -> bool:
        ip, port = destination
        if port == _DNS_PORT:
            return True
        stream = kind == socket.SOCK_STREAM
        if is_loopback(ip):
            here = self._net.host_at(ip)
            ours = port in SMTP_PORTS or (here is not None and port in here.all_ports)
            return stream and ours and destination not in self._opened
        if stream and (isinstance(self._net.occupant(ip), HostService) or port in SMTP_PORTS):
            return True
        if port == DNS_OVER_TLS_PORT:
            return True
        stopped = self._net.config.other_ports == "closed" and ip not in self._names.passed_addresses
        return stream and (stopped or port in MAIL_PORTS)

    def bind(self, kind: int, port: int, source: str | None) -> None:
        self._engine.calls.forget(socket.SocketKind(kind), port)
        if source is None:
            self._bound.pop((kind, port), None)
        else:
            self._bound[kind, port] = source

    def dial(  # noqa: PLR0911  # each is one thing that may happen
        self, kind: int, port: int, destination: Endpoint
    ) -> Dialled:
        net = self._net
        ip, wanted = destination
        if kind == socket.SOCK_STREAM and self._engine.calls.noted(socket.SOCK_STREAM, port) is not None:
            # A second call: gevent connects again to find out whether the first connect has succeeded.
            return Dialled(self._engine.dns if wanted == _DNS_PORT else self._engine.listener)
        source = self._bound.get((kind, port))
        if source is None:
            source = net.sender.ipv6 if ":" in ip else net.sender.ip
        if source is None and not (wanted == _DNS_PORT or is_loopback(ip)):
            why = "this machine has no IPv6: mailnet.sender.ipv6 is None"
            host = net.host_at(ip)
            named = "" if host is None else host.name
            net.journal.not_connected(net.sender.ip, destination, named, errno.ENETUNREACH, why)
            return Dialled(None, errno.ENETUNREACH, why)
        source = source or net.sender.ip
        if wanted == _DNS_PORT:
            call = Connection(net, Endpoint(source, port), destination, None)
            return Dialled(self._engine.note(socket.SocketKind(kind), port, call))
        host = net.host_at(ip)
        if host is None:
            return self._no_such_address(source, destination)
        met = self._meet(host, Endpoint(source, port), destination)
        if isinstance(met, Connection):
            where = self._engine.note(socket.SocketKind(kind), port, met)
            return Dialled(where, resets=met.dialling)
        if met[0] == errno.ETIMEDOUT:
            call = Connection(net, Endpoint(source, port), destination, None)
            return Dialled(self._engine.lose(port, call))
        return Dialled(None, *met)

    def connected(self, port: int) -> None:
        self._engine.connected(port)

    def call(self, port: int, host: HostService, wanted: int) -> Connection:
        """Make the connection of a client that was not intercepted, and came by a real port.

        Args:
            port: the client's port on loopback.
            host: the host that the real port leads to.
            wanted: the port of the host.
        """
        drawn = self._net.drawn_for(host, wanted)
        service = host.service(wanted, self._engine.calls.departed, drawn)
        source = Endpoint(self._net.sender.ip, port)
        return Connection(self._net, source, Endpoint(host.addresses[0], wanted), service)

    def call_between(self, source: Endpoint, destination: Endpoint) -> Connection | int:
        """Make the connection of a program that has the sender's address itself.

        Args:
            source: the program's end.
            destination: where it connects to.

        Returns:
            The connection, or the errno with which it fails.
        """
        if destination.port == _DNS_PORT:
            return Connection(self._net, source, destination, None)
        host = self._net.host_at(destination.ip)
        if host is not None:
            met = self._meet(host, source, destination)
            return met if isinstance(met, Connection) else met[0]
        if self.takes(socket.SOCK_STREAM, destination):
            return self._no_such_address(source.ip, destination).errno
        return errno.ENETUNREACH

    def far_end(self, kind: int, port: int) -> Endpoint | None:
        call = self._engine.calls.noted(socket.SocketKind(kind), port)
        return None if call is None else call.destination

    def near_end(self, kind: int, port: int) -> Endpoint | None:
        call = self._engine.calls.noted(socket.SocketKind(kind), port)
        if call is not None:
            return call.source
        source = self._bound.get((kind, port))
        return None if source is None else Endpoint(source, port)

    def is_sender(self, ip: str) -> bool:
        return isinstance(self._net.occupant(ip), Sender)

    def is_engine(self, endpoint: Endpoint) -> bool:
        return endpoint in (self._engine.listener, self._engine.dns)

    def _meet(
        self, host: HostService, source: Endpoint, destination: Endpoint
    ) -> Connection | tuple[int, str]:
        """The connection to a host; or the errno with which it fails, and why."""
        net = self._net
        # The session keeps the host's own text, of which there is one.
        found = host.addresses.index(destination.ip) if destination.ip in host.addresses else 0
        there = Endpoint(host.addresses[found], destination.port)
        died = net.passing is not None and net.passing(f"connect {host.name}:{there.port}")
        drawn = net.drawn_for(host, there.port)
        unreachable = _DIED if died else host.unreachable(there.port, drawn)
        if unreachable is not None:
            net.journal.not_connected(source.ip, there, host.name, *unreachable)
            return unreachable
        service = host.service(there.port, self._engine.calls.departed, drawn)
        resets = host.faults.with_drawn(drawn).resets_at_once()
        return Connection(net, source, there, service, dialling=resets)

    def _no_such_address(self, source: str, destination: Endpoint) -> Dialled:
        net = self._net
        if is_loopback(destination.ip):
            return self._nothing_here(source, destination)
        known = {ip: f"{ip} ({host.name})" for host in net.directory.hosts.values() for ip in host.addresses}
        holds = amongst(destination.ip, known, shown=known.__getitem__)
        if destination.port in MAIL_PORTS:
            closed = ""
        elif destination.port == DNS_OVER_TLS_PORT:
            closed = "; the net answers DNS on port 53"
        else:
            closed = "; to leave it to the machine: other_ports = open, or mailnet_pass_names with its name"
        text = (
            f"a connection to {destination} was stopped: no host of this mailnet has that address{holds}. "
            f"To have one there: mailnet.add_server('mx.shop.example', ip={destination.ip!r}){closed}"
        )
        self._notes.leaked(text)
        return Dialled(None, errno.ENETUNREACH, text)

    def _nothing_here(self, source: str, destination: Endpoint) -> Dialled:
        """What comes of a connection to this machine, where the net has no server."""
        if self._net.dns.has_localhost:
            why = f"nothing listens at {destination}, where an MX leads"
            self._net.journal.not_connected(source, destination, "localhost", errno.ECONNREFUSED, why)
        else:
            why = (
                f"a connection to {destination} was stopped: this mailnet has no server on this machine. To "
                "have one: mailnet.add_server('localhost')"
            )
            self._notes.leaked(why)
        return Dialled(None, errno.ECONNREFUSED, why)
