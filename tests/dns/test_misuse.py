"""What a test can get wrong with records and failing look-ups, and what each mistake is told."""

from __future__ import annotations

import pytest

from pytest_mailnet.errors import UnknownAttribute, ZoneError

MISUSES = [
    (
        "mailnet.dns.ttl = 1",
        UnknownAttribute,
        "a mailnet's dns has no attribute 'ttl' to set: .add(name, rdtype, value, ttl=60) gives it with a record",
    ),
    (
        "mailnet.dns.tll = 1",
        UnknownAttribute,
        "a mailnet's dns has no attribute 'tll', and none that can be set",
    ),
    (
        "mailnet.dns.add('shop.example', 'MX')",
        ZoneError,
        "dns.add('shop.example', 'MX') takes at least one value",
    ),
    (
        "mailnet.dns.add('shop.example', 'MX', ['10 mx.shop.example'])",
        ZoneError,
        "dns.add('shop.example', 'MX', ['10 mx.shop.example']): a value is a text, several follow each other",
    ),
    (
        "mailnet.dns.add('shop.example', 'MX', 'mx.shop.example')",
        ZoneError,
        "dns.add('shop.example', 'MX', 'mx.shop.example'): expecting an integer; MX takes it as in '10 mx.shop.example'",
    ),
    (
        "mailnet.dns.add('shop.example', 'A', '192.0.2.1', ttl='60')",
        ZoneError,
        "dns.add('shop.example', 'A', ttl='60'): it takes 0 to 2147483647 seconds",
    ),
    (
        "mailnet.dns.remove('shop.exmaple')",
        ZoneError,
        "dns.remove: no records 'shop.exmaple' (did you mean 'shop.example' or 'mx.shop.example'?)",
    ),
    (
        "mailnet.dns.fail('shop.example', 'SERVFIAL')",
        ZoneError,
        "dns.fail('shop.example', 'SERVFIAL'): no such failure (did you mean 'SERVFAIL' or 'dns-servfail'?)",
    ),
    (
        "mailnet.dns.fail('shop.example', 'SERVFAIL', times=0)",
        ZoneError,
        "dns.fail('shop.example', 'SERVFAIL', times=0): it fails 1 time or more",
    ),
    (
        "mailnet.dns.fail('shop.example', 'SERVFAIL', times='1')",
        ZoneError,
        "dns.fail('shop.example', 'SERVFAIL', times='1'): it fails 1 time or more",
    ),
    (
        "mailnet.dns.fail('shop.example', 'SERVFAIL'); mailnet.dns.fail('shop.example', 'NXDOMAIN')",
        ZoneError,
        "dns.fail('shop.example', 'dns-nxdomain'): that would never happen, since 'dns-servfail' was asked for first, for good: that takes times=1, or .end() of what it returned, to have an end",
    ),
    (
        "mailnet.dns.fail('shop.example', 'SERVFAIL'); mailnet.dns.fail('shop.example', 'SERVFAIL', times=1)",
        ZoneError,
        "dns.fail('shop.example', 'dns-servfail'): that would never happen, since 'dns-servfail' was asked for first, for good: that takes times=1, or .end() of what it returned, to have an end",
    ),
]


@pytest.mark.parametrize(("written", "error", "told"), MISUSES, ids=[written for written, *_ in MISUSES])
def test_a_misuse_is_told_where_it_is_written(misuse, written, error, told):
    misuse(written, error, told)
