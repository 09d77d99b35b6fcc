"""What a test can get wrong with providers, servers and hosts, and what each mistake is told."""

from __future__ import annotations

import smtplib

import pytest

from pytest_mailnet.errors import (
    InvalidAddress,
    InvalidSetting,
    ReadOnly,
    UnknownAttribute,
    UnknownName,
    ZoneError,
)

MISUSES = [
    # providers and servers
    (
        "shop.quota = 0",
        UnknownAttribute,
        "a server has no attribute 'quota' to set: that is a mailbox's, as in .add_mailbox('alice').quota",
    ),
    (
        "shop.disabled = True",
        UnknownAttribute,
        "a server has no attribute 'disabled' to set: that is a mailbox's, as in .add_mailbox('alice').disabled",
    ),
    (
        "shop.strict = False",
        UnknownAttribute,
        "a server has no attribute 'strict' to set: settings are the net's: @pytest.mark.mailnet(strict=...)",
    ),
    (
        "shop.greylisting = True",
        UnknownAttribute,
        "a server has no attribute 'greylisting' to set: .enforce('greylisting') turns it on, where a provider has it",
    ),
    (
        "shop.domains = 'x'",
        ReadOnly,
        "'domains' of a server can only be read: mailnet.add_domain('shop.example', on='google-workspace') adds one",
    ),
    (
        "shop.replies.user_unknown = '550 5.1.1 no'",
        ReadOnly,
        "replies.user_unknown can only be read: an answer of one's own is scripted, .on_rcpt('sales@*').reply('550 5.1.1 No such user')",
    ),
    (
        "shop.colour = 'red'",
        UnknownAttribute,
        "a server has no attribute 'colour', and none that can be set",
    ),
    ("shop.submission.x = 1", UnknownAttribute, "a server has no attribute 'x', and none that can be set"),
    (
        "mailnet.gmail.submission.x = 1",
        UnknownAttribute,
        "a provider has no attribute 'x', and none that can be set",
    ),
    (
        "shop.mails",
        UnknownAttribute,
        "a server has no attribute 'mails': mailnet.messages and mailbox.messages have the mail, .sessions the connections",
    ),
    (
        "shop.mesages",
        UnknownAttribute,
        "a server has no attribute 'mesages' (did you mean 'messages' or 'on_message'?)",
    ),
    (
        "shop.helo_only = True",
        UnknownAttribute,
        "a server has no attribute 'helo_only' to set: server.host.helo_only = True",
    ),
    ("shop.on_rcpt = None", ReadOnly, "on_rcpt() of a server is a method: it is called, and cannot be set"),
    (
        "mailnet.gmail.replies.over_qouta",
        UnknownAttribute,
        "no reply of gmail 'over_qouta' (did you mean 'over_quota'?). `mailnet replies` lists those of each provider. One of your own is a text: .reply('550 5.1.1 No such user').",
    ),
    (
        "shop.enforce()",
        InvalidSetting,
        "mx.shop.example.enforce() takes the names of rules: wrong_credentials, submission, trusted_network, recipients, local_recipient, authenticated_user, relaying_denied",
    ),
    (
        "shop.enforce('all')",
        InvalidSetting,
        "mx.shop.example.enforce('all') turns nothing on: all its rules are on in a fresh net. Providers have more: mailnet.gmail.enforce('bulk')",
    ),
    (
        "shop.enforce_all()",
        InvalidSetting,
        "mx.shop.example.enforce('all') turns nothing on: all its rules are on in a fresh net. Providers have more: mailnet.gmail.enforce('bulk')",
    ),
    (
        "mailnet.gmail.enforce('unknown_mailbox')",
        InvalidSetting,
        "gmail.enforce('unknown_mailbox') turns nothing on: what it means is on in a fresh net. What turns something on: authentication, …",
    ),
    (
        "mailnet.gmail.enforce('greylistign')",
        UnknownName,
        "no rule of gmail 'greylistign' (there is: …). `mailnet rules` tells which providers have which.",
    ),
    ("shop.explain(None)", InvalidSetting, "explain(None) takes one of mailnet.sessions"),
    (
        "shop.add_domain('no domain')",
        ZoneError,
        "'no domain' is no domain name; one looks like 'shop.example' or '_dmarc.shop.example'",
    ),
    (
        "shop.trust('10.0.0.1/8')",
        InvalidAddress,
        "'10.0.0.1/8' is no network (10.0.0.1/8 has host bits set); it takes one as in '10.0.0.0/8'",
    ),
    ("mailnet.provider(None)", InvalidSetting, "mailnet.provider(None) takes a name, as in 'gmail'"),
    (
        "mailnet.provider('gmial')",
        UnknownName,
        "no provider 'gmial' (did you mean 'gmail' or 'qmail'?). A server of one's own: mailnet.add_server('mx.shop.example', domain='shop.example').",
    ),
    (
        "mailnet.provider('google')",
        UnknownName,
        "no provider 'google' (there is: …). Google's are 'gmail', and 'google-workspace' for domains of one's own.",
    ),
    (
        "mailnet.provider('exchange')",
        UnknownName,
        "no provider 'exchange' (did you mean 'exchange-server'?). Microsoft's are 'hotmail' (Outlook.com), and 'microsoft365' for domains of one's own.",
    ),
    (
        "mailnet.add_domain('shop2.example', on='gmail')",
        InvalidSetting,
        "mailnet.add_domain('shop2.example', on='gmail'): Gmail takes no domains of others; mailnet.add_domain('shop2.example', on='google-workspace') does",
    ),
    (
        "mailnet.add_domain('shop2.example', on='hotmail')",
        InvalidSetting,
        "mailnet.add_domain('shop2.example', on='hotmail'): Outlook.com (Hotmail) takes no domains of others; mailnet.add_domain('shop2.example', on='microsoft365') does",
    ),
    (
        "mailnet.add_server('mx shop')",
        InvalidAddress,
        "'mx shop' cannot be a host or domain name; one looks like 'mx.shop.example'",
    ),
    (
        "mailnet.add_server('smtp://mx2.shop.example')",
        InvalidAddress,
        "'smtp://mx2.shop.example' cannot be a host or domain name; one looks like 'mx.shop.example'",
    ),
    (
        "mailnet.add_server('mx2.shop.example:2525')",
        InvalidAddress,
        "'mx2.shop.example:2525' cannot be a host or domain name; one looks like 'mx.shop.example'",
    ),
    (
        "mailnet.add_server('192.0.2.77')",
        InvalidAddress,
        "'192.0.2.77' cannot be a host or domain name; one looks like 'mx.shop.example'",
    ),
    (
        "mailnet.add_server(25)",
        InvalidAddress,
        "25 cannot be a host or domain name; one looks like 'mx.shop.example'",
    ),
    (
        "mailnet.add_server('mx2.shop.example', ports=25)",
        InvalidSetting,
        "mailnet.add_server('mx2.shop.example', ports=...): it takes several, as in (25, 587), not 25",
    ),
    (
        "mailnet.add_server('mx2.shop.example', ports=(0,))",
        InvalidSetting,
        "mailnet.add_server('mx2.shop.example', ports=...): 0 is no port, 1 to 65535",
    ),
    (
        "mailnet.add_server('mx2.shop.example', ports=(25, 587), tls_ports=(465,))",
        InvalidSetting,
        "mailnet.add_server('mx2.shop.example', tls_ports=...): 465 is not among its ports, 25, 587; name it there, too",
    ),
    (
        "mailnet.add_server('mx2.shop.example', domains='shop.example')",
        TypeError,
        "mailnet.add_server() got an unexpected keyword argument 'domains'…",
    ),
    (
        "mailnet.add_server()",
        TypeError,
        "mailnet.add_server() missing 1 required positional argument: 'host'",
    ),
    (
        "mailnet.gmail.enforce(['bulk'])",
        InvalidSetting,
        "gmail.enforce(['bulk']): several rules follow each other, as in enforce('bulk', 'content')",
    ),
    # hosts
    ("host.helo_only = 'no'", InvalidSetting, "helo_only of a host takes True or False, not 'no'"),
    (
        "host.auth_before_tls = 'yes'",
        InvalidSetting,
        "auth_before_tls of a host takes True or False, not 'yes'",
    ),
    (
        "host.helo_onyl = True",
        UnknownAttribute,
        "a host has no attribute 'helo_onyl' to set (did you mean 'helo_only'? There is: auth_before_tls, helo_only, lmtp_ports, ports, tls_ports)",
    ),
    (
        "host.extensions = ['SIZE']",
        ReadOnly,
        "'extensions' of a host can only be read: .extensions.add('SIZE 1000'), .discard('SIZE') and .clear() change them",
    ),
    ("host.ports = 25", InvalidSetting, "ports of a host: it takes several, as in (25, 587), not 25"),
    ("host.ports = '25'", InvalidSetting, "ports of a host: it takes several, as in (25, 587), not '25'"),
    ("host.ports = (25, 65536)", InvalidSetting, "ports of a host: 65536 is no port, 1 to 65535"),
    (
        "host.lmtp_ports = (24,)",
        InvalidSetting,
        "lmtp_ports of a host: 24 is not among its ports, 25, 465, 587; name it there, too",
    ),
    (
        "host.tls_ports = 2465",
        InvalidSetting,
        "tls_ports of a host: it takes several, as in (25, 587), not 2465",
    ),
    (
        "host.tls_ports = (2465,)",
        InvalidSetting,
        "tls_ports of a host: 2465 is not among its ports, 25, 465, 587; name it there, too",
    ),
    (
        "shop.tls_ports = (465,)",
        UnknownAttribute,
        "a server has no attribute 'tls_ports' to set: server.host.tls_ports = (465, 2465)",
    ),
    (
        "host.addresses = ('192.0.2.1',)",
        ReadOnly,
        "'addresses' of a host can only be read: mailnet.add_server(name, ip=...) gives a host its addresses",
    ),
    ("host.name = 'mx2.shop.example'", ReadOnly, "'name' of a host can only be read"),
    (
        "host.tls = False",
        ReadOnly,
        "'tls' of a host can only be read: .tls.expired() and its sisters, .tls.require() and .tls.strip_starttls() change it",
    ),
    (
        "host.refuse_connections = True",
        ReadOnly,
        "refuse_connections() of a host is a method: it is called, and cannot be set",
    ),
    (
        "host.messages",
        UnknownAttribute,
        "a host has no attribute 'messages': mailnet.messages and mailbox.messages have the mail, mailnet.sessions the connections",
    ),
    (
        "host.on_rcpt('alice@*')",
        UnknownAttribute,
        "a host has no attribute 'on_rcpt': answers are its provider's: .provider.on_rcpt(...)",
    ),
    (
        "host.tls.expired = True",
        ReadOnly,
        "expired() of a host's tls is a method: it is called, and cannot be set",
    ),
    (
        "host.tls.expird = True",
        UnknownAttribute,
        "a host's tls has no attribute 'expird' to set (there is: certificate, required, stripped)",
    ),
    ("host.tls.required = 'yes'", InvalidSetting, "required of a host's tls takes True or False, not 'yes'"),
    (
        "host.tls.certificate = 'expired'",
        InvalidSetting,
        "certificate of a host's tls takes a Certificate, as .valid(), .expired(), .wrong_name(), .self_signed() and their sisters set it, not 'expired'",
    ),
    (
        "host.extensions.lines = ()",
        ReadOnly,
        "'lines' of a host's extensions can only be read: .add('SIZE 1000'), .discard('SIZE') and .clear() change them",
    ),
    ("host.extensions.add(5)", InvalidSetting, "5 is no line of an EHLO reply, as in 'SIZE 35651584'"),
    (
        "host.extensions.add('SIZE', '1000')",
        TypeError,
        "host.extensions.add() takes 2 positional arguments but 3 were given",
    ),
    (
        "host.extensions.add('SIEZ 1000')",
        UnknownName,
        "no SMTP extension 'SIEZ' (did you mean 'SIZE'?). Extensions of one's own begin with X (RFC 5321, 2.2.2).",
    ),
    (
        "host.extensions.discard('STARTLS')",
        UnknownName,
        "no SMTP extension 'STARTLS' (did you mean 'STARTTLS'?). Extensions of one's own begin with X (RFC 5321, 2.2.2).",
    ),
    ("mailnet.host(None)", InvalidSetting, "mailnet.host(None) takes a name, as in 'mx.shop.example'"),
    (
        "mailnet.host('mx.shop.exmaple')",
        UnknownName,
        "no host 'mx.shop.exmaple' (did you mean 'mx.shop.example' or 'shop.example' or 'mx.wp.pl'?). To have one: mailnet.add_server('mx.shop.exmaple').",
    ),
]


@pytest.mark.parametrize(("written", "error", "told"), MISUSES, ids=[written for written, *_ in MISUSES])
def test_a_misuse_is_told_where_it_is_written(misuse, written, error, told):
    misuse(written, error, told)


def test_ports_can_be_set_and_the_others_refuse(held):
    held["host"].ports = [2500]

    with smtplib.SMTP("mx.shop.example", 2500) as client:
        assert client.noop()[0] == 250
    with pytest.raises(
        ConnectionRefusedError, match="does not listen on port 25, only on 110, 143, 993, 995, 2500"
    ):
        smtplib.SMTP("mx.shop.example", 25)
