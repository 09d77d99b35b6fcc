"""The net's name server: packets in, packets out, by dnslib (RFC 1035, 4; EDNS by RFC 6891)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import dnslib

from pytest_mailnet.journal import Journal, Query
from pytest_mailnet.model import Endpoint
from pytest_mailnet.records import Record
from pytest_mailnet.resolver import Answer, Dns

__all__ = ["NameServer"]

_HEADER = struct.Struct("!HHHHHH")
_QR, _OPCODE, _RD = 0x8000, 0x7800, 0x0100
_UDP_LIMIT = 512
_EDNS_SIZE = 1232  # what survives any path unfragmented (DNS flag day 2020)
_BADVERS = 16
_CACHED = 4096

# The types whose names dnslib can compress (RFC 3597, 4); all others go as opaque bytes.
_COMPRESSED = {"CNAME": dnslib.CNAME, "NS": dnslib.NS, "PTR": dnslib.PTR}

@dataclass(frozen=True, slots=True)
class _Kept:
    """A packed answer, good for the same question while the zones stay as they are."""

    version: int
    packet: bytes
    name: str
    rdtype: str
    rcode: str
    texts: tuple[str, ...]


class NameServer:
    """Answers the questions that reach one net, as a recursive resolver. Used in the engine's thread only.

    Args:
        dns: what is asked.
        journal: where each question is recorded.
    """

    def __init__(self, dns: Dns, journal: Journal) -> None:
        self._dns = dns
        self._journal = journal
        self._kept: dict[tuple[bytes, bool], _Kept] = {}

    def answer(self, packet: bytes, *, tcp: bool, server: Endpoint | None, client: str) -> bytes | None:
        """The packet to send back; None to stay silent. Never raises, whatever the packet is.

        Args:
            packet: the question, without the length that stands before it over TCP.
            tcp: whether it came over TCP, where nothing is too large.
            server: the name server that the client thinks to ask.
            client: the sender's address.
        """
        kept = self._kept.get((packet[2:], tcp))
        if kept is None or kept.version != self._dns.version:
            version = self._dns.version
            made = self._made(packet, tcp=tcp)
            if made is None:
                return None
            reply, name, rdtype, told = made
            kept = _Kept(version, reply, name, rdtype, told.rcode, tuple(map(str, told.answers)))
            if told.lasting and version == self._dns.version:
                if len(self._kept) >= _CACHED:
                    self._kept.clear()
                self._kept[packet[2:], tcp] = kept
        if kept.name or kept.rdtype:
            self._journal.add(
                Query(
                    self._journal.elapsed(),
                    kept.name,
                    kept.rdtype,
                    kept.rcode,
                    kept.texts,
                    "tcp" if tcp else "udp",
                    server,
                    client,
                )
            )
        return packet[:2] + kept.packet[2:]

    def _made(self, packet: bytes, *, tcp: bool) -> tuple[bytes, str, str, Answer] | None:
        if len(packet) < _HEADER.size:
            return None
        number, flags, *_ = _HEADER.unpack_from(packet)
        if flags & _QR:
            return None
        if flags & _OPCODE:
            return _error(number, flags, "NOTIMP"), "", "", Answer("NOTIMP")
        # dnslib raises whatever its struct and its label parser raise; a broken packet is no bug of ours.
        try:
            asked = dnslib.DNSRecord.parse(packet)
            [question] = asked.questions
            name = str(question.qname).removesuffix(".")
        except Exception:  # noqa: BLE001
            return _error(number, flags, "FORMERR"), "", "", Answer("FORMERR")
        rdtype = _type_name(question.qtype)
        edns = next((rr for rr in asked.ar if rr.rtype == dnslib.QTYPE.OPT), None)
        answer = self._answer(name, rdtype, question.qclass, edns)
        limit = (
            65535 if tcp else _UDP_LIMIT if edns is None else max(_UDP_LIMIT, min(edns.rclass, _EDNS_SIZE))
        )
        return _packed(asked, question, answer, edns, limit), name, rdtype, answer

    def _answer(self, name: str, rdtype: str, rdclass: int, edns: dnslib.RR | None) -> Answer:
        if edns is not None and edns.edns_ver > 0:
            return Answer("BADVERS")
        if rdclass != dnslib.CLASS.IN or rdtype in {"AXFR", "IXFR", "MAILB", "MAILA"}:
            return Answer("REFUSED")
        return self._dns.lookup(name, rdtype)


def _packed(
    asked: dnslib.DNSRecord, question: dnslib.DNSQuestion, answer: Answer, edns: dnslib.RR | None, limit: int
) -> bytes:
    bad_version = answer.rcode == "BADVERS"
    header = dnslib.DNSHeader(id=asked.header.id, qr=1, aa=0, ra=1, rd=asked.header.rd)
    header.rcode = 0 if bad_version else getattr(dnslib.RCODE, answer.rcode)
    reply = dnslib.DNSRecord(header, q=question)
    for record in answer.answers:
        # The first owner is the name as it was asked, letter by letter (draft-vixie-dnsext-dns0x20).
        same = record.name == str(question.qname).removesuffix(".").lower()
        reply.add_answer(_resource(record, question.qname if same else dnslib.DNSLabel(record.name)))
    for record in answer.authority:
        reply.add_auth(_resource(record, dnslib.DNSLabel(record.name)))
    for record in answer.additional:
        reply.add_ar(_resource(record, dnslib.DNSLabel(record.name)))
    if edns is not None:
        opt = dnslib.EDNS0(udp_len=_EDNS_SIZE, ext_rcode=_BADVERS >> 4 if bad_version else 0)
        reply.add_ar(opt)
    packet: bytes = reply.pack()
    if len(packet) <= limit:
        return packet
    cut = dnslib.DNSRecord(header, q=question)
    cut.header.tc = 1
    if edns is not None:
        cut.add_ar(dnslib.EDNS0(udp_len=_EDNS_SIZE))
    short: bytes = cut.pack()
    return short


def _resource(record: Record, owner: dnslib.DNSLabel) -> dnslib.RR:
    return dnslib.RR(owner, int(record.rdata.rdtype), ttl=record.ttl, rdata=_rdata(record))


def _rdata(record: Record) -> dnslib.RD:
    words = str(record.rdata).split()
    if record.rdtype in _COMPRESSED:
        return _COMPRESSED[record.rdtype](words[0])
    if record.rdtype == "MX":
        return dnslib.MX(words[1], int(words[0]))
    if record.rdtype == "SOA":
        return dnslib.SOA(words[0], words[1], tuple(map(int, words[2:])))
    return dnslib.RD(record.rdata.to_wire())


def _error(number: int, flags: int, rcode: str) -> bytes:
    return _HEADER.pack(number, _QR | flags & (_OPCODE | _RD) | getattr(dnslib.RCODE, rcode), 0, 0, 0, 0)


def _type_name(rdtype: int) -> str:
    known: str | None = dnslib.QTYPE.forward.get(rdtype)
    return known or f"TYPE{rdtype}"
