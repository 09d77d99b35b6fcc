"""The pytest plugin: fixtures, options, marks. It imports nothing heavy before a fixture is used."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_mailnet.config import MailNetConfig
    from pytest_mailnet.crashes.crasher import Crasher
    from pytest_mailnet.faults import DnsFault, Fault
    from pytest_mailnet.net.mailnet import MailNet, MakeMailNet
    from pytest_mailnet.net.process import MailNetProcess
    from pytest_mailnet.plugin.crash_runs import CrashRuns
    from pytest_mailnet.server.engine import Engine

__all__ = [
    "mailnet",
    "mailnet_config",
    "mailnet_crash",
    "mailnet_fault",
    "mailnet_process",
    "make_mailnet",
]

_nets = pytest.StashKey[list["MailNet"]]()
_files = pytest.StashKey[pytest.TempPathFactory]()
_FAULTS, _CRASHES = "mailnet_faults", "mailnet_crashes"
_CRASH_RUNS = "mailnet crash runs"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini options and the command line options."""
    from pytest_mailnet.plugin.as_compiled import AsCompiled  # noqa: PLC0415

    AsCompiled.install()
    from pytest_mailnet.plugin.options import add_options  # noqa: PLC0415  # as it is compiled, too

    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Check the ini file, and register the marks, the report's section and `NeverOff`."""
    from pytest_mailnet.plugin.never_off import NeverOff  # noqa: PLC0415
    from pytest_mailnet.plugin.options import (  # noqa: PLC0415
        SETTINGS,
        check_names,
        coverage_wanted,
        folder_of_pages,
        guards,
        moves,
    )
    from pytest_mailnet.plugin.section import OfPassedTests, Section  # noqa: PLC0415

    check_names(config)
    if moves(config):
        _move(config)
    config.pluginmanager.register(NeverOff(_nets, guarding=guards(config)))
    config.pluginmanager.register(Section(_nets, _files, folder_of_pages(config)))
    config.pluginmanager.register(OfPassedTests())
    config.pluginmanager.register(_OnMark())
    if config.getoption("dist", "no") != "no":  # xdist's controller collects nothing, and tells all
        _crash_runs(config)
    if (wanted := coverage_wanted(config)) is not None:
        from pytest_mailnet.plugin.coverage_run import CoverageRun  # noqa: PLC0415

        config.pluginmanager.register(CoverageRun(config, *wanted))
    config.addinivalue_line(
        "markers",
        f"{_FAULTS}(*, stage=..., kind=...): run this test once with each fault, given as mailnet_fault",
    )
    config.addinivalue_line(
        "markers",
        f"{_CRASHES}: run this test once for each place at which the application can die, by mailnet_crash",
    )
    config.addinivalue_line(
        "markers",
        f"mailnet(*, {', '.join(f'{name}=...' for name in SETTINGS)}): "
        "settings of this test's mailnet; they go before those of ini file, command line and mailnet_config",
    )


def _move(config: pytest.Config) -> None:
    """Move this process into a namespace, where it stays."""
    from pytest_mailnet.entry import INTERCEPTION  # noqa: PLC0415
    from pytest_mailnet.entry.namespace.moved import Moved  # noqa: PLC0415
    from pytest_mailnet.errors import NoNamespace  # noqa: PLC0415
    from pytest_mailnet.plugin.options import NAMESPACE, carried_ports  # noqa: PLC0415

    ports = carried_ports(config)
    if INTERCEPTION.moved is not None:
        return  # a test run within this one
    try:
        INTERCEPTION.moved = moved = Moved(ports)
    except NoNamespace as reason:
        raise pytest.UsageError(f"{NAMESPACE}: {reason}") from None
    config.add_cleanup(moved.close)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test marked `mailnet_faults` once with each fault."""
    mark = metafunc.definition.get_closest_marker(_FAULTS)
    if mark is None:
        return
    from pytest_mailnet.errors import InvalidSetting  # noqa: PLC0415
    from pytest_mailnet.faults import faults_of  # noqa: PLC0415

    if mark.args or mark.kwargs.keys() - {"stage", "kind"} or "mailnet_fault" not in metafunc.fixturenames:
        raise pytest.Collector.CollectError(
            f"@pytest.mark.{_FAULTS} takes stage= and kind=, and the test an argument mailnet_fault: "
            f"{metafunc.definition.nodeid}"
        )
    try:
        faults = faults_of(**mark.kwargs)
    except InvalidSetting as error:
        raise pytest.Collector.CollectError(
            f"@pytest.mark.{_FAULTS} of {metafunc.definition.nodeid}: {error}"
        ) from None
    metafunc.parametrize("mailnet_fault", faults, ids=str)


class _OnMark:
    """Brings in the plugin for the mark `mailnet_crashes` with the first test that has it."""

    @pytest.hookimpl(trylast=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Have a test marked `mailnet_crashes` run for each place."""
        if metafunc.definition.get_closest_marker(_CRASHES) is not None:
            _crash_runs(metafunc.config).parametrize(metafunc)


