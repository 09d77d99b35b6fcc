"""The net's Postfix, Exim, OpenSMTPD and Sendmail beside Debian's, in the same sessions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .record import write
from .servers import SERVERS
from .sessions import SESSIONS

PAGE = Path(__file__).parent.parent.parent / "docs" / "explanation" / "oracles.md"

# The first test waits for all sessions with all servers.
pytestmark = pytest.mark.timeout(600)


def test_every_session_has_a_name_of_its_own():
    names = [it.name for it in SESSIONS]

    assert len(set(names)) == len(names)
    assert len(names) >= 150


@pytest.mark.parametrize("session", [it.name for it in SESSIONS])
@pytest.mark.parametrize("server", SERVERS)
def test_the_nets_server_says_what_the_real_one_says(server, session, comparison):
    found = [it for it in comparison.compared[server].differences if it.session == session]

    new = [it for it in found if not any(listed.covers(it) for listed in comparison.listed)]

    assert not new, "\n".join(f"after {it.sent}\n  real: {it.real!r}\n  ours: {it.ours!r}" for it in new)


@pytest.mark.parametrize("server", SERVERS)
def test_nothing_that_a_client_says_is_an_error_in_the_net(server, comparison):
    failure = comparison.compared[server].failure

    assert not failure


def test_a_listed_difference_is_still_there(comparison):
    found = [it for compared in comparison.compared.values() for it in compared.differences]

    gone = [it for it in comparison.listed if not any(map(it.covers, found))]

    assert not gone, "\n".join(f"{it.server}: {it.kind}" for it in gone)


def test_the_record_is_written_where_that_is_asked_for(comparison):
    if not os.environ.get("MAILNET_ORACLES_RECORD"):
        pytest.skip("MAILNET_ORACLES_RECORD=1 writes docs/explanation/oracles.md")

    write(PAGE, comparison.compared.values(), comparison.listed)

    assert PAGE.read_text("utf-8").startswith("# ")
