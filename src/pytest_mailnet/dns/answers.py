"""The answers of a resolver, as values."""

from __future__ import annotations

import functools
from typing import NamedTuple

from pytest_mailnet.dns.records import Record, text_of
from pytest_mailnet.faults.dns_fault import DnsManner

__all__ = ["Addresses", "DnsAnswer", "addresses_in"]

_ADDRESSES = frozenset({"A", "AAAA"})


class DnsAnswer(NamedTuple):
    """The answer of a resolver to one question.

    Attributes:
        rcode: "NOERROR", "NXDOMAIN", "SERVFAIL", … (RFC 6895, 2.3).
        answers: the answer section; a CNAME chain comes first.
        authority: the zone's SOA if there is no such name or type (RFC 2308), otherwise empty.
        additional: addresses of the hosts in the answers.
        broken: the fault that happens to the answer on its way; None for none.
        signed: whether all of it comes from signed zones (RFC 4035, 3.2.3).
        wrong: the fault that has made it what it is; None for a true answer.
    """

    rcode: str
    answers: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    broken: DnsManner | None = None
    signed: bool = False
    wrong: DnsManner | None = None

    @property
    def failed(self) -> bool:
        """Whether the look-up failed (SERVFAIL, REFUSED), so that nothing is known of the name."""
        return self.rcode not in ("NOERROR", "NXDOMAIN")

    def values(self, rdtype: str) -> tuple[str, ...]:
        """The rdata of the answers of one type; the character-strings of a TXT record as one text."""
        found = (record.rdata for record in self.answers if record.rdtype == rdtype)
        return tuple(map(text_of, found)) if rdtype == "TXT" else tuple(found)


class Addresses(NamedTuple):
    """The result of looking up a host's addresses.

    Attributes:
        rcode: the rcode of the answer.
        canonical: the name at the end of the CNAME chain; the name that was asked for without one.
        addresses: the IP addresses.
        texts: the records of the answer section, one line each.
        fault: the fault that the question has met; None for none.
    """

    rcode: str
    canonical: str
    addresses: tuple[str, ...]
    texts: tuple[str, ...]
    fault: DnsManner | None = None


@functools.lru_cache(maxsize=1024)
def addresses_in(name: str, answer: DnsAnswer) -> Addresses:
    """The addresses in an answer.

    Args:
        name: the name that was looked up.
        answer: the answer to the question for its A or AAAA records.
    """
    chain = [record for record in answer.answers if record.rdtype == "CNAME"]
    return Addresses(
        answer.rcode,
        chain[-1].rdata.rstrip(".") if chain else name,
        tuple(record.rdata for record in answer.answers if record.rdtype in _ADDRESSES),
        tuple(map(str, answer.answers)),
        answer.wrong or answer.broken,
    )
