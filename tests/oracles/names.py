"""A name server for the real servers, at port 53 of a loopback address of its own, with the names that a net has too."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from dnslib import QTYPE, RCODE, RR, DNSError, DNSRecord

from .debian import NAMESERVER

__all__ = ["name_server"]

_ZONE = """
shop.example. 60 IN MX 10 mail.shop.example.
mail.shop.example. 60 IN A 127.0.1.1
sender.example. 60 IN MX 10 client.sender.example.
client.sender.example. 60 IN A 127.0.0.2
2.0.0.127.in-addr.arpa. 60 IN PTR client.sender.example.
localhost. 60 IN A 127.0.0.1
1.0.0.127.in-addr.arpa. 60 IN PTR localhost.
"""


@contextlib.contextmanager
def name_server() -> Iterator[None]:
    """Answer questions while the context lasts: what is not in the zone does not exist."""
    records = RR.fromZone(_ZONE)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.bind((NAMESERVER, 53))
        asked.settimeout(0.2)
        ended = threading.Event()
        thread = threading.Thread(target=_serve, args=(asked, records, ended))
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()


def _serve(asked: socket.socket, records: list[RR], ended: threading.Event) -> None:
    while not ended.is_set():
        with contextlib.suppress(TimeoutError, DNSError):
            packet, client = asked.recvfrom(4096)
            asked.sendto(_answer(DNSRecord.parse(packet), records).pack(), client)


def _answer(question: DNSRecord, records: list[RR]) -> DNSRecord:
    answer = question.reply()
    there = [it for it in records if it.rname == question.q.qname]
    answer.add_answer(*(it for it in there if QTYPE[question.q.qtype] in {QTYPE[it.rtype], "ANY"}))
    if not there:
        answer.header.rcode = RCODE.NXDOMAIN
    if not answer.rr:
        answer.add_auth(*RR.fromZone("example. 60 IN SOA ns.example. root.example. 1 60 60 60 60"))
    return answer
