"""pytest: fixtures, options, the mark, the report's section. It imports nothing heavy before a fixture."""

from __future__ import annotations

import dataclasses
import sys
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_mailnet.config import MailNetConfig
    from pytest_mailnet.net import MailNet
    from pytest_mailnet.wire.engine import Engine

__all__ = ["mailnet", "mailnet_config", "make_mailnet"]

_nets = pytest.StashKey[list["MailNet"]]()
_without_effect = pytest.StashKey[bool]()
_stopped = pytest.StashKey[list[str]]()
_files = pytest.StashKey[pytest.TempPathFactory]()
_LOG = "--mailnet-log"
_FAULTS = "mailnet_faults"
_GUARD = "mailnet_guard"
_FIXTURES = {"mailnet", "make_mailnet"}

_INI: dict[str, tuple[str, Any, str]] = {
    "mailnet_strict": ("bool", True, "unused scripted answers and connections out of the net fail the test"),
    "mailnet_unknown_names": (
        "string",
        "answer",
        "look-ups of names not in the net: answer (NXDOMAIN) or fail",
    ),
    "mailnet_other_ports": ("string", "open", "connections to other than mail ports: open or closed"),
    "mailnet_pass_names": (
        "args",
        [],
        "names that are left to the machine unless they are looked up for a mail port: db.internal *.corp",
    ),
    "mailnet_addresses": (
        "string",
        "documentation",
        "addresses of hosts: documentation or public looking ones",
    ),
    "mailnet_trust_ca": (
        "bool",
        True,
        "TLS contexts that trust the machine's certificate authorities trust the net's own",
    ),
    "mailnet_enforce": ("args", [], "rules and families to turn on that are off in a fresh net; all for all"),
    "mailnet_providers": ("paths", [], "TOML files of further providers, and folders with such files"),
    "mailnet_guard": (
        "bool",
        False,
        "stop mail connections and look-ups of tests that have no net, and say so",
    ),
    "mailnet_log": ("string", "failed", "when a report has the mailnet section: failed, always or never"),
    "mailnet_log_lines": ("string", "200", "how long that section may be, in lines; 0 for no limit"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the ini options and the command line's."""
    parser.getgroup("mailnet", "a little Internet for mail").addoption(
        _LOG,
        choices=("failed", "always", "never"),
        help="which tests' reports tell their DNS questions and SMTP sessions (default: failed)",
    )
    for name, (kind, default, text) in _INI.items():
        parser.addini(name, text, type=kind, default=default)  # type: ignore[arg-type]


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks, and what makes the section."""
    from pytest_mailnet.section import OfPassedTests, Section  # noqa: PLC0415

    config.pluginmanager.register(Section(_nets, _files))
    config.pluginmanager.register(OfPassedTests())
    config.addinivalue_line(
        "markers",
        f"{_FAULTS}(*, stage=..., kind=...): run this test once with each fault, given as mailnet_fault",
    )
    config.addinivalue_line(
        "markers",
        "mailnet(*, strict=..., unknown_names=..., other_ports=..., pass_names=..., addresses=..., "
        "trust_ca=..., enforce=..., providers=..., log=..., log_lines=...): "
        "settings of this test's mailnet; they go before those of ini file, command line and mailnet_config",
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Begin to stop the mail of tests that have no net, where the guard is on."""
    if not session.config.getini(_GUARD):
        return
    from pytest_mailnet.intercept import INTERCEPTION, Nowhere  # noqa: PLC0415

    stopped = session.config.stash[_stopped] = []
    why = (
        "this test has no net, and mailnet_guard is on. Give it the argument mailnet, or to one of its "
        "fixtures; to let tests without one send for real: mailnet_guard = false"
    )
    INTERCEPTION.fall_back(Nowhere(why, stopped.append, every_name=False))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Stop nothing any more, and tell of what has outlived its net since the last test."""
    _tell_outlived(session.config)
    if _stopped in session.config.stash:
        from pytest_mailnet.intercept import INTERCEPTION  # noqa: PLC0415

        INTERCEPTION.fall_back(None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Find classes and modules that are marked `mailnet`, and in which no test has a net."""
    if config.getoption("lf", default=False) or any("::" in arg for arg in config.args):
        return  # the tests that have one may be among those that were not asked for
    marked: dict[Any, list[pytest.Item]] = {}
    for item in items:
        for node, _ in item.iter_markers_with_node("mailnet"):
            if node is not item:
                marked.setdefault(node, []).append(item)
    for below in marked.values():
        if not any(_may_have_a_net(getattr(item, "fixturenames", ())) for item in below):
            for item in below:
                item.stash[_without_effect] = True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Refuse a mark without its fixture; run a test that is marked `mailnet_faults` once with each fault."""
    own = {mark.name for mark in metafunc.definition.own_markers}
    if "mailnet" in own and not _may_have_a_net(metafunc.fixturenames):
        raise pytest.Collector.CollectError(_no_effect(metafunc.definition.nodeid))
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
        raise pytest.Collector.CollectError(f"@pytest.mark.{_FAULTS}: {error}") from error
    metafunc.parametrize("mailnet_fault", faults, ids=str)


@pytest.fixture(scope="session")
def mailnet_config(pytestconfig: pytest.Config) -> MailNetConfig:
    """The settings of every net of this run; override it to change them for a folder or module.

    Scope: session. Made from the ini options and, before those, the command line. A test's mark goes
    before whatever this fixture returns.
    """
    from pytest_mailnet.config import MailNetConfig  # noqa: PLC0415
    from pytest_mailnet.errors import InvalidSetting  # noqa: PLC0415
    from pytest_mailnet.internet import check_settings  # noqa: PLC0415

    names = (name for name in _INI if name != _GUARD)
    settings = {name.removeprefix("mailnet_"): _ini(pytestconfig, name) for name in names}
    if (log := pytestconfig.getoption(_LOG)) is not None:
        settings["log"] = log
    if settings["log_lines"].isdecimal():  # what is no number is told as it stands
        settings["log_lines"] = int(settings["log_lines"])
    try:
        config = MailNetConfig(**settings)
        check_settings(config)
    except InvalidSetting as error:
        raise pytest.UsageError(f"ini option mailnet_{error}") from error
    return config


@pytest.fixture(scope="session")
def _mailnet_engine() -> Iterator[Engine]:
    """The background thread of all nets; starts with the first net that becomes active."""
    from pytest_mailnet.wire.engine import Engine  # noqa: PLC0415

    engine = Engine()
    yield engine
    engine.close()


@pytest.fixture
def make_mailnet(
    request: pytest.FixtureRequest,
    _mailnet_engine: Engine,
    mailnet_config: MailNetConfig,
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., MailNet]:
    """Make nets that are not active yet.

    Scope: function. Used as `with make_mailnet(start=...) as net:`; takes `start`, `seed`, and any
    setting of `MailNetConfig`.
    """
    from pytest_mailnet.net import MailNet  # noqa: PLC0415

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
def mailnet(make_mailnet: Callable[..., MailNet]) -> Iterator[MailNet]:
    """An active net, fresh for this test.

    Scope: function.
    """
    with make_mailnet() as net:
        yield net


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Look at the patches of a test whose set-up fails; before other plugins' tear-down touches them."""
    __tracebackhide__ = True
    if _without_effect in item.stash:
        pytest.fail(_no_effect(item.nodeid), pytrace=False)
    if _stopped in item.config.stash:
        from pytest_mailnet.intercept import INTERCEPTION  # noqa: PLC0415

        INTERCEPTION.mend()
    try:
        outcome = yield
    except BaseException as error:
        _settle(item, error)
        item.config.stash.get(_stopped, []).clear()
        raise
    _fail_for_stopped(item.config)
    return outcome


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test that passed, for what its nets saw; before other plugins' tear-down touches patches."""
    __tracebackhide__ = True
    try:
        outcome = yield
    except BaseException as error:
        _settle(item, error)
        item.config.stash.get(_stopped, []).clear()  # the error says it
        raise
    _settle(item)
    _fail_for_stopped(item.config)
    if not item.stash.get(_nets, []) and any(mark.name == "mailnet" for mark in item.own_markers):
        pytest.fail(_no_effect(item.nodeid), pytrace=False)
    return outcome


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    """Tell of what has outlived its net, and of mail that was stopped, before the next test begins."""
    __tracebackhide__ = True
    try:
        outcome = yield
    finally:
        _tell_outlived(item.config)
    _fail_for_stopped(item.config)
    return outcome


def _settle(item: pytest.Item, error: BaseException | None = None) -> None:
    __tracebackhide__ = True
    for net in item.stash.get(_nets, []):
        net.settle(error)


def _may_have_a_net(fixtures: Iterable[str]) -> bool:
    """Whether a test with these fixtures may have a net; with `request` it can ask for one as it runs."""
    return not (_FIXTURES | {"request"}).isdisjoint(fixtures)


def _no_effect(nodeid: str) -> str:
    return (
        f"@pytest.mark.mailnet has no effect on {nodeid}: it sets up the fixtures mailnet and make_mailnet, "
        "and the test uses neither. Give it the argument mailnet, or leave the mark out"
    )


def _fail_for_stopped(config: pytest.Config) -> None:
    """Fail for mail of a test without a net, also where the application has swallowed the error."""
    __tracebackhide__ = True
    stopped = config.stash.get(_stopped, None)
    if stopped:
        from pytest_mailnet.errors import ExpectationFailed  # noqa: PLC0415

        texts = list(dict.fromkeys(stopped))
        stopped.clear()
        raise ExpectationFailed("\n".join(texts))


def _tell_outlived(config: pytest.Config) -> None:
    """Warn of what a test has started, and what was still at work when its net was gone."""
    intercept = sys.modules.get("pytest_mailnet.intercept")
    if intercept is None:
        return
    from pytest_mailnet.errors import OutlivedItsNet  # noqa: PLC0415

    intercept.INTERCEPTION.tidy()
    outlived = intercept.INTERCEPTION.nets.outlived
    told = set()
    while outlived:
        told.add(outlived.popleft())
    for nodeid, text in sorted(told):
        # Not by warnings.warn: as an error it would fail a test that has nothing to do with it.
        message = warnings.WarningMessage(OutlivedItsNet(text), OutlivedItsNet, nodeid.split("::")[0], 0)
        recorded = {"warning_message": message, "nodeid": nodeid, "when": "runtest", "location": None}
        config.hook.pytest_warning_recorded.call_historic(kwargs=recorded)


def _ini(config: pytest.Config, name: str) -> Any:
    try:
        return config.getini(name)
    except (ValueError, TypeError, pytest.UsageError) as error:
        raise pytest.UsageError(f"ini option {name}: {error}; it takes true or false") from error


def _marked(config: MailNetConfig, node: pytest.Item) -> MailNetConfig:
    from pytest_mailnet.errors import InvalidSetting  # noqa: PLC0415
    from pytest_mailnet.internet import check_settings  # noqa: PLC0415

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
            raise pytest.UsageError(f"@pytest.mark.mailnet: {error}") from error
    return config
