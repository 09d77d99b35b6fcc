"""A folder with many mails, and the uids that its mails keep while the test and mail programs change it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from pytest_mailnet.mailboxes.shelf import PLAIN
from pytest_mailnet.mailboxes.shelves import Shelves
from pytest_mailnet.record.session import Message
from pytest_mailnet.values import Envelope


@pytest.fixture
def message(mailnet):
    """Makes mails, in a run with a net, whose audit hook hears of each `id()` too."""
    mailnet.add_server("mx.shop.example")
    now = datetime(2026, 11, 29, tzinfo=UTC)
    return lambda: Message(Envelope("", ()), b"Subject: x\r\n\r\nhello\r\n", None, now, "")


def uids(shelves):
    return [it.uid for it in shelves.entries(shelves.all[0])]


def test_ten_thousand_mails_are_appended_within_seconds(message):
    shelves = Shelves(PLAIN, [], [])
    started = time.perf_counter()

    for _ in range(10_000):
        shelves.append(shelves.all[0], message())

    assert uids(shelves) == [*range(1, 10_001)]
    assert time.perf_counter() - started < 10


def test_a_mail_keeps_its_uid_and_no_other_gets_it(message):
    inbox = [message(), message(), message()]
    shelves = Shelves(PLAIN, inbox, [])
    assert uids(shelves) == [1, 2, 3]

    second = inbox.pop(1)
    assert uids(shelves) == [1, 3]
    inbox.append(second)
    assert uids(shelves) == [1, 3, 4]
    inbox.append(inbox[0])
    assert uids(shelves) == [1, 3, 4]
    inbox.insert(0, message())
    assert uids(shelves) == [1, 3, 4, 5]
    inbox[2] = message()
    assert uids(shelves) == [1, 4, 5, 6]
    inbox.clear()
    assert uids(shelves) == []
    inbox.append(second)
    assert uids(shelves) == [7]
