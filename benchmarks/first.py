"""What a user waits for: a run with a first test, a suite of thirty, and a run that needs no mail at all."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.mail import CONTENT, RECIPIENT, SENDER
from benchmarks.race import Row, Way, compared, faster_of, race
from benchmarks.runs import cpu_of_run, cpu_without_bytecode, run, wall_time_of_run
from benchmarks.units import milliseconds, plain, seconds

__all__ = ["rows"]

_MAILNET = "mailnet"
_SMTPDFIX = "smtpd"
_LOCALSERVER = "localserver"

_MAILBOX = "def test_mailbox(mailnet):\n    mailnet.gmail.add_mailbox('alice')\n"
_SMTPD = "def test_mailbox(smtpd):\n    assert smtpd.port\n"
_EMPTY = "def test_nothing():\n    pass\n"
_SUITE = f"""\
import smtplib

import pytest


@pytest.mark.parametrize("number", range(30))
def test_mail({{fixture}}, number):
    {{set_up}}
    with smtplib.SMTP({{where}}, local_hostname="app.sender.example") as client:
        client.sendmail({SENDER!r}, [{RECIPIENT!r}], {CONTENT!r})
    assert len({{mails}}) == 1
"""
_SUITE_OF_MAILNET = _SUITE.format(
    fixture="mailnet",
    set_up="alice = mailnet.gmail.add_mailbox('alice')",
    where="'gmail-smtp-in.l.google.com', 25",
    mails="alice.messages",
)
_SUITE_OF_SMTPDFIX = _SUITE.format(
    fixture="smtpd", set_up="", where="smtpd.hostname, smtpd.port", mails="smtpd.messages"
)
_SUITE_OF_LOCALSERVER = _SUITE.format(
    fixture="smtpserver", set_up="", where="*smtpserver.addr", mails="smtpserver.outbox"
)
_MODULES = """\
import json
import sys


def test_nothing():
    with open("modules.json", "w") as file:
        json.dump(len(sys.modules), file)
"""


def rows(*, quick: bool) -> Iterator[Row]:
    """Compare whole runs of pytest, each a process of its own.

    Args:
        quick: measure fewer rounds, and only what users feel.
    """
    yield compared(
        "a first test, which adds a mailbox, CPU",
        "smtpdfix",
        race([partial(cpu_of_run, _MAILNET, _MAILBOX), partial(cpu_of_run, _SMTPDFIX, _SMTPD)], _few(quick)),
        seconds,
        1.25,
    )
    bare = [
        partial(cpu_without_bytecode, _MAILNET, _MAILBOX, "pytest_mailnet"),
        partial(cpu_without_bytecode, _SMTPDFIX, _SMTPD, "smtpdfix"),
    ]
    yield compared(
        "a first test, no bytecode is written, CPU", "smtpdfix", race(bare, _few(quick)), seconds, 1.25
    )
    yield _suite(_few(quick))
    unused = [partial(cpu_of_run, plugin, _EMPTY, runs=3) for plugin in (_MAILNET, None)]
    yield compared(
        "an empty test, plugin unused, CPU",
        "-p no:mailnet",
        race(unused, 7 if quick else 25),
        milliseconds,
        1.015,
    )
    if not quick:
        # Four modules are the plugin's own. aiosmtpd, dnslib or dnspython would bring many more.
        loaded = race([partial(_modules, plugin) for plugin in (_MAILNET, None)], 1)
        yield compared("modules loaded, plugin unused", "-p no:mailnet", loaded, plain, 1.03, way=Way.NUMBER)


def _few(quick: bool) -> int:  # noqa: FBT001
    return 3 if quick else 9


def _suite(rounds: int) -> Row:
    runs = {
        "mailnet": partial(wall_time_of_run, _MAILNET, _SUITE_OF_MAILNET),
        "smtpdfix": partial(wall_time_of_run, _SMTPDFIX, _SUITE_OF_SMTPDFIX),
        "pytest-localserver": partial(wall_time_of_run, _LOCALSERVER, _SUITE_OF_LOCALSERVER),
    }
    figures = dict(zip(runs, race(list(runs.values()), rounds), strict=True))
    ours = figures.pop("mailnet")
    peer = faster_of(figures)
    return compared("a suite of 30 tests, a mail each", peer, [ours, figures[peer]], seconds, 1)


@contextmanager
def _modules(plugin: str | None) -> Iterator[Callable[[], float]]:
    """Count the modules that are loaded while a test runs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "test_nothing.py").write_text(_MODULES)

        def measure() -> float:
            run(folder, plugin)
            return float(json.loads((folder / "modules.json").read_text()))

        yield measure
