"""asyncio, uvloop and anyio: what they connect, and aiosmtplib and aiohttp on top of them."""

from __future__ import annotations

import asyncio
import socket

import aiosmtplib
import anyio
import pytest
from aiohttp.resolver import ThreadedResolver


def test_aiosmtplib_delivers(mailnet, delivered, run, letter):
    async def send():
        client = aiosmtplib.SMTP(hostname="mx.shop.example", port=25, start_tls=False, timeout=10)
        async with client:
            await client.sendmail("bob@app.example", ["sales@shop.example"], letter)

    run(send)

    delivered()


def test_aiosmtplib_from_a_source_address_shows_that_address(mailnet, delivered, run, letter):
    other = mailnet.add_sender(ip="203.0.113.99")

    async def send():
        client = aiosmtplib.SMTP(
            hostname="mx.shop.example", port=25, start_tls=False, timeout=10, source_address=(other.ip, 0)
        )
        async with client:
            await client.sendmail("bob@app.example", ["sales@shop.example"], letter)

    run(send)

    delivered(client="203.0.113.99")


def test_open_connection_reaches_the_host(mailnet, resolvable, sessions, run):
    async def talk():
        reader, writer = await asyncio.open_connection("mx.shop.example", 25)
        assert (await reader.readline()).startswith(b"220 mx.shop.example ")
        peer = writer.get_extra_info("socket").getpeername()
        writer.close()
        await writer.wait_closed()
        return peer

    peer = run(talk)

    sessions()
    assert peer == (resolvable, 25)


def test_a_transport_of_asyncio_knows_its_virtual_addresses(mailnet, resolvable):
    async def talk():
        _, writer = await asyncio.open_connection("mx.shop.example", 25)
        ends = writer.get_extra_info("sockname")[0], writer.get_extra_info("peername")
        writer.close()
        await writer.wait_closed()
        return ends

    assert asyncio.run(talk()) == (mailnet.sender.ip, (resolvable, 25))


def test_open_connection_with_happy_eyeballs_reaches_the_host(mailnet, asked, by):
    mailnet.add_server("mx.shop.example", ip=["192.0.2.25", "2001:db8::25"])

    async def talk():
        reader, writer = await asyncio.open_connection("mx.shop.example", 25, happy_eyeballs_delay=0.25)
        assert (await reader.readline()).startswith(b"220 mx.shop.example ")
        writer.close()
        await writer.wait_closed()

    asyncio.run(talk())

    [session] = mailnet.sessions
    assert session.server == ("2001:db8::25", 25)
    assert session.client.ip == mailnet.sender.ipv6
    assert {(name, via) for name, _, _, via, *_ in asked()} == {("mx.shop.example", by("getaddrinfo"))}


def test_happy_eyeballs_falls_back_to_the_version_that_answers(mailnet):
    mailnet.add_server("mx.shop.example", ip="192.0.2.25")
    mailnet.add_server("down.shop.example", ip="2001:db8::25")
    mailnet.dns.add("mx.shop.example", "AAAA", "2001:db8::25")
    mailnet.host("down.shop.example").refuse_connections()

    async def talk():
        reader, writer = await asyncio.open_connection("mx.shop.example", 25, happy_eyeballs_delay=10)
        assert (await reader.readline()).startswith(b"220 mx.shop.example ")
        writer.close()
        await writer.wait_closed()

    asyncio.run(talk())

    assert [session.server for session in mailnet.sessions] == [("192.0.2.25", 25)]


def test_sock_connect_reaches_an_address(mailnet, resolvable, sessions, run):
    async def talk():
        loop = asyncio.get_running_loop()
        with socket.socket() as sock:
            sock.settimeout(0)
            await loop.sock_connect(sock, (resolvable, 25))
            return await loop.sock_recv(sock, 4)

    assert run(talk) == b"220 "

    sessions()


def test_a_refusing_host_refuses_on_every_loop(mailnet, shop, run):
    mailnet.host("mx.shop.example").refuse_connections()

    async def talk():
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("mx.shop.example", 25)

    run(talk)

    assert mailnet.sessions == []


