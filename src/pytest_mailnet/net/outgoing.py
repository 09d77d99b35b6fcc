"""From where mail is sent in a net: the application's addresses, and those from which providers relay."""

from __future__ import annotations

import functools

from pytest_mailnet.addresses import Occupant, Routes
from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.providers.host_service import HostService
from pytest_mailnet.providers.operator import Operator
from pytest_mailnet.relay import Source, origin_of, sending_addresses
from pytest_mailnet.senders.own_records import SenderRecords
from pytest_mailnet.senders.publishing import publish
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.system.native import Lock

__all__ = ["Senders"]


class Senders:
    """All who send in one net, with their addresses and records.

    Args:
        dns: where their records are published.
        routes: the net's address book.
        lock: held by whoever puts somebody into the net, so that an address that was found free still is so
            when it is claimed.
    """

    def __init__(self, dns: Resolver, routes: Routes[Occupant], lock: Lock) -> None:
        self._dns, self._routes, self._lock = dns, routes, lock
        self._records = SenderRecords(dns)
        self._senders: list[Sender] = []
        self._sources: dict[Operator, Source] = {}

    def add(self, ip: str | None, ptr: str | None) -> Sender:
        """Add an address of the application.

        Raises:
            InvalidAddress, AddressInUse: if that is no address, or another's.
        """
        with self._lock:
            number = 7 + len(self._senders)
            sender = Sender(
                self._routes,
                ip=ip or f"203.0.113.{number}",
                ipv6=f"2001:db8:203::{number:x}",
                ptr=ptr,
                changed=self._publish,
                publish=functools.partial(publish, self._dns),
            )
            self._senders.append(sender)
            self._publish(sender)
        return sender

    def at(self, ip: str) -> Sender | None:
        """The sender with that address."""
        occupant = self._routes.occupant(ip)
        return occupant if isinstance(occupant, Sender) else None

    def source_of(self, operator: Operator, own: HostService | None) -> Source:
        """From where an operator sends: a test's own server from its address, others from one by their SPF.

        Args:
            operator: who sends.
            own: its host, if it is a server that the test has added.
        """
        with self._lock:
            found = self._sources.get(operator)
            if found is None:
                found = self._sources[operator] = origin_of(own) if own else self._source(operator)
        return found

    @property
    def sources(self) -> list[Source]:
        """From where providers have relayed mail by now."""
        return list(self._sources.values())

    def _source(self, operator: Operator) -> Sender:
        domain = next(iter(operator.domains), f"{operator.name}.example")
        free = (ip for ip in sending_addresses(self._dns, domain) if self._routes.occupant(ip) is None)
        return self.add(next(free, None), f"outbound.{domain}")

    def _publish(self, sender: Sender) -> None:
        with self._lock:
            self._records.publish(sender)
