"""The section "mailnet" of pytest's reports, on terminals and in junitxml; a long one goes to a file."""

from __future__ import annotations

import itertools
import re
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_mailnet.net.mailnet import MailNet

__all__ = ["OfPassedTests", "Section"]

_TITLE = "mailnet"


class Section:
    """A plugin that adds the section about a test's nets to its report.

    Args:
        nets: the stash key of a test's nets.
        files: the stash key of the factory for the folders of long sections.
        pages: the folder for pages of failing tests; None for none.
    """

    def __init__(
        self,
        nets: pytest.StashKey[list[MailNet]],
        files: pytest.StashKey[pytest.TempPathFactory],
        pages: Path | None,
    ) -> None:
        self._nets, self._files, self._pages = nets, files, pages

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Add the section; behind the failure itself, if any, so that junitxml and editors show it too."""
        report = yield
        nets = item.stash.get(self._nets, [])
        wanted = {"always": call.when == "call" or report.failed, "failed": report.failed, "never": False}
        told = [net for net in nets if wanted[net.config.log]]
        page = self._page(item, nets, call) if nets and report.failed else ""
        if told:
            text = self._text(item, told) + page
            add = getattr(report.longrepr, "addsection", None)
            if add is None:
                report.sections.append((_TITLE, text))
            else:
                add(_TITLE, text)
        return report

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter
    ) -> Generator[None, None, None]:
        """Colour the section while a terminal prints it. Everywhere else, it is plain."""
        reports = itertools.chain.from_iterable(terminalreporter.stats.values())
        holders: list[Any] = [it for report in reports for it in (report, getattr(report, "longrepr", None))]
        plain = [(it, it.sections) for it in holders if _TITLE in _titles(it)]
        if terminalreporter.hasmarkup and plain:
            from pytest_mailnet.timeline.story import in_colours  # noqa: PLC0415

            for holder, sections in plain:
                holder.sections = [
                    (title, in_colours(told) if title == _TITLE else told, *rest)
                    for title, told, *rest in sections
                ]
        yield
        for holder, sections in plain:
            holder.sections = sections

    def _text(self, item: pytest.Item, nets: Sequence[MailNet]) -> str:
        full, short = map(_joined, zip(*map(_told, nets), strict=True))
        return short if short == full else f"{short}\n... shortened; all of it is in {self._kept(item, full)}"

    def _page(self, item: pytest.Item, nets: Sequence[MailNet], call: pytest.CallInfo[None]) -> str:
        """Write the page of a failing test, if pages are wanted; return a line about it."""
        if self._pages is None:
            return ""
        from pytest_mailnet.plugin.lane_pages import write_page  # noqa: PLC0415

        failure = "" if call.excinfo is None else call.excinfo.exconly()
        return f"\n... as lanes: {write_page(self._pages, item.nodeid, nets, failure)}"

    def _kept(self, item: pytest.Item, text: str) -> str:
        """Write a text to a file that only the user can read; return its path, or why that failed."""
        name = re.sub(r"\W+", "_", item.name, flags=re.ASCII)[:60]
        try:
            path = item.stash[self._files].mktemp(f"mailnet-{name}") / "timeline.txt"
            path.touch(mode=0o600)
            path.write_text(text + "\n", "utf-8")
        except OSError as error:  # after a full disk, the short text is still shown
            return f"no file: {error}"
        return str(path)


class OfPassedTests:
    """A plugin that shows the section of passed tests, which pytest shows only with -rP."""

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print these sections after pytest's report of failed tests."""
        if terminalreporter.hasopt("P"):
            return
        for report in terminalreporter.getreports("passed"):
            for title, story in report.sections:
                if title == _TITLE:
                    terminalreporter.section(f"{_TITLE}: {report.nodeid}", "-")
                    terminalreporter.line(story)


def _titles(holder: Any) -> list[str]:
    return [title for title, *_ in getattr(holder, "sections", ())]


def _told(net: MailNet) -> Sequence[str]:
    """The text about a net, in full and shortened."""
    from pytest_mailnet.net.mailnet import life_of  # noqa: PLC0415
    from pytest_mailnet.printable import printable_lines  # noqa: PLC0415
    from pytest_mailnet.timeline.story import story  # noqa: PLC0415

    life = life_of(net)
    first = [*life.notes, *map(printable_lines, life.unmet)]
    return ["\n".join([*first, it]) for it in story(life.journal, net.queue, net.config.log_lines)]


def _joined(stories: Sequence[str]) -> str:
    if len(stories) == 1:
        return stories[0]
    return "\n\n".join(f"net {number}\n{told}" for number, told in enumerate(stories, start=1))
