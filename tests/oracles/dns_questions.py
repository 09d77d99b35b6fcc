"""What BIND and the net are asked: names and types by three ways, and packets that are out of the ordinary."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import dns.edns
import dns.flags
import dns.message
import dns.name

__all__ = ["NAMES", "TYPES", "WAYS", "packets"]

_SHOP = (
    *("ns", "mx1", "_25._tcp.mx1", "www", "mail", "far", "lost", "outside", "chain1"),
    *(
        "old",
        "a.old",
        "b.old",
        "no.old",
        "deep.a.old",
        "toold",
        "www.away",
        "back.away",
        "gone",
        "x.gone",
        "x.long",
    ),
    *("y" * 60 + ".long", "none", "null", "many", "zero", "odd", "UPPER", "toupper"),
    *(
        "wild",
        "*.wild",
        "any.wild",
        "two.any.wild",
        "there.wild",
        "x.there.wild",
        "empty.wild",
        "x.empty.wild",
    ),
    *("x.alias", "b.c", "x.b.c", "_smtp._tcp", "_dmarc", "sel._domainkey"),
    *(r"sp\032ace", r"do\.t", r"b\128in", "sub", "a.sub", "up.sub", "no.sub"),
)
_SIGNED = ("mx", "_25._tcp.mx", "_tcp.mx", "in", "out", "old", "a.old", "no.old", "x.wild", "nope")
NAMES = (
    "shop.example",
    *(f"{it}.shop.example" for it in _SHOP),
    *("other.example", "back.other.example", "x.any.other.example", "www.absent.example", "example", "."),
    "signed.example",
    *(f"{it}.signed.example" for it in _SIGNED),
)
"""Names that are there in every way in which a name can be, and names that are not."""

TYPES = (
    *("A", "AAAA", "MX", "TXT", "NS", "SOA", "CNAME", "DNAME", "PTR", "SRV", "CAA", "TLSA", "SSHFP"),
    *("HINFO", "NAPTR", "SPF", "LOC", "RP", "AFSDB", "URI", "SVCB", "HTTPS", "DS", "TYPE65280", "ANY"),
)

WAYS: Mapping[str, Mapping[str, bool]] = MappingProxyType(
    {
        "UDP": {"use_edns": False},
        "UDP, EDNS and DO": {"want_dnssec": True},
        "TCP": {"use_edns": False},
    }
)
"""How each is asked for, with what dnspython calls it."""


def _question(
    name: str = "shop.example", rdtype: str | int = "MX", flags: str = "RD", **options: object
) -> bytes:
    query = dns.message.make_query(name, rdtype, id=4660, **options)  # type: ignore[arg-type]
    query.flags = dns.flags.from_text(flags)
    return query.to_wire()


def _with(start: int, octets: bytes, question: bytes | None = None) -> bytes:
    """A question with other octets at a place in its header."""
    whole = question or _question()
    return whole[:start] + octets + whole[start + len(octets) :]


def _option(number: int, data: bytes) -> bytes:
    return _question(use_edns=0, options=[dns.edns.GenericOption(number, data)])


def packets() -> Mapping[str, bytes]:
    """Packets that are out of the ordinary, by what is odd in them."""
    plain, edns = _question(), _question(use_edns=0)
    header = plain[:12]
    binary = dns.name.Name([b"\x00\xff.x", b"shop", b"example", b""]).to_text()
    made: dict[str, bytes] = {
        "class CH, version.bind": dns.message.make_query("version.bind", "TXT", "CH").to_wire(),
        "class ANY": plain[:-2] + b"\0\xff",
        "no question, by its count": _with(4, b"\0\0"),
        "a header alone": _with(4, b"\0\0", header),
        "one question of two": _with(4, b"\0\2"),
        "two questions": _with(4, b"\0\2") + plain[12:],
        "an answer in a question": _with(6, b"\0\1") + b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd",
        "octets behind a question": plain + b"garbage",
        "an rcode in a question": _with(3, b"\x05"),
        "AA, TC and RA in a question": _question(flags="RD AA TC RA"),
        "the reserved flag": _with(3, b"\x40"),
        "opcode STATUS": _with(2, b"\x11"),
        "opcode NOTIFY": _with(2, b"\x21"),
        "opcode UPDATE": _with(2, b"\x29"),
        "an answer": _with(2, b"\x81"),
        "nothing": b"",
        "one octet": b"a",
        "half a header": plain[:11],
        "half a name": header + b"\4shop",
        "a pointer to itself": header + b"\xc0\x0c\0\1\0\1",
        "half an OPT": edns[:-3],
        "two OPT": _with(10, b"\0\2", edns) + edns[-11:],
        "EDNS version 1": _question(use_edns=1),
        "EDNS, 100 octets": _question("many.shop.example", "A", use_edns=0, payload=100),
        "EDNS, 512 octets of 600": _question("sel._domainkey.shop.example", "TXT", use_edns=0, payload=512),
        "EDNS, a cookie": _option(10, b"12345678"),
        "EDNS, NSID": _option(3, b""),
        "EDNS, a client's subnet": _question(use_edns=0, options=[dns.edns.ECSOption("192.0.2.0", 24)]),
        "EDNS, an unknown option": _option(65001, b"x"),
        "letters of both cases": _question("ShOp.ExAmPlE"),
        "a label of 63 octets": _question("a" * 63 + ".shop.example", "A"),
        "a name of 253 octets": _question(".".join(["a" * 60] * 3 + ["b" * 57, "shop.example"]), "A"),
        "a label of any octets": _question(binary, "A"),
    }
    for zone in ("shop.example", "signed.example"):
        for flags in ("RD AD", "RD CD", "RD AD CD"):
            made[f"{flags}, {zone}"] = _question(zone, flags=flags)
            made[f"{flags} and DO, {zone}"] = _question(zone, flags=flags, want_dnssec=True)
    # Types that are not of records (RFC 6895, 3.1), and those of DNSSEC.
    for rdtype in ("AXFR", "IXFR", "MAILA", "MAILB", "OPT", "TSIG", "TKEY", "TYPE128", "TYPE0", "TYPE65535"):
        made[f"type {rdtype}"] = _question(rdtype=rdtype)
    for rdtype in ("RRSIG", "NSEC", "DNSKEY"):
        made[f"type {rdtype}"] = _question(rdtype=rdtype)
    return MappingProxyType(made)
