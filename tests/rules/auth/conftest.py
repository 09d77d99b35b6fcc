"""The DNS of a domain that authenticates its mail, and mails that it has sent."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pytest_mailnet.clock import Clock
from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.senders.publishing import publish

pytest.importorskip("spf")
pytest.importorskip("dkim")

MESSAGE = b"From: Shop <shop@shop.example>\r\nTo: alice@gmail.com\r\nSubject: hi\r\n\r\nhello\r\n"


@pytest.fixture
def dns():
    return Resolver()


@pytest.fixture
def clock():
    return Clock(datetime.now(UTC))


@pytest.fixture
def key(dns):
    return publish(
        dns, "shop.example", ips=("203.0.113.7",), spf=True, dkim=True, dmarc="reject", selector="s1"
    )


@pytest.fixture
def signed(key):
    return key.sign(MESSAGE)
