"""DMARC as of RFC 7489: public suffixes, the author's record or the organisation's, mails in a hundred."""

from __future__ import annotations

import sys

import pytest

from pytest_mailnet.errors import MissingExtra
from pytest_mailnet.rules.auth import authentication_of, dmarc_7489
from pytest_mailnet.rules.auth.dkim import Signature
from pytest_mailnet.rules.auth.dmarc import check_dmarc
from pytest_mailnet.rules.auth.spf import SpfResult
from pytest_mailnet.rules.authentication import DmarcReject

pytest.importorskip("publicsuffixlist")

NO_SPF = SpfResult("none", "", "")
MESSAGE = b"From: shop@shop.example\r\n\r\nhello\r\n"


def judged(dns, author, spf="", signer=""):
    found = check_dmarc(
        dns,
        author,
        SpfResult("pass", spf, "") if spf else NO_SPF,
        [Signature("pass", signer, "s1")] if signer else [],
        7489,
    )
    return found.result, found.policy


@pytest.mark.parametrize(
    ("author", "expected"),
    [
        ("shop.co.uk", ("fail", "reject")),
        ("a.b.shop.co.uk", ("fail", "quarantine")),
        ("mid.shop.co.uk", ("fail", "none")),
        ("a.mid.shop.co.uk", ("fail", "quarantine")),
        ("other.co.uk", ("none", "")),
        ("co.uk", ("fail", "reject")),
    ],
)
def test_the_record_is_the_author_s_or_that_of_the_registered_name(dns, author, expected):
    dns.add("_dmarc.shop.co.uk", "TXT", "v=DMARC1; p=reject; sp=quarantine")
    dns.add("_dmarc.mid.shop.co.uk", "TXT", "v=DMARC1; p=none")
    dns.add("_dmarc.co.uk", "TXT", "v=DMARC1; p=reject; psd=y")

    assert judged(dns, author) == expected


@pytest.mark.parametrize(
    ("author", "spf", "signer", "expected"),
    [
        ("news.shop.com", "shop.com", "", "pass"),
        ("news.shop.com", "", "a.b.shop.com", "pass"),
        ("news.shop.com", "other.com", "evil.com", "fail"),
        ("shop.co.uk", "evil.co.uk", "", "fail"),
        ("shop.co.uk", "co.uk", "", "fail"),
        ("shop.github.io", "evil.github.io", "", "fail"),
        ("a.shop.unheard-of", "shop.unheard-of", "", "pass"),
    ],
)
def test_names_below_one_registered_name_are_aligned(dns, author, spf, signer, expected):
    dns.add(f"_dmarc.{author}", "TXT", "v=DMARC1; p=reject")

    assert judged(dns, author, spf, signer)[0] == expected


def test_strict_alignment_is_of_the_name_itself(dns):
    dns.add("_dmarc.shop.com", "TXT", "v=DMARC1; p=reject; aspf=s; adkim=s")

    assert judged(dns, "shop.com", "news.shop.com", "news.shop.com")[0] == "fail"
    assert judged(dns, "shop.com", "shop.com")[0] == "pass"


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("p=reject; np=none", ("fail", "reject")),
        ("p=reject; np=x; t=y", ("fail", "reject")),
        ("rua=mailto:d@shop.com", ("fail", "none")),
        ("sp=reject; rua=mailto:d@shop.com", ("fail", "none")),
        ("", ("permerror", "")),
        ("p=reject; sp=x", ("permerror", "")),
        ("p=reject; pct=0", ("fail", "quarantine")),
        ("p=quarantine; pct=0", ("fail", "none")),
        ("p=reject; pct=100", ("fail", "reject")),
        ("p=reject; pct=many", ("fail", "reject")),
        ("p=reject; pct=-1", ("fail", "reject")),
    ],
)
def test_the_tags_are_those_of_2015(dns, tags, expected):
    dns.add("_dmarc.shop.com", "TXT", f"v=DMARC1; {tags}")

    assert judged(dns, "nosuch.shop.com" if "sp" in tags or "np" in tags else "shop.com") == expected


@pytest.mark.parametrize(("percent", "refused"), [(1, 1), (30, 30), (50, 50), (99, 99)])
def test_of_a_hundred_mails_as_many_are_refused_as_the_record_says(evidence, make_step, percent, refused):
    evidence.dmarc_rfc = 7489
    evidence.dns.add("_dmarc.shop.example", "TXT", f"v=DMARC1; p=reject; pct={percent}")
    steps = [make_step(reverse_path="a@b.example", content=MESSAGE) for _ in range(100)]

    refusals = [DmarcReject().decide(step, evidence) for step in steps]

    assert sum(it is not None for it in refusals) == refused
    assert refusals[0] is not None


def test_a_mail_that_is_let_off_is_wanted_in_the_junk_folder_by_all_rules(evidence, make_step):
    evidence.dmarc_rfc = 7489
    evidence.dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=reject; pct=50")
    steps = [make_step(reverse_path="a@b.example", content=MESSAGE) for _ in range(4)]

    policies = [[authentication_of(step, evidence).dmarc.policy for _ in range(2)] for step in steps]

    assert policies == [["reject"] * 2, ["quarantine"] * 2, ["reject"] * 2, ["quarantine"] * 2]


def test_without_the_list_the_extra_is_named(dns, monkeypatch):
    monkeypatch.setitem(sys.modules, "publicsuffixlist", None)
    dmarc_7489._suffixes.cache_clear()

    with pytest.raises(
        MissingExtra,
        match=r"DMARC as of RFC 7489 takes publicsuffixlist: pip install 'pytest-mailnet\[auth\]'",
    ):
        judged(dns, "shop.com")
