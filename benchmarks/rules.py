"""What rules cost: a mail to Gmail with every rule that it has on, beside one with none."""

from __future__ import annotations

import re
import smtplib
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from benchmarks.mail import MX, NAME
from benchmarks.race import Row, compared, race
from benchmarks.units import milliseconds

__all__ = ["rows"]

_ROUNDS = 25
_MAILS = 100
_CONTENT = (
    b"From: Shop <shop@shop.example>\r\nTo: alice@gmail.com\r\nDate: Mon, 5 Jan 2026 09:00:00 +0000\r\n"
    b"Message-ID: <1@shop.example>\r\nSubject: hi\r\n\r\n" + b"x" * 70 + b"\r\n"
)


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare mails over one connection; SPF and DMARC are asked for and pass, no signature is verified.

    Args:
        quick: measure nothing.
    """
    if quick:
        return
    figures = race([_every_rule, _no_rule], _ROUNDS)
    yield compared("a mail, every rule of Gmail on", "no rule", figures, milliseconds, 1.5)


@contextmanager
def _every_rule() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    def measure() -> float:
        with MailNet() as net:
            net.gmail.add_mailbox("alice")
            net.sender.publish("shop.example", dkim=False, dmarc="reject")
            net.gmail.enforce_all()
            return _sent()

    yield measure


@contextmanager
def _no_rule() -> Iterator[Callable[[], float]]:
    from pytest_mailnet.net.mailnet import MailNet

    facts = (resources.files("pytest_mailnet.providers") / "data" / "gmail.toml").read_text("utf-8")
    bare = re.sub(r"(?s)\[\[(submission\.)?rules\]\].*?(?=\n\[(sources|submission|replies))", "", facts)
    assert "rule = " not in bare
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "gmail.toml").write_text(bare, "utf-8")

        def measure() -> float:
            with MailNet(providers=[folder]) as net:
                net.gmail.add_mailbox("alice")
                return _sent()

        yield measure


def _sent() -> float:
    """Seconds a mail. As many are sent before and not counted: a net's first uses."""
    with smtplib.SMTP(MX, 25, local_hostname=NAME) as client:
        client.ehlo()
        for _ in range(2):
            start = time.perf_counter()
            for _ in range(_MAILS):
                client.sendmail("shop@shop.example", ["alice@gmail.com"], _CONTENT)
        return (time.perf_counter() - start) / _MAILS
