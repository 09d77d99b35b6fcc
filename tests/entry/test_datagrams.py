"""Datagram end points of asyncio and uvloop, however they are made, that ask a name server."""

from __future__ import annotations

import asyncio
import socket

import dns.message
import pytest

from pytest_mailnet.net.mailnet import life_of

SERVER = ("8.8.8.8", 53)


class Asker(asyncio.DatagramProtocol):
    """Keeps the first answer, and from whom it came."""

    def __init__(self):
        self.answered = asyncio.get_running_loop().create_future()

    def datagram_received(self, data, addr):
        self.answered.set_result((dns.message.from_wire(data), addr))


class Listener(asyncio.DatagramProtocol):
    """Keeps the first datagram."""

    def __init__(self):
        self.heard = asyncio.get_running_loop().create_future()

    def datagram_received(self, data, addr):
        self.heard.set_result(data)


async def ask(address=None, **options):
    """Ask for the MX of shop.example by an end point; return how many there are, and who said so."""
    transport, asker = await asyncio.get_running_loop().create_datagram_endpoint(Asker, **options)
    try:
        transport.sendto(dns.message.make_query("shop.example", "MX").to_wire(), address)
        message, server = await asyncio.wait_for(asker.answered, 10)
    finally:
        transport.close()
    [records] = message.answer
    return len(records), server[:2]


def own_socket(*, bound=None, connected=None, family=socket.AF_INET):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(0)
    if bound is not None:
        sock.bind(bound)
    if connected is not None:
        sock.connect(connected)
    return sock


@pytest.mark.parametrize(
    "asking",
    [
        lambda: ask(SERVER, family=socket.AF_INET),
        lambda: ask(SERVER, local_addr=("0.0.0.0", 0)),
        lambda: ask(SERVER, sock=own_socket()),
        lambda: ask(SERVER, sock=own_socket(bound=("0.0.0.0", 0))),
        lambda: ask(sock=own_socket(connected=SERVER)),
        lambda: ask(remote_addr=SERVER),
        lambda: ask(remote_addr=("dns.google", 53), family=socket.AF_INET),
        lambda: ask(remote_addr=("8.8.8.8", "domain")),
    ],
    ids=["made", "bound", "own", "own bound", "own connected", "remote", "remote name", "remote service"],
)
def test_an_end_point_is_answered_by_the_net(mailnet, mx, asked, run, asking):
    mailnet.dns.add("dns.google", "A", "8.8.8.8")

    assert run(asking) == (2, SERVER)

    [question] = [it for it in asked() if it[1] == "MX"]
    assert question == ("shop.example", "MX", "NOERROR", "udp", SERVER, mailnet.sender.ip)


def test_an_end_point_of_ipv6_is_answered_by_the_net(mailnet, mx, run):
    server = ("2001:4860:4860::8888", 53)

    assert run(lambda: ask((*server, 0, 0), sock=own_socket(family=socket.AF_INET6))) == (2, server)


@pytest.mark.parametrize("own", [True, False], ids=["own", "remote"])
def test_an_end_point_asks_from_the_sender_that_it_is_bound_to(mailnet, mx, asked, run, own):
    other = mailnet.add_sender(ip="203.0.113.99")
    source = (other.ip, 0)

    run(
        lambda: (
            ask(SERVER, sock=own_socket(bound=source)) if own else ask(remote_addr=SERVER, local_addr=source)
        )
    )

    assert asked() == [("shop.example", "MX", "NOERROR", "udp", SERVER, other.ip)]


def test_an_end_point_on_loopback_is_left_alone(mailnet, run):
    async def talk():
        loop = asyncio.get_running_loop()
        server, asker = await loop.create_datagram_endpoint(Listener, local_addr=("127.0.0.1", 0))
        where = server.get_extra_info("sockname")
        client, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, sock=own_socket())
        client.sendto(b"hello", where)
        heard = await asyncio.wait_for(asker.heard, 10)
        client.close()
        server.close()
        return heard

    assert run(talk) == b"hello"
    assert life_of(mailnet).journal.entries == ()


def test_a_unix_end_point_is_left_alone(mailnet, run, tmp_path):
    path = str(tmp_path / "s")

    async def talk():
        loop = asyncio.get_running_loop()
        listening = own_socket(family=socket.AF_UNIX, bound=path)
        server, asker = await loop.create_datagram_endpoint(Listener, sock=listening)
        client, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, sock=own_socket(family=socket.AF_UNIX, connected=path)
        )
        client.sendto(b"hello")
        heard = await asyncio.wait_for(asker.heard, 10)
        client.close()
        server.close()
        return heard

    assert run(talk) == b"hello"


def test_an_end_point_is_told_that_nothing_listens(mailnet, run):
    class Refused(asyncio.DatagramProtocol):
        def __init__(self):
            self.error = asyncio.get_running_loop().create_future()

        def error_received(self, exc):
            if not self.error.done():
                self.error.set_result(exc)

    async def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            where = silent.getsockname()
        transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
            Refused, sock=own_socket(connected=where)
        )
        try:
            transport.sendto(b"hello")
            return await asyncio.wait_for(protocol.error, 10)
        finally:
            transport.close()

    assert isinstance(run(send), ConnectionRefusedError)


def test_an_end_point_for_an_address_of_the_machine_is_left_alone(mailnet, run):
    async def send():
        loop = asyncio.get_running_loop()
        there, listener = await loop.create_datagram_endpoint(Listener, local_addr=("127.0.0.1", 0))
        here, _ = await loop.create_datagram_endpoint(
            asyncio.DatagramProtocol, remote_addr=there.get_extra_info("sockname")
        )
        try:
            here.sendto(b"hello")
            return await asyncio.wait_for(listener.heard, 10)
        finally:
            here.close()
            there.close()

    assert run(send) == b"hello"
