"""How fast names are looked up, beside a packet that is ready, and beside dnslib's own `DNSServer`."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bare import ready_packet
from benchmarks.peers import dnslib_server
from benchmarks.race import Row, Way, compared, race
from benchmarks.units import a_second, milliseconds

if TYPE_CHECKING:
    import dns.resolver

__all__ = ["rows"]

_LOOK_UPS = 200  # a round, one after the other
_QUESTIONS = 5000  # a round
_WINDOW = 16  # under way at once: what is measured is the server and not the switch between processes

# What the net answers for gmail.com, for the peers: five MX, and an address for each.
_HOSTS = {"": 5, "alt1.": 10, "alt2.": 20, "alt3.": 30, "alt4.": 40}
_MX = [f"gmail.com. 3600 IN MX {at} {it}gmail-smtp-in.l.google.com." for it, at in _HOSTS.items()]
_ADDRESSES = [f"{it}gmail-smtp-in.l.google.com. 300 IN A 192.0.2.{at}" for it, at in _HOSTS.items()]


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare MX look-ups as applications make them, and questions from one client port.

    Args:
        quick: measure fewer rounds, and only what users feel.
    """
    looked_up = race([_resolved_by_net, _resolved_by_packet], 7 if quick else 21)
    yield compared("MX look-up by dnspython", "a thread, packet ready", looked_up, milliseconds, 1.15)
    if not quick:
        answers = race([_answers_of_net, _answers_of_dnslib], 11)
        yield compared("answers to MX questions", "dnslib", answers, a_second, 3, way=Way.MORE)


def _looked_up(resolver: dns.resolver.Resolver) -> float:
    start = time.perf_counter()
    for _ in range(_LOOK_UPS):
        answer = resolver.resolve("gmail.com", "MX")
    took = time.perf_counter() - start
    # dnspython reads each record, so that both must answer with as many.
    assert (len(answer), len(answer.response.additional)) == (len(_MX), len(_ADDRESSES))
    return took / _LOOK_UPS


@contextmanager
def _resolved_by_net() -> Iterator[Callable[[], float]]:
    import dns.resolver

    from pytest_mailnet.net.mailnet import MailNet

    with MailNet() as net:
        assert net.gmail
        resolver = dns.resolver.Resolver()
        yield lambda: _looked_up(resolver)


@contextmanager
def _resolved_by_packet() -> Iterator[Callable[[], float]]:
    import dns.message
    import dns.resolver

    text = ["id 0", "opcode QUERY", "rcode NOERROR", "flags QR RD RA", ";QUESTION", "gmail.com. IN MX"]
    answer = dns.message.from_text("\n".join([*text, ";ANSWER", *_MX, ";ADDITIONAL", *_ADDRESSES]))
    with ready_packet(answer.to_wire()) as where:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = [where.ip], where.port
        yield lambda: _looked_up(resolver)


def _asked(sock: socket.socket) -> float:
    """Answers a second to questions from another process."""
    import dnslib

    done = subprocess.run(
        [sys.executable, "-I", str(Path(__file__).with_name("ask.py"))]
        + [str(it) for it in (sock.fileno(), _QUESTIONS, _WINDOW)],
        input=dnslib.DNSRecord.question("gmail.com", "MX").pack(),
        pass_fds=[sock.fileno()],
        stdout=subprocess.PIPE,
        check=True,
    )
    return _QUESTIONS / float(done.stdout)


@contextmanager
def _answers_of_net() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    with MailNet() as net, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert net.gmail
        sock.connect(("192.0.2.53", 53))  # wherever that is, the net answers
        yield lambda: _asked(sock)


@contextmanager
def _answers_of_dnslib() -> Iterator[Callable[[], float]]:
    with (
        dnslib_server("\n".join([*_MX, *_ADDRESSES])) as where,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
    ):
        sock.connect(where)
        yield lambda: _asked(sock)
