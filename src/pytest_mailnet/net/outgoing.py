"""The addresses from which mail is sent in a net: the application's, and those of relaying providers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from pytest_mailnet.addresses import Occupant, Routes
from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.providers.host_service import HostService
from pytest_mailnet.providers.operator import Operator
from pytest_mailnet.relay.source import Source, origin_of, sending_addresses
from pytest_mailnet.senders.own_records import SenderRecords
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.system.native import Lock

if TYPE_CHECKING:
    from pytest_mailnet.senders.dkim_key import DkimKey

__all__ = ["Senders"]


class Senders:
    """The senders of one net, with their addresses and records.

    Args:
        dns: the net's DNS, which gets their records.
        routes: the net's address book.
        lock: the lock held by every addition to the net, so that a free address is still free when it is
            claimed.

    Attributes:
        moved: called when a sender is added or has other addresses or names.
    """

    def __init__(self, dns: Resolver, routes: Routes[Occupant], lock: Lock) -> None:
        self._dns, self._routes, self._lock = dns, routes, lock
        self._records = SenderRecords(dns)
        self._senders: list[Sender] = []
        self._relays: set[Sender] = set()
        self._sources: dict[Operator, Source] = {}
        self.moved: Callable[[], object] = bool

    def add(self, ip: str | None, ptr: str | None, *, relays: bool = False) -> Sender:
        """Add an address from which mail is sent.

        Args:
            ip: the IPv4 address; None for the next free one.
            ptr: the reverse name; None for none.
            relays: whether an operator sends from there, and not the application.

        Raises:
            InvalidAddress, AddressInUse: for an invalid address, or one in use.
        """
        with self._lock:
            number = 7 + len(self._senders)
            sender = Sender(
                self._routes,
                ip=ip or f"203.0.113.{number}",
                ipv6=f"2001:db8:203::{number:x}",
                ptr=ptr,
                changed=self._publish,
                publish=self._publish_records,
            )
            self._senders.append(sender)
            if relays:
                self._relays.add(sender)
            self._publish(sender)
        return sender

    @property
    def addresses(self) -> list[str]:
        """The addresses of the application's senders."""
        return [ip for sender in list(self._senders) if sender not in self._relays for ip in sender.addresses]

    def at(self, ip: str) -> Sender | None:
        """The sender with an IP address; None for any other address."""
        occupant = self._routes.occupant(ip)
        return occupant if isinstance(occupant, Sender) else None

    def source_of(self, operator: Operator, own: HostService | None) -> Source:
        """The source from which an operator relays: a test's own server's address, or one by its SPF records.

        Args:
            operator: the operator.
            own: its host, if it is a server that the test has added; None for a provider.
        """
        with self._lock:
            found = self._sources.get(operator)
            if found is None:
                # A cast: pyright compares a `Setting` with what a protocol's property returns.
                found = origin_of(own) if own else cast("Source", self._source(operator))
                self._sources[operator] = found
        return found

    @property
    def sources(self) -> list[Source]:
        """The sources from which operators have relayed mail so far."""
        return list(self._sources.values())

    def _source(self, operator: Operator) -> Sender:
        domains = operator.domains or (f"{operator.name}.example",)
        found = (ip for domain in domains for ip in sending_addresses(self._dns, domain))
        free = (ip for ip in found if self._routes.occupant(ip) is None)
        return self.add(next(free, None), f"outbound.{domains[0]}", relays=True)

    def _publish_records(self, domain: str, **settings: Any) -> DkimKey | None:
        from pytest_mailnet.senders.publishing import publish  # noqa: PLC0415  # few tests publish any

        return publish(self._dns, domain, **settings)

    def _publish(self, sender: Sender) -> None:
        with self._lock:
            self._records.publish(sender)
            self.moved()
