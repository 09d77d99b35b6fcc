"""How fast a server that is up takes mail, beside the least that a server can do, and beside aiosmtpd."""

from __future__ import annotations

import logging
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.bare import fixed_lines
from benchmarks.mail import CONTENT, MX, NAME, RECIPIENT, SENDER, send
from benchmarks.peers import Keeper, aiosmtpd_controller
from benchmarks.race import Row, Way, compared, race
from benchmarks.units import a_second, milliseconds
from pytest_mailnet.values import Endpoint

__all__ = ["rows"]

_SINGLE = 100  # mails, or connections, a round
_MANY = 2000  # mails a round, over a few connections
_CONNECTIONS = 4


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare mails on one connection, on a few, and on a connection each.

    Args:
        quick: measure fewer rounds, and only what users feel.
    """
    rounds = 7 if quick else 21
    beside = "a thread, fixed lines"
    on_one = race([partial(_net, _on_one_connection), partial(_lines, _on_one_connection)], rounds)
    yield compared("a mail on one connection that stays open", beside, on_one, milliseconds, 2)
    banners = race([partial(_net, _banners), partial(_lines, _banners)], rounds)
    yield compared("connect and banner", beside, banners, milliseconds, 3)
    many = race([_many_net, _many_controller], 3 if quick else 11)
    yield compared(f"mails on {_CONNECTIONS} connections", "aiosmtpd", many, a_second, 4, way=Way.MORE)
    if not quick:
        # Two runs of the same thing differ by as much as the limit leaves.
        single = race([partial(_net, _a_connection_each), partial(_controller, _a_connection_each)], rounds)
        yield compared("a mail on a connection of its own", "aiosmtpd", single, milliseconds, 1.05)
        # Two threads lie between client and hook, where the controller has one.
        handled = race([_handler, partial(_controller, _a_connection_each)], rounds)
        yield compared("a mail to a handler of aiosmtpd", "aiosmtpd", handled, milliseconds, 3)


def _on_one_connection(host: str, port: int) -> float:
    with smtplib.SMTP(host, port, local_hostname=NAME) as client:
        client.ehlo()
        start = time.perf_counter()
        for _ in range(_SINGLE):
            client.sendmail(SENDER, [RECIPIENT], CONTENT)
        return (time.perf_counter() - start) / _SINGLE


def _a_connection_each(host: str, port: int) -> float:
    start = time.perf_counter()
    for _ in range(_SINGLE):
        send(host, port)
    return (time.perf_counter() - start) / _SINGLE


def _banners(host: str, port: int) -> float:
    address = socket.gethostbyname(host)  # the other one has no names
    start = time.perf_counter()
    for _ in range(_SINGLE):
        with socket.create_connection((address, port)) as client:
            assert client.recv(4096)[:3] == b"220"
    return (time.perf_counter() - start) / _SINGLE


def _many(where: Endpoint) -> float:
    """Mails a second, sent from another process."""
    arguments = (where.ip, where.port, SENDER, RECIPIENT, _MANY, _CONNECTIONS)
    flood = [sys.executable, "-I", str(Path(__file__).with_name("flood.py")), *map(str, arguments)]
    done = subprocess.run(flood, input=CONTENT, stdout=subprocess.PIPE, check=True)
    return _MANY / float(done.stdout)


@contextmanager
def _net(measure: Callable[[str, int], float]) -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    with MailNet() as net:
        net.gmail.add_mailbox("alice")
        yield partial(measure, MX, 25)


@contextmanager
def _lines(measure: Callable[[str, int], float]) -> Iterator[Callable[[], float]]:
    with fixed_lines() as where:
        yield partial(measure, *where)


@contextmanager
def _controller(measure: Callable[[str, int], float]) -> Iterator[Callable[[], float]]:
    with aiosmtpd_controller() as where:
        yield partial(measure, *where)


@contextmanager
def _handler() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    logging.getLogger("mail.log").setLevel(logging.ERROR)
    with MailNet() as net:
        net.add_server(MX, handler=Keeper())
        yield partial(_a_connection_each, MX, 25)


@contextmanager
def _many_net() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    with MailNet() as net:
        net.gmail.add_mailbox("alice")
        where = net.listen(MX)
        yield lambda: _many(where)


@contextmanager
def _many_controller() -> Iterator[Callable[[], float]]:
    with aiosmtpd_controller() as where:
        yield lambda: _many(where)
