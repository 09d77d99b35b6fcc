"""Ports as the kernel takes them: numbers, what is an index, and names of services."""

from __future__ import annotations

import asyncio
import enum
import errno
import socket
import subprocess
import sys

import dns.message
import pytest

from pytest_mailnet.net.mailnet import life_of

UNKNOWN = "198.51.100.77"


class Index:
    """A port as numpy.int64 is one: no `int`, and taken for one by the kernel."""

    def __init__(self, port):
        self.port = port

    def __index__(self):
        return self.port


class Port(enum.IntEnum):
    SMTP = 25


every_port = pytest.mark.parametrize("port", [Index(25), Port.SMTP], ids=["index", "enum"])


@every_port
def test_a_port_that_is_an_index_reaches_the_host(mailnet, resolvable, sessions, port):
    with socket.socket() as sock:
        sock.settimeout(10)
        sock.connect((resolvable, port))
        assert sock.recv(4) == b"220 "
        assert sock.getpeername() == (resolvable, 25)

    sessions()


@every_port
@pytest.mark.mailnet(strict=False)
@pytest.mark.parametrize("host", [UNKNOWN, "127.0.0.1", "localhost"])
def test_a_port_that_is_an_index_is_no_way_out(mailnet, port, host):
    with socket.socket() as sock:
        assert sock.connect_ex((host, port)) in {errno.ENETUNREACH, errno.ECONNREFUSED}

    [leak] = life_of(mailnet).journal.incidents
    assert ":25 was stopped" in leak.text


@every_port
@pytest.mark.mailnet(strict=False)
def test_the_kernel_s_own_connect_to_a_port_that_is_an_index_is_stopped(mailnet, port):
    with socket.socket() as sock, pytest.raises(OSError, match=r"198\.51\.100\.77:25 got past the patches"):
        super(socket.socket, sock).connect((UNKNOWN, port))

    assert len(life_of(mailnet).journal.incidents) == 1


@every_port
@pytest.mark.mailnet(strict=False)
def test_a_port_that_is_an_index_is_no_way_out_on_any_loop(mailnet, run, port):
    async def leak():
        with pytest.raises(OSError, match="unreachable"):
            await asyncio.open_connection(UNKNOWN, port)

    run(leak)

    assert len(life_of(mailnet).journal.incidents) == 1


def test_true_is_port_1(mailnet, resolvable):
    with socket.socket() as sock, pytest.raises(ConnectionRefusedError, match="does not listen on port 1,"):
        sock.connect((resolvable, True))


def test_a_datagram_to_a_port_that_is_an_index_asks_the_net(mailnet, mx, asked):
    with socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.sendto(dns.message.make_query("shop.example", "MX").to_wire(), ("8.8.8.8", Index(53)))
        _, server = sock.recvfrom(1000)

    assert server == ("8.8.8.8", 53)
    assert len(asked()) == 1


@pytest.mark.parametrize("port", ["smtp", "25", b"25", " 25", "65561"])
def test_a_service_or_digits_are_a_port_to_getaddrinfo(mailnet, resolvable, port):
    [found] = socket.getaddrinfo("mx.shop.example", port, socket.AF_INET, socket.SOCK_STREAM)

    assert found[4] == (resolvable, 25)


@pytest.mark.parametrize("port", ["²", "no such service", "a\0b"])
def test_what_is_no_service_is_the_c_library_s_error(mailnet, shop, port):
    with pytest.raises((socket.gaierror, ValueError)):
        socket.getaddrinfo("mx.shop.example", port)


@pytest.mark.parametrize("named", [True, False], ids=["name", "address"])
def test_open_connection_takes_a_service_on_every_loop(mailnet, resolvable, sessions, run, named):
    async def talk():
        reader, writer = await asyncio.open_connection("mx.shop.example" if named else resolvable, "smtp")
        assert (await reader.readline()).startswith(b"220 mx.shop.example ")
        writer.close()
        await writer.wait_closed()

    run(talk)

    sessions()


@pytest.mark.mailnet(strict=False)
def test_a_service_s_name_is_no_way_out_on_any_loop(mailnet, run):
    async def leak():
        with pytest.raises(OSError, match="unreachable"):
            await asyncio.open_connection(UNKNOWN, "submission")

    run(leak)

    [leak] = life_of(mailnet).journal.incidents
    assert f"{UNKNOWN}:587 was stopped" in leak.text


def test_a_child_s_port_that_is_an_index_reaches_the_host(mailnet, resolvable, sessions):
    mailnet.include_children()
    code = (
        "import socket\n"
        "class Index:\n"
        "    def __index__(self): return 25\n"
        f"with socket.socket() as sock: sock.connect(({resolvable!r}, Index())); print(sock.recv(4))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=25, check=False
    )

    assert (done.stdout, done.stderr) == ("b'220 '\n", "")
    sessions()
