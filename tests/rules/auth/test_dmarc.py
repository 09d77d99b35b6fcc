"""DMARC: which record counts, what is aligned, what is wanted."""

from __future__ import annotations

import pytest

from pytest_mailnet.rules.auth.dkim import Signature
from pytest_mailnet.rules.auth.dmarc import check_dmarc
from pytest_mailnet.rules.auth.spf import SpfResult

NO_SPF = SpfResult("none", "other.example", "")


def signed_by(domain):
    return [Signature("pass", domain, "s1")]


def test_a_domain_without_a_record_wants_nothing(dns):
    result = check_dmarc(dns, "shop.example", NO_SPF, [])

    assert (result.result, result.policy) == ("none", "")


@pytest.mark.parametrize("policy", ["none", "quarantine", "reject"])
def test_what_fails_is_done_with_as_the_domain_wants(dns, policy):
    dns.add("_dmarc.shop.example", "TXT", f"v=DMARC1; p={policy}")

    result = check_dmarc(dns, "shop.example", NO_SPF, [])

    assert (result.result, result.policy) == ("fail", policy)


@pytest.mark.parametrize(
    ("tags", "spf", "dkim", "expected"),
    [
        ("", "shop.example", None, "pass"),
        ("", "bounce.shop.example", None, "pass"),
        ("; aspf=s", "bounce.shop.example", None, "fail"),
        ("; aspf=s", "shop.example", None, "pass"),
        ("", None, "shop.example", "pass"),
        ("", None, "mail.shop.example", "pass"),
        ("; adkim=s", None, "mail.shop.example", "fail"),
        ("", "other.example", "other.example", "fail"),
        ("", "notshop.example", None, "fail"),
    ],
)
def test_what_passes_has_to_be_the_author_s_domain(dns, tags, spf, dkim, expected):
    dns.add("_dmarc.shop.example", "TXT", f"v=DMARC1; p=reject{tags}")
    spf_result = SpfResult("pass", spf, "") if spf else NO_SPF

    result = check_dmarc(dns, "shop.example", spf_result, signed_by(dkim) if dkim else [])

    assert result.result == expected


def test_a_signature_that_fails_aligns_nothing(dns):
    dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=reject")

    result = check_dmarc(dns, "shop.example", NO_SPF, [Signature("fail", "shop.example", "s1")])

    assert result.result == "fail"


@pytest.mark.parametrize(
    ("tags", "policy"),
    [("p=reject", "reject"), ("p=reject; sp=none", "none"), ("p=none; sp=reject", "reject")],
)
def test_a_subdomain_has_the_policy_of_the_domain_above(dns, tags, policy):
    dns.add("_dmarc.shop.example", "TXT", f"v=DMARC1; {tags}")

    result = check_dmarc(dns, "news.shop.example", NO_SPF, [])

    assert (result.result, result.policy) == ("fail", policy)


def test_a_subdomain_s_own_record_goes_before(dns):
    dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=reject")
    dns.add("_dmarc.news.shop.example", "TXT", "v=DMARC1; p=none")

    assert check_dmarc(dns, "news.shop.example", NO_SPF, []).policy == "none"


def test_siblings_below_one_record_are_aligned(dns):
    dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=reject")

    assert check_dmarc(dns, "news.shop.example", NO_SPF, signed_by("mail.shop.example")).result == "pass"


@pytest.mark.parametrize(
    "records", [["v=DMARC1; p=reject", "v=DMARC1; p=none"], ["v=DMARC2; p=reject"], ["p=reject"]]
)
def test_several_records_or_other_ones_are_as_none(dns, records):
    dns.add("_dmarc.shop.example", "TXT", *records)

    assert check_dmarc(dns, "shop.example", NO_SPF, []).result == "none"


def test_a_policy_that_there_is_not_is_an_error(dns):
    dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=refuse")

    assert check_dmarc(dns, "shop.example", NO_SPF, []).result == "permerror"


def test_a_dns_that_fails_is_a_temporary_error(dns):
    dns.fail("_dmarc.shop.example", "SERVFAIL")

    assert check_dmarc(dns, "shop.example", NO_SPF, []).result == "temperror"


def test_a_mail_without_an_author_has_no_domain_to_ask(dns):
    assert check_dmarc(dns, "", NO_SPF, []).result == "permerror"
