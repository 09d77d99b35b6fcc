"""What a test can get wrong with senders, and what each mistake is told."""

from __future__ import annotations

import pytest

from pytest_mailnet.errors import InvalidAddress, InvalidSetting, ReadOnly, UnknownAttribute, ZoneError

MISUSES = [
    (
        "mailnet.sender.IP = '192.0.2.1'",
        UnknownAttribute,
        "a sender has no attribute 'IP' to set (did you mean 'ip' or 'ipv6'?)",
    ),
    (
        "mailnet.sender.ip = '300.1.1.1'",
        InvalidAddress,
        "'300.1.1.1' is no IP address; it takes one as in '192.0.2.27' or '2001:db8::27'",
    ),
    (
        "mailnet.sender.ipv6 = '192.0.2.1'",
        InvalidAddress,
        "'192.0.2.1' is no IPv6 address; set sender.ip to it",
    ),
    (
        "mailnet.add_sender(ip='127.0.0.1')",
        InvalidAddress,
        "'127.0.0.1' is a loopback address, and no host or sender can have it; it takes one as in '192.0.2.27' or '2001:db8::27'. mailnet.listen('mx.shop.example') gives a host a port on 127.0.0.1, too",
    ),
    (
        "mailnet.sender.ipv6 = False",
        InvalidAddress,
        "False is no IP address; it takes one as in '192.0.2.27' or '2001:db8::27'",
    ),
    (
        "mailnet.sender.ipv6 = '::1'",
        InvalidAddress,
        "'::1' is a loopback address, and no host or sender can have it; it takes one as in '192.0.2.27' or '2001:db8::27'. mailnet.listen('mx.shop.example') gives a host a port on 127.0.0.1, too",
    ),
    (
        "mailnet.sender.ptr = 'not a name'",
        ZoneError,
        "'not a name' is no domain name; one looks like 'shop.example' or '_dmarc.shop.example'",
    ),
    (
        "mailnet.sender.ptr = 5",
        ZoneError,
        "5 is no domain name; one looks like 'shop.example' or '_dmarc.shop.example'",
    ),
    (
        "mailnet.sender.helo = 5",
        InvalidSetting,
        "helo of a sender takes the name of a machine, as in 'app.shop.example', not 5",
    ),
    (
        "mailnet.sender.helo = 'not a name'",
        InvalidSetting,
        "helo of a sender takes the name of a machine, as in 'app.shop.example', not 'not a name'",
    ),
    ("mailnet.sender.dynamic = 'no'", InvalidSetting, "dynamic of a sender takes True or False, not 'no'"),
    ("mailnet.sender.bulk = 1", InvalidSetting, "bulk of a sender takes True or False, not 1"),
    (
        "mailnet.sender.throttled = 'yes'",
        InvalidSetting,
        "throttled of a sender takes True or False, not 'yes'",
    ),
    (
        "mailnet.sender.reputation = 'por'",
        InvalidSetting,
        "sender.reputation: 'por' (did you mean 'poor'? There is: bad, good, poor)",
    ),
    (
        "mailnet.sender.listed_in = 'xbl'",
        InvalidSetting,
        "listed_in takes several lists, as in ['xbl'], not 'xbl'",
    ),
    (
        "mailnet.sender.listed_in = ['xblx']",
        InvalidSetting,
        "no list 'xblx' (did you mean 'xbl'?). Any other one is a zone with its code: {'bl.shop.example': '127.0.0.2'}",
    ),
    (
        "mailnet.sender.name = 'x'",
        ReadOnly,
        "'name' of a sender can only be read: .ptr is its reverse name, and .helo what it finds for its own machine",
    ),
    (
        "mailnet.sender.publish('shop.example', spf=5)",
        InvalidSetting,
        "publish('shop.example', spf=5) takes True, False, or a record 'v=spf1 -all'",
    ),
    (
        "mailnet.sender.publish('shop.example', dkim='no')",
        InvalidSetting,
        "publish('shop.example', dkim=...) takes True or False, not 'no'",
    ),
    (
        "mailnet.sender.publish('shop.example', dmarc='rejct')",
        InvalidSetting,
        "publish('shop.example', dmarc='rejct'): no such policy (did you mean 'reject'? There is: none, quarantine, reject)",
    ),
    (
        "mailnet.sender.publish('shop.example', selector='no selector')",
        InvalidSetting,
        "publish('shop.example', selector='no selector'): a selector is one or more labels",
    ),
    (
        "mailnet.sender.publish()",
        TypeError,
        "sender.publish() missing 1 required positional argument: 'domain'",
    ),
    (
        "mailnet.sending_from('198.51.100.9')",
        InvalidSetting,
        "mailnet.sending_from('198.51.100.9') takes what mailnet.add_sender(ip=...) returns",
    ),
    (
        "mailnet.add_sender(ptr='not a name')",
        ZoneError,
        "'not a name' is no domain name; one looks like 'shop.example' or '_dmarc.shop.example'",
    ),
    ("key.selector = 'x'", ReadOnly, "'selector' of a DKIM key can only be read"),
]


@pytest.mark.parametrize(("written", "error", "told"), MISUSES, ids=[written for written, *_ in MISUSES])
def test_a_misuse_is_told_where_it_is_written(misuse, written, error, told):
    misuse(written, error, told)
