"""What an audit blames, and what it does not."""

from __future__ import annotations

import pytest

from pytest_mailnet.audit.beliefs import Mail, of_call
from pytest_mailnet.audit.cases import REFUSALS, case_named
from pytest_mailnet.audit.verdicts import Belief, Rejected, Taken, Verdict, judge
from pytest_mailnet.errors import InvalidSetting, UnknownName

ALICE, BOB = "alice@shop.example", "bob@shop.example"
HEARD, UNHEARD = Taken((ALICE,), heard=True, call=0), Taken((ALICE,), heard=False, call=0)
REFUSED = Rejected((ALICE,), 0, "550 at RCPT", repeated=False)


@pytest.mark.parametrize(
    ("belief", "taken", "refused", "verdict"),
    [
        ("sent", [HEARD], [], "right"),
        ("sent", [UNHEARD], [], "right"),
        ("sent", [], [], "lost"),
        ("sent", [HEARD, HEARD], [], "duplicated"),
        ("sent", [HEARD, UNHEARD], [], "duplicated"),
        ("sent", [UNHEARD, HEARD], [], "duplicates possible"),
        ("failed", [], [], "right"),
        ("failed", [], [REFUSED], "right"),
        ("failed", [HEARD], [], "told wrong"),
        ("failed", [UNHEARD], [], "duplicates possible"),
        ("deferred", [], [], "right"),
        ("deferred", [], [REFUSED], "told wrong"),
        ("deferred", [HEARD], [], "told wrong"),
        ("deferred", [UNHEARD], [], "duplicates possible"),
        ("not sent", [], [REFUSED], "right"),
        ("not sent", [HEARD], [], "told wrong"),
        ("no word", [], [], "lost"),
        ("no word", [HEARD], [], "right"),
        ("no word", [UNHEARD], [], "duplicates possible"),
        ("no word", [], [REFUSED], "right"),
        ("failed", [], [Rejected((ALICE,), 0, "550 at RCPT", repeated=True)], "repeated"),
        ("failed", [], [Rejected((BOB,), 0, "550 at RCPT", repeated=True)], "right"),
    ],
)
def test_a_belief_is_held_against_what_servers_took(belief, taken, refused, verdict):
    assert judge({ALICE: Belief(belief)}, taken, refused).verdict == verdict


def test_of_two_recipients_the_worse_counts():
    judged = judge({ALICE: Belief.SENT, BOB: Belief.SENT}, [HEARD], [])

    assert judged.verdict is Verdict.LOST
    assert BOB in judged.why


def test_what_does_not_recover_is_lost_unless_it_has_given_up():
    assert judge({ALICE: Belief.NOT_SENT}, [], [], "stuck").verdict is Verdict.LOST
    assert judge({ALICE: Belief.FAILED}, [], [], "stuck").verdict is Verdict.RIGHT


class _Partly(Exception):
    def __init__(self):
        super().__init__("no")
        self.recipients = {BOB: (550, b"no")}


def _raise(error):
    raise error


@pytest.mark.parametrize(
    ("call", "alice", "bob"),
    [
        (lambda: None, "sent", "sent"),
        (lambda: True, "sent", "sent"),
        (lambda: False, "not sent", "not sent"),
        (lambda: 0, "not sent", "not sent"),
        (lambda: 1, "sent", "sent"),
        (lambda: "deferred", "deferred", "deferred"),
        (lambda: "4ce1b2", "sent", "sent"),
        (lambda: "given up", "failed", "failed"),
        (lambda: {BOB: (550, b"no")}, "sent", "not sent"),
        (lambda: {ALICE: "sent", BOB: "failed"}, "sent", "failed"),
        (dict, "sent", "sent"),
        (lambda: _raise(ValueError("no")), "not sent", "not sent"),
        (lambda: _raise(SystemExit(1)), "not sent", "not sent"),
        (lambda: _raise(_Partly()), "sent", "not sent"),
    ],
)
def test_what_is_returned_or_raised_is_a_belief(call, alice, bob):
    mail = Mail("app@sender.example", (ALICE, BOB), "1@sender.example")

    said = of_call(call, mail, {"given up": "failed"})

    assert said.believed == {ALICE: alice, BOB: bob}


@pytest.mark.parametrize("name", [*REFUSALS, "reset-after-dot", "dns-servfail", "idle-connection", "nothing"])
def test_a_case_has_a_name_that_finds_it(name):
    case = case_named(name, REFUSALS)

    assert case.id == name
    assert case.does


def test_steps_stand_one_behind_the_other():
    case = case_named("reset-after-dot,nothing,450-at-rcpt", REFUSALS)

    assert [it.id if it else None for it in case.steps] == ["reset-after-dot", None, "450-at-rcpt"]
    assert case.does.count("; then ") == 2


def test_one_of_two_recipients_is_refused():
    case = case_named("one-of-two-550-at-rcpt", REFUSALS)

    assert (case.recipients, case.does) == (2, "of two recipients, for the second one: 550 5.1.1 at RCPT")


def test_of_two_recipients_nothing_else_can_happen():
    with pytest.raises(InvalidSetting, match="one is refused at RCPT, as in 550-at-rcpt"):
        case_named("one-of-two-reset-at-rcpt", REFUSALS)


def test_a_case_that_is_not_there_is_told_with_near_misses():
    with pytest.raises(UnknownName, match="did you mean '550-at-rcpt'"):
        case_named("550-at-rcp", REFUSALS)


@pytest.mark.parametrize(
    ("name", "permanent"),
    [("550-at-rcpt", True), ("552-at-rcpt", False), ("554-at-connect", False), ("450-at-rcpt", False)],
)
def test_a_refusal_settles_a_mail_only_where_the_rfc_says_so(name, permanent):
    assert REFUSALS[name].permanent is permanent
