from __future__ import annotations

import time
from datetime import timedelta

import pytest


@pytest.fixture
def shop(mailnet):
    """A domain with one host, in a net where waits take no time."""
    mailnet.clock.compress()
    return mailnet.add_server("mx.shop.example", domain="shop.example")


@pytest.fixture
def passed(mailnet, shop):
    """How many seconds have passed in the net since the test began, to the microsecond."""
    began = mailnet.clock.now()
    return lambda: timedelta.total_seconds(mailnet.clock.now() - began)


@pytest.fixture
def lived(shop):
    """How many seconds the test has really taken by now: what an event loop lives comes to its time-outs."""
    began = time.monotonic()
    return lambda: time.monotonic() - began
