"""`--mailnet-cov`: which answers the tests of a run have met; with xdist, gathered from its workers."""

from __future__ import annotations

import functools
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from pytest_mailnet.coverage import Cell, Census, Summary
from pytest_mailnet.coverage.as_html import html_page
from pytest_mailnet.coverage.as_json import json_text
from pytest_mailnet.coverage.as_terminal import terminal_lines
from pytest_mailnet.coverage.next_test import NextTest, next_test
from pytest_mailnet.errors import amongst
from pytest_mailnet.net.lifetime import Lifetime
from pytest_mailnet.providers import catalogue_with

__all__ = ["CoverageRun", "count_net"]

_OUTPUT = "mailnet_cov"
_TERM = "term"
_WRITTEN = {"json": json_text, "html": html_page}


class _File(NamedTuple):
    kind: str
    path: Path


class CoverageRun:
    """A plugin that counts what the nets of a run have met, and reports it at the end.

    Args:
        config: pytest's.
        reports: the values of `--mailnet-cov-report`; None for the terminal alone.
        fail_under: the value of `--mailnet-cov-fail-under`, in percent; None for none.

    Raises:
        pytest.UsageError: for another report or percentage; says what there is.
    """

    def __init__(self, config: pytest.Config, reports: Sequence[str] | None, fail_under: str | None) -> None:
        self._census = Census()
        self._config = config
        self._is_worker = hasattr(config, "workerinput")
        self._fail_under = None if fail_under is None else _percentage(fail_under)
        wanted = [_TERM] if reports is None else [it for it in reports if it]
        self._in_terminal = _TERM in wanted
        folder = config.invocation_params.dir  # tests may go elsewhere
        self._files = [_file(it, folder) for it in wanted if it != _TERM]
        self._written: list[_File] = []

    def pytest_sessionstart(self) -> None:
        """Begin to count."""
        Lifetime.at_end = (*Lifetime.at_end, self._count)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Write the files, and fail the run if too little was met: afterwards its exit status is settled."""
        outcome = yield
        if not (self._is_worker or self._config.getoption("collectonly")):
            session.testsfailed += self._too_little
            for file in self._files:
                _write(file.path, _WRITTEN[file.kind](self._summary, self._next))
                self._written.append(file)
        return outcome

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Stop counting; a worker hands over what it has counted."""
        Lifetime.at_end = tuple(it for it in Lifetime.at_end if it != self._count)
        if self._is_worker:
            handed: dict[str, Any] = vars(session.config)["workeroutput"]
            handed[_OUTPUT] = [[*map(str, cell), count] for cell, count in self._census.met.items()]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add what a worker of xdist has counted."""
        for *cell, count in getattr(node, "workeroutput", {}).get(_OUTPUT, ()):
            self._census.met[Cell(*cell)] += count

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables, where the files are, and whether enough was met."""
        if self._is_worker or self._config.getoption("collectonly"):
            return
        if self._in_terminal:
            terminalreporter.section("mailnet coverage")
            for line in terminal_lines(self._summary, self._next):
                terminalreporter.write_line(line)
        for kind, path in self._written:
            terminalreporter.write_line(f"mailnet coverage {kind.upper()} written to file {path}")
        if self._fail_under is not None:
            met = self._summary.percent_text
            if self._too_little:
                told = f"FAIL Required mailnet coverage of {self._fail_under:g}% not reached. Met: {met}"
                terminalreporter.write_line(told, red=True, bold=True)
            else:
                told = f"Required mailnet coverage of {self._fail_under:g}% reached. Met: {met}"
                terminalreporter.write_line(told, green=True)

    @functools.cached_property
    def _summary(self) -> Summary:
        return Summary(self._census.met)

    @functools.cached_property
    def _next(self) -> NextTest | None:
        return next_test(self._census.met, catalogue_with())

    @property
    def _too_little(self) -> bool:
        return self._fail_under is not None and self._summary.percent < self._fail_under

    def _count(self, life: Lifetime) -> None:
        count_net(self._census, life)


def count_net(census: Census, life: Lifetime) -> None:
    """Count what has come to a net.

    Args:
        census: counts it.
        life: the net's, which is left.
    """
    net = life.internet
    named = net.directory.catalogue.stem_of
    providers = {name: (named(it.facts), it.facts) for name, it in net.directory.operators.items()}
    relays = {ip for source in net.senders.sources for ip in (source.ip, source.ipv6) if ip}
    own = {name for name, it in net.directory.hosts.items() if _is_the_application(it.decider)}
    census.count(life.journal, providers, relays, own)


def _is_the_application(decider: object) -> bool:
    """Whether it is the application that answers at a host, by a server of its own."""
    if decider is None:
        return False
    from pytest_mailnet.server.application_server import ApplicationServer  # noqa: PLC0415  # few nets have one

    return isinstance(decider, ApplicationServer)


def _percentage(given: str) -> float:
    try:
        percent = float(given)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 100:
        raise pytest.UsageError(f"--mailnet-cov-fail-under={given}: it takes a number of percent, 0 to 100")
    return percent


def _file(given: str, folder: Path) -> _File:
    kind, _, name = given.partition(":")
    if kind == _TERM:
        raise pytest.UsageError(
            f"--mailnet-cov-report={given}: term goes to the terminal, and takes no file; json:FILE does"
        )
    if kind not in _WRITTEN:
        raise pytest.UsageError(
            f"--mailnet-cov-report={given}: no report {kind!r}{amongst(kind, (_TERM, *_WRITTEN))}"
        )
    return _File(kind, folder / (name or f"mailnet-cov.{kind}"))


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except OSError as error:
        raise pytest.UsageError(f"--mailnet-cov-report: {path} cannot be written: {error.strerror}") from None
