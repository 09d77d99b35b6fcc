"""The pytest plugin: fixtures, options, marks. It imports nothing heavy before a fixture is used."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pytest

if TYPE_CHECKING:
    from pytest_mailnet.config import MailNetConfig
    from pytest_mailnet.crashes.crasher import Crasher
    from pytest_mailnet.net.mailnet import MailNet, MakeMailNet
    from pytest_mailnet.net.process import MailNetProcess
    from pytest_mailnet.plugin.crash_runs import CrashRuns
    from pytest_mailnet.server.engine import Engine

__all__ = ["mailnet", "mailnet_config", "mailnet_crash", "mailnet_process", "make_mailnet"]

_nets = pytest.StashKey[list["MailNet"]]()
_files = pytest.StashKey[pytest.TempPathFactory]()
_LOG = "--mailnet-log"
_COVERAGE = "--mailnet-cov"
_COVERAGE_REPORT = "--mailnet-cov-report"
_COVERAGE_LEAST = "--mailnet-cov-fail-under"
_FAULTS, _CRASHES = "mailnet_faults", "mailnet_crashes"
_CRASH_RUNS = "mailnet crash runs"
_GUARD = "mailnet_guard"
_NAMESPACE = "--mailnet-namespace"
_CARRIED = "mailnet_pass_ports"
_PASSING = "with --mailnet-namespace: ports of this machine's loopback that tests need: 5432 6379"
_IniType: TypeAlias = Literal["string", "paths", "args", "bool"]

# By the fields of MailNetConfig, which has the defaults. A run without mail is spared its import.
_SETTINGS: Mapping[str, tuple[_IniType, str]] = MappingProxyType(
    {
        "strict": ("bool", "unused scripted answers and connections out of the net fail the test"),
        "unknown_names": ("string", "look-ups of names not in the net: answer (NXDOMAIN) or fail"),
        "other_ports": ("string", "connections to other than mail ports: open or closed"),
        "pass_names": (
            "args",
            "names left to the machine unless they are looked up for a mail port: db.internal *.corp",
        ),
        "addresses": ("string", "addresses of hosts: documentation or public looking ones"),
        "trust_ca": (
            "bool",
            "TLS contexts that trust the machine's certificate authorities trust the net's own",
        ),
        "enforce": ("args", "rules and families to turn on that are off in a fresh net; all for all"),
        "providers": ("paths", "TOML files of further providers, and folders with such files"),
        "log": ("string", "when a report has the mailnet section: failed, always or never"),
        "log_lines": ("string", "how long that section may be, in lines; 0 for no limit"),
    }
)
_GUARDING = "stop mail connections and look-ups of tests that have no net, and say so"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini options and the command line option."""
    from pytest_mailnet.plugin.as_compiled import AsCompiled  # noqa: PLC0415

    AsCompiled.install()
    group = parser.getgroup("mailnet", "a little Internet for mail")
    group.addoption(
        _LOG,
        choices=("failed", "always", "never"),
        help="which tests' reports tell their DNS questions and SMTP sessions (default: failed)",
    )
    group.addoption(
        _COVERAGE,
        action="store_true",
        help="report which answers of servers and of the DNS the tests have met, and which not",
    )
    group.addoption(
        _COVERAGE_REPORT,
        action="append",
        metavar="TYPE",
        help="type of that report: term, json or html, of which the last two may be followed by :FILE; "
        "several times for several (default: term). An empty one for none",
    )
    group.addoption(
        _COVERAGE_LEAST,
        metavar="MIN",
        help="fail if less than MIN percent of what an application can meet was met",
    )
    for name, (kind, text) in _SETTINGS.items():
        parser.addini(f"mailnet_{name}", text, type=kind, default=None)
    parser.addini(_GUARD, _GUARDING, type="bool", default=False)
    parser.getgroup("mailnet").addoption(
        _NAMESPACE,
        action="store_true",
        help="move the test run into a network namespace (Linux), so that C code and forks meet nets, too",
    )
    parser.addini(_CARRIED, _PASSING, type="args", default=[])


