"""One net's parts, wired together: names, addresses, operators, senders, queue, weather, record."""

from __future__ import annotations

import functools
from random import Random
from typing import TYPE_CHECKING

from pytest_mailnet.addresses import Occupant, Routes, address_pool
from pytest_mailnet.certificates import Authority
from pytest_mailnet.clock import Clock
from pytest_mailnet.config import MailNetConfig
from pytest_mailnet.dns.records import plain_name
from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.faults import DnsFault, Fault
from pytest_mailnet.faults.schedule import Weather
from pytest_mailnet.mailboxes.arrivals import Arrivals
from pytest_mailnet.net.directory import Directory
from pytest_mailnet.net.outgoing import Senders
from pytest_mailnet.providers import Catalogue, Facts, catalogue_with
from pytest_mailnet.providers.host_service import HostService
from pytest_mailnet.providers.operator import Operator
from pytest_mailnet.providers.policy import check_rules
from pytest_mailnet.record.journal import Journal
from pytest_mailnet.relay.source import Source
from pytest_mailnet.relay.spool import Spool
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.server.connection import Passing
from pytest_mailnet.system.native import reentrant_lock

if TYPE_CHECKING:
    from pytest_mailnet.dns.name_server import NameServer
    from pytest_mailnet.server.application_server import Reach

__all__ = ["Internet", "check_settings"]


class Internet:
    """The parts of one net.

    Args:
        config: the net's settings.
        journal: the record of questions, sessions and the clock's steps.
        clock: the net's.
        random: the source of everything random.
        authority: signs the certificates of hosts.

    Attributes:
        directory: the operators and their hosts.
        senders: the addresses from which mail is sent.
        dns: the zones, and the answers in them.
        arrivals: the messages that servers took.
        spool: the messages that servers are to relay.
        weather: the scheduled and the random faults.
        reach: makes sockets for connections to servers among the net's programs.
        passing: called at each place at which the application can die; None where nobody asks.
    """

    def __init__(
        self, config: MailNetConfig, journal: Journal, clock: Clock, random: Random, authority: Authority
    ) -> None:
        self.config: MailNetConfig = config
        self.journal: Journal = journal
        self.clock: Clock = clock
        self.random: Random = random
        self.authority = authority
        catalogue = check_settings(config)
        putting_in = reentrant_lock()
        self._routes: Routes[Occupant] = Routes(address_pool(public=config.addresses == "public"))
        self.arrivals: Arrivals = Arrivals()
        self.spool: Spool = Spool(self)
        self.dns: Resolver = Resolver(missing=self._met, reverse=self._reverse_name, now=clock.time)
        self.senders: Senders = Senders(self.dns, self._routes, putting_in)
        self.directory: Directory = Directory(
            catalogue, self.dns, self._routes, authority, putting_in, self._operated
        )
        self.weather: Weather = Weather()
        self.passing: Passing | None = None
        self.reach: Reach = _on_the_machine
        self._sender: Sender = self.senders.add("203.0.113.7", "app.sender.example")

    @property
    def sender(self) -> Sender:
        """The source of the application's connections, unless a socket is bound to another sender."""
        return self._sender

    @sender.setter
    def sender(self, sender: Sender) -> None:
        self._sender = sender
        self.senders.moved()

    @functools.cached_property
    def name_server(self) -> NameServer:
        """Packs the answers to questions that come in packets."""
        # Only who has the engine's turn asks for it, so one is made.
        from pytest_mailnet.dns.name_server import NameServer  # noqa: PLC0415  # with dnslib: many tests ask nothing

        return NameServer(self.dns, self.journal, self._asked)

    def caller(self) -> str:
        """The sender's address for DNS questions without a note of who asks."""
        return self.sender.ip

    def occupant(self, ip: str) -> Occupant | None:
        """The host or sender with an IP address; None for nobody."""
        return self._routes.occupant(ip)

    def host_at(self, ip: str) -> HostService | None:
        """The host with an IP address; None for any other address."""
        return self.directory.host_at(ip)

    def source_of(self, operator: Operator) -> Source:
        """The source from which an operator relays mail."""
        return self.senders.source_of(operator, self.directory.hosts.get(operator.name))

    def drawn_for(self, host: HostService, port: int) -> Fault | None:
        """The fault of a connection to a port of a host, besides the host's own; None for none."""
        return self.weather.of_connection(host.name, functools.partial(host.can_meet, port=port))

    def drawn_for_question(self, name: str, rdtype: str) -> DnsFault | None:
        """The fault of a DNS question of the application, besides the name's own; None for none.

        Args:
            name: the name in the question.
            rdtype: the type, such as "MX".
        """
        return self.weather.of_question(plain_name(name), rdtype)

    def _asked(self, name: str, rdtype: str) -> DnsFault | None:
        self.looked_up(rdtype, name)
        return self.drawn_for_question(name, rdtype)

    def looked_up(self, what: str, name: str) -> None:
        """Pass the place of a look-up, at which the application can die before the answer.

        Args:
            what: the type of the records, or what asks.
            name: the name.
        """
        if self.passing is not None:
            self.passing(f"look-up {what} {name}")

    def _operated(self, facts: Facts) -> Operator:
        return Operator(
            facts,
            functools.partial(self.directory.catalogue.phrasebook, facts),
            reading=functools.partial(self.directory.catalogue.reading, facts),
            clock=self.clock,
            dns=self.dns,
            journal=self.journal,
            arrivals=self.arrivals,
            random=self.random,
            sender_at=self.senders.at,
            relay=self.spool,
            present=self.directory.operators.get,
            enforced=self.config.enforce,
        )

    def _met(self, name: str) -> None:
        self.directory.meet(name)

    def _reverse_name(self, ip: str) -> str | None:
        return self.directory.reverse_name(ip)


def _on_the_machine(_source: str, _destination: str) -> None:
    """No socket: there are no programs in namespaces."""


def check_settings(config: MailNetConfig) -> Catalogue:
    """Check the settings `enforce` and `providers`; return the catalogue of providers.

    Raises:
        InvalidSetting: for an unknown rule, with near misses, or a path without TOML files.
        ProviderFileError: for an entry point that names no package.
    """
    check_rules(config.enforce)
    return catalogue_with(config.providers)
