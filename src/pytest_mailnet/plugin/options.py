"""The options of a test run, on the command line and in the ini file, and the settings that they make."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import pytest

if TYPE_CHECKING:
    from pytest_mailnet.config import MailNetConfig

__all__ = [
    "NAMESPACE",
    "SETTINGS",
    "add_options",
    "carried_ports",
    "check_names",
    "coverage_wanted",
    "folder_of_pages",
    "guards",
    "marked",
    "moves",
    "settings_of",
]

NAMESPACE = "--mailnet-namespace"
_LOG = "--mailnet-log"
_COVERAGE = "--mailnet-cov"
_COVERAGE_REPORT = "--mailnet-cov-report"
_COVERAGE_LEAST = "--mailnet-cov-fail-under"
_PAGES, _PAGES_INI = "--mailnet-html", "mailnet_html"
_GUARD = "mailnet_guard"
_CARRIED = "mailnet_pass_ports"
_PASSING = "with --mailnet-namespace: ports of this machine's loopback that tests need: 5432 6379"
_IniType: TypeAlias = Literal["string", "paths", "args", "bool", "int"]
# In pytest's own TOML a number is one; before pytest 8.4 all values are texts.
_NUMBER: _IniType = "int" if pytest.version_tuple >= (8, 4) else "string"

# By the fields of MailNetConfig, which has the defaults. A run without mail is spared its import.
SETTINGS: Mapping[str, tuple[_IniType, str]] = MappingProxyType(
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
        "log_lines": (_NUMBER, "how long that section may be, in lines; 0 for no limit"),
    }
)
_GUARDING = "stop mail connections and look-ups of tests that have no net, and say so"


def add_options(parser: pytest.Parser) -> None:
    """Add the ini options and the command line options.

    Args:
        parser: pytest's.
    """
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
    group.addoption(
        _PAGES,
        metavar="FOLDER",
        help="write a page for each failing test that has a net, with its timeline as lanes",
    )
    parser.addini(_PAGES_INI, "folder for such pages, as of --mailnet-html", type="string", default="")
    for name, (kind, text) in SETTINGS.items():
        parser.addini(f"mailnet_{name}", text, type=kind, default=None)
    parser.addini(_GUARD, _GUARDING, type="bool", default=False)
    group.addoption(
        NAMESPACE,
        action="store_true",
        help="move the test run into a network namespace (Linux), so that C code and forks meet nets, too",
    )
    parser.addini(_CARRIED, _PASSING, type="args", default=[])


def check_names(config: pytest.Config) -> None:
    """Check that the ini file has no option that begins as ours do and is none.

    Raises:
        pytest.UsageError: if it has one; names the near misses.
    """
    # The names in the ini file, no longer public in pytest 9, which only warns of unknown ones.
    written = vars(config).get("_inicfg") or vars(config).get("inicfg", ())
    for name in written:
        known = [*SETTINGS, *(it.removeprefix("mailnet_") for it in (_GUARD, _CARRIED, _PAGES_INI))]
        if name.startswith("mailnet_") and name.removeprefix("mailnet_") not in known:
            from pytest_mailnet.errors import amongst  # noqa: PLC0415

            meant = amongst(name.removeprefix("mailnet_"), known, shown=lambda it: f"mailnet_{it}")
            raise pytest.UsageError(f"no ini option {name}{meant}")


def moves(config: pytest.Config) -> bool:
    """Whether the run is to move into a namespace."""
    return bool(config.getoption(NAMESPACE))


def carried_ports(config: pytest.Config) -> list[int]:
    """The ports of this machine that are to be had in the namespace, too.

    Raises:
        pytest.UsageError: if one is no port.
    """
    ports = config.getini(_CARRIED)
    for port in ports:
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise pytest.UsageError(f"ini option {_CARRIED}: {port!r} is no port, 1 to 65535")
    return [int(port) for port in ports]


def guards(config: pytest.Config) -> bool:
    """Whether tests without a net are kept from sending mail; never in a namespace, where nobody is."""
    return bool(_ini(config, _GUARD) and not moves(config))


def folder_of_pages(config: pytest.Config) -> Path | None:
    """The folder for the pages of failing tests; None for no pages.

    That of the command line is found from where pytest was started, that of the ini file from its folder.
    """
    if given := config.getoption(_PAGES):
        return Path(config.invocation_params.dir, given)
    written = config.getini(_PAGES_INI)
    beside = config.rootpath if config.inipath is None else config.inipath.parent
    return Path(beside, written) if written else None


def coverage_wanted(config: pytest.Config) -> tuple[list[str] | None, str | None] | None:
    """The types of report on what was met, and the least share; None if nothing is to be counted.

    Raises:
        pytest.UsageError: if one of them is given although nothing is counted.
    """
    asked = {name: config.getoption(name) for name in (_COVERAGE_REPORT, _COVERAGE_LEAST)}
    if config.getoption(_COVERAGE):
        return asked[_COVERAGE_REPORT], asked[_COVERAGE_LEAST]
    if vain := [name for name, given in asked.items() if given is not None]:
        raise pytest.UsageError(f"{vain[0]} is without effect: it takes {_COVERAGE}, which counts")
    return None


def settings_of(config: pytest.Config) -> MailNetConfig:
    """The settings of every net of a run: from the command line, or else from the ini file.

    Raises:
        pytest.UsageError: for a value that a setting does not take.
    """
    from pytest_mailnet.config import MailNetConfig  # noqa: PLC0415
    from pytest_mailnet.errors import InvalidSetting  # noqa: PLC0415
    from pytest_mailnet.net.internet import check_settings  # noqa: PLC0415

    given = {name: _ini(config, f"mailnet_{name}") for name in SETTINGS}
    settings = {name: value for name, value in given.items() if value is not None}
    if (log := config.getoption(_LOG)) is not None:
        settings["log"] = log
    if str(settings.get("log_lines", "")).isdecimal():  # anything else is shown in the error as it is
        settings["log_lines"] = int(settings["log_lines"])
    try:
        made = MailNetConfig(**settings)
        check_settings(made)
    except InvalidSetting as error:
        raise pytest.UsageError(f"ini option mailnet_{error}") from None
    return made


def marked(config: MailNetConfig, node: pytest.Item) -> MailNetConfig:
    """The settings of a test's nets: the run's, but for what its marks say.

    Args:
        config: the run's.
        node: the test.

    Raises:
        pytest.UsageError: for a mark without names, or with a value that a setting does not take.
    """
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


def _ini(config: pytest.Config, name: str) -> Any:
    try:
        return config.getini(name)
    except (ValueError, TypeError, pytest.UsageError) as error:
        number = name == "mailnet_log_lines"
        expected = "a number, 0 for no limit" if number else "true or false"
        raise pytest.UsageError(f"ini option {name}: {error}; it takes {expected}") from error
