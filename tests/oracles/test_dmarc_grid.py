"""4,050 combinations of records, authors, SPF and signatures: DMARC as of RFC 7489, beside authheaders' public suffixes."""

from __future__ import annotations

import functools
import itertools
import warnings

import pytest

from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.rules.auth.dkim import Signature
from pytest_mailnet.rules.auth.dmarc import check_dmarc
from pytest_mailnet.rules.auth.spf import SpfResult

pytest.importorskip("publicsuffixlist")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    authheaders = pytest.importorskip("authheaders.dmarc_lookup")

ZONES = [
    {},
    {"shop.com": "v=DMARC1; p=reject"},
    {"shop.com": "v=DMARC1; p=reject; sp=none"},
    {"shop.com": "v=DMARC1;p=quarantine;adkim=s;aspf=s"},
    {"news.shop.com": "v=DMARC1; p=reject"},
    {"shop.com": "v=DMARC1; p=none", "news.shop.com": "v=DMARC1; p=reject; aspf=s"},
    {"shop.co.uk": "v=DMARC1; p=reject"},
    {"co.uk": "v=DMARC1; p=reject"},
    {"shop.com": "v=DMARC1; p=REJECT; ADKIM=S"},
    {"a.b.news.shop.com": "v=DMARC1; p=reject"},
]
AUTHORS = ["shop.com", "news.shop.com", "a.b.news.shop.com", "shop.co.uk", "x.shop.co.uk"]
AUTHENTICATED = [
    "",
    "shop.com",
    "news.shop.com",
    "other.shop.com",
    "a.b.news.shop.com",
    "shop.co.uk",
    "evil.co.uk",
    "x.shop.co.uk",
    "esp.example",
]


@pytest.fixture(scope="module")
def organization():
    """Finds organisational domains as authheaders does."""
    return functools.cache(authheaders.get_org_domain)


@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_each_combination_comes_out_as_with_authheaders(zone, organization):
    dns = Resolver()
    for domain, record in zone.items():
        dns.add(f"_dmarc.{domain}", "TXT", record)
    wrong = []

    for author, spf, signer in itertools.product(AUTHORS, AUTHENTICATED, AUTHENTICATED):
        signatures = [Signature("pass", signer, "s")] if signer else []
        found = check_dmarc(dns, author, SpfResult("pass" if spf else "none", spf, ""), signatures, 7489)
        if (found.result, found.policy) != expected(zone, author, spf, signer, organization):
            wrong.append((author, spf, signer, found))

    assert not wrong


def expected(zone, author, spf, signer, organization):
    """Result and policy by RFC 7489, 6.6.2 and 6.6.3."""
    at = next((it for it in (author, organization(author)) if it in zone), None)
    if at is None:
        return "none", ""
    pairs = (tag.partition("=") for tag in zone[at].lower().split(";"))
    tags = {name.strip(): value.strip() for name, _, value in pairs}
    policy = tags["p"] if at == author else tags.get("sp", tags["p"])

    def aligned(domain, mode):
        same = domain == author if mode == "s" else organization(domain) == organization(author)
        return bool(domain) and same

    passes = aligned(spf, tags.get("aspf")) or aligned(signer, tags.get("adkim"))
    return ("pass" if passes else "fail"), policy
