"""A server's queue: mails that are tried again for five days, beside the same delivered at once."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from benchmarks.mail import CONTENT, NAME
from benchmarks.race import Row, compared, race
from benchmarks.units import seconds

__all__ = ["rows"]

_MAILS = 1000
_DAYS = 5
_SENDER = "alice@app.example"


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare what a queue takes; two reports a mail go back to the sender.

    Args:
        quick: measure nothing, since no user waits for so many mails.
    """
    if quick:
        return
    # A mail is tried 42 times in five days, and two reports go back. A try may cost as much as a delivery,
    # and far less where there is no connection.
    for what, answer, wanted in (
        ("refused by the host", "", 8),
        ("deferred at RCPT", "451 4.7.1 Try later", 45),
    ):
        figures = race([partial(_relay, answer), partial(_relay, None)], 3)
        name = f"{_MAILS:,} mails, {_DAYS} days {what}"
        yield compared(name, "delivered at once", figures, seconds, wanted)


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
            with smtplib.SMTP("smtp.app.example", 25, local_hostname=NAME) as client:
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
