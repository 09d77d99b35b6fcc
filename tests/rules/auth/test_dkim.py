"""Signatures by the keys in the net's DNS; the cryptography is dkimpy's."""

from __future__ import annotations

import sys

import dkim
import pytest

from pytest_mailnet.errors import MissingExtra
from pytest_mailnet.rules.auth import authentication_of
from pytest_mailnet.rules.auth.dkim import Signature, check_arc, check_dkim

from .conftest import MESSAGE


def test_a_signature_verifies(dns, clock, signed):
    assert check_dkim(dns, clock, signed) == (Signature("pass", "shop.example", "s1"),)


def test_a_message_without_one_has_none(dns, clock):
    assert check_dkim(dns, clock, MESSAGE) == ()


def test_a_body_that_was_changed_fails(dns, clock, signed):
    [signature] = check_dkim(dns, clock, signed.replace(b"hello", b"hullo"))

    assert (signature.result, signature.domain) == ("fail", "shop.example")


def test_each_of_several_signatures_is_told(dns, clock, signed, key):
    twice = b"DKIM-Signature: v=1; a=rsa-sha256; d=other.example; s=x; b=AAAA; bh=AAAA; h=from\r\n" + signed

    results = [(it.result, it.domain) for it in check_dkim(dns, clock, twice)]

    assert results[1] == ("pass", "shop.example")
    assert results[0][0] in ("fail", "neutral", "permerror")


def test_a_key_that_is_gone_fails(dns, clock, signed):
    dns.remove("s1._domainkey.shop.example", "TXT")

    [signature] = check_dkim(dns, clock, signed)

    assert signature.result in ("permerror", "fail")


def test_a_dns_that_fails_is_a_temporary_error(dns, clock, signed):
    dns.fail("s1._domainkey.shop.example", "SERVFAIL")

    [signature] = check_dkim(dns, clock, signed)

    assert signature.result == "temperror"
    assert "SERVFAIL" in signature.why


def test_a_signature_that_cannot_be_read_is_told(dns, clock):
    [signature] = check_dkim(dns, clock, b"DKIM-Signature: nonsense\r\n" + MESSAGE)

    assert signature.result == "neutral"


def test_a_signature_expires_on_the_net_s_clock(dns, clock, key):
    soon = int(clock.time()) + 3600
    signature = dkim.DKIM(MESSAGE).sign(b"s1", b"shop.example", key.private_key.encode())
    assert b"x=" not in signature
    signer = dkim.DKIM(MESSAGE)
    signer_fields = [(b"x", str(soon).encode())]
    original = dkim.DKIM.gen_header

    def with_expiry(self, fields, *args, **kwargs):
        fields[-2:-2] = signer_fields
        return original(self, fields, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dkim.DKIM, "gen_header", with_expiry)
        expiring = signer.sign(b"s1", b"shop.example", key.private_key.encode()) + MESSAGE
    before = check_dkim(dns, clock, expiring)

    clock.advance(hours=2)

    assert [it.result for it in before] == ["pass"]
    assert check_dkim(dns, clock, expiring) == (
        Signature("fail", "shop.example", "s1", "the signature has expired"),
    )


def test_an_arc_chain_is_read(dns, key, signed):
    sealed = dkim.arc_sign(
        b"Authentication-Results: relay.example; dkim=pass header.d=shop.example\r\n" + signed,
        b"s1",
        b"shop.example",
        key.private_key.encode(),
        b"relay.example",
    )
    whole = b"".join(sealed) + (
        b"Authentication-Results: relay.example; dkim=pass header.d=shop.example\r\n" + signed
    )

    assert check_arc(dns, signed) == "none"
    assert check_arc(dns, whole) == "pass"
    assert check_arc(dns, whole.replace(b"hello", b"hullo")) == "fail"


def test_without_its_library_the_extra_is_named(dns, clock, signed, monkeypatch):
    monkeypatch.setitem(sys.modules, "dkim", None)

    with pytest.raises(MissingExtra, match=r"DKIM takes dkimpy: pip install 'pytest-mailnet\[auth\]'"):
        check_dkim(dns, clock, signed)


def test_a_chain_is_told_in_the_results_that_a_server_writes(evidence, dns, key, signed, make_step):
    evidence.dns = dns
    results = b"Authentication-Results: relay.example; dkim=pass header.d=shop.example\r\n"
    sealed = dkim.arc_sign(
        results + signed, b"s1", b"shop.example", key.private_key.encode(), b"relay.example"
    )
    step = make_step(reverse_path="shop@shop.example", content=b"".join(sealed) + results + signed)

    field = authentication_of(step, evidence).field("mx.gmail.com")

    assert "; arc=pass; " in field
