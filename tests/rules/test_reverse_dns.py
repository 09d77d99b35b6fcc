"""What an address resolves back to, and what is known of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.rules.reputation import DynamicAddress, LowReputation
from pytest_mailnet.rules.reverse_dns import GenericPtr, NoPtr, UnconfirmedPtr, looks_generic

POINTER = "7.113.0.203.in-addr.arpa"
MAIL = ("EHLO a.example", "MAIL FROM:<bob@b.example>", "RCPT TO:<alice@corp.example>")


def test_an_address_without_a_reverse_name_is_refused(evidence, make_step):
    assert NoPtr().decide(make_step(), evidence).why == "203.0.113.7 has no PTR record"
    assert UnconfirmedPtr().decide(make_step(), evidence).why == "203.0.113.7 has no PTR record"


def test_a_dns_that_fails_is_no_evidence(evidence, make_step):
    evidence.dns.fail(POINTER, "SERVFAIL")

    assert NoPtr().decide(make_step(), evidence) is None
    assert UnconfirmedPtr().decide(make_step(), evidence) is None


def test_a_reverse_name_that_cannot_be_looked_up_is_not_unconfirmed(evidence, make_step):
    evidence.dns.add(POINTER, "PTR", "mail.b.example.")
    evidence.dns.fail("mail.b.example", "SERVFAIL")

    assert UnconfirmedPtr().decide(make_step(), evidence) is None


def test_a_confirmed_reverse_name_passes(evidence, make_step):
    evidence.dns.add(POINTER, "PTR", "mail.b.example.")
    evidence.dns.add("mail.b.example", "A", "198.51.100.1", "203.0.113.7")

    assert NoPtr().decide(make_step(), evidence) is None
    assert UnconfirmedPtr().decide(make_step(), evidence) is None


@pytest.mark.parametrize("addresses", [[], ["198.51.100.1"]])
def test_a_reverse_name_that_leads_elsewhere_is_not_confirmed(evidence, make_step, addresses):
    evidence.dns.add(POINTER, "PTR", "mail.b.example.")
    for address in addresses:
        evidence.dns.add("mail.b.example", "A", address)

    assert UnconfirmedPtr().decide(make_step(), evidence).why == (
        "mail.b.example, the PTR of 203.0.113.7, has no A record with it"
    )


def test_one_of_several_reverse_names_confirms(evidence, make_step):
    evidence.dns.add(POINTER, "PTR", "old.b.example.", "mail.b.example.")
    evidence.dns.add("mail.b.example", "A", "203.0.113.7")

    assert UnconfirmedPtr().decide(make_step(), evidence) is None


def test_an_ipv6_address_is_confirmed_by_aaaa(evidence, make_step):
    pointer = "7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.3.0.2.0.8.b.d.0.1.0.0.2.ip6.arpa"
    evidence.dns.add(pointer, "PTR", "mail.b.example.")
    evidence.dns.add("mail.b.example", "AAAA", "2001:db8:203::7")

    assert UnconfirmedPtr().decide(make_step(ip="2001:db8:203::7"), evidence) is None


@pytest.mark.parametrize(
    "name",
    [
        "203-0-113-7.access.example",
        "7.113.0.203.access.example",
        "host203000113007.access.example",
        "p203.0.113.7.dip0.access.example",
        "c-7.dhcp.access.example",
        "dynamic-77.access.example",
        "x.dsl.access.example",
        "PPP12.access.example",
    ],
)
def test_names_of_access_lines_are_told_by_their_look(name):
    assert looks_generic(name, "203.0.113.7")


@pytest.mark.parametrize(
    "name",
    [
        "mail.b.example",
        "mx7.b.example",
        "mx113-7.b.example",
        "cable.example",
        "mail.pool.com",
        "dynamo.b.example",
    ],
)
def test_names_of_mail_servers_are_not(name):
    assert not looks_generic(name, "203.0.113.7")


@given(st.ip_addresses().filter(lambda ip: getattr(ip, "ipv4_mapped", None) is None))
def test_a_name_made_from_the_whole_address_is_generic(ip):
    digits = ip.exploded.replace(":", "-").replace(".", "-")

    assert looks_generic(f"x-{digits}.access.example", str(ip))


@given(st.text(max_size=80), st.ip_addresses())
def test_any_name_can_be_looked_at(name, ip):
    assert looks_generic(name, str(ip)) in (True, False)


def test_a_generic_reverse_name_is_refused(evidence, make_step):
    evidence.dns.add(POINTER, "PTR", "203-0-113-7.access.example.")

    assert GenericPtr().decide(make_step(), evidence).why == (
        "203-0-113-7.access.example, the PTR of 203.0.113.7, is that of an access line"
    )


def test_a_dynamic_address_is_known_by_its_reverse_name(evidence, make_step):
    evidence.dns.add(POINTER, "PTR", "203-0-113-7.access.example.")

    assert "is that of an access line" in DynamicAddress().decide(make_step(), evidence).why


@pytest.mark.parametrize("zone", ["pbl.spamhaus.org", "zen.spamhaus.org"])
def test_a_dynamic_address_is_known_by_the_policy_block_list(evidence, make_step, zone):
    evidence.dns.add(f"7.113.0.203.{zone}", "A", "127.0.0.4", "127.0.0.11")

    assert DynamicAddress().decide(make_step(), evidence).why == (
        f"203.0.113.7 is listed in {zone}: 127.0.0.11"
    )


def test_an_address_of_no_mark_is_not_dynamic(evidence, make_step):
    evidence.dns.add("7.113.0.203.pbl.spamhaus.org", "A", "127.255.255.254")

    assert DynamicAddress().decide(make_step(), evidence) is None


def test_a_reputation_that_there_is_not_is_told():
    with pytest.raises(InvalidSetting, match=r"is_as: 'por' \(did you mean 'poor'"):
        LowReputation(is_as="por")


@pytest.mark.parametrize(
    ("rule", "prepare"),
    [
        ("no_ptr", lambda net: setattr(net.sender, "ptr", None)),
        ("unconfirmed_ptr", lambda net: net.dns.remove("app.sender.example", "A")),
        ("generic_ptr", lambda net: setattr(net.sender, "ptr", "dsl-7.access.example")),
        ("dynamic_address", lambda net: setattr(net.sender, "dynamic", True)),
        ('low_reputation"\nis_as = "poor', lambda net: setattr(net.sender, "reputation", "poor")),
    ],
    ids=["no_ptr", "unconfirmed_ptr", "generic_ptr", "dynamic_address", "low_reputation"],
)
def test_what_is_known_of_the_sender_is_answered_over_the_wire(corp_with, say, rule, prepare):
    net = corp_with(f'rule = "{rule}"\nstage = "rcpt"\nreply = "refused"', "550 5.7.1 Not from [{ip}]")
    before = say(*MAIL)[-1]

    prepare(net)

    assert before == "250 2.1.5 OK"
    assert say(*MAIL)[-1] == "550 5.7.1 Not from [203.0.113.7]"
