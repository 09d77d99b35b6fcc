"""How fast a server that is up takes mail, beside a plain aiosmtpd `Controller`."""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.mail import CONTENT, RECIPIENT, SENDER, send
from benchmarks.peers import Keeper, aiosmtpd_controller
from benchmarks.race import Row, medians, race, ratio
from pytest_mailnet.values import Endpoint

__all__ = ["rows"]

_MX = "gmail-smtp-in.l.google.com"
_ROUNDS = 15
_SINGLE = 100  # mails a round, one a connection
_MANY = 2000  # mails a round, over a few connections
_CONNECTIONS = 4
_SMTP_SOURCE = "smtp-source"
_NOISE = 1.05  # two runs of the same thing differ by as much


def rows() -> Iterator[Row]:
    """One mail a connection; many mails on few connections."""
    ours, theirs = race([_single_net, _single_controller], _ROUNDS)
    mine, other = medians([ours, theirs])
    slower = ratio(ours, theirs)
    yield Row(
        "one mail a connection, smtplib",
        f"{mine * 1e3:.2f} ms",
        "aiosmtpd",
        f"{other * 1e3:.2f} ms",
        f"{slower:.2f} x its time",
        f"<= {_NOISE} x",
        slower <= _NOISE,
    )
    ours, theirs = race([_single_handler, _single_controller], _ROUNDS)
    mine, other = medians([ours, theirs])
    slower = ratio(ours, theirs)
    yield Row(
        "the same to a handler",
        f"{mine * 1e3:.2f} ms",
        "aiosmtpd",
        f"{other * 1e3:.2f} ms",
        f"{slower:.2f} x its time",
        "told",
        True,  # noqa: FBT003  # two threads lie between client and hook, where the controller has one
    )
    sender = _SMTP_SOURCE if shutil.which(_SMTP_SOURCE) else "flood.py"
    ours, theirs = race([_many_net, _many_controller], _ROUNDS)
    mine, other = medians([ours, theirs])
    more = ratio(ours, theirs)
    yield Row(
        f"mails on {_CONNECTIONS} connections, {sender}",
        f"{mine:,.0f}/s",
        "aiosmtpd",
        f"{other:,.0f}/s",
        f"{more:.2f} x as many",
        ">= 1.5 x",
        more >= 1.5,
    )


def _single(host: str, port: int) -> float:
    start = time.perf_counter()
    for _ in range(_SINGLE):
        send(host, port)
    return (time.perf_counter() - start) / _SINGLE


def _many(where: Endpoint) -> float:
    """Mails a second, sent from another process."""
    smtp_source = shutil.which(_SMTP_SOURCE)
    if smtp_source:
        # -d: go on in the same session; -s: as many at once.
        command = [smtp_source, "-d", "-s", str(_CONNECTIONS), "-m", str(_MANY), "-l", str(len(CONTENT))]
        start = time.perf_counter()
        subprocess.run([*command, "-f", SENDER, "-t", RECIPIENT, f"{where.ip}:{where.port}"], check=True)
        return _MANY / (time.perf_counter() - start)
    arguments = (where.ip, where.port, SENDER, RECIPIENT, _MANY, _CONNECTIONS)
    flood = [sys.executable, "-I", str(Path(__file__).with_name("flood.py")), *map(str, arguments)]
    done = subprocess.run(flood, input=CONTENT, stdout=subprocess.PIPE, check=True)
    return _MANY / float(done.stdout)


@contextmanager
def _single_net() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    with MailNet() as net:
        net.gmail.add_mailbox("alice")
        yield lambda: _single(_MX, 25)


@contextmanager
def _single_controller() -> Iterator[Callable[[], float]]:
    with aiosmtpd_controller() as where:
        yield lambda: _single(*where)


@contextmanager
def _single_handler() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    logging.getLogger("mail.log").setLevel(logging.ERROR)
    with MailNet() as net:
        net.add_server(_MX, handler=Keeper())
        yield lambda: _single(_MX, 25)


@contextmanager
def _many_net() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    with MailNet() as net:
        net.gmail.add_mailbox("alice")
        where = net.listen(_MX)
        yield lambda: _many(where)


@contextmanager
def _many_controller() -> Iterator[Callable[[], float]]:
    with aiosmtpd_controller() as where:
        yield lambda: _many(where)
