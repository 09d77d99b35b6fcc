"""Lists in DNS, asked as the application could ask them."""

from __future__ import annotations

import ipaddress
import tomllib
from importlib import resources
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.dns.blocklists import meaning_of, reversed_name
from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.rules.dnsbl import ListedAddress, ListedSenderDomain
from pytest_mailnet.values import Stage

ZEN = "7.113.0.203.zen.spamhaus.org"
SPAMHAUS = ("127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.10", "127.0.0.11")


def test_an_address_that_is_not_listed_passes(evidence, make_step):
    assert ListedAddress(zone="zen.spamhaus.org").decide(make_step(), evidence) is None


def test_a_listed_address_is_refused_with_code_and_reason(evidence, make_step):
    evidence.dns.add(ZEN, "A", "127.0.0.4")
    evidence.dns.add(ZEN, "TXT", "Listed by XBL, see https://check.spamhaus.org/query/ip/203.0.113.7")

    refusal = ListedAddress(zone="zen.spamhaus.org").decide(make_step(), evidence)

    assert refusal.why == (
        "zen.spamhaus.org answers for 203.0.113.7: 127.0.0.4 (a host that somebody else has taken over)"
    )
    assert refusal.details["rbl"] == "zen.spamhaus.org"
    assert (
        refusal.details["rbl_reason"] == "Listed by XBL, see https://check.spamhaus.org/query/ip/203.0.113.7"
    )


def test_a_code_of_an_unknown_list_is_told_as_it_is(evidence, make_step):
    evidence.dns.add("7.113.0.203.bl.shop.example", "A", "127.0.0.9", "127.0.0.8")

    assert ListedAddress(zone="bl.shop.example").decide(make_step(), evidence).why == (
        "bl.shop.example answers for 203.0.113.7: 127.0.0.9, 127.0.0.8"
    )


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        ("127.255.255.252", "no listing: the list's name was mistyped"),
        ("127.255.255.254", "no listing: the question came through an open resolver"),
        ("127.255.255.255", "no listing: too many questions"),
    ],
)
def test_an_error_code_is_no_listing_for_who_knows_the_codes_and_one_for_who_does_not(
    evidence, make_step, error, meaning
):
    evidence.dns.add("*.zen.spamhaus.org", "A", error)

    careful = ListedAddress(zone="zen.spamhaus.org", codes=SPAMHAUS).decide(make_step(), evidence)
    naive = ListedAddress(zone="zen.spamhaus.org").decide(make_step(), evidence)

    assert careful is None
    assert naive.why == f"zen.spamhaus.org answers for 203.0.113.7: {error} ({meaning})"


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

    assert refusal.why == ("dbl.spamhaus.org answers for bad.example: 127.0.1.2 (a domain of low reputation)")
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
        "Listed by XBL, see https://check.spamhaus.org/query/ip/203.0.113.7"
    )


def test_a_listed_domain_is_refused_over_the_wire(corp_with, say):
    net = corp_with(
        'rule = "listed_sender_domain"\nzone = "dbl.spamhaus.org"\nstage = "mail"\nreply = "refused"',
        "550 5.7.1 {domain} is in {rbl}",
        "mail",
    )
    net.dns.add("bad.example.dbl.spamhaus.org", "A", "127.0.1.4")

    said = say("EHLO a.example", "MAIL FROM:<bob@good.example>", "RSET", "MAIL FROM:<bob@bad.example>")

    assert said[2] == "250 2.1.0 OK"
    assert said[4] == "550 5.7.1 bad.example is in dbl.spamhaus.org"


@given(st.text(max_size=300))
def test_any_name_can_be_asked_about(text):
    surroundings = SimpleNamespace(dns=Resolver())
    step = SimpleNamespace(helo=text, reverse_path=f"bob@{text}")

    assert ListedSenderDomain(zone="dbl.spamhaus.org").decide(step, surroundings) is None


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_stands_in_a_list_with_its_octets_turned_around(ip):
    octets = reversed_name(str(ip), "bl.example").removesuffix(".bl.example").split(".")

    assert bytes(map(int, octets[::-1])) == ip.packed


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_stands_in_a_list_with_its_nibbles_turned_around(ip):
    nibbles = reversed_name(str(ip), "bl.example").removesuffix(".bl.example").split(".")

    assert bytes.fromhex("".join(nibbles[::-1])) == ip.packed


def test_every_code_of_a_list_has_a_meaning_and_a_source():
    file = resources.files("pytest_mailnet") / "dns" / "blocklists.toml"
    tables = tomllib.loads(file.read_text("utf-8"))
    sources = tables.pop("sources")

    for entry in (entry for kind in tables.values() for entry in kind.values()):
        assert sources.get(entry["source"], entry["source"]).startswith(("https://", "github:"))
        assert ("text" in entry) == ("text_source" in entry)
        for code, meaning in entry["codes"].items():
            assert ipaddress.ip_address(code) in ipaddress.ip_network("127.0.0.0/8")
            assert all(meaning_of(zone, code) == meaning for zone in entry["zones"])
