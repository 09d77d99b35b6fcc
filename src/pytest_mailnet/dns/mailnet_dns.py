"""The net's DNS as a test holds it: `mailnet.dns`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.handles.names import DnsFailure
from pytest_mailnet.handles.snapshot import Snapshot, since

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver
    from pytest_mailnet.faults.disruption import Disruption
    from pytest_mailnet.faults.dns_fault import DnsFault
    from pytest_mailnet.record.journal import Journal, Query
    from pytest_mailnet.values import Endpoint

__all__ = ["Dns"]

_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "ttl": ".add(name, rdtype, value, ttl=60) gives it with a record",
        "records": ".add('shop.example', 'MX', '10 mx.shop.example') puts some in, .remove takes them away",
        "queries": "what the application asks is recorded",
        "names": ".add and .remove put records in and take them away",
        "recover": ".end() of what .fail returns ends a failure",
        "nameservers": "all name servers lead into the net",
    }
)


@steady("a mailnet's dns", _INSTEAD)
class Dns:
    """The names of a net with their records, and the questions that were asked: `mailnet.dns`.

    Args:
        resolver: keeps the records, and answers.
        journal: has the questions.
        answer: opens a real port where the net answers questions.
    """

    def __init__(self, resolver: Resolver, journal: Journal, answer: Callable[[object], Endpoint]) -> None:
        self._resolver, self._journal, self._answer = resolver, journal, answer

    def listen(self, *, at: tuple[str, int] = ("127.0.0.1", 0)) -> Endpoint:
        """Open a real port where the net answers questions, for resolvers in other languages and processes.

        It answers over UDP and TCP, as if the questions came from `mailnet.sender`.

        Args:
            at: the address and port of this machine; port 0 for any that is free.

        Returns:
            The address to ask. The port is closed when the net is left.

        Raises:
            InvalidSetting: if `at` cannot be opened, or the net is not active.
        """
        return self._answer(at)

    def add(self, name: str, rdtype: str, *values: str, ttl: int = 300) -> None:
        """Add records of one name and type; records that are there stay.

        Args:
            name: the owner; "*.shop.example" is a wildcard (RFC 4592).
            rdtype: "A", "MX", "TXT", … or "TYPE65280" (RFC 3597).
            values: the rdata of each record, in presentation form: "10 mx.shop.example", "v=spf1 -all".
            ttl: in seconds.

        Raises:
            ZoneError: for a malformed name, type, value or time to live, or a CNAME beside another record.
        """
        self._resolver.add(name, rdtype, *values, ttl=ttl)

    def load(self, source: str | os.PathLike[str], origin: str) -> None:
        """Add the records of a master file (RFC 1035, 5), all of them or none.

        Args:
            source: the file's path, or its text: a `str` with a line end in it.
            origin: the domain to which names without a final dot belong.

        Raises:
            ZoneError: for an error in the file; names the line.
        """
        self._resolver.load(source, origin)

    def remove(self, name: str, rdtype: str | None = None) -> None:
        """Take away records of a name.

        Args:
            name: the owner.
            rdtype: the type of the records; None for all types.

        Raises:
            ZoneError: if the name has no such records; names the near misses.
        """
        self._resolver.remove(name, rdtype)

    def fail(
        self, name: str, fault: DnsFailure | DnsFault, *, rdtype: str | None = None, times: int | None = None
    ) -> Disruption:
        """Let look-ups of a name go wrong: `dns.fail("shop.example", "SERVFAIL")`.

        Args:
            name: exactly this name, without the names below it; a lame zone takes them along.
            fault: an rcode ("SERVFAIL", "REFUSED", "NXDOMAIN", "NOTIMP", "FORMERR"), one of
                `pytest_mailnet.FAULTS` whose id begins with "dns-", or that id.
            rdtype: the type of the questions that fail; None for all types.
            times: how many questions fail; None for all from now on, until `end`.

        Returns:
            The failure; its `end()` lets the fault happen no more.

        Raises:
            ZoneError: for an unknown fault or type, a count below 1, a fault of MX records where the name has
                none, or a fault that no question can meet, because an earlier one without `times` takes
                them all.
        """
        return self._resolver.fail(name, fault, rdtype=rdtype, times=times)

    def sign(self, name: str) -> None:
        """Let answers from a domain count as validated by DNSSEC: `dns.sign("shop.example")`.

        An answer of which every record comes from such domains has the AD flag, for clients that set AD or
        DO in the question (RFC 6840, 5.7 and 5.8). There are no keys and signatures, and no RRSIG in
        answers: the client trusts its resolver, as with `options trust-ad` in resolv.conf.

        Args:
            name: the domain; all names below it count as well.

        Raises:
            ZoneError: if the net has no zone of that name; names the near misses.
        """
        self._resolver.sign(name)

    @property
    def queries(self) -> list[Query]:
        """The questions that were asked, in order."""
        return Snapshot(self._journal.queries, "mailnet.dns.queries", since("mailnet.dns.queries"))

    @property
    def names(self) -> list[str]:
        """The names that have records."""
        return Snapshot(self._resolver.names, "mailnet.dns.names", ".dns.add and .dns.remove change them.")
