"""How many DNS questions a second are answered, beside dnslib's own `DNSServer`."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.peers import dnslib_server
from benchmarks.race import Row, medians, race, ratio

__all__ = ["rows"]

_ROUNDS = 11
_QUESTIONS = 5000
_WINDOW = 16  # under way at once: what is measured is the server and not the switch between processes

# What the net holds for gmail.com, for the peer: five MX, and an A and AAAA for each.
_HOSTS = ("", "alt1.", "alt2.", "alt3.", "alt4.")


def rows() -> Iterator[Row]:
    """MX questions from one client port."""
    ours, theirs = race([_net, _dnslib], _ROUNDS)
    mine, other = medians([ours, theirs])
    more = ratio(ours, theirs)
    yield Row(
        "DNS answers, MX of gmail.com",
        f"{mine:,.0f}/s",
        "dnslib",
        f"{other:,.0f}/s",
        f"{more:.1f} x as many",
        ">= 3 x",
        more >= 3,
    )


def _asked(sock: socket.socket) -> float:
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
def _net() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    with MailNet() as net, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert net.gmail
        sock.connect(("192.0.2.53", 53))  # wherever that is, the net answers
        yield lambda: _asked(sock)


@contextmanager
def _dnslib() -> Iterator[Callable[[], float]]:
    zone = "\n".join(
        [f"gmail.com. 3600 IN MX {10 * at} {it}gmail-smtp-in.l.google.com." for at, it in enumerate(_HOSTS)]
        + [f"{it}gmail-smtp-in.l.google.com. 300 IN A 192.0.2.{at}" for at, it in enumerate(_HOSTS, 1)]
        + [f"{it}gmail-smtp-in.l.google.com. 300 IN AAAA 2001:db8::{at}" for at, it in enumerate(_HOSTS, 1)]
    )
    with dnslib_server(zone) as where, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(where)
        yield lambda: _asked(sock)
