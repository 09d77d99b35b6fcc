"""Lists in DNS, asked as the application could ask them."""

from __future__ import annotations

import pytest

from pytest_mailnet.model import Stage
from pytest_mailnet.rules.dnsbl import ListedAddress, ListedSenderDomain

ZEN = "7.113.0.203.zen.spamhaus.org"
SPAMHAUS = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.10", "127.0.0.11")


def test_an_address_that_is_not_listed_passes(evidence, make_step):
    assert ListedAddress(zone="zen.spamhaus.org").decide(make_step(), evidence) is None


def test_a_listed_address_is_refused_with_code_and_reason(evidence, make_step):
    evidence.dns.add(ZEN, "A", "127.0.0.4")
    evidence.dns.add(ZEN, "TXT", "https://www.spamhaus.org/query/ip/203.0.113.7")

    refusal = ListedAddress(zone="zen.spamhaus.org").decide(make_step(), evidence)

    assert refusal.why == "203.0.113.7 is listed in zen.spamhaus.org: 127.0.0.4"
    assert refusal.details["rbl"] == "zen.spamhaus.org"
    assert refusal.details["rbl_reason"] == "https://www.spamhaus.org/query/ip/203.0.113.7"


@pytest.mark.parametrize("error", ["127.255.255.252", "127.255.255.254", "127.255.255.255"])
def test_an_error_code_is_no_listing_for_who_knows_the_codes_and_one_for_who_does_not(
    evidence, make_step, error
):
    evidence.dns.add("*.zen.spamhaus.org", "A", error)

    careful = ListedAddress(zone="zen.spamhaus.org", codes=SPAMHAUS).decide(make_step(), evidence)
    naive = ListedAddress(zone="zen.spamhaus.org").decide(make_step(), evidence)

    assert careful is None
    assert naive.why == f"203.0.113.7 is listed in zen.spamhaus.org: {error}"


def test_an_ipv6_address_is_looked_up_by_its_nibbles(evidence, make_step):
    evidence.dns.add(
        "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.0.2.0.8.b.d.0.1.0.0.2.bl.example", "A", "127.0.0.2"
    )

    assert ListedAddress(zone="bl.example").decide(make_step(ip="2001:db8:203::7"), evidence) is not None


def test_a_list_that_does_not_answer_refuses_nobody(evidence, make_step):
    evidence.dns.fail(ZEN, "SERVFAIL")

    assert ListedAddress(zone="zen.spamhaus.org").decide(make_step(), evidence) is None


@pytest.mark.parametrize(
    ("reverse_path", "helo"), [("bob@bad.example", "a.example"), ("", "bad.example")], ids=["path", "bounce"]
)
def test_a_listed_domain_is_refused(evidence, make_step, reverse_path, helo):
    evidence.dns.add("bad.example.dbl.spamhaus.org", "A", "127.0.1.2")
    rule = ListedSenderDomain(zone="dbl.spamhaus.org")

    refusal = rule.decide(make_step(reverse_path=reverse_path, helo=helo), evidence)

    assert refusal.why == "bad.example is listed in dbl.spamhaus.org: 127.0.1.2"
    assert refusal.details["domain"] == "bad.example"


def test_an_address_literal_is_no_domain(evidence, make_step):
    rule = ListedSenderDomain(zone="dbl.spamhaus.org", stage=Stage.MAIL)

    assert rule.decide(make_step(reverse_path="", helo="[203.0.113.7]"), evidence) is None


def test_the_sender_s_listing_is_what_the_server_finds(corp_with, say):
    net = corp_with(
        'rule = "listed_address"\nzone = "zen.spamhaus.org"\nreply = "refused"',
        "554 5.7.1 Client host [{ip}] blocked using {rbl}; {rbl_reason}",
    )
    mail = ("EHLO a.example", "MAIL FROM:<bob@b.example>", "RCPT TO:<alice@corp.example>")
    before = say(*mail)[-1]

    net.sender.listed_in = ["xbl"]

    assert before == "250 2.1.5 OK"
    assert say(*mail)[-1] == (
        "554 5.7.1 Client host [203.0.113.7] blocked using zen.spamhaus.org; "
        "https://www.spamhaus.org/query/ip/203.0.113.7"
    )
