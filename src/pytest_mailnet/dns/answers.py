"""What a resolver tells, as values."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from pytest_mailnet.dns.records import Record, text_of
from pytest_mailnet.faults.dns_fault import DnsManner

__all__ = ["Addresses", "DnsAnswer", "addresses_in"]


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """What a resolver tells.

    Attributes:
        rcode: "NOERROR", "NXDOMAIN", "SERVFAIL", … (RFC 6895, 2.3).
        answers: a CNAME chain first.
        authority: the zone's SOA, where a name or type is not there (RFC 2308).
        additional: addresses of the hosts that the answers name.
        broken: what goes wrong with it on its way.
    """

    rcode: str
    answers: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    broken: DnsManner | None = None

    @property
    def failed(self) -> bool:
        """Whether it says neither that there is something nor that there is nothing: SERVFAIL, REFUSED."""
        return self.rcode not in ("NOERROR", "NXDOMAIN")

    def values(self, rdtype: str) -> tuple[str, ...]:
        """What the answers of one type say; the character-strings of a TXT record as one text."""
        found = (record.rdata for record in self.answers if record.rdtype == rdtype)
        return tuple(map(text_of, found)) if rdtype == "TXT" else tuple(found)


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a look-up of a host's addresses found.

    Attributes:
        rcode: of the answer.
        canonical: the name at the end of the CNAME chain.
        addresses: IP addresses.
        texts: the answer section.
    """

    rcode: str
    canonical: str
    addresses: tuple[str, ...]
    texts: tuple[str, ...]


@functools.lru_cache(maxsize=1024)
def addresses_in(name: str, answer: DnsAnswer) -> Addresses:
    """What an answer says of the addresses of the name that was asked for."""
    chain = [record for record in answer.answers if record.rdtype == "CNAME"]
    return Addresses(
        answer.rcode,
        chain[-1].rdata.rstrip(".") if chain else name,
        tuple(record.rdata for record in answer.answers if record.rdtype != "CNAME"),
        tuple(map(str, answer.answers)),
    )
