"""The first try is deferred, a later one passes, and is remembered."""

from __future__ import annotations

import pytest

from pytest_mailnet.rules.greylisting import Greylisting

MAIL = ("EHLO a.example", "MAIL FROM:<bob@b.example>", "RCPT TO:<alice@corp.example>")


@pytest.fixture
def attempt(evidence, make_step):
    """Try to send as Bob to Alice, some seconds later; returns why it is deferred, None if it passes."""
    rule = Greylisting(delay=300, window=3600, lifetime=86400)

    def attempt(after=0, *, ip="203.0.113.7", sender="bob@b.example", recipient="alice@gmail.com"):
        if after:
            evidence.clock.advance(seconds=after)
        refusal = rule.decide(make_step(ip=ip, reverse_path=sender, recipient=recipient), evidence)
        return refusal and refusal.why

    return attempt


def test_the_first_try_is_deferred(attempt):
    assert attempt() == "the first from 203.0.113.0/24 by <bob@b.example> to <alice@gmail.com>"


def test_a_try_that_comes_too_early_is_deferred(attempt):
    attempt()

    assert attempt(299) == "tried again after 299 s, and not after 300 s"


def test_a_later_try_passes_and_is_remembered(attempt):
    attempt()

    assert attempt(300) is None
    assert attempt() is None
    assert attempt(86399) is None
    assert attempt(86399) is None


def test_one_who_does_not_come_back_in_time_is_new(attempt):
    attempt()

    assert attempt(3600).startswith("the first")


def test_one_who_is_not_seen_for_long_is_new(attempt):
    attempt()
    attempt(300)

    assert attempt(86400).startswith("the first")


def test_addresses_of_a_network_are_taken_as_one(attempt):
    attempt()

    assert attempt(300, ip="203.0.113.99") is None


@pytest.mark.parametrize(
    "other", [{"ip": "198.51.100.1"}, {"sender": "carl@b.example"}, {"recipient": "carl@gmail.com"}]
)
def test_address_sender_and_recipient_all_count(attempt, other):
    attempt()

    assert attempt(300, **other).startswith("the first")


def test_triplets_whose_time_is_over_are_forgotten(evidence, make_step):
    rule = Greylisting(window=3600)
    for number in range(5000):
        rule.decide(make_step(reverse_path="b@b.example", recipient=f"{number}@gmail.com"), evidence)
        evidence.clock.advance(seconds=1)

    triplets = evidence.memory(rule, list)

    assert len(triplets.tried) == 3600


def test_greylisting_is_over_when_the_clock_has_moved(corp_with, say):
    net = corp_with('rule = "greylisting"\nreply = "refused"', "450 4.2.0 Greylisted for {seconds} seconds")
    before = say(*MAIL)[-1]
    net.provider("corp").enforce("greylisting")

    first = say(*MAIL)[-1]
    net.clock.advance(minutes=5)

    assert before == "250 2.1.5 OK"
    assert first == "450 4.2.0 Greylisted for 300 seconds"
    assert say(*MAIL)[-1] == "250 2.1.5 OK"
