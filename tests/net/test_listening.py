"""Real ports that lead into the net, for programs whose host, port or resolver can be set."""

from __future__ import annotations

import smtplib
import socket

import dns.message
import dns.query
import dns.rcode
import pytest

from pytest_mailnet import InvalidSetting, MailNet


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def test_a_host_is_found_at_the_port_that_the_test_chooses(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    port = free_port()

    where = mailnet.listen("mx.shop.example", 25, at=("localhost", port))

    assert where == ("127.0.0.1", port)
    with smtplib.SMTP(*where, timeout=10) as client:
        client.sendmail("bob@b.example", ["alice@shop.example"], "Subject: hi\r\n\r\n")
    assert len(mailnet.messages) == 1


def test_the_port_can_be_taken_again_when_the_net_is_left(make_mailnet):
    port = free_port()

    for _ in range(2):
        with make_mailnet() as net:
            net.add_server("mx.shop.example")
            where = net.listen("mx.shop.example", at=("127.0.0.1", port))
            with smtplib.SMTP(*where, timeout=10) as client:
                client.noop()


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_it_can_be_a_port_of_ipv6(mailnet):
    mailnet.add_server("mx.shop.example")

    ip, port = mailnet.listen("mx.shop.example", at=("::1", 0))

    with smtplib.SMTP(ip, port, timeout=10) as client:
        assert client.noop() == (250, b"2.0.0 OK")


@pytest.mark.parametrize("ask", [dns.query.udp, dns.query.tcp])
def test_a_resolver_whose_port_can_be_set_gets_the_net_s_answers(mailnet, ask):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    where = mailnet.dns.listen()

    answer = ask(dns.message.make_query("shop.example", "MX"), where.ip, port=where.port, timeout=10)

    assert [str(it) for it in answer.answer[0]] == ["10 mx.shop.example."]
    [query] = mailnet.dns.queries
    assert (query.name, query.client) == ("shop.example", mailnet.sender.ip)


def test_it_meets_what_the_name_server_was_told_to_fail_with(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    mailnet.dns.fail("shop.example", "SERVFAIL")
    where = mailnet.dns.listen()

    answer = dns.query.udp(
        dns.message.make_query("shop.example", "MX"), where.ip, port=where.port, timeout=10
    )

    assert answer.rcode() == dns.rcode.SERVFAIL


def test_each_of_two_nets_answers_at_its_own_port(make_mailnet):
    query = dns.message.make_query("mx.shop.example", "A")
    with make_mailnet() as outer, make_mailnet() as inner:
        outer.add_server("mx.shop.example", ip="192.0.2.50")
        inner.add_server("mx.shop.example", ip="192.0.2.60")

        answers = [
            dns.query.udp(query, where.ip, port=where.port, timeout=10)
            for where in (outer.dns.listen(), inner.dns.listen())
        ]

    assert [str(it.answer[0][0]) for it in answers] == ["192.0.2.50", "192.0.2.60"]


def test_the_name_server_s_port_can_be_chosen(mailnet):
    port = free_port()

    assert mailnet.dns.listen(at=("127.0.0.1", port)) == ("127.0.0.1", port)


def test_a_port_that_is_taken_is_told_with_what_to_do(mailnet):
    mailnet.add_server("mx.shop.example")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        at = taken.getsockname()

        for listen in (lambda: mailnet.listen("mx.shop.example", at=at), lambda: mailnet.dns.listen(at=at)):
            with pytest.raises(
                InvalidSetting, match=r"does not give that port: .*Port 0 takes one that is free"
            ):
                listen()


@pytest.mark.parametrize(
    "at", [8025, "127.0.0.1:8025", ("127.0.0.1",), ("shop.example", 25), ("127.0.0.1", 65536)]
)
def test_a_place_that_is_none_is_refused(mailnet, at):
    mailnet.add_server("mx.shop.example")

    for listen in (lambda: mailnet.listen("mx.shop.example", at=at), lambda: mailnet.dns.listen(at=at)):
        with pytest.raises(InvalidSetting, match=r"as in \('127.0.0.1', 8025\)"):
            listen()


def test_nothing_listens_once_the_net_is_left(make_mailnet):
    with make_mailnet() as net:
        where = net.dns.listen()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where, timeout=10)


def test_a_net_that_is_not_active_does_not_listen():
    with pytest.raises(InvalidSetting, match="the net is not active"):
        MailNet().dns.listen()
