"""Programs in network namespaces: how soon they are ready, and what a mail through one takes."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from benchmarks.mail import CONTENT, MX, NAME, RECIPIENT, SENDER
from benchmarks.race import Row, compared, race
from benchmarks.units import milliseconds

__all__ = ["rows"]

_UNSHARE = ("unshare", "-Urnm", "true")
_NETS = 5  # a round
_MAILS = 100  # a round
# The tenth of the mails that took least: other load on the machine only adds to the time of one.
_CLIENT = f"""\
import smtplib, sys, time
host, port = sys.argv[1], int(sys.argv[2])
def send():
    start = time.perf_counter()
    with smtplib.SMTP(host, port, local_hostname={NAME!r}) as server:
        server.sendmail({SENDER!r}, [{RECIPIENT!r}], {CONTENT!r})
    return time.perf_counter() - start
print(sorted(send() for _ in range({_MAILS}))[{_MAILS} // 10])
"""
# A test run has imported what pytest does, and has had a net.
_FIRST = """\
import time, pytest
from pytest_mailnet import MailNet
with MailNet() as net:
    net.gmail
    start = time.perf_counter()
    net.process()
    print(time.perf_counter() - start)
"""


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare programs in a namespace with those that go by a real port, and with `unshare`.

    Args:
        quick: measure fewer rounds.
    """
    reason = _why_none()
    if reason:
        print(f"namespace is left out: {reason}", file=sys.stderr)
        return
    rounds = 7 if quick else 25
    yield compared(
        "a mail through a namespace",
        "through `listen`",
        race([_mails_by_namespace, _mails_by_port], rounds),
        milliseconds,
        1.2,
    )
    beside = f"`{' '.join(_UNSHARE)}`"
    later, bare = race([_ready, _unshared], rounds)
    yield compared("a namespace is ready, after the first", beside, [later, bare], milliseconds, 3)
    if not quick:
        first, bare = race([_first, _unshared], rounds)
        yield compared("the first namespace of a run is ready", beside, [first, bare], milliseconds, None)
        # With its end, and the next one right after it: nothing is made ahead unnoticed.
        whole = race([partial(_nets, programs=it) for it in (True, False)], rounds)
        yield compared("a net with a namespace, after the first", "a net", whole, milliseconds, None)


def _why_none() -> str:
    """Why this machine has no namespaces, or nothing to compare them with; "" where it has."""
    from pytest_mailnet.errors import NoNamespace
    from pytest_mailnet.net.mailnet import MailNet

    if shutil.which(_UNSHARE[0]) is None:
        return f"{_UNSHARE[0]} is not installed"
    try:
        with MailNet() as net:
            net.process()
        subprocess.run(_UNSHARE, capture_output=True, check=True, text=True)
    except NoNamespace as reason:
        return str(reason)
    except subprocess.CalledProcessError as failed:
        return str(failed.stderr).strip()
    return ""


@contextmanager
def _mails_by_namespace() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    with MailNet() as net:
        net.gmail.add_mailbox("alice")
        where = [net.host(MX).addresses[0], "25"]
        yield partial(_mails, partial(net.process().run, check=True), where)


@contextmanager
def _mails_by_port() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    with MailNet() as net:
        net.gmail.add_mailbox("alice")
        port = net.listen(MX)
        run = partial(subprocess.run, capture_output=True, check=True)
        yield partial(_mails, run, [port.ip, str(port.port)])


def _mails(run: Callable[[Sequence[str]], subprocess.CompletedProcess[Any]], where: Sequence[str]) -> float:
    return float(run([sys.executable, "-c", _CLIENT, *where]).stdout)


@contextmanager
def _ready() -> Iterator[Callable[[], float]]:
    """What a test waits for that runs a program, as those before it did."""
    from pytest_mailnet.net.mailnet import MailNet
    from pytest_mailnet.server.engine import Engine

    engine = Engine()
    engine.start()

    def once() -> float:
        with MailNet(engine=engine) as net:
            assert net.gmail
            start = time.perf_counter()
            process = net.process()
            took = time.perf_counter() - start
            process.run(["true"], check=True)
        return took

    yield lambda: statistics.median(once() for _ in range(_NETS))
    engine.close()


@contextmanager
def _first() -> Iterator[Callable[[], float]]:
    def measure() -> float:
        done = subprocess.run([sys.executable, "-c", _FIRST], capture_output=True, check=True)
        return float(done.stdout)

    yield measure


@contextmanager
def _unshared() -> Iterator[Callable[[], float]]:
    def once() -> float:
        start = time.perf_counter()
        subprocess.run(_UNSHARE, check=True)
        return time.perf_counter() - start

    yield lambda: statistics.median(once() for _ in range(_NETS))


@contextmanager
def _nets(*, programs: bool) -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet
    from pytest_mailnet.server.engine import Engine

    engine = Engine()
    engine.start()

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(_NETS):
            with MailNet(engine=engine) as net:
                assert net.gmail
                if programs:
                    net.process()
        return (time.perf_counter() - start) / _NETS

    yield measure
    engine.close()
