from __future__ import annotations

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.values import Stage


@pytest.fixture
def failure():
    """What most tests are about: a recipient that a server does not know."""
    return Failure(
        recipient="alice@shop.example",
        sender="bob@sender.example",
        host="mx.shop.example",
        address="192.0.2.8",
        stage=Stage.RCPT,
        reply=("550-5.1.1 <alice@shop.example>: nobody", "550 5.1.1 here"),
    )
