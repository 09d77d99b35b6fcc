"""What the tests of the net's DNS share: zones without a net, and questions in whole packets."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import dns.message
import pytest

from pytest_mailnet.dns.name_server import NameServer
from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.record.journal import Journal

NAME_SERVER = ("192.0.2.53", 53)


class Stream:
    """A TCP connection to the name server, for packets with their length before them."""

    def __init__(self) -> None:
        self._socket = socket.create_connection(NAME_SERVER, timeout=10)
        self._read = self._socket.makefile("rb")

    def send(self, *packets: bytes) -> None:
        self.send_raw(b"".join(struct.pack("!H", len(packet)) + packet for packet in packets))

    def send_raw(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self) -> bytes:
        [length] = struct.unpack("!H", self._read.read(2))
        return self._read.read(length)

    def close(self) -> None:
        self._read.close()
        self._socket.close()


@pytest.fixture
def journal() -> Journal:
    """Where the questions to `zones` are recorded."""
    return Journal()


@pytest.fixture
def zones() -> Resolver:
    """Zones without a net around them."""
    return Resolver()


@pytest.fixture
def name_server(zones, journal) -> NameServer:
    """A name server that no socket leads to."""
    return NameServer(zones, journal)


@pytest.fixture
def reply_to(name_server) -> Callable[..., bytes | None]:
    """Hand a packet to the name server, without a socket."""

    def answer(packet: bytes, *, tcp: bool = False) -> bytes | None:
        return name_server.answer(packet, tcp=tcp, server=None, client="203.0.113.7")

    return answer


@pytest.fixture
def ask(reply_to) -> Callable[..., dns.message.Message]:
    """Ask the name server as dnspython writes a question, without a socket."""

    def reply(name: str, rdtype: str, *, tcp: bool = False, **options: Any) -> dns.message.Message:
        return dns.message.from_wire(
            reply_to(dns.message.make_query(name, rdtype, **options).to_wire(), tcp=tcp)
        )

    return reply


@pytest.fixture
def datagrams(mailnet) -> Iterator[socket.socket]:
    """A UDP socket of the application, connected to the net's name server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.connect(NAME_SERVER)
        yield sock


@pytest.fixture
def stream(mailnet) -> Iterator[Stream]:
    """A TCP connection of the application to the net's name server."""
    opened = Stream()
    yield opened
    opened.close()
