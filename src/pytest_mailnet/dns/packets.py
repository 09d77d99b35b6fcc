"""Packets of DNS, read and written by dnslib (RFC 1035, 4; EDNS by RFC 6891)."""

from __future__ import annotations

import dataclasses
import functools
import ipaddress
import struct

import dnslib

from pytest_mailnet.dns.answers import DnsAnswer
from pytest_mailnet.dns.presentation_form import labels_at, number_of_type, octets_of, type_of_number
from pytest_mailnet.dns.records import Record, labels, presented

__all__ = ["Asked", "packed", "read", "written"]

_HEADER = struct.Struct("!HHHHH")  # without the id
_QR, _OPCODE, _RD, _RA, _AD, _CD = 0x8000, 0x7800, 0x0100, 0x0080, 0x0020, 0x0010
_DO = 0x8000  # in the flags of EDNS (RFC 3225, 3)
_RCODES = {
    "NOERROR": 0,
    "FORMERR": 1,
    "SERVFAIL": 2,
    "NXDOMAIN": 3,
    "NOTIMP": 4,
    "REFUSED": 5,
    "YXDOMAIN": 6,
    "NOTAUTH": 9,
    "BADVERS": 16,
}
_ANY_CLASS = 255
_UDP_LIMIT = 512
_TCP_LIMIT = 65535
_FARTHEST = 0x3FFF  # RFC 1035, 4.1.4
_EDNS_SIZE = 1232  # what survives any path unfragmented (DNS flag day 2020)
_CACHED = 4096  # packing takes a hundred times as long as the look-up, and tests ask the same again

# The types whose only field is a name, which may be compressed (RFC 3597, 4).
_COMPRESSED = {"CNAME": dnslib.CNAME, "NS": dnslib.NS, "PTR": dnslib.PTR}


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """The contents of a packet: one question, or the rcode that refuses it.

    Attributes:
        flags: the flags of the header.
        rcode: why the question is not looked up, "FORMERR"; None if it is.
        label: the name as it came, for the reply; None if the question could not be read.
        name: the same as text, case kept.
        rdtype: the type, "MX" or "TYPE65280".
        qtype: the type as a number.
        qclass: the class as a number.
        edns: version, UDP size and flags from the OPT record (RFC 6891, 6.1.3); None without one.
    """

    flags: int
    rcode: str | None = None
    label: dnslib.DNSLabel | None = None
    name: str = ""
    rdtype: str = ""
    qtype: int = 0
    qclass: int = 0
    edns: tuple[int, int, int] | None = None

    @property
    def dnssec_ok(self) -> bool:
        """Whether the client takes DNSSEC's records: DO."""
        return self.edns is not None and bool(self.edns[2] & _DO)


@functools.lru_cache(_CACHED)
def read(packet: bytes) -> Asked | None:
    """Read a packet.

    Args:
        packet: the packet without its id, by which cached ones are found again.

    Returns:
        Its contents; None if it is not a question.
    """
    if len(packet) < _HEADER.size:
        return None
    flags, *_ = _HEADER.unpack_from(packet)
    if flags & _QR:
        return None
    if flags & _OPCODE:
        return Asked(flags, "NOTIMP")
    # The parsers raise whatever struct raises; a broken packet is no bug of ours.
    try:
        return _parsed(flags, _Buffer(bytes(2) + packet))
    except Exception:  # noqa: BLE001
        return Asked(flags, "FORMERR")


def _parsed(flags: int, packet: _Buffer) -> Asked:
    header = dnslib.DNSHeader.parse(packet)
    if header.q != 1:
        return Asked(flags, "FORMERR")
    question = dnslib.DNSQuestion.parse(packet)
    asked = Asked(
        flags,
        "FORMERR",
        question.qname,
        presented(question.qname.label),  # pyright: ignore[reportOptionalMemberAccess]  # untyped library
        type_of_number(question.qtype),
        question.qtype,
        question.qclass,
    )
    try:
        records = [dnslib.RR.parse(packet) for _ in range(header.a + header.auth + header.ar)]
    except Exception:  # noqa: BLE001  # as above
        return asked
    opts = [it for it in records if it.rtype == dnslib.QTYPE.OPT]
    if len(opts) > 1 or question.qclass == _ANY_CLASS:  # RFC 6891, 6.1.1
        return asked
    if not opts:
        return dataclasses.replace(asked, rcode=None)
    version, flags_of_edns = opts[0].edns_ver, opts[0].ttl & 0xFFFF
    return dataclasses.replace(
        asked, rcode="BADVERS" if version else None, edns=(version, opts[0].rclass, flags_of_edns)
    )


