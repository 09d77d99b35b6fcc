"""TLS hosts and queues: what they may take at most, beside the same without TLS, and without retries."""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from benchmarks.mail import CONTENT
from benchmarks.race import Contestant, Row, medians, race

__all__ = ["rows"]

_ROUNDS = 9
_HOSTS = 20  # a round
_MAILS = 1000
_DAYS = 5
_SENDER = "alice@app.example"


def rows() -> Iterator[Row]:
    """A host's first handshake, a net's set-up, and a thousand mails under way for five days."""
    yield _at_most(
        "first use of a TLS host", "in the clear", [partial(_first_use, tls=it) for it in (True, False)], 10
    )
    yield _at_most(
        "set-up, the run has used TLS", "it has not", [partial(_set_up, tls=it) for it in (True, False)], 1
    )
    for what, answer in (("refused by the host", ""), ("deferred at RCPT", "451 4.7.1 Try later")):
        contestants = [partial(_relay, answer), partial(_relay, None)]
        yield _at_most(
            f"{_MAILS:,} mails, {_DAYS} days {what}", "delivered at once", contestants, 3000, rounds=3
        )


def _at_most(
    what: str, than: str, contestants: Sequence[Contestant], most: float, *, rounds: int = _ROUNDS
) -> Row:
    """Compare by difference: what is promised is a time, in milliseconds, of one core."""
    mine, other = medians(race(contestants, rounds))
    more = (mine - other if most < 10 else mine) * 1e3
    return Row(
        what,
        f"{mine * 1e3:.2f} ms",
        than,
        f"{other * 1e3:.2f} ms",
        f"{more:+.2f} ms" if most < 10 else f"{mine / other:.1f} x its time",
        f"< {most:,} ms",
        more < most,
    )


@contextmanager
def _first_use(*, tls: bool) -> Iterator[Callable[[], float]]:
    """A host nobody has spoken to yet: certificate, handshake, and one command."""
    from pytest_mailnet.net.mailnet import MailNet

    with MailNet() as net:
        context = ssl.create_default_context()
        made = iter(range(1_000_000))

        def measure() -> float:
            hosts = [f"mx.shop{next(made)}.example" for _ in range(_HOSTS)]
            for host in hosts:
                net.add_server(host)
            start = time.perf_counter()
            for host in hosts:
                with smtplib.SMTP(host, 25, local_hostname="app.sender.example") as client:
                    client.ehlo()
                    if tls:
                        client.starttls(context=context)
                        client.ehlo()
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


@contextmanager
def _relay(answer: str | None) -> Iterator[Callable[[], float]]:
    """A thousand mails for a host that takes them (None), answers so to all, or takes no connections ("")."""
    from pytest_mailnet.net.mailnet import MailNet

    def measure() -> float:
        with MailNet() as net:
            server = net.add_server("smtp.app.example", domain="app.example")
            server.trust("203.0.113.0/24")
            shop = net.add_server("mx.shop.example", domain="shop.example")
            if answer == "":
                net.host("mx.shop.example").refuse_connections()
            elif answer is not None:
                shop.on_rcpt().reply(answer)
            with smtplib.SMTP("smtp.app.example", 25, local_hostname="app.sender.example") as client:
                for _ in range(_MAILS):
                    client.sendmail(_SENDER, ["sales@shop.example"], CONTENT)
            start = time.perf_counter()
            net.deliver_all(days=_DAYS)
            took = time.perf_counter() - start
            reports = server.mailbox(_SENDER).messages if answer is not None else []
            assert len(reports) == (0 if answer is None else 2 * _MAILS)
            assert not net.queue
        return took

    yield measure
