"""What TLS costs: a session beside a bare `ssl` thread, a host's first session, and a net's set-up."""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from benchmarks.bare import fixed_lines
from benchmarks.mail import MX, NAME
from benchmarks.race import Row, compared, race
from benchmarks.units import milliseconds

__all__ = ["rows"]

_SESSIONS = 30  # a round
_HOSTS = 20  # a round


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare sessions over TLS, and what the first use of TLS leaves behind.

    Args:
        quick: measure fewer rounds, and only what users feel.
    """
    sessions = race([_sessions_of_net, _sessions_of_thread], 7 if quick else 21)
    yield compared("a TLS session after the first", "a thread with `ssl`", sessions, milliseconds, 1.5)
    if not quick:
        # A host's first session makes its key and certificate; no other session pays for that.
        first = race([partial(_first_use, tls=it) for it in (True, False)], 9)
        yield compared("first use of a host over TLS", "in the clear", first, milliseconds, 12)
        # The authority stays with the engine: nets that come later must not make another.
        set_up = race([partial(_set_up, tls=it) for it in (True, False)], 15)
        yield compared("set-up of a net, the run has used TLS", "it has not", set_up, milliseconds, 1.2)


def _converse(host: str, port: int, context: ssl.SSLContext | None) -> None:
    with smtplib.SMTP(host, port, local_hostname=NAME) as client:
        client.ehlo()
        if context is not None:
            client.starttls(context=context)
            client.ehlo()


def _sessions(host: str, port: int, context: ssl.SSLContext) -> float:
    start = time.perf_counter()
    for _ in range(_SESSIONS):
        _converse(host, port, context)
    return (time.perf_counter() - start) / _SESSIONS


@contextmanager
def _sessions_of_net() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    with MailNet() as net:
        assert net.gmail
        yield partial(_sessions, MX, 25, ssl.create_default_context())


@contextmanager
def _sessions_of_thread() -> Iterator[Callable[[], float]]:
    import trustme

    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", key_type=trustme.KeyType.ECDSA).configure_cert(served)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with fixed_lines(served) as where:
        yield partial(_sessions, *where, trusting)


@contextmanager
def _first_use(*, tls: bool) -> Iterator[Callable[[], float]]:
    """Hosts nobody has spoken to yet."""
    from pytest_mailnet.net.mailnet import MailNet

    with MailNet() as net:
        context = ssl.create_default_context() if tls else None
        made = iter(range(1_000_000))

        def measure() -> float:
            hosts = [f"mx.shop{next(made)}.example" for _ in range(_HOSTS)]
            for host in hosts:
                net.add_server(host)
            start = time.perf_counter()
            for host in hosts:
                _converse(host, 25, context)
            return (time.perf_counter() - start) / _HOSTS

        yield measure


@contextmanager
def _set_up(*, tls: bool) -> Iterator[Callable[[], float]]:
    """A net with a server, in a run whose engine has made its authority, or has not."""
    from pytest_mailnet.net.mailnet import MailNet
    from pytest_mailnet.server.engine import Engine

    engine = Engine()
    engine.start()
    if tls:
        assert engine.authority.pem

    def measure() -> float:
        start = time.perf_counter()
        for _ in range(_HOSTS):
            with MailNet(engine=engine) as net:
                net.add_server("mx.shop.example", domain="shop.example")
        return (time.perf_counter() - start) / _HOSTS

    yield measure
    engine.close()
