"""Replies that come late."""

from __future__ import annotations

from pytest_mailnet.rules.tarpit import Tarpit

EHLO = "EHLO a.example"
MAIL = "MAIL FROM:<bob@b.example>"
ALICE, BOB = (f"RCPT TO:<{it}@corp.example>" for it in ("alice", "bob"))


def test_a_tarpit_moves_the_clock_and_not_the_client(evidence, make_step):
    before = evidence.clock.now()

    answer = Tarpit(seconds=7).decide(make_step(), evidence)

    assert answer is None
    assert (evidence.clock.now() - before).total_seconds() == 7


def test_a_tarpit_can_be_for_those_who_were_refused(evidence, make_step):
    before = evidence.clock.now()

    Tarpit(seconds=7, errors=1).decide(make_step(errors=0), evidence)

    assert evidence.clock.now() == before


def test_a_tarpit_is_in_the_record_of_the_clock(corp_with, say):
    net = corp_with('rule = "tarpit"\nseconds = 5')
    net.provider("corp").enforce("tarpit")
    before = net.clock.now()

    said = say(EHLO, MAIL, ALICE, BOB)

    assert said[-2:] == ["250 2.1.5 OK", "250 2.1.5 OK"]
    assert (net.clock.now() - before).total_seconds() == 10
