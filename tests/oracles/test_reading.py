"""Dovecot beside a server of the net: the same mails, the same sessions of IMAP and POP3, the same answers."""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from .reading_comparison import differences, net, of_dovecot, of_net
from .reading_differences import KNOWN
from .reading_dovecot import Dovecot, missing
from .reading_record import PAGE, section
from .reading_sessions import SESSIONS


@pytest.fixture(scope="module")
def dovecot():
    """A Dovecot that is running; skips where it is not installed."""
    if reason := missing():
        pytest.skip(reason)
    with Dovecot.started() as running:
        yield running


@pytest.fixture(scope="module")
def found(dovecot):
    """What is answered differently, by session."""
    with ThreadPoolExecutor(8) as threads:
        theirs = list(threads.map(lambda it: of_dovecot(dovecot, it), SESSIONS))
    with net() as opened:
        ours = [of_net(opened, it) for it in SESSIONS]
    pairs = zip(SESSIONS, theirs, ours, strict=True)
    return {it.name: differences(it.name, one, other) for it, one, other in pairs}


@pytest.mark.parametrize("name", [it.name for it in SESSIONS])
def test_a_session_is_answered_as_by_dovecot(found, name):
    assert [str(it) for it in found[name] if not any(known.covers(it) for known in KNOWN)] == []


@pytest.mark.parametrize("known", KNOWN, ids=lambda it: it.what)
def test_a_difference_that_is_known_is_one(found, known):
    said = {it.name: it.commands for it in SESSIONS}
    expected = [(name, it) for name, commands in known.where.items() for it in said[name] if it in commands]

    met = [(name, it.command) for name in known.where for it in found[name] if known.covers(it)]

    assert met == expected
    assert {*expected} == {(name, it) for name, commands in known.where.items() for it in commands}


def test_the_record_is_written_where_that_is_asked_for(dovecot):
    if not os.environ.get("MAILNET_ORACLES_RECORD"):
        pytest.skip("MAILNET_ORACLES_RECORD=1 writes docs/explanation/oracles-reading.md")

    PAGE.write_text(section(dovecot.version), "utf-8")

    assert PAGE.read_text("utf-8").startswith("# ")


def test_the_page_tells_what_is_compared_and_what_differs():
    page = PAGE.read_text("utf-8")

    [version] = re.findall(r"^Dovecot ([0-9.]+) and", page, re.MULTILINE)
    assert page == section(version)
