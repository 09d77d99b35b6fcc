"""Mailboxes that are disabled, full, or have had enough for the hour."""

from __future__ import annotations

import pytest

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.record.session import Message
from pytest_mailnet.rules.recipients import BusyMailbox, DisabledMailbox, FullMailbox
from pytest_mailnet.rules.submission import SenderNotOwned
from pytest_mailnet.values import Envelope, Stage

MAIL = ("EHLO a.example", "MAIL FROM:<bob@b.example>")


@pytest.fixture
def alice(add_mailbox):
    return add_mailbox("alice@gmail.com")


@pytest.fixture
def bob(add_mailbox):
    return add_mailbox("bob@gmail.com")


@pytest.fixture
def lay(evidence, alice, make_step):
    """Lay a mail of so many bytes into Alice's mailbox."""

    def lay(size=1):
        envelope = Envelope("bob@b.example", (alice.address,))
        alice.messages.append(
            Message(envelope, b"x" * size, make_step().session, evidence.clock.now(), "gmail")
        )

    return lay


def test_a_mailbox_in_order_is_let_pass(evidence, alice, make_step):
    step = make_step(recipient=alice.address)

    assert [rule().decide(step, evidence) for rule in (DisabledMailbox, FullMailbox, BusyMailbox)] == [
        None
    ] * 3


def test_a_mailbox_that_there_is_not_is_nobody_s_business(evidence, make_step):
    step = make_step(recipient="carl@gmail.com")

    assert DisabledMailbox().decide(step, evidence) is None


def test_a_disabled_mailbox_is_refused(evidence, alice, make_step):
    alice.disabled = True

    refusal = DisabledMailbox().decide(make_step(recipient=alice.address), evidence)

    assert refusal == ("user_disabled", "alice@gmail.com is disabled", {"recipient": "alice@gmail.com"})


def test_after_the_dot_a_mail_is_refused_where_no_recipient_is_in_order(evidence, alice, bob, make_step):
    rule = DisabledMailbox(stage=Stage.MESSAGE)
    step = make_step(recipients=[alice.address, bob.address], content=b"")
    alice.disabled = True
    one = rule.decide(step, evidence)

    bob.disabled = True

    assert one is None
    assert rule.decide(step, evidence).condition == "user_disabled"


@pytest.mark.parametrize(
    ("sizes", "full"),
    [
        ((None, 1000, 1000), False),
        ((0, 0, None), True),
        ((1000, 999, None), False),
        ((1000, 1000, None), True),
        ((1000, 400, 600), False),
        ((1000, 400, 601), True),
    ],
)
def test_a_mailbox_is_full_when_a_mail_does_not_fit(evidence, lay, make_step, sizes, full):
    quota, kept, declared = sizes
    alice = evidence.mailboxes["alice@gmail.com"]
    alice.quota = quota
    lay(kept)

    refusal = FullMailbox().decide(make_step(recipient=alice.address, declared_size=declared), evidence)

    assert (refusal is not None) is full


def test_after_the_dot_the_mail_s_own_size_counts(evidence, alice, make_step):
    alice.quota = 10
    rule = FullMailbox(stage=Stage.MESSAGE)

    refusal = rule.decide(make_step(recipients=[alice.address], content=b"x" * 11), evidence)

    assert refusal.why == "alice@gmail.com has a quota of 10 bytes, and 11 more do not fit"


def test_a_mailbox_has_had_enough_until_an_hour_after(evidence, alice, lay, make_step):
    alice.hourly_limit = 2
    step = make_step(recipient=alice.address)
    lay()
    one = BusyMailbox().decide(step, evidence)
    evidence.clock.advance(minutes=30)
    lay()

    two = BusyMailbox().decide(step, evidence)
    evidence.clock.advance(minutes=30)

    assert one is None
    assert two.why == "alice@gmail.com takes 2 messages an hour, and has had them"
    assert BusyMailbox().decide(step, evidence) is None


@pytest.mark.parametrize("value", [-1, 1.5, "10", True])
@pytest.mark.parametrize("name", ["quota", "hourly_limit"])
def test_a_limit_that_is_no_number_is_told(alice, name, value):
    with pytest.raises(InvalidSetting, match=f"{name} of a mailbox: .* is not a number of "):
        setattr(alice, name, value)


def test_a_mistyped_state_is_told(alice):
    with pytest.raises(AttributeError):
        alice.disbled = True


@pytest.mark.parametrize(
    ("rule", "state"),
    [
        ("disabled_mailbox", {"disabled": True}),
        ("full_mailbox", {"quota": 0}),
        ("busy_mailbox", {"hourly_limit": 0}),
    ],
)
def test_the_state_of_a_mailbox_is_answered_over_the_wire(corp_with, say, rule, state):
    net = corp_with(f'rule = "{rule}"\nreply = "refused"', "452 4.2.2 <{recipient}> no")
    for name, value in state.items():
        setattr(net.provider("corp").mailbox("alice"), name, value)

    said = say(*MAIL, "RCPT TO:<alice@corp.example>", "RCPT TO:<bob@corp.example>")

    assert said[-2:] == ["452 4.2.2 <alice@corp.example> no", "250 2.1.5 OK"]


def test_a_mailbox_is_opened_with_a_quota(mailnet):
    alice = mailnet.gmail.add_mailbox("alice", quota=10)

    assert alice.quota == 10


def test_a_sender_without_an_account_is_not_asked_what_is_theirs(evidence, make_step):
    assert SenderNotOwned().decide(make_step(reverse_path="bob@b.example"), evidence) is None
