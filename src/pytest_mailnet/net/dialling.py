"""What an application can reach from inside a net: every look-up and connection is decided here."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Sequence

from pytest_mailnet.addresses import DNS_OVER_TLS_PORT, MAIL_PORTS, SMTP_PORTS, is_loopback
from pytest_mailnet.entry import Resolution, machine
from pytest_mailnet.entry.network import Dialled, numeric
from pytest_mailnet.errors import amongst
from pytest_mailnet.net.internet import Internet
from pytest_mailnet.printable import printable
from pytest_mailnet.providers.host_service import HostService
from pytest_mailnet.record.journal import Incident, Query, Started
from pytest_mailnet.scripting.globs import matches
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.server.connection import Connection
from pytest_mailnet.server.engine import Engine
from pytest_mailnet.values import Endpoint

__all__ = ["Reach"]

_DNS_PORT = 53
_OF_TEST_SERVERS = frozenset({1025, 1587, 2525, 2587, 5025, 8025, 10025})
"""Where mail servers of tests and of developers' machines are wont to listen."""
_SHOWN = 2


class Reach:
    """A net as the patched functions see it: the `Network` of this process.

    Called in the application's threads. Its own tables, of bound ports and of addresses that may pass, are
    used by single operations of a dict, which need no lock; the rest is the engine's and the address book's.

    Attributes:
        opened: the ports on loopback that lead to hosts.
    """

    def __init__(self, net: Internet, engine: Engine) -> None:
        self._net = net
        self._engine = engine
        self._bound: dict[tuple[int, int], str] = {}
        self._passed: dict[str, str] = {}
        self.opened: set[Endpoint] = set()

    def takes(self, kind: int, destination: Endpoint) -> bool:
        ip, port = destination
        if port == _DNS_PORT:
            return True
        if kind == socket.SOCK_STREAM and (
            isinstance(self._net.occupant(ip), HostService) or port in SMTP_PORTS
        ):
            return True
        if is_loopback(ip):
            return False
        if port == DNS_OVER_TLS_PORT:
            return True
        stopped = self._net.config.other_ports == "closed" and ip not in self._passed
        return kind == socket.SOCK_STREAM and (stopped or port in MAIL_PORTS)

    def bind(self, kind: int, port: int, source: str | None) -> None:
        self._engine.calls.forget(socket.SocketKind(kind), port)
        if source is None:
            self._bound.pop((kind, port), None)
        else:
            self._bound[kind, port] = source

    def dial(self, kind: int, port: int, destination: Endpoint) -> Dialled:
        net = self._net
        ip, wanted = destination
        if kind == socket.SOCK_STREAM and self._engine.calls.noted(socket.SOCK_STREAM, port) is not None:
            # Called before: gevent asks by a second connect whether the first has succeeded.
            return Dialled(self._engine.dns if wanted == _DNS_PORT else self._engine.listener)
        source = self._bound.get((kind, port))
        if source is None:
            source = net.sender.ipv6 if ":" in ip else net.sender.ip
        service, resets = None, False
        if wanted != _DNS_PORT:
            host = net.host_at(ip)
            if host is None:
                return self._no_such_address(source, destination)
            drawn = net.drawn_for(host)
            unreachable = host.unreachable(wanted, drawn)
            if unreachable is not None:
                net.journal.not_connected(source, destination, host.name, *unreachable)
                if unreachable[0] == errno.ETIMEDOUT:
                    call = Connection(net, Endpoint(source, port), destination, None)
                    return Dialled(self._engine.lose(port, call))
                return Dialled(None, *unreachable)
            service = host.service(self._engine.calls.departed, drawn)
            resets = host.faults.with_drawn(drawn).resets_at_once()
        call = Connection(net, Endpoint(source, port), destination, service, dialling=resets)
        return Dialled(self._engine.note(socket.SocketKind(kind), port, call), resets=resets)

    def connected(self, port: int) -> None:
        self._engine.connected(port)

    def call(self, port: int, host: HostService, wanted: int) -> Connection:
        """A connection from a client that was not intercepted, to one of a host's ports."""
        drawn = self._net.drawn_for(host)
        service = host.service(self._engine.calls.departed, drawn)
        source = Endpoint(self._net.sender.ip, port)
        return Connection(self._net, source, Endpoint(host.addresses[0], wanted), service)

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

    def claims(self, name: str, port: int | None) -> bool:
        net = self._net
        if net.dns.has(_ascii(name)):
            return True
        if _is_for_mail(port):
            return not machine.is_itself(name)
        if self._passes(name) or machine.knows(name):
            return False
        if net.config.other_ports == "closed":
            return True
        if port is None:
            return not machine.is_local(name)
        return net.dns.knows(_ascii(name))

    def passed(self, name: str, addresses: Sequence[str]) -> None:
        if self._passes(name):
            self._passed.update(dict.fromkeys(addresses, name))

    def resolve(self, name: str, family: int, via: str, port: int | None = None) -> Resolution:
        net = self._net
        asked = _ascii(name).rstrip(".")
        families = {socket.AF_INET: [4], socket.AF_INET6: [6]}.get(socket.AddressFamily(family), [6, 4])
        found: list[str] = []
        canonical, rcode = asked, "NOERROR"
        for version in families:
            fault = net.drawn_for_question(asked, "A" if version == 4 else "AAAA")
            answer = net.dns.addresses(asked, version, fault)
            rcode = answer.rcode
            net.journal.add(
                Query(
                    net.journal.elapsed(),
                    asked,
                    "A" if version == 4 else "AAAA",
                    answer.rcode,
                    answer.texts,
                    via,
                    None,
                    net.sender.ip,
                )
            )
            if answer.rcode != "NOERROR":
                break
            canonical = answer.canonical
            found += answer.addresses
        if found:
            return Resolution(tuple(found), canonical)
        if rcode not in {"NOERROR", "NXDOMAIN"}:
            why = f"Temporary failure in name resolution: {printable(asked)}: {rcode}"
            return Resolution((), asked, socket.EAI_AGAIN, why)
        why = net.directory.unknown_name(asked, rcode, for_mail=_is_for_mail(port))
        return Resolution((), asked, socket.EAI_NONAME, f"Name or service not known: {why}")

    def owns(self, ip: str) -> bool:
        return not is_loopback(ip)

    def reverse(self, ip: str, via: str) -> str | None:
        net = self._net
        asked = ipaddress.ip_address(ip).reverse_pointer
        answer = net.dns.lookup(asked, "PTR")
        texts = tuple(map(str, answer.answers))
        net.journal.add(
            Query(net.journal.elapsed(), asked, "PTR", answer.rcode, texts, via, None, net.sender.ip)
        )
        return answer.answers[-1].rdata.rstrip(".") if answer.answers else None

    def fqdn(self) -> str:
        return self._net.sender.helo

    def name_server(self) -> Endpoint:
        return self._engine.dns

    def serves(self, host: str, port: int) -> bool:
        ip = numeric(host)
        if ip is None:
            return self._net.dns.has(_ascii(host))
        if is_loopback(ip):
            return Endpoint(ip, port) == self._engine.listener or Endpoint(ip, port) in self.opened
        return isinstance(self._net.occupant(ip), HostService)

    def authority(self) -> str:
        return self._net.authority.pem if self._net.config.trust_ca else ""

    def after_fork(self) -> None:
        self._engine.close_inherited()

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

    def leaked(self, what: str) -> None:
        journal = self._net.journal
        journal.add(Incident(journal.elapsed(), "leak", what, fails=self._net.config.strict))

    def overheard(self, what: str) -> None:
        journal = self._net.journal
        journal.add(Incident(journal.elapsed(), "not of this test", what, fails=False))

    def started(self, command: str) -> None:
        self._net.journal.add(Started(self._net.journal.elapsed(), command))

    def _passes(self, name: str) -> bool:
        return any(matches(it, name.rstrip(".")) for it in self._net.config.pass_names)

    def _no_such_address(self, source: str, destination: Endpoint) -> Dialled:
        net = self._net
        loopback = is_loopback(destination.ip)
        if loopback and net.dns.has_localhost:
            why = f"nothing listens at {destination}, where an MX leads"
            net.journal.not_connected(source, destination, "localhost", errno.ECONNREFUSED, why)
            return Dialled(None, errno.ECONNREFUSED, why)
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
        self.leaked(text)
        return Dialled(None, errno.ECONNREFUSED if loopback else errno.ENETUNREACH, text)


def _is_for_mail(port: int | None) -> bool:
    return port in MAIL_PORTS or port == _DNS_PORT


def _ascii(name: str) -> str:
    return name if name.isascii() else name.encode("idna").decode("ascii")
