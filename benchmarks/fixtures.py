"""What a test pays for its net, and for its first mail in it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from benchmarks.mail import send
from benchmarks.peers import localserver_fixture, smtpdfix_fixture
from benchmarks.race import Contestant, Row, medians, race, ratio
from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.values import Endpoint

__all__ = ["rows"]

_ROUNDS = 15
_AT_ONCE = 40  # fixtures, or tests, a round
_PEERS = ("smtpdfix", "pytest-localserver")


def rows() -> Iterator[Row]:
    """Set-up and tear-down alone; and with a mail in between."""
    yield from _compared(
        "set-up and tear-down",
        [_nets, partial(_fixtures, smtpdfix_fixture), partial(_fixtures, localserver_fixture)],
        4,
    )
    yield from _compared(
        "a test: MX look-up, one mail",
        [_tests, partial(_tests_of, smtpdfix_fixture), partial(_tests_of, localserver_fixture)],
        2,
    )


def _compared(what: str, contestants: list[Contestant], wanted: float) -> Iterator[Row]:
    ours, *theirs = race(contestants, _ROUNDS)
    for name, figures in zip(_PEERS, theirs, strict=True):
        mine, other = medians([ours, figures])
        faster = ratio(figures, ours)
        yield Row(
            what,
            f"{mine * 1e3:.2f} ms",
            name,
            f"{other * 1e3:.2f} ms",
            f"{faster:.1f} x faster",
            f">= {wanted} x",
            faster >= wanted,
        )


def _timed(run: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(_AT_ONCE):
        run()
    return (time.perf_counter() - start) / _AT_ONCE


@contextmanager
def _nets() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet
    from pytest_mailnet.server.engine import Engine

    engine = Engine()  # one a run, as the plugin has it

    def one() -> None:
        with MailNet(engine=engine) as net:
            assert net.gmail is not net.hotmail
            life_of(net).settle()  # as the plugin does at the end of a test

    yield partial(_timed, one)
    engine.close()


@contextmanager
def _tests() -> Iterator[Callable[[], float]]:
    import dns.resolver

    from pytest_mailnet.net.mailnet import MailNet
    from pytest_mailnet.server.engine import Engine

    engine = Engine()

    def one() -> None:
        with MailNet(engine=engine) as net:
            alice = net.gmail.add_mailbox("alice")
            best = min(dns.resolver.resolve("gmail.com", "MX"), key=lambda mx: mx.preference)
            send(best.exchange.to_text(omit_final_dot=True), 25)
            assert len(alice.messages) == 1
            life_of(net).settle()

    yield partial(_timed, one)
    engine.close()


@contextmanager
def _fixtures(fixture: Callable[[], AbstractContextManager[Endpoint]]) -> Iterator[Callable[[], float]]:
    def one() -> None:
        with fixture():
            pass

    yield partial(_timed, one)


@contextmanager
def _tests_of(fixture: Callable[[], AbstractContextManager[Endpoint]]) -> Iterator[Callable[[], float]]:
    def one() -> None:
        with fixture() as where:
            send(*where)

    yield partial(_timed, one)
