"""The addresses and ports of a net: to whom they belong, and how they are checked."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from pytest_mailnet.errors import AddressInUse, InvalidAddress, InvalidSetting
from pytest_mailnet.handles.attributes import is_whole
from pytest_mailnet.system.native import lock
from pytest_mailnet.values import Endpoint

__all__ = [
    "DNS_OVER_TLS_PORT",
    "IMPLICIT_TLS_PORTS",
    "LMTP_PORTS",
    "MAIL_PORTS",
    "SMTP_PORTS",
    "Occupant",
    "Routes",
    "address_pool",
    "checked_endpoint",
    "checked_ip",
    "checked_ports",
    "checked_ports_among",
    "is_loopback",
]

DNS_OVER_TLS_PORT = 853  # RFC 7858, and of DNS over QUIC (RFC 9250)
_PORTS = 65536
# RFC 8314, 3.3; and 2465 where 465 is blocked, as Amazon SES has it. Of hosts that say no others.
IMPLICIT_TLS_PORTS = frozenset({465, 2465})
LMTP_PORTS = frozenset({24})  # IANA: "any private mail system"; what Dovecot and Cyrus are told to take
SMTP_PORTS = frozenset({25, 465, 587})
# 2525, 2465 and 2587 are submission at some operators. On loopback 2525 is a mail catcher of somebody's.
MAIL_PORTS = SMTP_PORTS | {2465, 2525, 2587, 110, 143, 993, 995}

# RFC 5737's documentation ranges first, so that a packet past every guard reaches nobody; RFC 2544's
# benchmarking range when they are used up, for nets of thousands of hosts.
_DOCUMENTATION = ("192.0.2.0/24", "198.51.100.0/24", "198.18.0.0/15")
# For applications that refuse addresses that are not global: reserved by IANA until 2011 and never
# the home of a mail service.
_PUBLIC_LOOKING = ("128.66.0.0/16", "191.255.0.0/16")


_BROADCAST = ipaddress.IPv4Address("255.255.255.255")  # RFC 919, 7


class Occupant(Protocol):
    """The owner of an address: a host or a sender."""

    @property
    def name(self) -> str:
        """Its name in messages, and the reverse name of its address."""
        ...


_O = TypeVar("_O", bound=Occupant)


class Routes(Generic[_O]):
    """The address book of a net. One lock: tests write, and dialling threads and servers read.

    Args:
        pool: addresses for hosts that are added without one.
    """

    def __init__(self, pool: Iterator[str]) -> None:
        self._pool = pool
        self._occupants: dict[str, _O] = {}
        self._lock = lock()

    def claim(self, ip: str, occupant: _O) -> str:
        """Give an address to a host or sender.

        Args:
            ip: the address, IPv4 or IPv6, in any form.
            occupant: the host or sender.

        Returns:
            The address in its usual form.

        Raises:
            InvalidAddress: if that is no IP address, or a loopback, multicast or other one of no single host.
            AddressInUse: if the address belongs to another host or sender.
        """
        ip = checked_ip(ip)
        with self._lock:
            holder = self._occupants.setdefault(ip, occupant)
        if holder is not occupant:
            raise AddressInUse(
                f"{ip} was asked for by {occupant.name!r} and belongs to {holder.name!r} in this net; "
                "give one of the two another address, or leave ip= out and have one chosen"
            )
        return ip

    def allocate(self, occupant: _O) -> str:
        """Give the next free address of the pool to a host, and return it.

        Raises:
            AddressInUse: if the pool is used up.
        """
        with self._lock:
            for ip in self._pool:
                if self._occupants.setdefault(ip, occupant) is occupant:
                    return ip
        raise AddressInUse("this net has used up its addresses; give further hosts theirs by ip=")

    def release(self, ip: str) -> None:
        """Make an address free again."""
        with self._lock:
            self._occupants.pop(ip, None)

    def occupant(self, ip: str) -> _O | None:
        """The host or sender that has an address; None if nobody has it."""
        return self._occupants.get(ip)


def address_pool(*, public: bool = False) -> Iterator[str]:
    """Addresses for hosts, from the documentation ranges; public-looking ones instead if asked for."""
    for network in _PUBLIC_LOOKING if public else _DOCUMENTATION:
        for number in _hosts_in(network):
            # `str(IPv4Address(n))` costs three times as much, and a net may have thousands.
            yield f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


@functools.cache
def _hosts_in(network: str) -> range:
    """The addresses for hosts in a network, as numbers; the first ten are left for tests to choose from."""
    known = ipaddress.IPv4Network(network)
    first = int(known.network_address)
    return range(first + 10, first + known.num_addresses - 1)


@functools.lru_cache(4096)  # the same few in every net of a run
def checked_ip(ip: str) -> str:
    """Return an IP address that a host or sender can have, in its usual form.

    Raises:
        InvalidAddress: if that is no IP address, or none of a single machine on a network.
    """
    try:
        # Numbers are addresses to ipaddress, and True and False are numbers.
        found = ipaddress.ip_address(str(ip) if isinstance(ip, int) else ip)
    except ValueError:
        raise InvalidAddress(
            f"{ip!r} is no IP address; it takes one as in '192.0.2.27' or '2001:db8::27'"
        ) from None
    if (kind := _no_host(found)) is not None:
        raise InvalidAddress(
            f"{ip!r} is {kind} address, and no host or sender can have it; it takes one as in '192.0.2.27' "
            "or '2001:db8::27'. mailnet.listen('mx.shop.example') gives a host a port on 127.0.0.1, too"
        )
    return str(found)


def _no_host(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str | None:
    """What an address is if not one of a single machine on a network (RFC 6890); None if it is such a one."""
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    there = mapped or ip
    if there.is_loopback:
        return "a loopback"
    if there.is_unspecified:
        return "the unspecified"
    if there.is_multicast:
        return "a multicast"
    if there.is_link_local:
        return "a link-local"
    return "the broadcast" if there == _BROADCAST else None


def checked_ports(ports: object, what: str) -> tuple[int, ...]:
    """Check the ports of a host, and return them.

    Args:
        ports: the ports as the test gave them.
        what: what the ports were given to, for messages: "ports of a host".

    Raises:
        InvalidSetting: if that is no collection of numbers from 1 to 65535.
    """
    if isinstance(ports, str | bytes) or not isinstance(ports, Iterable):
        raise InvalidSetting(f"{what}: it takes several, as in (25, 587), not {ports!r}")
    given = tuple(ports)
    for port in given:
        if not (is_whole(port) and 0 < port < _PORTS):
            raise InvalidSetting(f"{what}: {port!r} is no port, 1 to 65535")
    return given


def checked_ports_among(listening: tuple[int, ...], ports: object, what: str) -> tuple[int, ...]:
    """Check those ports of a host that are for something of their own, and return them.

    Args:
        listening: all ports of the host.
        ports: the ports as the test gave them.
        what: what the ports were given to, for messages: "tls_ports of a host".

    Raises:
        InvalidSetting: if the host does not listen on one of them.
    """
    given = checked_ports(ports, what)
    for port in given:
        if port not in listening:
            has = ", ".join(map(str, listening)) or "none"
            raise InvalidSetting(f"{what}: {port} is not among its ports, {has}; name it there, too")
    return given


def checked_endpoint(given: object, call: str, what: str, *, least: int = 1) -> Endpoint:
    """Check an address and port of the machine, and return them.

    Args:
        given: as the test gave it: ("127.0.0.1", 8025). "localhost" will do for the address.
        call: the test's call with the argument, for messages.
        what: what is there: "the application's server listens".
        least: the lowest port that is possible.

    Raises:
        InvalidSetting: for anything else.
    """
    try:
        ip, port = given if isinstance(given, tuple) else ()
        ip = str(ipaddress.ip_address("127.0.0.1" if ip == "localhost" else str(ip)))
    except ValueError:
        ip, port = "", None
    if not (ip and is_whole(port) and least <= port < _PORTS):
        raise InvalidSetting(
            f"{call}={given!r}): it takes the address and the port at which {what}, as in ('127.0.0.1', 8025)"
        )
    return Endpoint(ip, port)


def is_loopback(ip: str) -> bool:
    """Whether packets to that address stay on the machine; the unspecified address means loopback."""
    return ip.startswith("127.") or ip in {"::1", "0.0.0.0", "::", "::ffff:127.0.0.1"}  # noqa: S104