def pytest_configure(config: pytest.Config) -> None:
    """Check the ini file, and register the marks, the report's section and `NeverOff`."""
    from pytest_mailnet.plugin.never_off import NeverOff  # noqa: PLC0415
    from pytest_mailnet.plugin.section import OfPassedTests, Section  # noqa: PLC0415

    # The names in the ini file, no longer public in pytest 9, which only warns of unknown ones.
    written = vars(config).get("_inicfg") or vars(config).get("inicfg", ())
    for name in written:
        known = [*_SETTINGS, *(it.removeprefix("mailnet_") for it in (_GUARD, _CARRIED))]
        if name.startswith("mailnet_") and name.removeprefix("mailnet_") not in known:
            from pytest_mailnet.errors import amongst  # noqa: PLC0415

            meant = amongst(name.removeprefix("mailnet_"), known, shown=lambda it: f"mailnet_{it}")
            raise pytest.UsageError(f"no ini option {name}{meant}")
    if config.getoption(_NAMESPACE):
        _move(config)
    guarding = _ini(config, _GUARD) and not config.getoption(
        _NAMESPACE
    )  # where there is nobody to be reached
    config.pluginmanager.register(NeverOff(_nets, guarding=guarding))
    config.pluginmanager.register(Section(_nets, _files))
    config.pluginmanager.register(OfPassedTests())
    config.pluginmanager.register(_OnMark())
    if config.getoption("dist", "no") != "no":  # xdist's controller collects nothing, and tells all
        _crash_runs(config)
    asked = {name: config.getoption(name) for name in (_COVERAGE_REPORT, _COVERAGE_LEAST)}
    if config.getoption(_COVERAGE):
        from pytest_mailnet.plugin.coverage_run import CoverageRun  # noqa: PLC0415

        config.pluginmanager.register(CoverageRun(config, *asked.values()))
    elif vain := [name for name, given in asked.items() if given is not None]:
        raise pytest.UsageError(f"{vain[0]} is without effect: it takes {_COVERAGE}, which counts")
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
        f"mailnet(*, {', '.join(f'{name}=...' for name in _SETTINGS)}): "
        "settings of this test's mailnet; they go before those of ini file, command line and mailnet_config",
    )


def _move(config: pytest.Config) -> None:
    """Move this process into a namespace, where it stays."""
    from pytest_mailnet.entry import INTERCEPTION  # noqa: PLC0415
    from pytest_mailnet.entry.namespace.moved import Moved  # noqa: PLC0415
    from pytest_mailnet.errors import NoNamespace  # noqa: PLC0415

    ports = config.getini(_CARRIED)
    for port in ports:
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise pytest.UsageError(f"ini option {_CARRIED}: {port!r} is no port, 1 to 65535")
    if INTERCEPTION.moved is not None:
        return  # a test run within this one
    try:
        INTERCEPTION.moved = moved = Moved(map(int, ports))
    except NoNamespace as reason:
        raise pytest.UsageError(f"{_NAMESPACE}: {reason}") from None
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
    from pytest_mailnet.config import MailNetConfig  # noqa: PLC0415
    from pytest_mailnet.errors import InvalidSetting  # noqa: PLC0415
    from pytest_mailnet.net.internet import check_settings  # noqa: PLC0415

    given = {name: _ini(pytestconfig, f"mailnet_{name}") for name in _SETTINGS}
    settings = {name: value for name, value in given.items() if value is not None}
    if (log := pytestconfig.getoption(_LOG)) is not None:
        settings["log"] = log
    if settings.get("log_lines", "").isdecimal():  # anything else is shown in the error as it is
        settings["log_lines"] = int(settings["log_lines"])
    try:
        config = MailNetConfig(**settings)
        check_settings(config)
    except InvalidSetting as error:
        raise pytest.UsageError(f"ini option mailnet_{error}") from None
    return config


@pytest.fixture(scope="session")
def _mailnet_engine() -> Iterator[Engine]:
    """The background thread of all nets; it starts with the first net that becomes active."""
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

    if not isinstance(mailnet_config, MailNetConfig):
        raise pytest.UsageError(
            f"the fixture mailnet_config has returned {mailnet_config!r}; it returns settings, as in "
            "`return mailnet_config.but(strict=False)`"
        )
    config = _marked(mailnet_config, request.node)
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


def _settle(item: pytest.Item, error: BaseException | None = None) -> None:
    __tracebackhide__ = True
    nets = item.stash.get(_nets, [])
    if not nets:
        return
    from pytest_mailnet.net.mailnet import life_of  # noqa: PLC0415

    for net in nets:
        life_of(net).settle(error)


def _ini(config: pytest.Config, name: str) -> Any:
    try:
        return config.getini(name)
    except (ValueError, TypeError, pytest.UsageError) as error:
        raise pytest.UsageError(f"ini option {name}: {error}; it takes true or false") from error


def _marked(config: MailNetConfig, node: pytest.Item) -> MailNetConfig:
    from pytest_mailnet.errors import InvalidSetting  # noqa: PLC0415
    from pytest_mailnet.net.internet import check_settings  # noqa: PLC0415

    for mark in reversed(list(node.iter_markers("mailnet"))):
        if mark.args:
            raise pytest.UsageError(
                f"@pytest.mark.mailnet takes settings by name, not {mark.args!r}; "
                f"there are: {', '.join(field.name for field in dataclasses.fields(config))}"
            )
        try:
            config = config.but(**mark.kwargs)
            check_settings(config)
        except InvalidSetting as error:
            raise pytest.UsageError(f"@pytest.mark.mailnet: {error}") from None
    return config
