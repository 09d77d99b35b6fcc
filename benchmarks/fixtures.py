"""What one more test pays for its net, and for a mail in it, in a run that has had tests before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from benchmarks.mail import MX, send
from benchmarks.peers import localserver_fixture, smtpdfix_fixture
from benchmarks.race import Row, Way, compared, faster_of, race
from benchmarks.units import milliseconds
from pytest_mailnet.values import Endpoint

__all__ = ["rows"]

_AT_ONCE = 20  # fixtures, or tests, a round
_PEERS = {"smtpdfix": smtpdfix_fixture, "pytest-localserver": localserver_fixture}


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare set-up and tear-down alone, with a mail in between, and with a look-up before the mail.

    Args:
        quick: measure fewer rounds.
    """
    rounds = 5 if quick else 21
    ours, *theirs = race([_nets, *(partial(_fixtures, it) for it in _PEERS.values())], rounds)
    yield _beside_the_faster("one more test: gmail and hotmail, no mail", ours, theirs, 4)
    tests = [partial(_tests, look_up=it) for it in (False, True)]
    mail, look_up, *theirs = race([*tests, *(partial(_tests_of, it) for it in _PEERS.values())], rounds)
    yield _beside_the_faster("one more test with a mail", mail, theirs, 2.5)
    # The peers have no DNS, so that their tests are spared the look-up.
    yield _beside_the_faster("one more test: MX look-up, then a mail", look_up, theirs, 1.2)


def _beside_the_faster(what: str, ours: list[float], theirs: list[list[float]], wanted: float) -> Row:
    figures = dict(zip(_PEERS, theirs, strict=True))
    peer = faster_of(figures)
    return compared(what, peer, [ours, figures[peer]], milliseconds, wanted, way=Way.FASTER)


def _timed(one: Callable[[], None]) -> float:
    start = time.perf_counter()
    for _ in range(_AT_ONCE):
        one()
    return (time.perf_counter() - start) / _AT_ONCE


@contextmanager
def _nets() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet, life_of
    from pytest_mailnet.server.engine import Engine

    engine = Engine()  # one a run, as the plugin has it

    def one() -> None:
        with MailNet(engine=engine) as net:
            assert net.gmail is not net.hotmail
            life_of(net).settle()  # as the plugin does at the end of a test

    yield partial(_timed, one)
    engine.close()


@contextmanager
def _tests(*, look_up: bool) -> Iterator[Callable[[], float]]:
    import dns.resolver

    from pytest_mailnet.net.mailnet import MailNet, life_of
    from pytest_mailnet.server.engine import Engine

    engine = Engine()

    def host() -> str:
        best = min(dns.resolver.resolve("gmail.com", "MX"), key=lambda mx: mx.preference)
        return str(best.exchange.to_text(omit_final_dot=True))

    def one() -> None:
        with MailNet(engine=engine) as net:
            alice = net.gmail.add_mailbox("alice")
            send(host() if look_up else MX, 25)
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
