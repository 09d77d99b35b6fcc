"""What the tests of the census share: a net, and what was met in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from pytest_mailnet import MailNet
from pytest_mailnet.coverage import Census, Met
from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.plugin.coverage_run import count_net


@pytest.fixture
def leaving() -> Iterator[ExitStack]:
    """What leaves the net, at the latest when the test is over."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def net(make_mailnet: Callable[..., MailNet], leaving: ExitStack) -> MailNet:
    """An active net with a shop in it, whose time is compressed."""
    net = leaving.enter_context(make_mailnet(strict=False))
    net.clock.compress()
    net.add_server("mx.shop.example", domain="shop.example")
    return net


@pytest.fixture
def met(net: MailNet, leaving: ExitStack) -> Callable[[], Met]:
    """Leave the net and count what has come to it."""

    def count() -> Met:
        leaving.close()
        census = Census()
        count_net(census, life_of(net))
        return census.met

    return count


@pytest.fixture
def column(met: Callable[[], Met]) -> Callable[[str, str], dict[str, int]]:
    """What was met in one row of a table."""

    def of(table: str, row: str) -> dict[str, int]:
        return {cell.column: count for cell, count in met().items() if cell[:2] == (table, row)}

    return of
