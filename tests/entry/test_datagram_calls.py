"""Datagrams by each method of a socket: they go to the net's name server, and come from the one that was asked."""

from __future__ import annotations

import socket

import dns.message
import pytest
import trio

SERVER = ("8.8.8.8", 53)


@pytest.fixture
def sock(mailnet):
    """A socket that has a question to ask, which the net can answer."""
    mailnet.dns.add("shop.example", "MX", "10 mx.shop.example")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        yield sock


QUESTION = dns.message.make_query("shop.example", "MX").to_wire()


def records(packet):
    return [rrset.to_text() for rrset in dns.message.from_wire(bytes(packet)).answer]


ANSWER = ["shop.example. 300 IN MX 10 mx.shop.example."]


def test_an_answer_is_received_into_a_buffer(sock):
    buffer = bytearray(4096)
    sock.sendto(QUESTION, SERVER)

    count, address = sock.recvfrom_into(buffer)

    assert address == SERVER
    assert records(buffer[:count]) == ANSWER


def test_an_answer_is_received_as_a_message(sock):
    sock.sendmsg([QUESTION], [], 0, SERVER)

    data, ancillary, _, address = sock.recvmsg(4096)

    assert (ancillary, address) == ([], SERVER)
    assert records(data) == ANSWER


def test_an_answer_is_received_by_trio(sock):
    async def ask():
        with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking, trio.fail_after(10):
            await asking.sendto(QUESTION, SERVER)
            buffer = bytearray(4096)
            count, address = await asking.recvfrom_into(buffer)
            return buffer[:count], address

    packet, address = trio.run(ask)

    assert address == SERVER
    assert records(packet) == ANSWER


def test_a_message_goes_where_its_socket_is_connected_to(sock):
    sock.connect(SERVER)

    sock.sendmsg([QUESTION])

    assert records(sock.recv(4096)) == ANSWER


def test_a_datagram_without_an_address_is_the_kernel_s_error(sock):
    with pytest.raises(TypeError, match=r"sendto\(\) takes"):
        sock.sendto(QUESTION)
    with pytest.raises(OSError, match="Destination address required"):
        sock.sendmsg([QUESTION])


@pytest.mark.parametrize(
    "send",
    [lambda sock, data, to: sock.sendto(data, to), lambda sock, data, to: sock.sendmsg([data], [], 0, to)],
)
def test_a_datagram_to_a_name_that_there_is_not_is_not_sent(sock, send, why):
    with pytest.raises(socket.gaierror, match=why("is not in this mailnet")):
        send(sock, QUESTION, ("nowhere.example", 53))
