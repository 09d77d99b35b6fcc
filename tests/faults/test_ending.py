"""Faults that end while the test runs: what `fail` returns has an `end`."""

from __future__ import annotations

import smtplib

import dns.resolver
import pytest

from pytest_mailnet import FaultSchedule, UnknownAttribute


@pytest.fixture
def shop(mailnet):
    return mailnet.add_server("mx.shop.example", domain="shop.example")


def greeted(host="mx.shop.example"):
    try:
        with smtplib.SMTP(host):
            return True
    except (OSError, smtplib.SMTPException):
        return False


def test_dns_is_back_when_its_failure_has_ended(mailnet, shop):
    failure = mailnet.dns.fail("shop.example", "SERVFAIL")
    with pytest.raises(dns.resolver.NoNameservers):
        dns.resolver.resolve("shop.example", "MX")

    mailnet.clock.advance(hours=1)
    failure.end()

    assert [it.to_text() for it in dns.resolver.resolve("shop.example", "MX")] == ["10 mx.shop.example."]


@pytest.mark.parametrize(
    "begin",
    [
        lambda net: net.fail("shop.example", "refused-at-connect"),
        lambda net: net.host("mx.shop.example").fail("refused-at-connect", times=2),
        lambda net: net.providers[0].fail("closed-at-connect"),
        lambda net: net.fail("shop.example", FaultSchedule("refused-at-connect", "closed-at-connect")),
    ],
    ids=["a domain", "a host", "a server", "a schedule"],
)
def test_a_host_is_back_when_its_failure_has_ended(mailnet, shop, begin):
    failure = begin(mailnet)
    during = greeted()

    failure.end()
    failure.end()

    assert (during, greeted()) == (False, True)


def test_a_domain_is_back_at_all_of_its_hosts(mailnet, shop):
    mailnet.add_server("mx2.shop.example", domain="shop.example")

    mailnet.fail("shop.example", "refused-at-connect").end()

    assert greeted("mx.shop.example")
    assert greeted("mx2.shop.example")


def test_a_domain_can_be_looked_up_again(mailnet, shop):
    mailnet.fail("shop.example", "dns-servfail").end()

    assert len(dns.resolver.resolve("shop.example", "MX")) == 1


def test_the_end_of_a_failure_leaves_the_other_faults_of_a_host(mailnet, shop):
    first = shop.fail("closed-at-ehlo", times=1)
    shop.fail("refused-at-connect", times=1)

    first.end()

    assert [greeted(), greeted()] == [False, True]


def test_a_failure_tells_what_it_is(mailnet, shop):
    told = [
        repr(shop.fail("reset-at-rcpt", times=1)),
        repr(mailnet.fail("shop.example", "reset-at-data", times=1)),
        repr(mailnet.dns.fail("shop.example", "SERVFAIL", times=1)),
    ]

    assert told == [
        "<failure: reset-at-rcpt at mx.shop.example>",
        "<failure: reset-at-data at the hosts of shop.example>",
        "<failure: dns-servfail of shop.example>",
    ]


def test_a_failure_has_nothing_else(mailnet, shop):
    failure = shop.fail("reset-at-rcpt", times=1)

    with pytest.raises(UnknownAttribute, match="a failure has no attribute 'stop'"):
        failure.stop()


def test_dns_has_no_recover_and_says_what_does_it(mailnet):
    with pytest.raises(UnknownAttribute, match=r"\.end\(\) of what \.fail returns ends a failure"):
        mailnet.dns.recover("shop.example")