def _crash_runs(config: pytest.Config) -> CrashRuns:
    """The plugin for marked tests."""
    from pytest_mailnet.plugin.crash_runs import CrashRuns  # noqa: PLC0415

    found: CrashRuns | None = config.pluginmanager.get_plugin(_CRASH_RUNS)
    if found is None:
        found = CrashRuns(config)
        config.pluginmanager.register(found, _CRASH_RUNS)
    return found


@pytest.fixture(scope="session")
def mailnet_config(pytestconfig: pytest.Config) -> MailNetConfig:
    """The settings of every net of this run; override the fixture to change them for a folder or module.

    Scope: session. They come from the command line, or else from the ini options. A test's mark overrides
    what this fixture returns.
    """
    from pytest_mailnet.plugin.options import settings_of  # noqa: PLC0415

    return settings_of(pytestconfig)


@pytest.fixture(scope="session")
def _mailnet_engine() -> Iterator[Engine]:
    """The background thread of all nets; it starts with the first net that becomes active."""
    from pytest_mailnet.plugin.as_compiled import uncollected  # noqa: PLC0415

    with uncollected():
        import pytest_mailnet.net.mailnet  # noqa: F401, PLC0415  # most of what a net needs
        from pytest_mailnet.server.engine import Engine  # noqa: PLC0415

    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture
def make_mailnet(
    request: pytest.FixtureRequest,
    _mailnet_engine: Engine,
    mailnet_config: MailNetConfig,
    tmp_path_factory: pytest.TempPathFactory,
) -> MakeMailNet:
    """Make nets that are not active yet.

    Scope: function. Call it as `with make_mailnet(start=...) as net:`; it takes `start`, `seed`, and any
    setting of `MailNetConfig`.
    """
    from pytest_mailnet.config import MailNetConfig  # noqa: PLC0415
    from pytest_mailnet.net.mailnet import MailNet  # noqa: PLC0415
    from pytest_mailnet.plugin.options import marked  # noqa: PLC0415

    if not isinstance(mailnet_config, MailNetConfig):
        raise pytest.UsageError(
            f"the fixture mailnet_config has returned {mailnet_config!r}; it returns settings, as in "
            "`return mailnet_config.but(strict=False)`"
        )
    config = marked(mailnet_config, request.node)
    request.node.stash[_files] = tmp_path_factory

    def make(*, start: Any = None, seed: int | None = None, **settings: Any) -> MailNet:
        net = MailNet(
            config, start=start, seed=seed, engine=_mailnet_engine, title=request.node.nodeid, **settings
        )
        request.node.stash.setdefault(_nets, []).append(net)
        return net

    return make


@pytest.fixture
def mailnet(make_mailnet: MakeMailNet) -> Iterator[MailNet]:
    """An active net, fresh for this test.

    Scope: function.
    """
    with make_mailnet() as net:
        yield net


@pytest.fixture
def mailnet_process(mailnet: MailNet) -> MailNetProcess:
    """Runs programs of any language in the test's net: `mailnet_process.run(["swaks", ...])`.

    Scope: function. The test is skipped where the machine has no namespaces for them, with the reason.
    """
    from pytest_mailnet.errors import NoNamespace  # noqa: PLC0415

    try:
        return mailnet.process()
    except NoNamespace as reason:
        pytest.skip(str(reason))


@pytest.fixture
def mailnet_fault() -> Fault | DnsFault:
    """The fault of this run of a test with the mark `mailnet_faults`, which gives it.

    Scope: function.
    """
    raise pytest.UsageError(
        f"mailnet_fault is of tests with a mark, as in @pytest.mark.{_FAULTS}(stage='rcpt')"
    )


@pytest.fixture
def mailnet_crash(request: pytest.FixtureRequest, mailnet: MailNet) -> Crasher:
    """Run the application in the net of `mailnet`; with the mark `mailnet_crashes`, have it die at a place.

    Scope: function.
    """
    from pytest_mailnet.crashes.crasher import Crasher  # noqa: PLC0415
    from pytest_mailnet.plugin.crash_runs import crasher_key, place_of  # noqa: PLC0415

    crasher = Crasher(mailnet, at=place_of(request.node))
    request.node.stash[crasher_key] = crasher
    return crasher


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Check the patches of a test whose set-up fails, before other plugins' tear-down touches them."""
    __tracebackhide__ = True
    if _nets in item.stash:  # of a run before this one
        del item.stash[_nets]
    try:
        return (yield)
    except BaseException as error:
        _settle(item, error)
        raise


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a passed test for what its nets object to, before other plugins' tear-down touches patches."""
    __tracebackhide__ = True
    try:
        outcome = yield
    except BaseException as error:
        _settle(item, error)
        raise
    _settle(item)
    return outcome


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let pytest-socket allow again what it forbade for a test with a net.

    It does so before fixtures end, and the net, which ends with its fixture, puts back what it has found.
    """
    try:
        return (yield)
    finally:
        forbidding = item.config.pluginmanager.get_plugin("socket")
        if forbidding is not None and item.stash.get(_nets, ()):
            forbidding.pytest_runtest_teardown()


def _settle(item: pytest.Item, error: BaseException | None = None) -> None:
    __tracebackhide__ = True
    nets = item.stash.get(_nets, [])
    if not nets:
        return
    from pytest_mailnet.net.mailnet import life_of  # noqa: PLC0415

    for net in nets:
        life_of(net).settle(error)
