"""Bounces: one recipient each, and so many from an address."""

from __future__ import annotations

from pytest_mailnet.rules.null_sender import BounceRate, BounceToMany

EHLO = "EHLO a.example"
ALICE, BOB = (f"RCPT TO:<{it}@corp.example>" for it in ("alice", "bob"))


def test_a_bounce_has_one_recipient(corp_with, say):
    corp_with('rule = "bounce_to_many"\nreply = "refused"', "550 5.5.3 <{recipient}>: Multi-recipient bounce")

    said = say(EHLO, "MAIL FROM:<>", ALICE, BOB)

    assert said[-2:] == ["250 2.1.5 OK", "550 5.5.3 <bob@corp.example>: Multi-recipient bounce"]


def test_a_mail_of_somebody_may_have_more(evidence, make_step):
    step = make_step(reverse_path="bob@b.example", recipients=["a@gmail.com"], recipient="b@gmail.com")

    assert BounceToMany().decide(step, evidence) is None


def test_after_the_dot_two_recipients_of_a_bounce_are_too_many(evidence, make_step):
    step = make_step(reverse_path="", recipients=["a@gmail.com", "b@gmail.com"])

    assert BounceToMany().decide(step, evidence) is not None


def test_backscatter_is_limited_and_mail_is_not(evidence, make_step):
    rule = BounceRate(limit=1)
    for _ in range(3):
        rule.decide(make_step(reverse_path="bob@b.example"), evidence)

    said = [rule.decide(make_step(reverse_path=""), evidence) for _ in range(2)]

    assert said[0] is None
    assert said[1].why == "bounce 2 from 203.0.113.7 within 3600 s, where 1 are taken"
