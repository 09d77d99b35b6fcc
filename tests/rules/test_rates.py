"""How much may be sent in a time, by the net's clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.record.session import note
from pytest_mailnet.rules.counting import Windows
from pytest_mailnet.rules.rates import ConcurrentConnections, RateLimit
from pytest_mailnet.values import Stage

MAIL = ("EHLO a.example", "MAIL FROM:<bob@b.example>", "RCPT TO:<alice@corp.example>")


def test_as_many_as_the_limit_are_taken_in_a_window(evidence, make_step):
    rule = RateLimit(limit=2, window=60)
    step = make_step(reverse_path="bob@b.example")

    said = [rule.decide(step, evidence) for _ in range(3)]

    assert said[:2] == [None, None]
    assert said[2].condition == "ip_rate_limited"
    assert said[2].why == "number 3 from 203.0.113.7 within 60 s, where 2 are taken"


def test_a_window_ends_so_long_after_its_first(evidence, make_step):
    rule = RateLimit(limit=1, window=60)
    step = make_step()
    rule.decide(step, evidence)

    evidence.clock.advance(seconds=59)
    within = rule.decide(step, evidence)
    evidence.clock.advance(seconds=1)

    assert within is not None
    assert rule.decide(step, evidence) is None


def test_beyond_the_hard_limit_the_answer_is_hard(evidence, make_step):
    rule = RateLimit(limit=1, hard_limit=2, reply="soft", hard_reply="hard")

    said = [rule.decide(make_step(), evidence) for _ in range(4)]

    assert [it and it.condition for it in said] == [None, "soft", "hard", "hard"]


@pytest.mark.parametrize(
    ("per", "same", "other"),
    [
        ("address", {"reverse_path": "x@x.example"}, {"ip": "203.0.113.8"}),
        ("network", {"ip": "203.0.113.200"}, {"ip": "203.0.114.7"}),
        ("network", {"ip": "203.0.113.200"}, {"ip": "2001:db8::1"}),
        ("sender", {"ip": "198.51.100.1"}, {"reverse_path": "carl@b.example"}),
        ("sender_domain", {"reverse_path": "carl@B.example"}, {"reverse_path": "bob@c.example"}),
    ],
)
def test_each_is_counted_by_itself(evidence, make_step, per, same, other):
    rule = RateLimit(per=per, limit=1)
    rule.decide(make_step(reverse_path="bob@b.example"), evidence)

    again = rule.decide(make_step(**{"reverse_path": "bob@b.example", **same}), evidence)
    another = rule.decide(make_step(**{"reverse_path": "bob@b.example", **other}), evidence)

    assert again is not None
    assert another is None


def test_the_null_sender_has_no_domain_to_count_by(evidence, make_step):
    rule = RateLimit(per="sender_domain", limit=0)

    assert rule.decide(make_step(reverse_path=""), evidence) is None


def test_keys_whose_window_is_over_are_forgotten():
    windows = Windows(60)
    for number in range(10_000):
        windows.count(number, number / 1000)

    windows.count("last", 65)

    assert len(windows) == 5000


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30)), max_size=60))
def test_a_count_is_that_of_the_window_that_its_first_event_opened(events):
    windows, now, opened = Windows(50), 0, {}

    for key, later in events:
        now += later
        begun, count = opened.get(key, (now, 0))
        opened[key] = (begun, count + 1) if now < begun + 50 else (now, 1)

        assert windows.count(key, now) == opened[key][1]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"per": "adress"}, r"per: 'adress' \(did you mean 'address'"),
        ({"stage": Stage.CONNECT, "per": "sender"}, "per: 'sender' is not known at CONNECT"),
        ({"hard_limit": 2}, "hard_limit and hard_reply go together"),
    ],
)
def test_a_limit_that_cannot_be_is_told(settings, told):
    with pytest.raises(InvalidSetting, match=told):
        RateLimit(limit=1, **settings)


def test_connections_at_once_are_limited_and_closed_ones_do_not_count(evidence, make_step):
    rule = ConcurrentConnections(limit=2)
    steps = [make_step() for _ in range(3)]

    said = [rule.decide(step, evidence) for step in steps]
    for step in steps[1:]:
        note(step.session, ended="client quit")

    assert said[:2] == [None, None]
    assert said[2].why == "203.0.113.7 has 3 connections at once, where 2 are taken"
    assert rule.decide(make_step(), evidence) is None
    assert rule.decide(make_step(ip="203.0.113.8"), evidence) is None


def test_a_rate_is_limited_over_the_wire(corp_with, say):
    net = corp_with(
        'rule = "rate_limit"\nstage = "rcpt"\nlimit = 1\nreply = "refused"', "450 4.2.1 {count} over {limit}"
    )
    first, second = say(*MAIL, MAIL[-1])[-2:]

    net.clock.advance(hours=1)

    assert (first, second) == ("250 2.1.5 OK", "450 4.2.1 2 over 1")
    assert say(*MAIL)[-1] == "250 2.1.5 OK"


def test_connections_at_once_are_limited_over_the_wire(corp_with, say, converse):
    corp_with(
        'rule = "concurrent_connections"\nlimit = 1\nreply = "refused"',
        "421 4.7.0 {count} at once",
        "connect",
    )
    open_one = converse("mx.corp.example")

    said = say("EHLO a.example")

    assert open_one.banner == "220 mx.corp.example ESMTP\r\n"
    assert said == ["421 4.7.0 2 at once", ""]


def test_connections_of_somebody_unheard_of_cannot_be_counted():
    with pytest.raises(InvalidSetting, match="per: 'adress' \\(did you mean 'address'"):
        ConcurrentConnections(limit=1, per="adress")


def test_who_has_left_is_forgotten(evidence, make_step):
    rule = ConcurrentConnections(limit=1)
    first = make_step(ip="203.0.113.7")
    rule.decide(first, evidence)
    note(first.session, ended="client quit")

    rule.decide(make_step(ip="203.0.113.8"), evidence)

    assert list(evidence.memory(rule, dict)) == ["203.0.113.8"]
