"""Sockets and what was bound from `socket` before there was a net."""

from __future__ import annotations

import errno
import select
import socket
import struct
from socket import AF_INET, AF_INET6, SOCK_STREAM, create_connection, getaddrinfo
from socket import socket as early_socket

import pytest

from pytest_mailnet.entry import INTERCEPTION
from pytest_mailnet.net.mailnet import life_of


def banner(sock):
    with sock.makefile("rb") as lines:
        return lines.readline()


def test_create_connection_bound_early_reaches_the_host(mailnet, shop, sessions):
    with create_connection(("mx.shop.example", 25), timeout=10) as sock:
        assert banner(sock).startswith(b"220 mx.shop.example ")

    sessions()


def test_getaddrinfo_bound_early_answers_from_the_net(mailnet, resolvable, asked, by):
    found = getaddrinfo("mx.shop.example", 25, AF_INET, SOCK_STREAM)

    assert [info[4] for info in found] == [(resolvable, 25)]
    assert asked() == [("mx.shop.example", "A", "NOERROR", by("getaddrinfo"), None, mailnet.sender.ip)]


def test_a_socket_bound_early_connects_to_a_name(mailnet, shop, sessions, asked, by):
    with early_socket() as sock:
        sock.settimeout(10)
        sock.connect(("mx.shop.example", 25))
        assert banner(sock).startswith(b"220 mx.shop.example ")

    sessions()
    assert asked() == [("mx.shop.example", "A", "NOERROR", by("connect"), None, mailnet.sender.ip)]


def test_a_subclass_connects_to_an_address(mailnet, resolvable, sessions):
    class Counting(socket.socket):
        sent = 0

        def send(self, data, *args):
            self.sent += 1
            return super().send(data, *args)

    with Counting() as sock:
        sock.settimeout(10)
        sock.connect((resolvable, 25))
        assert banner(sock).startswith(b"220 ")
        sock.send(b"QUIT\r\n")
        assert sock.sent == 1

    sessions()


def test_a_duplicate_of_a_socket_goes_on_where_it_was(mailnet, resolvable, sessions):
    with socket.create_connection((resolvable, 25), timeout=10) as sock:
        copy = sock.dup()
    with copy:
        assert banner(copy).startswith(b"220 ")
        assert copy.getpeername() == (resolvable, 25)

    sessions()


def test_the_client_sees_the_destination_as_its_peer_and_the_sender_as_itself(mailnet, resolvable, sessions):
    with socket.create_connection(("mx.shop.example", 25), timeout=10) as sock:
        banner(sock)
        near, far = sock.getsockname(), sock.getpeername()

    [session] = sessions()
    assert far == (resolvable, 25)
    assert near == session.client
    assert near[0] == mailnet.sender.ip


def test_an_ipv6_client_sees_addresses_of_its_family(mailnet):
    mailnet.add_server("mx6.shop.example", ip="2001:db8::25")

    with socket.create_connection(("mx6.shop.example", 25), timeout=10) as sock:
        banner(sock)
        assert sock.family == AF_INET6
        assert sock.getpeername() == ("2001:db8::25", 25, 0, 0)
        assert sock.getsockname()[0] == mailnet.sender.ipv6


def test_an_ipv6_socket_reaches_an_ipv4_host_by_its_mapped_address(mailnet, resolvable, sessions):
    with socket.socket(AF_INET6) as sock:
        sock.settimeout(10)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.connect((f"::ffff:{resolvable}", 25))
        assert banner(sock).startswith(b"220 ")

    sessions()


def test_a_non_blocking_connect_is_ready_when_select_says_so(mailnet, resolvable, sessions):
    with socket.socket() as sock:
        sock.settimeout(0)
        with pytest.raises(BlockingIOError):
            sock.connect((resolvable, 25))
        _, writable, _ = select.select([], [sock], [], 10)
        assert writable == [sock]
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
        readable, _, _ = select.select([sock], [], [], 10)
        assert readable == [sock]
        assert sock.recv(4) == b"220 "

    sessions()


def test_connect_ex_returns_what_connect_raises(mailnet, resolvable, sessions):
    with socket.socket() as sock:
        sock.settimeout(10)
        assert sock.connect_ex((resolvable, 25)) == 0
        assert banner(sock).startswith(b"220 ")

    sessions()


def test_a_non_blocking_connect_ex_is_in_progress(mailnet, resolvable, sessions):
    with socket.socket() as sock:
        sock.settimeout(0)
        assert sock.connect_ex((resolvable, 25)) == errno.EINPROGRESS
        select.select([sock], [], [], 10)
        assert sock.recv(4) == b"220 "

    sessions()


@pytest.mark.parametrize("port", [26, 2525])
def test_a_port_that_a_host_does_not_listen_on_refuses(mailnet, resolvable, port, why):
    told = why(rf"mx\.shop\.example does not listen on port {port}, only on 25, 110, 143, 465, 587, 993, 995")

    with socket.socket() as sock:
        sock.settimeout(10)
        assert sock.connect_ex((resolvable, port)) == errno.ECONNREFUSED
    with pytest.raises(ConnectionRefusedError, match=told):
        socket.create_connection((resolvable, port), timeout=10)

    assert life_of(mailnet).journal.incidents == []


def test_a_host_can_listen_on_2525(mailnet):
    mailnet.add_server("smtp.shop.example", ports=[2525])

    with socket.create_connection(("smtp.shop.example", 2525), timeout=10) as sock:
        assert banner(sock).startswith(b"220 smtp.shop.example ")


def test_a_host_that_is_down_refuses(mailnet, shop, resolvable):
    mailnet.host("mx.shop.example").refuse_connections()

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((resolvable, 25), timeout=10)

    assert mailnet.sessions == []


def test_a_second_connect_fails_and_the_first_one_stands(mailnet, resolvable, sessions):
    mailnet.add_server("other.example", ip="198.51.100.10")

    with socket.socket() as sock:
        sock.connect((resolvable, 25))  # no timeout: after one, the next connect completes it
        banner(sock)
        assert sock.connect_ex(("198.51.100.10", 25)) == errno.EISCONN
        assert sock.getpeername() == (resolvable, 25)

    sessions()


@pytest.mark.skipif(
    INTERCEPTION.moved is not None, reason="no socket bound to loopback leads out of it there"
)
def test_a_port_that_another_sender_had_before_says_nothing_of_who_calls(mailnet, resolvable, sessions):
    other = mailnet.add_sender(ip="203.0.113.99")
    with socket.socket() as sock:
        sock.bind((other.ip, 0))
        port = sock.getsockname()[1]

    with socket.socket() as sock:
        sock.settimeout(10)
        sock.bind(("127.0.0.1", port))  # as the kernel may choose it when the socket is not bound
        sock.connect((resolvable, 25))
        banner(sock)

    sessions(client=mailnet.sender.ip)


def test_a_plain_server_on_a_port_that_a_client_had_before_keeps_its_address(mailnet, resolvable):
    with socket.create_connection((resolvable, 25), timeout=10) as sock:
        banner(sock)
        port = sock.getsockname()[1]
        # Reset, so that the port is free at once.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", port))
        assert listening.getsockname() == ("127.0.0.1", port)


@pytest.mark.parametrize(
    ("address", "error"),
    [
        (("192.0.2.10", 99999), OverflowError),
        (("192.0.2.10", "25"), TypeError),
        (("192.0.2.10",), TypeError),
        ("192.0.2.10", TypeError),
    ],
)
def test_what_is_no_address_is_refused_as_by_python(mailnet, shop, address, error):
    with socket.socket() as sock, pytest.raises(error):
        sock.connect(address)
