"""What there is in a net: providers, servers, hosts and senders, with their names and addresses."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from random import Random
from types import MappingProxyType

from pytest_mailnet.certificates import Authority
from pytest_mailnet.clock import Clock
from pytest_mailnet.config import MailNetConfig
from pytest_mailnet.dns.nameserver import NameServer
from pytest_mailnet.dns.records import address_record, plain_name
from pytest_mailnet.dns.resolver import Dns
from pytest_mailnet.errors import InvalidAddress, InvalidSetting, UnknownName, amongst, near_misses
from pytest_mailnet.faults import DnsFault, Fault
from pytest_mailnet.faults.weather import Weather
from pytest_mailnet.journal import Journal
from pytest_mailnet.mailbox import Arrivals
from pytest_mailnet.native import lock, reentrant_lock
from pytest_mailnet.providers import Catalogue, Facts, Provider, catalogue_with, plain_facts
from pytest_mailnet.providers.host import Host
from pytest_mailnet.providers.policy import check_rules
from pytest_mailnet.providers.published import customer_zones, exchanges, exchanges_in, zones_of
from pytest_mailnet.relaying import Queue, Source
from pytest_mailnet.routes import Occupant, Routes, address_pool, checked_ports
from pytest_mailnet.sender import Sender
from pytest_mailnet.senders import Senders
from pytest_mailnet.snapshot import Snapshot

__all__ = ["Internet", "check_settings"]


_LABEL = re.compile(r"[^\s@:/?#]{1,63}")
_FOR_DOMAINS: Mapping[str, str] = MappingProxyType(
    {
        "gmail": "mailnet.add_domain({domain!r}, on='google-workspace')",
        "hotmail": "mailnet.add_domain({domain!r}, on='microsoft365')",
    }
)


class Internet:
    """The population of one net. A standard provider is put in when its name or address is first met.

    Tests add while the engine's and the application's threads look up; what puts somebody in is locked.

    Args:
        config: where addresses are taken from.
        journal: where questions, sessions and the clock's steps are recorded.
        clock: the net's.
        random: draws what is drawn by lot.
        authority: signs the certificates of hosts.

    Attributes:
        senders: from where mail is sent.
        sender: who calls, unless a socket is bound to another sender's address.
        dns: the zones.
        name_server: answers for them.
        arrivals: the messages that were taken.
        queue: those of them that are to be relayed.
        weather: what goes wrong in turn, and by chance.
    """

    def __init__(
        self, config: MailNetConfig, journal: Journal, clock: Clock, random: Random, authority: Authority
    ) -> None:
        self.config, self.journal, self.clock, self.random = config, journal, clock, random
        self.authority = authority
        self._catalogue = check_settings(config)
        self._lock = reentrant_lock()
        self._faults_lock = lock()
        self._routes: Routes[Occupant] = Routes(address_pool(public=config.addresses == "public"))
        self._providers: dict[str, Provider] = {}
        self._hosts: dict[str, Host] = {}
        self.arrivals = Arrivals()
        self.queue = Queue(self)
        self.dns = Dns(missing=self._missing, reverse=self._reverse_name, journal=journal, now=clock.time)
        self.senders = Senders(self.dns, self._routes, self._lock)
        self.weather = Weather()
        self.name_server = NameServer(self.dns, journal, self.drawn_for_question)
        self.sender = self.senders.add("203.0.113.7", "app.sender.example")

    @property
    def providers(self) -> list[Provider]:
        """The providers and servers that are in the net by now."""
        return Snapshot(
            self._providers.values(),
            "mailnet.providers",
            "mailnet.add_server('mx.shop.example') adds a server.",
        )

    @property
    def hosts(self) -> list[Host]:
        """The hosts that are in the net by now."""
        return Snapshot(
            self._hosts.values(), "mailnet.hosts", "mailnet.add_server('mx.shop.example') adds one."
        )

    def caller(self) -> str:
        """The sender's address for questions that come without a note of who asks."""
        return self.sender.ip

    def occupant(self, ip: str) -> Occupant | None:
        """Whose address that is."""
        return self._routes.occupant(ip)

    def provider(self, name: str, era: int | None = None) -> Provider:
        """A provider by name; put in if it is not there yet.

        Raises:
            UnknownName: if there is no such provider or era; names the near misses.
            InvalidSetting: if it is in the net already, as of another year.
        """
        if not isinstance(name, str):
            raise InvalidSetting(f"mailnet.provider({name!r}) takes a name, as in 'gmail'")
        known = self._providers.get(name)
        if known is None:
            with self._lock:
                facts = self._standard(name, era)
                known = self._providers.get(facts.name) or self._put(facts)
        if era is not None and known.facts is not self._catalogue.load(name, era):
            raise InvalidSetting(
                f"mailnet.provider({name!r}, era={era}): {name} is in this net already, as "
                f"{known.facts.title}. A net has one of each: ask for the era before the first use"
            )
        return known

    def add_server(
        self,
        host: str,
        domains: tuple[str, ...],
        ips: tuple[str, ...],
        ports: Iterable[int],
        preference: int,
    ) -> Provider:
        """Add a plain mail server and its records.

        Raises:
            InvalidAddress: if a name or address cannot be one, or the host is in the net already.
            InvalidSetting: for a port that is none.
            AddressInUse: if another has the address.
        """
        name, *local = map(_host_name, (host, *domains))
        listening = checked_ports(ports, f"mailnet.add_server({host!r}, ports=...)")
        with self._lock:
            if name in self._hosts or name in self._providers:
                raise InvalidAddress(f"{host!r} is in this net already; a host is added once")
            server = self._made(plain_facts(name, tuple(local), listening), catch_all=True)
            self._add_host(server, name, ips)
            self.dns.put(address_record(name, ip) for ip in server.hosts[name].addresses)
            for domain in local:
                self.dns.add(domain, "MX", f"{preference} {name}.")
            self._providers[name] = server
        return server

    def add_domain(self, domain: str, on: str) -> Provider:
        """Let a provider or server take a domain's mail, and add its records.

        Raises:
            UnknownName: if there is no such provider or server; names the near misses.
            InvalidAddress: if that cannot be a domain.
            InvalidSetting: if the provider takes no domains of others, or has it already.
        """
        name = _host_name(domain)
        provider = self.provider(on)
        if not provider.facts.customer:
            able = [it for it in self._catalogue.names if self._catalogue.load(it).customer]
            meant = _FOR_DOMAINS.get(provider.name)
            others = f"; {meant.format(domain=domain)} does" if meant else amongst(on, able, most=20)
            raise InvalidSetting(
                f"mailnet.add_domain({domain!r}, on={on!r}): {provider.facts.title} takes no domains of "
                f"others{others}"
            )
        zones = customer_zones(provider.facts, name)
        with self._lock:
            if provider.is_local(name) and name in provider.domains:
                raise InvalidSetting(f"mailnet.add_domain({domain!r}, on={on!r}): it is there already")
            self.dns.merge(zones)
            for host, addresses in exchanges_in(zones).items():
                if host not in self._hosts:
                    self._add_host(provider, host, addresses)
                    self.dns.put(address_record(host, ip) for ip in provider.hosts[host].addresses)
            provider.add_domain(name)
        return provider

    def host(self, name: str) -> Host:
        """A host by name.

        Raises:
            UnknownName: if the net has none of that name; names the near misses.
        """
        if not isinstance(name, str):
            raise InvalidSetting(f"mailnet.host({name!r}) takes a name, as in 'mx.shop.example'")
        wanted = plain_name(name)
        self._missing(wanted)
        if wanted not in self._hosts:
            raise self._no_host(name)
        return self._hosts[wanted]

    def _no_host(self, name: str) -> UnknownName:
        exchanges = [it.name for it in self._exchanges(name)]
        if exchanges:
            return UnknownName("host", name, exchanges, "That is a domain, and these are its hosts.")
        cure = f"To have one: mailnet.add_server({name!r})."
        return UnknownName("host", name, self.names(), cure)

    def hosts_of(self, domain: str) -> list[Host]:
        """The hosts that a domain's MX records lead to, or the one host of that name.

        Raises:
            UnknownName: if there are none; names the near misses.
        """
        return self._exchanges(domain) or [self.host(domain)]

    def _exchanges(self, domain: str) -> list[Host]:
        exchanges = [value.split()[1] for value in self.dns.lookup(domain, "MX").values("MX")]
        return [self._hosts[name] for it in exchanges if (name := plain_name(it)) in self._hosts]

    def drawn_for(self, host: Host) -> Fault | None:
        """What a connection to a host meets besides the host's own faults."""
        return self.weather.of_connection(host.name, host.can_meet)

    def drawn_for_question(self, name: str, rdtype: str) -> DnsFault | None:
        """What the application's question for a name meets besides the name's own faults."""
        return self.weather.of_question(plain_name(name), rdtype)

    def host_at(self, ip: str) -> Host | None:
        """The host with that address."""
        if self._routes.occupant(ip) is None and (owner := self._catalogue.owner(ip)) is not None:
            self.provider(owner)
        occupant = self._routes.occupant(ip)
        return occupant if isinstance(occupant, Host) else None

    def source_of(self, provider: Provider) -> Source:
        """From where a provider sends."""
        return self.senders.source_of(provider)

    def names(self) -> list[str]:
        """The names of hosts and domains, for near misses."""
        domains = (it for provider in self.providers for it in provider.domains)
        return [*self._hosts, *self._catalogue.standard_names(), *domains]

    def unknown_name(self, name: str, rcode: str, *, for_mail: bool) -> str:
        """Tell of a look-up that found nothing: which name, what there is, how to have it or let it pass."""
        if exchanges := self.dns.exchanges(name):
            return f"{name!r} has no address in this mailnet: mail for it goes to its MX, {exchanges[0]}"
        if eras := self._catalogue.eras_of(plain_name(name)):
            provider, year = eras[-1]
            return (
                f"{name!r} is not in this mailnet: it was a host of {provider} in {year}. "
                f"To have it: mailnet.provider({provider!r}, era={year}), before {provider} is used"
            )
        if rcode == "NOERROR":
            way_out = f"mailnet.dns.add({name!r}, 'A', '192.0.2.27')"
            return f"{name!r} is in this mailnet and has no address; {way_out}"
        # The operators of the catalogue are no help to who asks for something else.
        known = self.names()
        known = known if near_misses(name, known) else list(self._hosts)
        holds = amongst(name, known) if known else ""
        passing = "" if for_mail else f"; to leave it to the machine: mailnet_pass_names = {name}"
        return (
            f"{name!r} is not in this mailnet{holds}. To have it: mailnet.add_server({name!r}), or "
            f"mailnet.dns.add({name!r}, 'A', '192.0.2.27'){passing}"
        )

    def _standard(self, name: str, era: int | None) -> Facts:
        try:
            return self._catalogue.load(name, era)
        except UnknownName as unknown:
            raise UnknownName(
                unknown.kind, unknown.given, [*unknown.known, *self._servers()], unknown.cure
            ) from None

    def _servers(self) -> list[str]:
        return [name for name in self._providers if name not in self._catalogue.names]

    def _put(self, facts: Facts) -> Provider:
        provider = self._made(facts)
        self.dns.merge(zones_of(facts))
        hosts = exchanges(facts)
        if facts.submission is not None:
            hosts = {**hosts, **dict.fromkeys(facts.submission.hosts, ())}
        for name, addresses in hosts.items():
            self._add_host(provider, name, addresses)
        unpublished = [name for name, addresses in hosts.items() if not addresses]
        self.dns.put(
            address_record(name, ip) for name in unpublished for ip in provider.hosts[name].addresses
        )
        # Last: whoever finds it here looks its names up.
        self._providers[facts.name] = provider
        return provider

    def _made(self, facts: Facts, *, catch_all: bool = False) -> Provider:
        return Provider(
            facts,
            functools.partial(self._catalogue.phrasebook, facts),
            clock=self.clock,
            dns=self.dns,
            journal=self.journal,
            arrivals=self.arrivals,
            random=self.random,
            sender_at=self.senders.at,
            relay=self.queue,
            present=self._providers.get,
            enforced=self.config.enforce,
            catch_all=catch_all,
        )

    def _add_host(self, provider: Provider, name: str, ips: Iterable[str]) -> None:
        host = Host(name, provider, self.authority, self._faults_lock)
        claimed = [self._routes.claim(ip, host) for ip in ips] or [self._routes.allocate(host)]
        host.settle_at(claimed)
        self._hosts[name] = host
        provider.add_host(host)

    def _missing(self, name: str) -> None:
        """Put a standard provider in when a name of its zone is first met."""
        while name:
            provider = self._catalogue.owner(name)
            if provider is not None and provider not in self._providers:
                self.provider(provider)
            name = name.partition(".")[2]

    def _reverse_name(self, ip: str) -> str | None:
        occupant = self._routes.occupant(ip) or self.host_at(ip)
        if isinstance(occupant, Sender):
            return occupant.ptr
        return None if occupant is None else occupant.name


def check_settings(config: MailNetConfig) -> Catalogue:
    """The providers by a net's settings.

    Raises:
        InvalidSetting: for a rule that there is not, with near misses, or a path without files of providers.
    """
    check_rules(config.enforce)
    return catalogue_with(config.providers)


def _host_name(given: str) -> str:
    name = plain_name(given) if isinstance(given, str) else ""
    labels = name.split(".")
    # By what is in no name: a space, the @ of an address, the signs of a URL or a port; and an IP address.
    if len(name) > 253 or labels[-1].isdigit() or not all(map(_LABEL.fullmatch, labels)):
        raise InvalidAddress(f"{given!r} cannot be a host or domain name; one looks like 'mx.shop.example'")
    return name
