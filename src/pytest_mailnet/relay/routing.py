"""Where mail for a domain goes: its MX hosts in the net's DNS, in order (RFC 5321, 5.1)."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, NamedTuple, cast

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

if TYPE_CHECKING:
    from dns.rdtypes.ANY.MX import MX

__all__ = ["MailExchanger", "Router", "Unroutable"]


class MailExchanger(NamedTuple):
    """A host that takes a domain's mail; lower preferences are tried first."""

    preference: int
    host: str


class Unroutable(Exception):
    """A domain or host to which no mail can be sent.

    Attributes:
        status: the enhanced status code; 4.x.x if a later attempt may succeed.
        why: the reason in words.
    """

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status: str = status
        self.why: str = why


class Router:
    """Finds routes in DNS, and keeps the answers for one run of a queue.

    Args:
        ask: sends a DNS packet and returns that of the answer; None for silence.
        random: shuffles exchanges of the same preference.
    """

    def __init__(self, ask: Callable[[bytes], bytes | None], random: Random) -> None:
        self._ask, self._random = ask, random
        self._routes: dict[str, tuple[MailExchanger, ...] | Unroutable] = {}
        self._addresses: dict[str, tuple[str, ...]] = {}

    def route(self, domain: str) -> tuple[MailExchanger, ...]:
        """The exchanges of a domain, sorted by preference.

        Raises:
            Unroutable: if the domain has none, or the look-up fails.
        """
        found = self._routes.get(domain)
        if found is None:
            try:
                found = self._route(domain)
            except Unroutable as unroutable:
                found = unroutable
            self._routes[domain] = found
        if isinstance(found, Unroutable):
            raise found
        return found

    def in_turn(self, route: tuple[MailExchanger, ...]) -> list[str]:
        """The hosts of a route; those of the same preference are in random order."""
        drawn = [(exchange.preference, self._random.random(), exchange.host) for exchange in route]
        return [host for _, _, host in sorted(drawn)]

    def addresses(self, host: str) -> tuple[str, ...]:
        """The addresses of a host, IPv4 first; () if it has none or the look-up fails."""
        if host.startswith("["):  # an address literal (RFC 5321, 4.1.3)
            return (host.strip("[]").removeprefix("IPv6:"),)
        found = self._addresses.get(host)
        if found is None:
            found = self._addresses[host] = tuple(
                address for rdtype in ("A", "AAAA") for address in self._addresses_of(host, rdtype)
            )
        return found

    def _route(self, domain: str) -> tuple[MailExchanger, ...]:
        if domain.startswith("["):
            return (MailExchanger(0, domain),)
        answer = self._question(domain, "MX")
        rcode = dns.rcode.to_text(answer.rcode())
        if rcode == "NXDOMAIN":
            raise Unroutable("5.1.2", f"the domain {domain} does not exist (DNS: NXDOMAIN)")
        if rcode != "NOERROR":
            raise Unroutable("4.4.3", f"the MX records of {domain} cannot be looked up (DNS: {rcode})")
        found = _records(answer)
        if not found:  # RFC 5321, 5.1: the domain itself, if it has an address
            if not self.addresses(domain):
                raise Unroutable("5.4.4", f"{domain} has neither MX nor address records")
            return (MailExchanger(0, domain),)
        exchanges = sorted(
            MailExchanger(it.preference, it.exchange.to_text(omit_final_dot=True)) for it in found
        )
        if [it.host for it in exchanges] == ["."]:
            raise Unroutable("5.1.10", f"{domain} takes no mail: it has a null MX (RFC 7505)")
        return tuple(exchanges)

    def _addresses_of(self, host: str, rdtype: str) -> list[str]:
        try:
            answer = self._question(host, rdtype)
            rrset = answer.resolve_chaining().answer
        except (Unroutable, dns.exception.DNSException):
            return []
        return [] if rrset is None else [it.to_text() for it in rrset]

    def _question(self, name: str, rdtype: str) -> dns.message.QueryMessage:
        try:
            query = dns.message.make_query(name, rdtype)
        except dns.exception.DNSException as error:
            raise Unroutable("5.1.2", f"{name!r} cannot be a domain: {error}") from error
        packet = self._ask(query.to_wire())
        if packet is None:
            raise Unroutable("4.4.3", f"DNS does not answer when asked for the {rdtype} records of {name}")
        answer = dns.message.from_wire(packet)
        assert isinstance(answer, dns.message.QueryMessage)
        return answer


def _records(answer: dns.message.QueryMessage) -> list[MX]:
    try:
        rrset = answer.resolve_chaining().answer
    except dns.exception.DNSException as error:
        raise Unroutable("4.4.3", f"the answer of DNS makes no sense: {error}") from error
    # By type, not by class: pytester makes Python forget modules, and a class imported anew is another.
    found = [] if rrset is None else [it for it in rrset if it.rdtype == dns.rdatatype.MX]
    return cast("list[MX]", found)