@functools.lru_cache(_CACHED)
def packed(question: bytes, answer: DnsAnswer, *, tcp: bool) -> bytes:
    """Pack an answer. Both the question and the result lack their ids."""
    asked = read(question)
    assert asked is not None
    limit = _TCP_LIMIT
    if not tcp:
        limit = _UDP_LIMIT if asked.edns is None else max(_UDP_LIMIT, min(asked.edns[1], _EDNS_SIZE))
    # Addresses that nobody asked for are left out without a word (RFC 2181, 9).
    for kept in (answer, answer._replace(additional=())):
        packet = written(asked, kept)
        if len(packet) <= limit:
            return packet[2:]
    rcode = "SERVFAIL" if tcp else answer.rcode  # over TCP there is no other way to ask
    return written(asked, DnsAnswer(rcode), truncated=not tcp)[2:]


def written(asked: Asked, answer: DnsAnswer, *, truncated: bool = False) -> bytes:
    """The reply as a packet; the question is repeated if it could be read."""
    code = _RCODES[answer.rcode]
    # CD comes back as it was sent (RFC 4035, 3.2.2); AD is for those that ask for it (RFC 6840, 5.7 and 5.8).
    flags = _QR | asked.flags & (_OPCODE | _CD)
    if not asked.flags & _OPCODE:
        flags |= asked.flags & _RD
    if asked.rcode is None:  # what cannot be looked up is refused without a word of recursion
        flags |= _RA
    if answer.signed and (asked.flags & _AD or asked.dnssec_ok):
        flags |= _AD
    header = dnslib.DNSHeader(id=0, bitmap=flags | code & 0xF)
    header.tc = truncated
    reply = dnslib.DNSRecord(header)
    if asked.label is not None:
        reply.add_question(dnslib.DNSQuestion(asked.label, asked.qtype, asked.qclass))
    for record in answer.answers:
        reply.add_answer(_resource(record, asked))
    for record in answer.authority:
        reply.add_auth(_resource(record, asked))
    for record in answer.additional:
        reply.add_ar(_resource(record, asked))
    if asked.edns is not None:
        reply.add_ar(
            dnslib.EDNS0(flags="do" if asked.dnssec_ok else "", udp_len=_EDNS_SIZE, ext_rcode=code >> 4)
        )
    reply.set_header_qa()
    buffer = _Buffer()
    for part in (reply.header, *reply.questions, *reply.rr, *reply.auth, *reply.ar):
        part.pack(buffer)
    return bytes(buffer.data)


class _Buffer(dnslib.DNSBuffer):  # type: ignore[misc]  # no types
    """Reads and writes names as RFC 1035, 4.1.4 defines them.

    dnslib's own buffer cannot read names that are not UTF-8, reads names that are too long, and writes
    pointers to names that lie beyond the last octet a pointer can reach.
    """

    names: dict[tuple[bytes, ...], int]

    def decode_name(self, last: int = -1) -> dnslib.DNSLabel:  # noqa: ARG002
        found, octets = labels_at(bytes(self.data), self.offset)
        self.offset += octets
        return dnslib.DNSLabel(found)

    def encode_name(self, name: dnslib.DNSLabel) -> None:
        known = len(self.names)
        super().encode_name(name)
        while self.offset > _FARTHEST and len(self.names) > known:
            self.names.popitem()


class _Dname(dnslib.RD):  # type: ignore[misc]  # no types
    """The rdata of a DNAME: never compressed, but others point into it (RFC 6672, 2.5)."""

    def __init__(self, target: dnslib.DNSLabel) -> None:
        super().__init__()
        self._target = target

    def pack(self, buffer: _Buffer) -> None:
        known, buffer.names = buffer.names, {}
        buffer.encode_name(self._target)
        buffer.names |= known


def _resource(record: Record, asked: Asked) -> dnslib.RR:
    # The first owner is the name as it was asked, letter by letter (draft-vixie-dnsext-dns0x20).
    owner = asked.label if record.name == asked.name.lower() else _label(record.name)
    return dnslib.RR(owner, number_of_type(record.rdtype), ttl=record.ttl, rdata=_rdata(record))


def _rdata(record: Record) -> dnslib.RD:
    words = record.rdata.split()
    match record.rdtype:
        case "CNAME" | "NS" | "PTR":
            return _COMPRESSED[record.rdtype](_label(words[0]))
        case "A" | "AAAA":
            return dnslib.RD(ipaddress.ip_address(record.rdata).packed)
        case "MX":
            return dnslib.MX(_label(words[1]), int(words[0]))
        case "DNAME":
            return _Dname(_label(words[0]))
        case "SOA":
            return dnslib.SOA(_label(words[0]), _label(words[1]), tuple(map(int, words[2:])))
        case _:
            return dnslib.RD(octets_of(record.rdtype, record.rdata))


def _label(name: str) -> dnslib.DNSLabel:
    return dnslib.DNSLabel(labels(name))
