"""`--mailnet-cov`: which answers the tests of a run have met; with xdist, gathered from its workers."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pytest_mailnet.coverage import Cell, Census, Summary
from pytest_mailnet.coverage.as_terminal import terminal_lines
from pytest_mailnet.errors import amongst
from pytest_mailnet.net.lifetime import Lifetime

__all__ = ["CoverageRun"]

_OUTPUT = "mailnet_cov"


class CoverageRun:
    """A plugin that counts what the nets of a run have met, and reports it at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._census = Census()
        self._fail_under = None
        self._worker = hasattr(config, "workerinput")

    def pytest_sessionstart(self) -> None:
        """Begin to count."""
        Lifetime.at_end = (*Lifetime.at_end, self._count)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Stop counting; a worker hands over what it has counted."""
        Lifetime.at_end = tuple(it for it in Lifetime.at_end if it != self._count)
        if self._worker:
            session.config.workeroutput[_OUTPUT] = [[*cell, n] for cell, n in self._census.met.items()]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add what a worker has counted."""
        for *cell, count in getattr(node, "workeroutput", {}).get(_OUTPUT, ()):
            self._census.met[Cell(*cell)] += count

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables."""
        terminalreporter.section("mailnet coverage")
        for line in terminal_lines(Summary(self._census.met)):
            terminalreporter.write_line(line)

    def _count(self, life: Lifetime) -> None:
        net = life.internet
        catalogue = net.directory.catalogue
        providers = {
            name: (catalogue.stem_of(it.facts), it.facts) for name, it in net.directory.operators.items()
        }
        relays = {ip for source in net.senders.sources for ip in (source.ip, source.ipv6) if ip}
        self._census.count(life.journal, providers, relays)
