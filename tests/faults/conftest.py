from __future__ import annotations

import pytest


@pytest.fixture
def shop(mailnet):
    """A domain with one host, in a net where waits take no time."""
    mailnet.clock.compress()
    return mailnet.add_server("mx.shop.example", domain="shop.example")
