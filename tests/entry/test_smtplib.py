"""smtplib reaches the net in each of its ways."""

from __future__ import annotations

import smtplib
import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_mailnet.entry import INTERCEPTION

named_localhost = pytest.mark.skipif(
    INTERCEPTION.moved is not None,
    reason="the C library finds loopback first for a host that is called localhost",
)


def send(host, letter, **options):
    with smtplib.SMTP(host, 25, timeout=10, **options) as client:
        client.sendmail("bob@app.example", ["sales@shop.example"], letter)


def test_by_name_it_asks_for_the_address_and_delivers(mailnet, delivered, asked, letter, by):
    send("mx.shop.example", letter)

    delivered()
    # IPv6 is asked for first and there is none, as `getaddrinfo` does.
    assert ("mx.shop.example", "A", "NOERROR", by("getaddrinfo"), None, mailnet.sender.ip) in asked()


def test_by_address_it_delivers_and_asks_for_no_name(mailnet, resolvable, delivered, asked, letter):
    send(resolvable, letter)

    delivered()
    assert asked() == []


def test_on_the_submission_port_it_delivers(mailnet, resolvable, delivered, letter):
    with smtplib.SMTP("mx.shop.example", 587, timeout=10) as client:
        client.sendmail("bob@app.example", ["sales@shop.example"], letter)

    delivered(port=587)


def test_from_a_source_address_the_server_sees_that_address(mailnet, delivered, letter):
    other = mailnet.add_sender(ip="203.0.113.99", ptr="out2.sender.example")

    send("mx.shop.example", letter, source_address=(other.ip, 0))

    delivered(client="203.0.113.99")


def test_from_a_source_address_and_port_the_client_sees_that_address(mailnet, shop):
    other = mailnet.add_sender(ip="203.0.113.99")

    with smtplib.SMTP("mx.shop.example", 25, timeout=10, source_address=(other.ip, 0)) as client:
        assert client.sock.getsockname()[0] == "203.0.113.99"


def test_it_says_hello_with_the_name_of_the_sender(mailnet, sessions, letter):
    mailnet.sender.helo = "app.sender.example"

    send("mx.shop.example", letter)

    [session] = sessions()
    assert session.exchanges[1].request == b"ehlo app.sender.example\r\n"


def test_without_a_dot_in_its_name_it_says_hello_with_the_address_of_the_sender(mailnet, sessions, letter):
    mailnet.sender.helo = "my_container_1"

    send("mx.shop.example", letter)

    assert socket.getfqdn() == "my_container_1"
    [session] = sessions()
    assert session.exchanges[1].request == b"ehlo [203.0.113.7]\r\n"


@pytest.mark.parametrize("name", ["my_container_1", pytest.param("localhost", marks=named_localhost)])
def test_another_sender_s_address_stands_for_a_name_without_a_dot(mailnet, sessions, letter, name):
    other = mailnet.add_sender(ip="203.0.113.99")
    other.helo = name

    with mailnet.sending_from(other):
        send("mx.shop.example", letter)

    [session] = sessions(client="203.0.113.99")
    assert session.exchanges[1].request == b"ehlo [203.0.113.99]\r\n"


def test_thirty_two_mails_in_eight_threads_all_arrive(mailnet, shop, delivered):
    def send_number(number):
        send("mx.shop.example", f"Subject: hi\r\n\r\nmail {number}\r\n")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send_number, range(32)))

    delivered(32)
    bodies = {message.parsed.get_content().strip() for message in shop.mailbox("sales").messages}
    assert bodies == {f"mail {number}" for number in range(32)}


def test_over_ipv6_the_server_sees_the_sender_s_ipv6_address(mailnet):
    shop = mailnet.add_server("mx.shop.example", domain="shop.example", ip="2001:db8::25")

    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.sendmail("bob@app.example", ["sales@shop.example"], "Subject: hi\r\n\r\n")
        near, far = client.sock.getsockname(), client.sock.getpeername()

    [session] = mailnet.sessions
    assert len(shop.mailbox("sales").messages) == 1
    assert session.client == near[:2]
    assert session.client.ip == mailnet.sender.ipv6
    assert session.server == far[:2] == ("2001:db8::25", 25)


@pytest.mark.parametrize("host", ["2001:db8::25", "192.0.2.25"])
def test_a_host_of_both_versions_is_reached_by_either(mailnet, host):
    mailnet.add_server("mx.shop.example", domain="shop.example", ip=["192.0.2.25", "2001:db8::25"])

    send(host, "Subject: hi\r\n\r\n")

    [session] = mailnet.sessions
    assert session.server == (host, 25)
    assert session.client.ip == (mailnet.sender.ipv6 if ":" in host else mailnet.sender.ip)
