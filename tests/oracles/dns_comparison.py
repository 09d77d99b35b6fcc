"""The answers of BIND and of the net to the same questions, as far as a client can tell them apart."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

from pytest_mailnet import MailNet

from .dns_bind import SIGNED, ZONES
from .dns_questions import TYPES, WAYS

__all__ = ["KNOWN", "NET", "Answer", "Difference", "differences", "net", "of_name", "of_packet"]

NET = ("192.0.2.53", 53)
"""Where the net's name server is asked; any address would do."""

_PATIENCE = 0.5  # how long a datagram without an answer is waited for, in seconds
_LEFT = 60  # by how many seconds a cached record may be older than the net's, which are always fresh
_OF_DNSSEC = (dns.rdatatype.RRSIG, dns.rdatatype.NSEC)

_OPTIONS = "The net has no options of EDNS: no application on the same machine asks for any."
_OPCODES = "The net takes no notices and updates; BIND reads them, and finds that they are none."
KNOWN: Mapping[str, str] = MappingProxyType(
    {
        ". ANY": "ANY tells the records that were added, and not the SOA and NS that each zone of the net has.",
        f"{SIGNED} ANY": "There are no RRSIG records in the net, so that its answer to ANY is smaller.",
        "EDNS, a cookie": _OPTIONS,
        "EDNS, a client's subnet": _OPTIONS,
        "opcode NOTIFY": _OPCODES,
        "opcode UPDATE": _OPCODES,
        "class CH, version.bind": "The net has the names of the Internet and nothing to say of its version.",
        "type RRSIG": "BIND gives this type, which it does not look up, an answer without SOA and RA.",
    }
)
"""The differences that stay, by a question or a packet, with the reason."""


class Answer(NamedTuple):
    """An answer without what differs by chance: the id, the order of records, the letters' case in owners.

    The additional section is left out: what a resolver puts there depends on what it has been asked before.
    Signatures and NSEC records are, too: the net has none.

    Attributes:
        rcode: "NXDOMAIN".
        flags: as in "QR RD RA"; "" with the rcode "closed" or "nothing", where there is no answer.
        question: the question as repeated, with the letters' case.
        edns: the OPT record: version, flags, size and options; () without one.
        answer: the answer section: owner, type and rdata of each RRset.
        authority: the authority section.
        ttls: the time to live of each RRset in both sections, in seconds.
    """

    rcode: str
    flags: str = ""
    question: tuple[str, ...] = ()
    edns: tuple[int, ...] = ()
    answer: tuple[tuple[str, ...], ...] = ()
    authority: tuple[tuple[str, ...], ...] = ()
    ttls: tuple[int, ...] = ()

    def like(self, fresh: Answer) -> bool:
        """Whether this is the same as an answer whose records are fresh, only perhaps out of a cache."""
        pairs = zip(self.ttls, fresh.ttls, strict=False)
        return self[:-1] == fresh[:-1] and all(that - _LEFT <= this <= that for this, that in pairs)


class Difference(NamedTuple):
    """One question that BIND and the net answer differently.

    Attributes:
        asked: the question, a key of `KNOWN` if the difference is known.
        way: "TCP".
        bind: BIND's answer.
        net: the net's.
    """

    asked: str
    way: str
    bind: Answer
    net: Answer

    def __str__(self) -> str:
        parts = zip(Answer._fields, self.bind, self.net, strict=True)
        told = "; ".join(f"{part}: BIND {bind!r}, net {net!r}" for part, bind, net in parts if bind != net)
        return f"{self.asked} ({self.way}): {told}"


@contextlib.contextmanager
def net() -> Iterator[None]:
    """A net with the zones that BIND has."""
    made = MailNet(strict=False)
    for zone in ZONES.iterdir():
        made.dns.load(zone, origin=zone.name)
    made.dns.sign(SIGNED)
    with made:
        yield


def of_name(server: tuple[str, int], name: str) -> dict[tuple[str, str], Answer]:
    """The answers to the questions for all types of a name, in all ways, by question and way."""
    answers = {}
    with socket.create_connection(server, timeout=10) as stream:
        stream.setblocking(False)  # noqa: FBT003  # as dnspython wants it
        for rdtype in TYPES:
            for way, options in WAYS.items():
                question = dns.message.make_query(name, rdtype, **options)
                if way == "TCP":
                    message = dns.query.tcp(question, server[0], 10, sock=stream)
                else:
                    message = dns.query.udp(question, server[0], 10, server[1])
                answers[f"{name} {rdtype}", way] = _answer(message)
    return answers


def of_packet(server: tuple[str, int], name: str, packet: bytes) -> dict[tuple[str, str], Answer]:
    """The answers to a packet over UDP and over TCP, by the packet's name and way."""
    return {(name, "UDP"): _read(_datagram(server, packet)), (name, "TCP"): _read(_streamed(server, packet))}


def differences(
    bind: Mapping[tuple[str, str], Answer], ours: Mapping[tuple[str, str], Answer]
) -> Iterable[Difference]:
    """The questions that are answered differently."""
    return (
        Difference(asked, way, theirs, ours[asked, way])
        for (asked, way), theirs in bind.items()
        if not theirs.like(ours[asked, way])
    )


def _datagram(server: tuple[str, int], packet: bytes) -> bytes | None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_PATIENCE)
        sock.connect(server)
        sock.send(packet)
        try:
            return sock.recv(65535)
        except TimeoutError:
            return None


def _streamed(server: tuple[str, int], packet: bytes) -> bytes | None:
    with socket.create_connection(server, timeout=10) as sock, sock.makefile("rb") as read:
        sock.sendall(struct.pack("!H", len(packet)) + packet)
        try:
            length = read.read(2)
            return read.read(int.from_bytes(length, "big"))
        except ConnectionError:  # a reset is an end like any other
            return b""


def _read(packet: bytes | None) -> Answer:
    if not packet:
        return Answer("nothing" if packet is None else "closed")
    return _answer(dns.message.from_wire(packet, continue_on_error=True))


def _answer(message: dns.message.Message) -> Answer:
    answer, authority = (_section(it) for it in (message.answer, message.authority))
    edns = (message.edns, message.ednsflags, message.payload, *(int(it.otype) for it in message.options))
    return Answer(
        dns.rcode.to_text(message.rcode()),
        dns.flags.to_text(message.flags),
        tuple(str(it) for it in message.question),
        edns if message.edns >= 0 else (),
        tuple(answer),
        tuple(authority),
        (*answer.values(), *authority.values()),
    )


def _section(section: Iterable[dns.rrset.RRset]) -> dict[tuple[str, ...], int]:
    """The RRsets of a section with their times to live; owners, types and rdata are sorted."""
    found = (
        ((it.name.to_text().lower(), dns.rdatatype.to_text(it.rdtype), *sorted(map(str, it))), it.ttl)
        for it in section
        if it.rdtype not in _OF_DNSSEC
    )
    return dict(sorted(found))
