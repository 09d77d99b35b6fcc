"""Runs of a test marked `mailnet_crashes`: one that counts the places, and one for each place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

if TYPE_CHECKING:
    from pytest_mailnet.crashes.crasher import Crasher
    from pytest_mailnet.crashes.place import CrashPlace

__all__ = ["FIXTURE", "MARK", "CrashRuns", "crasher_key", "place_of"]

MARK, FIXTURE = "mailnet_crashes", "mailnet_crash"
_SHARE = re.compile(r"share-\d+-of-\d+")
_PLACE = re.compile(r"died-at-(\d+)-[\w.-]+")
_GRAVEST_FIRST = (
    "lost",
    "duplicated",
    "told wrong",
    "failed",
    "not reached",
    "duplicates possible",
    "right",
    "passed",
)
_RIGHT = {"right", "passed"}
_MOST_SHOWN = 20
_FOUND = "mailnet_crash"  # the attribute of reports, which xdist passes on

crasher_key = pytest.StashKey["Crasher"]()


class _Run(NamedTuple):
    """One run of a marked test.

    Attributes:
        at: the number of the place; None for the run that counts them.
        share: which of the places follow that run: from which on, and every how many. The others are another
            worker's.
    """

    at: int | None = None
    share: tuple[int, int] = (1, 1)


_run = pytest.StashKey[_Run]()
_failed = pytest.StashKey[bool]()


def place_of(node: pytest.Item) -> int | None:
    """The number of the place at which the application dies in this run of a test; None for nowhere."""
    return node.stash.get(_run, _Run()).at


class CrashRuns:
    """A plugin that runs marked tests for each place, and tells at the end what came of it.

    Args:
        config: pytest's.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._session: pytest.Session | None = None
        self._told: dict[str, list[dict[str, Any]]] = {}

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Share the places out to xdist's workers; make tests of the places that are asked for by their ids.

        Raises:
            CollectError: if the test has no argument `mailnet_crash`.
        """
        nodeid = metafunc.definition.nodeid
        mark = metafunc.definition.get_closest_marker(MARK)
        assert mark is not None
        if mark.args or mark.kwargs or FIXTURE not in metafunc.fixturenames:
            raise pytest.Collector.CollectError(
                f"@pytest.mark.{MARK} takes nothing, and the test an argument {FIXTURE}, by which it runs "
                f"the application: {nodeid}"
            )
        workers = int(getattr(self._config, "workerinput", {}).get("workercount", 1))
        runs = self._asked_for(nodeid)
        if not runs and workers > 1:
            runs = {f"share-{it}-of-{workers}": _Run(None, (it, workers)) for it in range(1, workers + 1)}
        if runs:
            metafunc.parametrize(FIXTURE, list(runs.values()), ids=list(runs), indirect=True)

    def _asked_for(self, nodeid: str) -> dict[str, _Run]:
        """The places that stand in ids of tests: on the command line, or in the list of the last failures."""
        # Of the command line without its path, which begins where the user is.
        asked = [it for it in self._config.args if f"{nodeid.partition('::')[2]}[" in it]
        if not asked and self._config.getoption("lf", default=False):
            failed = self._config.cache.get("cache/lastfailed", {}) if self._config.cache else {}
            asked = [it for it in failed if it == nodeid or it.startswith(f"{nodeid}[")]
            if any(_PLACE.search(it) is None for it in asked):
                return {}
        found = filter(None, map(_PLACE.search, asked))
        return {it[0]: _Run(int(it[1])) for it in found}

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Note the session, whose tests become more."""
        self._session = session

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        """Run a marked test to count its places, and then for each of them as a test of its own."""
        if (
            item.get_closest_marker(MARK) is None
            or _run in item.stash
            or not isinstance(item, pytest.Function)
        ):
            return None
        self._session = item.session
        callspec = getattr(item, "callspec", None)
        first: _Run = _Run() if callspec is None else callspec.params.get(FIXTURE, _Run())
        if first.at is not None:
            _run_once(item, first, nextitem)
            return True
        # The module's fixtures stay for what follows.
        _run_once(item, first, _like(item, f"{item.name}[next]"))
        begin, step = first.share
        places = () if _failed in item.stash else _places(item)[begin - 1 :: step]
        runs = [_like(item, _at(item.name, place)) for place in places]
        items = item.session.items
        index = items.index(item)
        for place, run, following in zip(places, runs, [*runs[1:], nextitem], strict=False):
            if item.session.shouldfail or item.session.shouldstop:  # its fixtures are all torn down
                break
            items[index] = run  # xdist holds reports against it
            _run_once(run, _Run(place.number), following)
        items[index] = item
        if not (runs or item.session.shouldfail or item.session.shouldstop):
            _tear_down(item, nextitem)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail a test without places, which the mark leaves without effect."""
        __tracebackhide__ = True
        outcome = yield
        if item.stash.get(_run, _Run(0)).at is None and not _places(item):
            crasher = item.stash.get(crasher_key, None)
            started = crasher is not None and crasher.starts
            did = "application has come to none" if started else "test has started no application"
            pytest.fail(
                f"@pytest.mark.{MARK} has found no place at which the application could die: the "
                f"{did}. {FIXTURE}.run([sys.executable, 'outbox.py']) or {FIXTURE}.call(deliver) starts it, "
                "and places are its look-ups, connections, commands and replies in the net",
                pytrace=False,
            )
        return outcome

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put into a report what the table at the end is made of."""
        report = yield
        run = item.stash.get(_run, None)
        if run is not None:
            report.nodeid = item.nodeid  # pytest keeps it in parts, which a name with brackets has not
            found: dict[str, Any] = {"test": _test(item.nodeid)}
            if report.failed:
                item.stash[_failed] = True
            if call.when == "call" or report.failed:
                if run.at is None:
                    found["places"] = len(_places(item)[run.share[0] - 1 :: run.share[1]])
                else:
                    crasher = item.stash.get(crasher_key, None)
                    found["verdict"] = _verdict(crasher, report)
                    place = None if crasher is None else crasher.died_at
                    found["place"] = str(place or run.at)
            setattr(report, _FOUND, found)
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what the table is made of; also on xdist's controller."""
        found = getattr(report, _FOUND, None)
        if found is None:
            return
        self._told.setdefault(found["test"], []).append({**found, "seconds": report.duration})
        if self._session is not None and report.when == "call":
            self._session.testscollected += found.get("places", 0)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell of each marked test how many places it has, and what came of a death there."""
        tried = {test: told for test, told in self._told.items() if any("verdict" in it for it in told)}
        if tried:
            terminalreporter.section("mailnet: where the application can die", "-")
        for test, told in tried.items():
            seconds = sum(it["seconds"] for it in told)
            verdicts = {it["place"]: it["verdict"] for it in told if "verdict" in it}
            counted = Counter(verdicts.values())
            each = ", ".join(f"{counted[it]} {it}" for it in reversed(_GRAVEST_FIRST) if counted[it])
            places = "1 place" if len(verdicts) == 1 else f"{len(verdicts)} places"
            terminalreporter.line(f"{test}: {places}, {seconds:.1f} s: {each}")
            wrong = [
                f"  {verdict:<19} {place}"
                for verdict in _GRAVEST_FIRST
                for place, found in sorted(verdicts.items(), key=_number)
                if found == verdict and verdict not in _RIGHT
            ]
            for line in wrong[:_MOST_SHOWN]:
                terminalreporter.line(line)
            if len(wrong) > _MOST_SHOWN:
                terminalreporter.line(f"  and {len(wrong) - _MOST_SHOWN} more")


def _like(item: pytest.Function, name: str) -> pytest.Function:
    """Another test of the same function, with a name of its own, and an instance of its own of its class."""
    other = type(item).from_parent(
        item.parent,
        name=name,
        callobj=item.obj if item.cls is None else getattr(item.cls(), item.originalname),
        fixtureinfo=getattr(item, "_fixtureinfo", None),  # with what it is parametrized by
        keywords=dict(item.keywords),
    )
    # Set here: pytest makes the id of the two and the name's beginning, where it gets them.
    other.originalname = item.originalname
    if hasattr(item, "callspec"):
        other.callspec = item.callspec
    other.own_markers[:] = item.own_markers
    return other


def _run_once(item: pytest.Item, run: _Run, nextitem: pytest.Item | None) -> None:
    """Run a test by the whole protocol."""
    item.stash[_run] = run
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=nextitem)


def _tear_down(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """End the fixtures of the module and the session that the next test does not need."""
    runner: Any = item.config.pluginmanager.get_plugin("runner")
    # Its hook alone: those of other plugins have seen the end of this test.
    call = pytest.CallInfo.from_call(lambda: runner.pytest_runtest_teardown(item, nextitem), "teardown")
    if call.excinfo is not None:
        report = item.ihook.pytest_runtest_makereport(item=item, call=call)
        item.ihook.pytest_runtest_logreport(report=report)


def _at(name: str, place: CrashPlace) -> str:
    """The name of a test's run for a place."""
    named, shared = _SHARE.subn(place.id, name)
    if shared:
        return named
    return f"{name[:-1]}-{place.id}]" if name.endswith("]") else f"{name}[{place.id}]"


def _test(nodeid: str) -> str:
    """The id of a test, without the place or the share of one of its runs."""
    for part in (_SHARE, _PLACE):
        nodeid = part.sub("", nodeid).replace("[]", "").replace("-]", "]")
    return nodeid


def _places(item: pytest.Item) -> Sequence[CrashPlace]:
    crasher = item.stash.get(crasher_key, None)
    return () if crasher is None else crasher.places


def _verdict(crasher: Crasher | None, report: pytest.TestReport) -> str:
    """What came of the application's death."""
    if crasher is not None and crasher.died_at is None and report.passed:
        return "not reached"
    found = None if crasher is None else crasher.reckoned
    if found is None:
        return report.outcome
    grave = {
        "lost": found.lost or found.sent_but_not_taken,
        "duplicated": found.duplicated,
        "told wrong": found.failed_but_taken,
        "failed": report.failed,
        "duplicates possible": found.duplicates_possible,
    }
    return next((verdict for verdict, mails in grave.items() if mails), "right")


def _number(told: tuple[str, str]) -> int:
    return int(told[0].partition(":")[0])
