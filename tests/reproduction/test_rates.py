"""How many of a set of real bounces are read, and become tests that pass; skipped where the set is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.reading import outcomes_of
from pytest_mailnet.evidence.sources import sources_at
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.reproduction import Recogniser, as_test, plan_for

BOUNCES = Path(__file__).parents[2].parent / "shared" / "bounces"
pytestmark = pytest.mark.skipif(
    not BOUNCES.is_dir(), reason=f"the set of real bounces is not at {BOUNCES.name}/"
)

# The commands as the other reader of bounces calls them. Sendmail shows the last command that it has sent, which
# under PIPELINING is DATA for refusals of RCPT; who reads its whole transcript knows better.
STAGES = {"RCPT": {"rcpt"}, "DATA": {"data", "message"}, "MAIL": {"mail"}, "HELO": {"ehlo", "connect"}}
PIPELINED = {
    "lhost-sendmail-22",
    "lhost-sendmail-27",
    "lhost-sendmail-33",
    "lhost-sendmail-45",
    "lhost-sendmail-52",
}


@pytest.fixture(scope="module")
def told():
    """What is read out of each file, by recipient."""
    recogniser = Recogniser(catalogue_with())
    failures = (
        it for source in sources_at([BOUNCES]) for it in outcomes_of(source) if isinstance(it, Failure)
    )
    found = {}
    for one in map(recogniser.recognise, failures):
        name = Path(one.failure.file).stem
        found[name, (one.failure.recipient or "").lower()] = one
    return found


@pytest.fixture(scope="module")
def expected():
    """What another reader of bounces reads out of them; not of complaints, which are no failures."""
    read = json.loads((BOUNCES / "expected.json").read_text("utf-8"))
    return [
        (name.removesuffix(".eml"), row)
        for name, rows in read.items()
        for row in rows
        if not name.startswith("arf-")
    ]


def test_recipients_codes_and_enhanced_codes_are_those_of_the_mails(told, expected):
    wrong = []
    for name, row in expected:
        one = told.get((name, row["recipient"].lower()))
        if one is None or one.failure.code != (row["code"] or one.failure.code):
            wrong.append((name, row["recipient"], row["code"]))
        elif ".0.9" not in row["status"] and one.failure.enhanced != (row["status"] or one.failure.enhanced):
            wrong.append((name, row["status"], one.failure.enhanced))

    assert wrong == []
    assert len(told) == len(expected) == 91


def test_stages_agree_with_the_commands_that_are_known(told, expected):
    wrong = {
        name
        for name, row in expected
        if row["command"] and told[name, row["recipient"].lower()].failure.stage not in STAGES[row["command"]]
    }

    assert wrong == PIPELINED | {"rhost-google-01"}
    assert {str(one.failure.stage) for (name, _), one in told.items() if name in wrong} == {"rcpt"}


def test_every_reply_has_a_stage_and_what_is_not_told_a_rule(told):
    assert [name for (name, _), one in told.items() if one.failure.reply and one.failure.stage is None] == []


def test_all_become_tests_that_pass(told, pytester):
    plans = [plan_for(one, catalogue_with()) for one in told.values()]
    pytester.makepyfile("\n".join(as_test(plans)))

    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:asyncio", "-W", "error")

    result.assert_outcomes(passed=len(told))
