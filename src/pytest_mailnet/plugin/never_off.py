"""Errors where a net is missing silently: marks without effect, tests without a net, work after its end."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator, Iterable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_mailnet.net.mailnet import MailNet

__all__ = ["NeverOff"]

_FIXTURES = {"mailnet", "make_mailnet"}
_without_effect = pytest.StashKey[bool]()


class NeverOff:
    """A plugin that finds tests without a net where one was meant, so that no net is missing silently.

    Args:
        nets: the stash key of a test's nets.
        guarding: whether to stop mail connections and look-ups of tests without a net.
    """

    def __init__(self, nets: pytest.StashKey[list[MailNet]], *, guarding: bool) -> None:
        self._nets, self._guarding = nets, guarding
        self._stopped: list[str] = []  # messages of the guard since the last test

    def pytest_sessionstart(self) -> None:
        """Begin to guard, if `mailnet_guard` is on."""
        if not self._guarding:
            return
        from pytest_mailnet.entry import INTERCEPTION, Nowhere  # noqa: PLC0415

        why = (
            "this test has no net, and mailnet_guard is on. Give it the argument mailnet, or to one of its "
            "fixtures; to let tests without one send for real: mailnet_guard = false"
        )
        INTERCEPTION.fall_back(Nowhere(why, self._stopped.append, every_name=False))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """End the guard, and warn of what has outlived its net since the last test."""
        _tell_outlived(session.config)
        if self._guarding:
            from pytest_mailnet.entry import INTERCEPTION  # noqa: PLC0415

            INTERCEPTION.fall_back(None)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Refuse a mark `mailnet` on a test without the fixture."""
        own = {mark.name for mark in metafunc.definition.own_markers}
        if "mailnet" in own and not _may_have_a_net(metafunc.fixturenames):
            raise pytest.Collector.CollectError(_no_effect(metafunc.definition.nodeid))

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Find marked classes and modules in which no test has a net."""
        if config.getoption("lf", default=False) or any("::" in arg for arg in config.args):
            return  # the tests with a net may be deselected
        marked: dict[Any, list[pytest.Item]] = {}
        for item in items:
            for node, _ in item.iter_markers_with_node("mailnet"):
                if node is not item:
                    marked.setdefault(node, []).append(item)
        for below in marked.values():
            if not any(_may_have_a_net(getattr(item, "fixturenames", ())) for item in below):
                for item in below:
                    item.stash[_without_effect] = True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Refuse a mark without effect; put the guard's patches back, if another plugin has removed them."""
        __tracebackhide__ = True
        if _without_effect in item.stash:
            pytest.fail(_no_effect(item.nodeid), pytrace=False)
        if self._guarding:
            from pytest_mailnet.entry import INTERCEPTION  # noqa: PLC0415

            INTERCEPTION.mend()
        return (yield from self._failing_for_stopped())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Fail a passed test for mail that the guard has stopped, or for a mark without effect."""
        __tracebackhide__ = True
        outcome = yield from self._failing_for_stopped()
        if not item.stash.get(self._nets, []) and any(it.name == "mailnet" for it in item.own_markers):
            pytest.fail(_no_effect(item.nodeid), pytrace=False)
        return outcome

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Report stopped mail, and what has outlived its net, before the next test begins."""
        __tracebackhide__ = True
        try:
            return (yield from self._failing_for_stopped())
        finally:
            _tell_outlived(item.config)

    def _failing_for_stopped(self) -> Generator[None, Any, Any]:
        """Fail for mail of a test without a net, even if the application has swallowed the error."""
        __tracebackhide__ = True
        try:
            outcome = yield
        except BaseException:
            self._stopped.clear()  # the raised error has the message
            raise
        if self._stopped:
            from pytest_mailnet.errors import ExpectationFailed  # noqa: PLC0415

            texts = list(dict.fromkeys(self._stopped))
            self._stopped.clear()
            raise ExpectationFailed("\n".join(texts))
        return outcome


def _may_have_a_net(fixtures: Iterable[str]) -> bool:
    """Whether a test with these fixtures may have a net; `request` can ask for one at run time."""
    return not (_FIXTURES | {"request"}).isdisjoint(fixtures)


def _no_effect(nodeid: str) -> str:
    return (
        f"@pytest.mark.mailnet has no effect on {nodeid}: it sets up the fixtures mailnet and make_mailnet, "
        "and the test uses neither. Give it the argument mailnet, or leave the mark out"
    )


def _tell_outlived(config: pytest.Config) -> None:
    """Warn of everything that tests have started and that was still at work after their nets."""
    intercept = sys.modules.get("pytest_mailnet.entry")
    if intercept is None:
        return
    from pytest_mailnet.errors import OutlivedItsNet  # noqa: PLC0415

    intercept.INTERCEPTION.tidy()
    outlived = intercept.INTERCEPTION.nets.outlived
    told = set()
    while outlived:
        told.add(outlived.popleft())
    for nodeid, text in sorted(told):
        # Not by warnings.warn: turned into an error, that would fail an unrelated test.
        message = warnings.WarningMessage(OutlivedItsNet(text), OutlivedItsNet, nodeid.split("::")[0], 0)
        recorded = {"warning_message": message, "nodeid": nodeid, "when": "runtest", "location": None}
        config.hook.pytest_warning_recorded.call_historic(kwargs=recorded)
