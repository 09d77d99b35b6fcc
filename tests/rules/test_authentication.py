"""Rules that look at who has sent a mail: signatures that fail, authors that nothing vouches for."""

from __future__ import annotations

import pytest

from pytest_mailnet.rules.authentication import DkimFail, FromNotAligned
from pytest_mailnet.rules.bulk import BulkVolume
from pytest_mailnet.senders.publishing import publish

pytest.importorskip("spf")
pytest.importorskip("dkim")

MESSAGE = b"From: Shop <shop@shop.example>\r\nTo: alice@gmail.com\r\nSubject: hi\r\n\r\nhello\r\n"


@pytest.fixture
def key(evidence):
    """The DKIM key of shop.example, which sends from 203.0.113.7."""
    return publish(
        evidence.dns, "shop.example", ips=("203.0.113.7",), spf=True, dkim=True, dmarc="none", selector="s1"
    )


@pytest.fixture
def take(evidence, make_step):
    """Let a rule decide on a mail that is there as a whole."""

    def decide(rule, content, *, sender="shop@shop.example", ip="203.0.113.7"):
        step = make_step(reverse_path=sender, helo="app.shop.example", ip=ip, content=content)
        return rule.decide(step, evidence)

    return decide


def test_a_signature_that_verifies_is_taken(key, take):
    assert take(DkimFail(), key.sign(MESSAGE)) is None


def test_a_mail_without_a_signature_does_not_fail(take):
    assert take(DkimFail(), MESSAGE) is None


def test_a_mail_that_was_changed_after_it_was_signed_is_refused(key, take):
    refusal = take(DkimFail(), key.sign(MESSAGE).replace(b"hello", b"hallo"))

    assert refusal.condition == "dkim_fail"
    assert refusal.details == {"domain": "shop.example"}


@pytest.mark.parametrize(
    ("sender", "ip", "signed"),
    [("shop@shop.example", "203.0.113.7", False), ("bob@b.example", "198.51.100.1", True)],
    ids=["by SPF", "by a signature"],
)
def test_an_author_whose_domain_is_vouched_for_is_taken(key, take, sender, ip, signed):
    content = key.sign(MESSAGE) if signed else MESSAGE

    assert take(FromNotAligned(), content, sender=sender, ip=ip) is None


def test_an_author_whom_nothing_vouches_for_is_refused(key, take):
    refusal = take(FromNotAligned(), MESSAGE, sender="bob@b.example", ip="198.51.100.1")

    assert refusal.condition == "from_header_not_aligned"
    assert refusal.details == {"domain": "shop.example"}


def test_the_mails_of_an_author_s_domain_are_counted_by_the_day(evidence, take):
    rule = BulkVolume(limit=1)
    other = MESSAGE.replace(b"shop@shop.example", b"club@club.example")

    assert take(rule, MESSAGE) is None
    assert take(rule, other) is None
    refusal = take(rule, MESSAGE)
    assert refusal.why == "message 2 of shop.example within a day, where 1 are taken"
    evidence.clock.advance(days=1, seconds=1)
    assert take(rule, MESSAGE) is None
