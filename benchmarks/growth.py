"""What does not grow: time with the number of domains, sessions and mails; threads; memory a mail."""

from __future__ import annotations

import contextlib
import gc
import random
import resource
import smtplib
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.mail import CONTENT, MX, NAME, RECIPIENT, SENDER, send
from benchmarks.race import Row, Way, compared, race
from benchmarks.units import milliseconds, octets, plain

if TYPE_CHECKING:
    from pytest_mailnet.net.mailnet import MailNet

__all__ = ["rows"]

_ROUNDS = 9
_FLAT = 1.2
_DOMAINS = (10, 10_000)
_SESSIONS = (1, 500)
_KEPT = 10_000
_MAILS = 250  # a round


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare memory with the mail that is kept; then the same at a small and at a large size.

    Args:
        quick: keep fewer mails, and leave out what does not grow.
    """
    [memory] = race([partial(_memory, 1_000 if quick else _KEPT)], 1)
    yield compared(
        "memory of a kept 1 KiB mail", "the mail", [memory, [float(len(CONTENT))]], octets, 3, way=Way.SIZE
    )
    if quick:
        return
    for what, beside, contestants in (
        ("look-up and mail, 10,000 domains", "10 domains", [partial(_domains, it) for it in _DOMAINS]),
        ("a session, 500 open at once", "1 open", [partial(_sessions, it) for it in _SESSIONS]),
        ("a mail, 10,000 kept", "0 kept", [partial(_mails_kept, it) for it in (0, _KEPT)]),
    ):
        few, many = race(contestants, _ROUNDS)
        yield compared(what, beside, [many, few], milliseconds, _FLAT)
    few, many = race([partial(_threads, it) for it in _SESSIONS], 1)
    yield compared("threads, 500 sessions open", "1 open", [many, few], plain, 1, way=Way.NUMBER)


@contextmanager
def _domains(count: int) -> Iterator[Callable[[], float]]:
    import dns.resolver

    from pytest_mailnet.net.mailnet import MailNet

    chosen = random.Random(7)

    def measure() -> float:
        domains = [f"shop{chosen.randrange(count)}.example" for _ in range(_MAILS)]
        start = time.perf_counter()
        for domain in domains:
            [mx] = dns.resolver.resolve(domain, "MX")
            send(mx.exchange.to_text(omit_final_dot=True), 25, f"sales@{domain}")
        return (time.perf_counter() - start) / _MAILS

    with MailNet() as net:
        for number in range(count):
            net.add_server(f"mx.shop{number}.example", domain=f"shop{number}.example")
        yield measure


@contextmanager
def _sessions(count: int) -> Iterator[Callable[[], float]]:
    def measure() -> float:
        start = time.perf_counter()
        for _ in range(_SESSIONS[1] // count):
            with contextlib.ExitStack() as clients:
                for client in _opened(clients, count):
                    client.sendmail(SENDER, [RECIPIENT], CONTENT)
        return (time.perf_counter() - start) / _SESSIONS[1]

    with _net_with_alice():
        yield measure


@contextmanager
def _mails_kept(count: int) -> Iterator[Callable[[], float]]:
    def measure() -> float:
        start = time.perf_counter()
        for _ in range(_MAILS):
            send(MX, 25)
        return (time.perf_counter() - start) / _MAILS

    with _net_with_alice() as net:
        for _ in range(count):
            send(MX, 25)
        assert len(net.messages) == count
        yield measure


@contextmanager
def _threads(count: int) -> Iterator[Callable[[], float]]:
    with _net_with_alice() as net, contextlib.ExitStack() as clients:
        for client in _opened(clients, count):
            client.noop()
        assert sum(session.open for session in net.sessions) == count
        yield threading.active_count


@contextmanager
def _memory(mails: int) -> Iterator[Callable[[], float]]:
    """Bytes a mail of all that Python holds more with the mails than before: message, session, exchanges."""

    def measure() -> float:
        with _net_with_alice() as net:
            send(MX, 25)
            gc.collect()
            tracemalloc.start()
            for _ in range(mails):
                send(MX, 25)
            gc.collect()
            size, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert len(net.gmail.mailbox("alice").messages) == mails + 1
        return size / mails

    yield measure


@contextmanager
def _net_with_alice() -> Iterator[MailNet]:
    from pytest_mailnet.net.mailnet import MailNet

    # Both ends of 500 connections are open files of this process; many machines allow 1,024 at first.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with MailNet() as net:
        net.gmail.add_mailbox("alice")
        yield net


def _opened(clients: contextlib.ExitStack, count: int) -> list[smtplib.SMTP]:
    return [clients.enter_context(smtplib.SMTP(MX, 25, local_hostname=NAME)) for _ in range(count)]
