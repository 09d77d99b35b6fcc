"""The directory of a net: operators and their hosts, by name and address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_mailnet.addresses import Occupant, Routes, checked_ports, checked_ports_among, is_loopback
from pytest_mailnet.certificates import Authority
from pytest_mailnet.dns.records import address_record, plain_name
from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.errors import InvalidAddress, InvalidSetting, UnknownName, amongst, near_misses
from pytest_mailnet.providers import Catalogue, Facts, plain_facts
from pytest_mailnet.providers.host_service import HostService
from pytest_mailnet.providers.operator import Operator
from pytest_mailnet.providers.zones import customer_zones, exchanges_in, standing_hosts, zones_of
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.system.native import Lock, lock

if TYPE_CHECKING:
    from pytest_mailnet.server.passing_service import Decider

__all__ = ["Directory"]

_LOCALHOST = "localhost"
_LABEL = re.compile(r"[^\s@:/?#\\]{1,63}")
_FOR_DOMAINS: Mapping[str, str] = MappingProxyType(
    {
        "gmail": "mailnet.add_domain({domain!r}, on='google-workspace')",
        "hotmail": "mailnet.add_domain({domain!r}, on='microsoft365')",
    }
)


class Directory:
    """The operators and hosts of one net.

    A provider of the catalogue is put in when its name or address is first met. Tests add operators while the
    engine's and the application's threads look them up; additions hold a lock.

    Args:
        catalogue: the known providers.
        dns: the net's DNS, which gets their records.
        routes: the net's address book.
        authority: signs the certificates of hosts.
        locked: the lock held by every addition to the net.
        operated: makes an operator from its facts.

    Attributes:
        hosts: the hosts in the net, by name.
        operators: the providers and servers in the net, by name.
        opened: called with the ports of each host that is added, and of each whose ports change.
    """

    def __init__(  # noqa: PLR0917  # called once
        self,
        catalogue: Catalogue,
        dns: Resolver,
        routes: Routes[Occupant],
        authority: Authority,
        locked: Lock,
        operated: Callable[[Facts], Operator],
    ) -> None:
        self.catalogue = catalogue
        self.hosts: dict[str, HostService] = {}
        self.operators: dict[str, Operator] = {}
        self._dns, self._routes, self._authority = dns, routes, authority
        self._lock, self._operated = locked, operated
        self._faults_lock = lock()
        self.opened: Callable[[Iterable[int]], object] = tuple

    def operator(self, name: str, era: int | str | None = None) -> Operator:
        """A provider or server by name; see `MailNet.provider`."""
        if not isinstance(name, str):
            raise InvalidSetting(f"mailnet.provider({name!r}) takes a name, as in 'gmail'")
        known = self.operators.get(name)
        if known is None:
            with self._lock:
                facts = self._standard(name, era)
                known = self.operators.get(facts.name) or self._put(facts)
        if era is not None and known.facts is not self.catalogue.load(name, era):
            raise InvalidSetting(
                f"mailnet.provider({name!r}, era={era!r}): {name} is in this net already, as "
                f"{known.facts.title}. A net has one of each: ask for the era before the first use"
            )
        return known

    def add_server(  # noqa: PLR0917  # called once
        self,
        host: str,
        domains: tuple[str, ...],
        ips: tuple[str, ...],
        ports: Iterable[int],
        tls_ports: Iterable[int] | None,
        preference: int,
        decider: Decider | None = None,
    ) -> Operator:
        """Add a plain mail server and its records; see `MailNet.add_server`."""
        name, *local = map(_host_name, (host, *domains))
        listening = checked_ports(ports, f"mailnet.add_server({host!r}, ports=...)")
        encrypted = (
            None
            if tls_ports is None
            else checked_ports_among(listening, tls_ports, f"mailnet.add_server({host!r}, tls_ports=...)")
        )
        with self._lock:
            if name in self.hosts or name in self.operators:
                raise InvalidAddress(f"{host!r} is in this net already; a host is added once")
            server = self._operated(
                plain_facts(name, tuple(local), listening, encrypted, handled=decider is not None)
            )
            self._add_host(server, name, ips)
            self.hosts[name].decider = decider
            self._dns.put(address_record(name, ip) for ip in self.hosts[name].addresses)
            for domain in local:
                self._dns.add(domain, "MX", f"{preference} {name}.")
            self.operators[name] = server
        return server

    def add_domain(self, domain: str, on: str) -> Operator:
        """Let a provider or server take a domain's mail; see `MailNet.add_domain`."""
        name = _host_name(domain)
        operator = self.operator(on)
        if not operator.facts.customer:
            able = [it for it in self.catalogue.names if self.catalogue.load(it).customer]
            meant = _FOR_DOMAINS.get(operator.name)
            others = f"; {meant.format(domain=domain)} does" if meant else amongst(on, able, most=20)
            raise InvalidSetting(
                f"mailnet.add_domain({domain!r}, on={on!r}): {operator.facts.title} takes no domains of "
                f"others{others}"
            )
        zones = customer_zones(operator.facts, name)
        with self._lock:
            if operator.is_local(name) and name in operator.domains:
                raise InvalidSetting(f"mailnet.add_domain({domain!r}, on={on!r}): it is there already")
            self._dns.merge(zones)
            for host, addresses in exchanges_in(zones).items():
                if host not in self.hosts:
                    self._add_host(operator, host, addresses)
                    self._dns.put(address_record(host, ip) for ip in self.hosts[host].addresses)
            operator.add_domain(name)
        return operator

    def host(self, name: str) -> HostService:
        """A host by name; see `MailNet.host`."""
        if not isinstance(name, str):
            raise InvalidSetting(f"mailnet.host({name!r}) takes a name, as in 'mx.shop.example'")
        wanted = plain_name(name)
        self.meet(wanted)
        if wanted not in self.hosts:
            raise self._no_host(name)
        return self.hosts[wanted]

    def hosts_of(self, domain: str) -> list[HostService]:
        """The hosts that a domain's MX records lead to, or the one host of that name.

        Raises:
            UnknownName: if there is no such domain or host; names the near misses.
        """
        return self._exchanges(domain) or [self.host(domain)]

    def host_at(self, ip: str) -> HostService | None:
        """The host with an IP address; None for any other address. At loopback that is "localhost"."""
        if is_loopback(ip):
            return self.hosts.get(_LOCALHOST)
        if self._routes.occupant(ip) is None and (owner := self.catalogue.owner(ip)) is not None:
            self.operator(owner)
        occupant = self._routes.occupant(ip)
        return occupant if isinstance(occupant, HostService) else None

    def meet(self, name: str) -> None:
        """Put a provider of the catalogue into the net when a name in one of its zones is first met."""
        for owner in self.catalogue.owners_around(name):
            operator = self.operator(owner)
            unmet = name not in self.hosts and self.catalogue.mail_is_read_at(name)
            if unmet and name in operator.reading.hosts:
                self._add_reading_host(operator, name)

    def _add_reading_host(self, operator: Operator, name: str) -> None:
        """Add a host where mail is read, when its name is first met: few tests read."""
        with self._lock:
            if name not in self.hosts:
                self._add_host(operator, name, ())
                self.hosts[name].ports = ()
                self._dns.put(address_record(name, ip) for ip in self.hosts[name].addresses)

    def reverse_name(self, ip: str) -> str | None:
        """The name that an IP address resolves back to; None for none."""
        occupant = self._routes.occupant(ip) or self.host_at(ip)
        if isinstance(occupant, Sender):
            return occupant.ptr
        return None if occupant is None else occupant.name

    def names(self) -> list[str]:
        """The names of hosts and domains, for near misses."""
        domains = (it for operator in self.operators.values() for it in operator.domains)
        return [*self.hosts, *self.catalogue.standard_names(), *domains]

    def unknown_name(self, name: str, rcode: str, *, for_mail: bool) -> str:
        """The message about a look-up that found nothing: what the net has instead, and the remedy.

        Args:
            name: the name as it was looked up.
            rcode: the answer's; "NOERROR" if the name has other records.
            for_mail: whether it was looked up for a mail port, for which no name is left to the machine.
        """
        if found := self._dns.exchanges(name):
            return f"{name!r} has no address in this mailnet: mail for it goes to its MX, {found[0]}"
        if eras := self.catalogue.eras_of(plain_name(name)):
            provider, year = eras[-1]
            return (
                f"{name!r} is not in this mailnet: it was a host of {provider} in {year}. "
                f"To have it: mailnet.provider({provider!r}, era={year}), before {provider} is used"
            )
        if rcode == "NOERROR":
            way_out = f"mailnet.dns.add({name!r}, 'A', '192.0.2.27')"
            return f"{name!r} is in this mailnet and has no address; {way_out}"
        # Without a near miss, the providers of the catalogue are no help.
        known = self.names()
        known = known if near_misses(name, known) else list(self.hosts)
        holds = amongst(name, known) if known else ""
        passing = "" if for_mail else f"; to leave it to the machine: mailnet_pass_names = {name}"
        return (
            f"{name!r} is not in this mailnet{holds}. To have it: mailnet.add_server({name!r}), or "
            f"mailnet.dns.add({name!r}, 'A', '192.0.2.27'){passing}"
        )

    def _no_host(self, name: str) -> UnknownName:
        exchanges = [it.name for it in self._exchanges(name)]
        if exchanges:
            return UnknownName("host", name, exchanges, "That is a domain, and these are its hosts.")
        if (owner := self.host_at(name)) is not None:
            return UnknownName("host", name, [owner.name], "That is an address, and this is its host.")
        cure = f"To have one: mailnet.add_server({name!r})."
        return UnknownName("host", name, self.names(), cure)

    def _exchanges(self, domain: str) -> list[HostService]:
        found = [value.split()[1] for value in self._dns.lookup(domain, "MX").values("MX")]
        return [self.hosts[name] for it in found if (name := plain_name(it)) in self.hosts]

    def _standard(self, name: str, era: int | str | None) -> Facts:
        try:
            return self.catalogue.load(name, era)
        except UnknownName as unknown:
            if unknown.kind != "provider":
                raise
            servers = [it for it in self.operators if it not in self.catalogue.names]
            raise UnknownName(unknown.kind, unknown.given, [*unknown.known, *servers], unknown.cure) from None

    def _put(self, facts: Facts) -> Operator:
        operator = self._operated(facts)
        self._dns.merge(zones_of(facts))
        hosts = standing_hosts(facts)
        if facts.submission is not None:
            hosts = {**hosts, **dict.fromkeys(facts.submission.hosts, ())}
        for name, addresses in hosts.items():
            self._add_host(operator, name, addresses)
        unpublished = [name for name, addresses in hosts.items() if not addresses]
        self._dns.put(address_record(name, ip) for name in unpublished for ip in self.hosts[name].addresses)
        # Last, since other threads look its names up as soon as it is here.
        self.operators[facts.name] = operator
        return operator

    def _add_host(self, operator: Operator, name: str, ips: Iterable[str]) -> None:
        host = HostService(name, operator, self._authority, self._faults_lock)
        host.settle_at([self._routes.claim(ip, host) for ip in ips] or [self._routes.allocate(host)])
        host.opened = self._opened
        self.hosts[name] = host
        operator.hosts.append(name)
        if self.opened is not tuple:  # to ask for all ports is to read a file about reading
            self.opened(host.all_ports)

    def _opened(self, ports: Iterable[int]) -> None:
        self.opened(ports)


def _host_name(given: str) -> str:
    name = plain_name(given) if isinstance(given, str) else ""
    labels = name.split(".")
    # Refused are spaces and others that are escaped, the @ of an address, the signs of a URL or a port; and
    # IP addresses.
    if len(name) > 253 or labels[-1].isdigit() or not all(map(_LABEL.fullmatch, labels)):
        raise InvalidAddress(f"{given!r} cannot be a host or domain name; one looks like 'mx.shop.example'")
    return name
