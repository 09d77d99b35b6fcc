"""The addresses from which a server relays mail."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver
    from pytest_mailnet.providers.host_service import HostService

__all__ = ["Source", "origin_of", "sending_addresses"]

_MOST_INCLUDES = 10  # RFC 7208, 4.6.4
_OF_A_NETWORK = 256


class Source(Protocol):
    """A relay as other servers see it: a `Sender`, or a host of the test's own."""

    @property
    def ip(self) -> str:
        """Its IPv4 address; "" for none."""
        ...

    @property
    def ipv6(self) -> str | None:
        """Its IPv6 address; None for none."""
        ...

    @property
    def helo(self) -> str:
        """Its name in EHLO."""
        ...


class _Origin(NamedTuple):
    ip: str
    ipv6: str | None
    helo: str


def origin_of(host: HostService) -> Source:
    """The source of a host that sends from the addresses at which it takes mail."""
    by_version = {":" in ip: ip for ip in reversed(host.addresses)}
    return _Origin(by_version.get(False, ""), by_version.get(True), host.name)


def sending_addresses(dns: Resolver, domain: str) -> Iterator[str]:
    """The IPv4 addresses that may send for a domain, by its SPF record and included ones (RFC 7208).

    Args:
        dns: the resolver that finds the records.
        domain: the domain.
    """
    for network in _networks(dns, [domain]):
        addresses = itertools.islice(ipaddress.IPv4Network(network, strict=False), 1, _OF_A_NETWORK)
        yield from map(str, addresses)


def _networks(dns: Resolver, domains: list[str]) -> Iterator[str]:
    for domain in domains:  # which grows meanwhile
        if len(domains) > _MOST_INCLUDES:
            return
        for text in dns.lookup(domain, "TXT").values("TXT"):
            if text.lower().startswith("v=spf1 "):
                for term in text.split()[1:]:
                    kind, _, value = term.lstrip("+").replace("redirect=", "include:").partition(":")
                    if kind == "ip4":
                        yield value
                    elif kind == "include" and "%" not in value:
                        domains.append(value)
