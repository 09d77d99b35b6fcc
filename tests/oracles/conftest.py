"""The servers, started once for all tests, and what they and the net's say to all sessions."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from .comparison import Listed, ask_net, ask_real, differences, read_list
from .names import name_server
from .record import Compared
from .servers import SERVERS, start
from .sessions import SESSIONS

LIST = Path(__file__).with_name("differences.toml")


@dataclass(frozen=True)
class Comparison:
    """All that was heard, and what is known to differ."""

    compared: dict[str, Compared]
    listed: tuple[Listed, ...]


@pytest.fixture(scope="session")
def systems() -> Path:
    """The folder of the servers' systems, which `python tests/oracles/debian.py FOLDER` makes."""
    named = os.environ.get("MAILNET_ORACLES")
    if not named:
        pytest.skip("MAILNET_ORACLES names no folder with the servers: `tox -e oracles` makes one")
    if not all((Path(named) / it).is_dir() for it in SERVERS):
        pytest.skip(f"{named} has no servers: their packages were not to be had, or the user is not root")
    if os.geteuid() != 0:
        pytest.skip("the servers have to be started by root")
    return Path(named)


@pytest.fixture(scope="session")
def comparison(systems: Path) -> Comparison:
    """The sessions, held with all servers at the same time, and then with the net's."""
    with name_server(), ThreadPoolExecutor(len(SERVERS)) as threads:
        asked = dict(zip(SERVERS, threads.map(lambda it: _asked(it, systems), SERVERS), strict=True))
    listed = read_list(LIST)
    compared = {}
    for server, (version, real) in asked.items():
        ours, failure = ask_net(server, SESSIONS)
        found = [it for name in real for it in differences(server, name, real[name], ours[name])]
        compared[server] = Compared(server, version, real, ours, tuple(found), failure)
    return Comparison(compared, listed)


def _asked(server, systems):
    with start(server, systems) as real:
        return real.version, ask_real(real, SESSIONS)
