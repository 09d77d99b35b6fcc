"""Clients that are silent for longer than their server waits, by the net's clock (RFC 5321, 4.5.3.2.7)."""

from __future__ import annotations

import asyncio
import smtplib
import ssl

import aiosmtplib
import pytest
from aiosmtpd.handlers import Sink

HOST = "mx.shop.example"
MAIL = "Subject: hi\r\n\r\nhi\r\n"
TIMED_OUT = (421, b"4.4.2 mx.shop.example Timeout, closing transmission channel")


@pytest.fixture
def shop(mailnet):
    return mailnet.add_server(HOST, domain="shop.example")


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_pooled_connection_is_closed_with_a_word_after_five_minutes(mailnet, shop, encrypted):
    with smtplib.SMTP(HOST, timeout=5) as pooled:
        if encrypted:
            pooled.starttls(context=ssl.create_default_context())
        pooled.sendmail("bob@sender.example", ["a@shop.example"], MAIL)

        mailnet.clock.advance(minutes=30)

        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            pooled.sendmail("bob@sender.example", ["a@shop.example"], MAIL)
    assert (refused.value.smtp_code, refused.value.smtp_error) == TIMED_OUT
    assert len(shop.messages) == 1
    assert mailnet.sessions[0].ended == "idle for 300 s"


def test_a_client_that_says_something_in_time_is_not_idle(mailnet, shop):
    with smtplib.SMTP(HOST, timeout=5) as client:
        for _ in range(3):
            mailnet.clock.advance(seconds=299)

            assert client.noop()[0] == 250


def test_the_limit_counts_from_what_was_said_last(mailnet, shop):
    with smtplib.SMTP(HOST, timeout=5) as client:
        mailnet.clock.advance(seconds=200)
        client.noop()
        mailnet.clock.advance(seconds=299)
        assert client.noop()[0] == 250

        mailnet.clock.advance(seconds=300)

        assert client.noop() == TIMED_OUT


@pytest.mark.parametrize(
    ("provider", "said"),
    [
        ("postfix", (421, b"4.4.2 mail.shop.example Error: timeout exceeded")),
        ("exim", (421, b"mail.shop.example: SMTP command timeout - closing connection")),
        ("qmail", (451, b"timeout (#4.4.2)")),
    ],
)
def test_each_server_hangs_up_in_its_own_words(mailnet, provider, said):
    mailnet.add_domain("shop.example", on=provider)
    with smtplib.SMTP("mail.shop.example", timeout=5) as client:
        mailnet.clock.advance(hours=2)

        assert client.noop() == said
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()


def test_a_mail_that_stops_in_its_middle_is_not_taken(mailnet, shop):
    with smtplib.SMTP(HOST, timeout=5) as client:
        client.ehlo()
        client.mail("bob@sender.example")
        client.rcpt("a@shop.example")
        client.docmd("DATA")
        client.send("Subject: hi\r\n")

        mailnet.clock.advance(minutes=5)

        assert client.getreply() == TIMED_OUT
    assert shop.messages == []
    assert mailnet.sessions[0].exchanges[-1].request == b"Subject: hi\r\n"


def test_a_client_that_never_begins_its_handshake_is_left_without_a_word(mailnet, shop):
    client = smtplib.SMTP(timeout=5)
    client.sock = client._get_socket(HOST, 465, 5)

    mailnet.clock.advance(minutes=5)

    assert client.sock.recv(100) == b""
    assert mailnet.sessions[0].ended == "idle for 300 s, in the TLS handshake"
    client.close()


def test_a_server_that_stands_still_does_not_look_at_the_time(mailnet, shop):
    shop.fail("stalled-at-mail")
    with (
        smtplib.SMTP(HOST, timeout=0.2) as client,
        pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"),
    ):
        client.sendmail("bob@sender.example", ["a@shop.example"], MAIL)

    mailnet.clock.advance(minutes=30)

    assert mailnet.sessions[0].exchanges[-1].reply == b""


def test_a_client_of_asyncio_finds_its_connection_closed(mailnet, shop):
    async def send_twice():
        async with aiosmtplib.SMTP(hostname=HOST, port=25, start_tls=False, timeout=5) as client:
            await client.sendmail("bob@sender.example", ["a@shop.example"], MAIL)
            mailnet.clock.advance(minutes=6)
            await asyncio.sleep(0)
            await client.sendmail("bob@sender.example", ["a@shop.example"], MAIL)

    with pytest.raises((aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPResponseException)):
        asyncio.run(send_twice())
    assert len(shop.messages) == 1


def test_a_handler_s_server_hangs_up_without_a_word_as_aiosmtpd_does(mailnet):
    mailnet.add_server("mx.app.example", domain="app.example", handler=Sink())
    with smtplib.SMTP("mx.app.example", timeout=5) as client:
        client.ehlo()

        mailnet.clock.advance(minutes=6)

        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()
    assert mailnet.sessions[0].ended == "idle for 300 s"


def test_only_the_net_whose_clock_moves_hangs_up(mailnet, make_mailnet, shop):
    with smtplib.SMTP(HOST, timeout=5) as client, make_mailnet() as inner:
        inner.clock.advance(hours=1)

        assert client.noop()[0] == 250
