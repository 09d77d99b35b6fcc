"""A server of the net on this machine, `mailnet.add_server("localhost")`: what Django and many scripts send by."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl

import aiosmtplib
import pytest

from pytest_mailnet.errors import InvalidSetting

MAIL = b"Subject: hi\r\n\r\nhi\r\n"


@pytest.fixture
def local(mailnet):
    """The server on this machine."""
    return mailnet.add_server("localhost")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize("port", [25, 587])
def test_a_script_that_sends_by_this_machine_meets_the_net_s_server(local, name, port):
    with smtplib.SMTP(name, port) as client:
        client.sendmail("bob@sender.example", ["alice@shop.example"], MAIL)

    [message] = local.messages
    assert message.session.host == "localhost"


def test_its_refusals_are_scripted_as_those_of_others(local):
    local.on_rcpt("alice@*").reply("452 4.2.2 Mailbox full").times(1)

    with smtplib.SMTP("localhost") as client, pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail("bob@sender.example", ["alice@shop.example"], MAIL)


def test_ipv6_is_led_there_too(local):
    with socket.create_connection(("::1", 25), timeout=10) as client:
        assert client.recv(100).startswith(b"220 localhost")


def test_coroutines_meet_it(local):
    asyncio.run(
        aiosmtplib.send(
            MAIL,
            sender="bob@sender.example",
            recipients=["a@b.example"],
            hostname="localhost",
            port=25,
            start_tls=False,
        )
    )

    assert len(local.messages) == 1


def test_it_has_a_certificate_for_its_name(mailnet, local):
    context = ssl.create_default_context(cadata=mailnet.ca.pem)

    with smtplib.SMTP_SSL("localhost", 465, context=context) as client:
        assert client.noop()[0] == 250


def test_it_listens_where_a_test_says_and_nowhere_else(mailnet):
    local = mailnet.add_server("localhost", ports=[1025])

    with smtplib.SMTP("localhost", 1025) as client:
        client.sendmail("bob@sender.example", ["alice@shop.example"], MAIL)
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP("localhost", 25)

    assert len(local.messages) == 1


def test_other_ports_of_this_machine_stay_the_machine_s(local):
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=10) as client,
    ):
        assert client.getpeername() == server.getsockname()


@pytest.mark.mailnet(strict=False)
def test_without_one_the_message_says_how_to_have_it(mailnet):
    with pytest.raises(ConnectionRefusedError, match=r"mailnet\.add_server\('localhost'\)"):
        smtplib.SMTP("localhost", 25)


def test_a_real_port_25_that_leads_to_a_host_is_not_stopped(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    try:
        where = mailnet.listen("mx.shop.example", at=("127.0.0.1", 587))
    except InvalidSetting as taken:  # by the machine, or by a test beside this one
        pytest.skip(str(taken))

    with smtplib.SMTP(*where) as client:
        assert client.noop()[0] == 250
