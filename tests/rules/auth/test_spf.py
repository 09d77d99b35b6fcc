"""SPF by the net's DNS; the mechanisms themselves are pyspf's."""

from __future__ import annotations

import pytest

from pytest_mailnet.rules.auth.spf import SpfResult, check_spf


@pytest.mark.parametrize(
    ("record", "result"),
    [
        ("v=spf1 ip4:203.0.113.7 -all", "pass"),
        ("v=spf1 ip4:203.0.113.0/24 -all", "pass"),
        ("v=spf1 -all", "fail"),
        ("v=spf1 ~all", "softfail"),
        ("v=spf1 ?all", "neutral"),
        ("v=spf1 a -all", "pass"),
        ("v=spf1 mx -all", "pass"),
        ("v=spf1 include:_spf.host.example -all", "pass"),
        ("v=spf1 redirect=_spf.host.example", "pass"),
        ("v=spf1 ptr:app.sender.example -all", "pass"),
        ("v=spf1 exists:%{i}.ok.example -all", "pass"),
        ("v=spf1 include:nowhere.example -all", "permerror"),
        ("v=spf1 include:broken.example -all", "temperror"),
        ("v=spf1 a:1.example a:2.example a:3.example -all", "permerror"),
        ("v=spf1 nonsense -all", "permerror"),
    ],
)
def test_a_record_is_evaluated_by_the_net_s_dns(dns, record, result):
    dns.add("shop.example", "TXT", record)
    dns.add("shop.example", "A", "203.0.113.7")
    dns.add("shop.example", "MX", "10 shop.example.")
    dns.add("_spf.host.example", "TXT", "v=spf1 ip4:203.0.113.7 -all")
    dns.add("7.113.0.203.in-addr.arpa", "PTR", "app.sender.example.")
    dns.add("app.sender.example", "A", "203.0.113.7")
    dns.add("203.0.113.7.ok.example", "A", "127.0.0.1")
    dns.fail("broken.example", "SERVFAIL")

    assert check_spf(dns, "203.0.113.7", "bob@shop.example", "app.example").result == result


def test_a_domain_without_a_record_says_nothing(dns):
    assert check_spf(dns, "203.0.113.7", "bob@shop.example", "app.example") == SpfResult(
        "none", "shop.example", ""
    )


def test_two_records_are_an_error(dns):
    dns.add("shop.example", "TXT", "v=spf1 -all", "v=spf1 +all")

    assert check_spf(dns, "203.0.113.7", "bob@shop.example", "app.example").result == "permerror"


def test_the_null_sender_is_judged_by_its_name(dns):
    dns.add("app.example", "TXT", "v=spf1 ip4:203.0.113.7 -all")

    result = check_spf(dns, "203.0.113.7", "", "app.example")

    assert (result.result, result.domain) == ("pass", "app.example")


def test_a_long_record_of_several_strings_is_one(dns):
    dns.add("shop.example", "TXT", '"v=spf1 ip4:198.51.100.1 " "ip4:203.0.113.7 -all"')

    assert check_spf(dns, "203.0.113.7", "bob@shop.example", "app.example").result == "pass"


def test_an_ipv6_address_is_judged(dns):
    dns.add("shop.example", "TXT", "v=spf1 ip6:2001:db8:203::/64 -all")

    assert check_spf(dns, "2001:db8:203::7", "bob@shop.example", "app.example").result == "pass"


@pytest.mark.parametrize(
    ("name", "rdtype", "expected"),
    [
        ("7.113.0.203.in-addr.arpa", "PTR", "softfail"),
        ("broken.sender.example", "A", "pass"),
        ("app.sender.example", "A", "softfail"),
    ],
)
def test_what_dns_fails_for_is_no_name_of_the_client(dns, name, rdtype, expected):
    dns.add("shop.example", "TXT", "v=spf1 ptr:sender.example ~all")
    dns.add("7.113.0.203.in-addr.arpa", "PTR", "broken.sender.example.", "app.sender.example.")
    dns.add("app.sender.example", "A", "203.0.113.7")

    dns.fail(name, "SERVFAIL", rdtype=rdtype)

    assert check_spf(dns, "203.0.113.7", "bob@shop.example", "app.example").result == expected


def test_a_macro_makes_names_with_spaces(dns):
    dns.add("shop.example", "TXT", "v=spf1 exists:a%_b.shop.example -all")
    dns.add(r"a\032b.shop.example", "A", "127.0.0.1")

    assert check_spf(dns, "203.0.113.7", "bob@shop.example", "app.example").result == "pass"