def test_an_unknown_name_is_told_on_every_loop(mailnet, shop, run, why):
    async def talk():
        with pytest.raises(socket.gaierror, match=why(r"did you mean 'mx\.shop\.example'")) as error:
            await asyncio.open_connection("mx.shop.exampl", 25)
        assert error.value.errno == socket.EAI_NONAME

    run(talk)


def test_the_loop_s_getaddrinfo_and_getnameinfo_are_answered(mailnet, resolvable, asked, run, by):
    async def ask():
        loop = asyncio.get_running_loop()
        [info] = await loop.getaddrinfo("mx.shop.example", 25, family=socket.AF_INET, type=socket.SOCK_STREAM)
        return info[4], await loop.getnameinfo((resolvable, 25))

    assert run(ask) == ((resolvable, 25), ("mx.shop.example", "smtp"))

    assert [(rdtype, via) for _, rdtype, _, via, *_ in asked()] == [
        ("A", by("getaddrinfo")),
        ("PTR", by("getnameinfo")),
    ]


def test_anyio_connects(mailnet, resolvable, sessions, run_anyio):
    async def talk():
        async with await anyio.connect_tcp("mx.shop.example", 25) as stream:
            banner = await stream.receive()
            return banner, stream.extra(anyio.abc.SocketAttribute.remote_address)  # noqa: S610

    banner, peer = run_anyio(talk)

    assert banner.startswith(b"220 mx.shop.example ")
    assert peer == (resolvable, 25)
    sessions()


def test_anyio_looks_names_up(mailnet, resolvable, asked, run_anyio, by):
    async def ask():
        return await anyio.getaddrinfo("mx.shop.example", 25, family=socket.AF_INET, type=socket.SOCK_STREAM)

    [found] = run_anyio(ask)

    assert found[4] == (resolvable, 25)
    assert asked() == [("mx.shop.example", "A", "NOERROR", by("getaddrinfo"), None, mailnet.sender.ip)]


def test_aiohttp_s_threaded_resolver_is_answered(mailnet, resolvable, asked, run, by):
    async def ask():
        resolver = ThreadedResolver()
        found = await resolver.resolve("mx.shop.example", 25, socket.AF_INET)
        await resolver.close()
        return found

    [found] = run(ask)

    assert (found["hostname"], found["host"], found["port"]) == ("mx.shop.example", resolvable, 25)
    assert asked() == [("mx.shop.example", "A", "NOERROR", by("getaddrinfo"), None, mailnet.sender.ip)]


def test_sock_connect_takes_a_name_on_every_loop(mailnet, resolvable, sessions, run):
    async def talk():
        loop = asyncio.get_running_loop()
        with socket.socket() as sock:
            sock.settimeout(0)
            await loop.sock_connect(sock, ("mx.shop.example", 25))
            return await loop.sock_recv(sock, 4)

    assert run(talk) == b"220 "

    sessions()


def test_a_connection_over_a_socket_of_one_s_own_is_made(shop, mailnet, run):
    async def greet():
        loop = asyncio.get_running_loop()
        sock = socket.socket()
        sock.setblocking(False)  # noqa: FBT003
        await loop.sock_connect(sock, ("mx.shop.example", 25))
        reader, writer = await asyncio.open_connection(sock=sock)
        banner = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return banner

    assert run(greet) == b"220 mx.shop.example ESMTP\r\n"


def test_a_connection_to_the_machine_is_left_alone(echo, mailnet, run):
    async def talk():
        reader, writer = await asyncio.open_connection(*echo)
        writer.write(b"hello")
        said = await reader.readexactly(5)
        writer.close()
        await writer.wait_closed()
        return said

    assert run(talk) == b"hello"


def test_a_connect_that_is_given_up_leaves_no_socket(shop, mailnet, run):
    mailnet.fail("shop.example", "dropped-at-connect")

    async def give_up():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.open_connection("mx.shop.example", 25), 0.05)

    run(give_up)

    assert [it.host for it in mailnet.sessions] == []
