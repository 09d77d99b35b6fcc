"""How many of a set of real bounces are read, and become tests that pass; skipped where the set is missing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.bounces import BouncedMail, failures_of
from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.sources import sources_at
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.providers.wording import STOCK
from pytest_mailnet.relay.dsn import Notification, RecipientStatus, delivery_report
from pytest_mailnet.reproduce import Recogniser, as_test, plan_for

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


def test_what_is_written_as_a_bounce_of_the_net_is_read_again_as_it_was(told):
    changed = []
    for one in told.values():
        failure = one.failure
        if not failure.reply or "@" not in (failure.recipient or ""):
            continue
        [again] = failures_of(BouncedMail.parse(written(failure)))
        known = (again.recipient, again.reply, again.enhanced, again.stage or failure.stage)
        # A report has to have a status (RFC 3464, 2.3.4), be there one or not.
        if known != (failure.recipient, failure.reply, failure.enhanced or "5.0.0", failure.stage):
            changed.append((failure.file, failure.reply, again.reply, again.stage))

    assert changed == []


def written(failure):
    """A bounce of a failure, in the words of the net's own servers."""
    when = datetime(2026, 3, 9, tzinfo=UTC)
    status = RecipientStatus(
        address=failure.recipient,
        action="failed",
        status=failure.enhanced or "5.0.0",
        reply="\n".join(failure.reply),
        remote_mta=failure.host or "",
        remote_ip=failure.address or "",
        stage=failure.stage,
    )
    notification = Notification(
        reporting_mta="mx.sender.example",
        to=failure.sender or "bob@sender.example",
        recipients=(status,),
        arrived=when,
        written=when,
        content=b"Subject: hi\r\n\r\nhello\r\n",
    )
    return delivery_report(notification, STOCK)


def test_all_become_tests_that_pass(told, pytester):
    plans = [plan_for(one, catalogue_with()) for one in told.values()]
    pytester.makepyfile("\n".join(as_test(plans)))

    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:asyncio", "-W", "error")

    result.assert_outcomes(passed=len(told))
