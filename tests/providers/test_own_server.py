"""A server of one's own: what of its one host can be had from the server itself."""

from __future__ import annotations

import smtplib

import pytest

from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.providers.catalogue import stock_phrases
from pytest_mailnet.providers.phrasebook import Phrasebook


def test_its_address_ports_and_tls_are_its_host_s(shop):
    assert shop.ip == shop.host.addresses[0]
    assert shop.ports == (25, 465, 587)
    assert shop.tls is shop.host.tls
    assert repr(shop.tls) == "<TLS of mx.shop.example, certificate valid>"


def test_its_messages_are_those_that_it_has_taken(mailnet, shop):
    mailnet.add_server("mx.club.example", domain="club.example")
    for domain in ("shop.example", "club.example"):
        with smtplib.SMTP(f"mx.{domain}") as client:
            client.sendmail("bob@b.example", [f"sales@{domain}"], "Subject: hi\n\nhello\n")

    assert [it.recipients for it in shop.messages] == [("sales@shop.example",)]
    assert len(mailnet.messages) == 2


def test_a_fault_of_the_server_happens_at_its_host(shop):
    shop.fail("closed-at-connect", times=1)

    with pytest.raises(smtplib.SMTPServerDisconnected):
        smtplib.SMTP("mx.shop.example")
    with smtplib.SMTP("mx.shop.example") as client:
        assert client.noop()[0] == 250


def test_it_refuses_connections_until_it_accepts_them_again(shop):
    shop.refuse_connections()
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP("mx.shop.example")

    shop.accept_connections()

    with smtplib.SMTP("mx.shop.example") as client:
        assert client.noop()[0] == 250


def test_whether_a_host_knows_only_helo_can_be_asked(shop):
    assert not shop.host.helo_only

    shop.host.helo_only = True

    assert shop.host.helo_only


def test_replies_are_listed_by_their_conditions(mailnet):
    replies = mailnet.gmail.replies

    assert {"over_quota", "user_unknown"} <= set(dir(replies))
    assert replies.over_quota.code == 452
    assert not hasattr(replies, "_ipython_display_")


def test_a_phrasebook_is_as_long_as_it_has_conditions(shop):
    book = catalogue_with().load_stem("gmail").phrases

    phrasebook = Phrasebook("gmail", book, stock_phrases())

    assert len(phrasebook) == len(list(phrasebook))
    assert set(phrasebook) >= {*book, *stock_phrases()}


def test_a_host_s_extensions_are_its_lines_and_their_keywords(shop):
    extensions = shop.host.extensions

    assert list(extensions) == [line.split(" ")[0] for line in extensions.lines]
    assert len(extensions) == len(extensions.lines)
    assert repr(extensions) == f"Extensions({list(extensions.lines)})"


def test_a_server_shows_its_name_and_its_addresses(shop):
    assert repr(shop) == f"<Server mx.shop.example {shop.ip}>"
