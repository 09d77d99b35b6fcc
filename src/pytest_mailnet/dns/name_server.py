"""The net's name server: packets in, packets out, with a record of the questions."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pytest_mailnet.dns.answers import DnsAnswer
from pytest_mailnet.dns.packets import Asked, packed, read, written
from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.faults.dns_fault import SLOW_ANSWER, UNHEARD, DnsFault, DnsManner
from pytest_mailnet.record.journal import Journal, Query
from pytest_mailnet.values import Endpoint

__all__ = ["NameServer", "Sent"]

# What a resolver has no answer for (RFC 6895, 3.1), as BIND 9 refuses it: transfers of zones that it does not
# have, what is obsolete, and types that are no data.
_IN, _OPT, _META = 1, 41, range(128, 255)
_REFUSED = {"AXFR": "NOTAUTH", "IXFR": "NOTAUTH", "MAILA": "NOTIMP", "MAILB": "NOTIMP"}


class Sent(NamedTuple):
    """The reaction of a name server to a question.

    Attributes:
        packet: the reply; None for silence.
        after: the delay of the reply, in seconds.
        astray: whether the reply comes from another address than the one that was asked.
        reset: whether the TCP connection is broken off instead of a reply.
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
        asked = read(question)
        if asked is None:
            return Sent(None, reset=tcp)
        answer = self._answer(asked)
        broken = answer.broken
        fault = answer.wrong or broken
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
                    f"dns-{fault}" if fault else "",
                )
            )
        if broken in {DnsManner.TIME_OUT, DnsManner.ONE_SERVER_DOWN}:
            return Sent(None)
        if broken is DnsManner.TRUNCATED:
            if tcp:
                return Sent(None, reset=True)
            return Sent(packet[:2] + written(asked, DnsAnswer(answer.rcode), truncated=True)[2:])
        told = packed(question, answer._replace(broken=None) if broken else answer, tcp=tcp)
        if broken is DnsManner.WRONG_ID:
            return Sent(bytes(byte ^ 0xFF for byte in packet[:2]) + told)
        late = SLOW_ANSWER if broken is DnsManner.SLOW else 0.0
        return Sent(packet[:2] + told, late, astray=broken is DnsManner.WRONG_ADDRESS)

    def _answer(self, asked: Asked) -> DnsAnswer:
        if asked.rcode is not None:
            return DnsAnswer(asked.rcode)
        if asked.qclass != _IN:
            return DnsAnswer("REFUSED")
        if asked.qtype in _META or asked.qtype == _OPT:
            return DnsAnswer(_REFUSED.get(asked.rdtype, "FORMERR"))
        return self._dns.answer(asked.name, asked.rdtype, self._drawn(asked.name, asked.rdtype))
