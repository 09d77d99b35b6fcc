"""The net's name server: packets in, packets out, by dnslib (RFC 1035, 4; EDNS by RFC 6891)."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import dnslib

from pytest_mailnet.dns.answers import DnsAnswer
from pytest_mailnet.dns.records import Record, labels, labels_at, presented, rdtype_of
from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.faults.dns_fault import SLOW_ANSWER, UNHEARD, DnsFault, DnsManner
from pytest_mailnet.record.journal import Journal, Query
from pytest_mailnet.values import Endpoint

__all__ = ["NameServer", "Sent"]

_HEADER = struct.Struct("!HHHHH")  # without the id
_QR, _OPCODE, _RD, _RA = 0x8000, 0x7800, 0x0100, 0x0080
_RCODES = {"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5, "BADVERS": 16}
_UDP_LIMIT = 512
_TCP_LIMIT = 65535
_FARTHEST = 0x3FFF  # RFC 1035, 4.1.4
_EDNS_SIZE = 1232  # what survives any path unfragmented (DNS flag day 2020)
_CACHED = 4096  # packing takes a hundred times as long as the look-up, and tests ask the same again
_REFUSED = frozenset({"AXFR", "IXFR", "MAILA", "MAILB"})

# The types whose only field is a name, which may be compressed (RFC 3597, 4).
_COMPRESSED = {"CNAME": dnslib.CNAME, "NS": dnslib.NS, "PTR": dnslib.PTR}


@dataclass(frozen=True, slots=True)
class _Asked:
    """The contents of a packet: one question, or the rcode that refuses it.

    Attributes:
        flags: the flags of the header.
        rcode: why the question is not looked up, "FORMERR"; None if it is.
        label: the name as it came, for the reply; None if the question could not be read.
        name: the same as text, case kept.
        rdtype: the type, "MX" or "TYPE65280".
        qtype: the type as a number.
        qclass: the class as a number.
        edns: version and UDP size from the OPT record (RFC 6891, 6.1.3); None without one.
    """

    flags: int
    rcode: str | None = None
    label: dnslib.DNSLabel | None = None
    name: str = ""
    rdtype: str = ""
    qtype: int = 0
    qclass: int = 0
    edns: tuple[int, int] | None = None


class Sent(NamedTuple):
    """The reaction of a name server to a question.

    Attributes:
        packet: the reply; None for silence.
        after: the delay of the reply, in seconds.
        astray: whether the reply comes from another address than the one that was asked.
        reset: whether the TCP connection is reset instead of a reply.
    """

    packet: bytes | None
    after: float = 0.0
    astray: bool = False
    reset: bool = False


class NameServer:
    """Answers the questions that reach one net, as a recursive resolver does. Used in the engine's turn only.

    Args:
        dns: the resolver that finds the answers.
        journal: the record of all questions.
        drawn: returns a fault for a question by name and type, before the name's own faults; None for none.
    """

    def __init__(
        self,
        dns: Resolver,
        journal: Journal,
        drawn: Callable[[str, str], DnsFault | None] = lambda _name, _rdtype: None,
    ) -> None:
        self._dns = dns
        self._journal = journal
        self._drawn = drawn

    def answer(self, packet: bytes, *, tcp: bool, server: Endpoint | None, client: str) -> bytes | None:
        """The reply packet, as a careful client would accept it.

        Args:
            packet: the question, without the length that precedes it over TCP.
            tcp: whether the question came over TCP.
            server: the name server that the client means to ask; None if unknown.
            client: the client's IP address.

        Returns:
            The packet; None for silence, a reset, or a reply with another id or from another address.
        """
        sent = self.reply(packet, tcp=tcp, server=server, client=client)
        heard = not (sent.astray or sent.reset) and sent.packet is not None and sent.packet[:2] == packet[:2]
        return sent.packet if heard else None

    def reply(self, packet: bytes, *, tcp: bool, server: Endpoint | None, client: str) -> Sent:
        """Answer a packet and record the question. Never raises, whatever the packet holds.

        Args:
            packet: the question, without the length that precedes it over TCP.
            tcp: whether the question came over TCP, which has no limit of size for replies.
            server: the name server that the client means to ask; None if unknown.
            client: the client's IP address.
        """
        question = packet[2:]
        asked = _read(question)
        if asked is None:
            return Sent(None)
        answer = self._answer(asked)
        broken = answer.broken
        if asked.label is not None:
            self._journal.add(
                Query(
                    self._journal.elapsed(),
                    asked.name,
                    asked.rdtype,
                    f"fault dns-{broken}" if broken in UNHEARD else answer.rcode,
                    () if broken in UNHEARD else tuple(map(str, answer.answers)),
                    "tcp" if tcp else "udp",
                    server,
                    client,
                )
            )
        if broken in {DnsManner.TIME_OUT, DnsManner.ONE_SERVER_DOWN}:
            return Sent(None)
        if broken is DnsManner.TRUNCATED:
            if tcp:
                return Sent(None, reset=True)
            return Sent(packet[:2] + _written(asked, DnsAnswer(answer.rcode), truncated=True)[2:])
        told = _packed(question, answer._replace(broken=None) if broken else answer, tcp=tcp)
        if broken is DnsManner.WRONG_ID:
            return Sent(bytes(byte ^ 0xFF for byte in packet[:2]) + told)
        late = SLOW_ANSWER if broken is DnsManner.SLOW else 0.0
        return Sent(packet[:2] + told, late, astray=broken is DnsManner.WRONG_ADDRESS)

    def _answer(self, asked: _Asked) -> DnsAnswer:
        if asked.rcode is not None:
            return DnsAnswer(asked.rcode)
        if asked.qclass != dnslib.CLASS.IN or asked.rdtype in _REFUSED:
            return DnsAnswer("REFUSED")
        return self._dns.answer(asked.name, asked.rdtype, self._drawn(asked.name, asked.rdtype))


@functools.lru_cache(_CACHED)
def _read(packet: bytes) -> _Asked | None:
    """Read a packet without its id; None if it is not a question."""
    if len(packet) < _HEADER.size:
        return None
    flags, *_ = _HEADER.unpack_from(packet)
    if flags & _QR:
        return None
    if flags & _OPCODE:
        return _Asked(flags, "NOTIMP")
    # The parsers raise whatever struct raises; a broken packet is no bug of ours.
    try:
        return _parsed(flags, _Buffer(bytes(2) + packet))
    except Exception:  # noqa: BLE001
        return _Asked(flags, "FORMERR")


def _parsed(flags: int, packet: _Buffer) -> _Asked:
    header = dnslib.DNSHeader.parse(packet)
    if header.q != 1:
        return _Asked(flags, "FORMERR")
    question = dnslib.DNSQuestion.parse(packet)
    records = [dnslib.RR.parse(packet) for _ in range(header.a + header.auth + header.ar)]
    opts = [(record.edns_ver, record.rclass) for record in records if record.rtype == dnslib.QTYPE.OPT]
    if len(opts) > 1:  # RFC 6891, 6.1.1
        return _Asked(flags, "FORMERR")
    edns = opts[0] if opts else None
    return _Asked(
        flags,
        "BADVERS" if edns is not None and edns[0] > 0 else None,
        question.qname,
        presented(question.qname.label),  # pyright: ignore[reportOptionalMemberAccess]  # untyped library
        rdtype_of(question.qtype),
        question.qtype,
        question.qclass,
        edns,
    )


@functools.lru_cache(_CACHED)
def _packed(question: bytes, answer: DnsAnswer, *, tcp: bool) -> bytes:
    """Pack an answer. Both the question and the result lack their ids."""
    asked = _read(question)
    assert asked is not None
    limit = _TCP_LIMIT
    if not tcp:
        limit = _UDP_LIMIT if asked.edns is None else max(_UDP_LIMIT, min(asked.edns[1], _EDNS_SIZE))
    # Addresses that nobody asked for are left out without a word (RFC 2181, 9).
    for kept in (answer, answer._replace(additional=())):
        packet = _written(asked, kept)
        if len(packet) <= limit:
            return packet[2:]
    rcode = "SERVFAIL" if tcp else answer.rcode  # over TCP there is no other way to ask
    return _written(asked, DnsAnswer(rcode), truncated=not tcp)[2:]


def _written(asked: _Asked, answer: DnsAnswer, *, truncated: bool = False) -> bytes:
    """The reply as a packet; the question is repeated if it could be read."""
    code = _RCODES[answer.rcode]
    header = dnslib.DNSHeader(id=0, bitmap=_QR | _RA | asked.flags & (_OPCODE | _RD) | code & 0xF)
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
        reply.add_ar(dnslib.EDNS0(udp_len=_EDNS_SIZE, ext_rcode=code >> 4))
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


def _resource(record: Record, asked: _Asked) -> dnslib.RR:
    # The first owner is the name as it was asked, letter by letter (draft-vixie-dnsext-dns0x20).
    owner = asked.label if record.name == asked.name.lower() else _label(record.name)
    return dnslib.RR(owner, record.number, ttl=record.ttl, rdata=_rdata(record))


def _rdata(record: Record) -> dnslib.RD:
    words = record.rdata.split()
    match record.rdtype:
        case "CNAME" | "NS" | "PTR":
            return _COMPRESSED[record.rdtype](_label(words[0]))
        case "MX":
            return dnslib.MX(_label(words[1]), int(words[0]))
        case "SOA":
            return dnslib.SOA(_label(words[0]), _label(words[1]), tuple(map(int, words[2:])))
        case _:
            return dnslib.RD(record.wire)


def _label(name: str) -> dnslib.DNSLabel:
    return dnslib.DNSLabel(labels(name))
