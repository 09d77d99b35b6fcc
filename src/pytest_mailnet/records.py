"""DNS records as values: from presentation text to rdata, with errors that help (RFC 1035, 5)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.tokenizer
import dns.zone

from pytest_mailnet.errors import ZoneError, amongst

__all__ = ["Record", "parse_rdata", "parse_rdtype", "parse_zone", "plain_name"]

_EXAMPLES = {
    "A": "192.0.2.27",
    "AAAA": "2001:db8::27",
    "CAA": '0 issue "ca.example"',
    "CNAME": "mx.shop.example",
    "MX": "10 mx.shop.example",
    "NS": "ns.shop.example",
    "PTR": "mx.shop.example",
    "SOA": "ns.shop.example hostmaster.shop.example 1 7200 3600 1209600 300",
    "SRV": "0 1 587 smtp.shop.example",
    "TLSA": "3 1 1 " + "ab" * 32,
    "TXT": "v=spf1 -all",
}
_CHUNK = 255


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record of class IN.

    Attributes:
        name: the owner, lower case, without the final dot.
        rdtype: "MX", "TYPE65280".
        ttl: seconds.
        rdata: dnspython's.
    """

    name: str
    rdtype: str
    ttl: int
    rdata: dns.rdata.Rdata

    def __str__(self) -> str:
        return f"{self.name} {self.ttl} {self.rdtype} {self.rdata}"


def plain_name(name: str) -> str:
    """A domain name as it is kept and compared: lower case, without the final dot; "" is the root."""
    return name.rstrip(".").lower()


def parse_rdtype(rdtype: str) -> str:
    """Return a record type as it is usually written.

    Raises:
        ZoneError: if there is none of that name; names the near misses.
    """
    try:
        return dns.rdatatype.to_text(dns.rdatatype.from_text(rdtype))
    except (dns.rdatatype.UnknownRdatatype, ValueError):
        raise ZoneError(
            f"no DNS record type {rdtype!r}{amongst(rdtype, _EXAMPLES)}; RFC 3597 has others as 'TYPE65280'"
        ) from None


def parse_rdata(name: str, rdtype: str, value: str) -> dns.rdata.Rdata:
    """Read rdata in presentation form; host names in it need no final dot, a TXT no quotes.

    Texts of more than 255 octets, as DKIM's keys are, become several character strings (RFC 1035, 3.3.14).

    Raises:
        ZoneError: if the value is none of that type, with one that is.
    """
    kind = dns.rdatatype.from_text(rdtype)
    try:
        if kind == dns.rdatatype.TXT:
            return dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, kind, list(_character_strings(value)))
        return dns.rdata.from_text(dns.rdataclass.IN, kind, value, dns.name.root, relativize=False)
    except (dns.exception.DNSException, ValueError) as error:
        example = _EXAMPLES.get(rdtype, r"\# 4 0A000001")
        raise ZoneError(
            f"dns.add({name!r}, {rdtype!r}, {value!r}): {error}; {rdtype} takes it as in {example!r}"
        ) from error


def _character_strings(value: str) -> Iterator[bytes]:
    texts = [value.encode()]
    if value.lstrip().startswith('"'):
        tokens, texts = dns.tokenizer.Tokenizer(value), []
        while not (token := tokens.get()).is_eol_or_eof():
            texts.append(token.unescape_to_bytes().value)
    for text in texts:
        for start in range(0, max(len(text), 1), _CHUNK):
            yield text[start : start + _CHUNK]


def parse_zone(source: str | os.PathLike[str], origin: str) -> Iterator[Record]:
    """Read a master file (RFC 1035, 5): its text, or its path.

    Raises:
        ZoneError: with file and line, for whatever is wrong in it.
    """
    if isinstance(source, os.PathLike) or "\n" not in source:
        text, where = Path(source).read_text("utf-8"), os.fspath(source)
    else:
        text, where = source, "<zone text>"
    try:
        zone = dns.zone.from_text(text, origin, relativize=False, check_origin=False, filename=where)
    except dns.exception.DNSException as error:
        raise ZoneError(f"zone file for {origin!r}: {error}") from error
    for name, ttl, rdata in zone.iterate_rdatas():
        yield Record(plain_name(name.to_text()), dns.rdatatype.to_text(rdata.rdtype), ttl, rdata)
