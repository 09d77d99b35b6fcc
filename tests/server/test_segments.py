"""The first packet of a connection, and the answers of a network: to the byte, without a network."""

from __future__ import annotations

import errno
import socket
import struct

import pytest

from pytest_mailnet.server.segments import FirstPacket

SYN = struct.pack("!HHIIBBHHH", 40000, 25, 0xFFFFFFFF, 0, 10 << 4, 2, 64240, 0xBEEF, 0) + bytes(20)


def packet(version):
    """A first packet from 203.0.113.7 or 2001:db8:203::7, port 40000, to port 25."""
    if version == 4:
        ends = socket.inet_aton("203.0.113.7") + socket.inet_aton("192.0.2.27")
        return struct.pack("!BBHHHBBH", 0x45, 0, 60, 1, 0, 64, 6, 0) + ends + SYN
    ends = b"".join(socket.inet_pton(socket.AF_INET6, it) for it in ("2001:db8:203::7", "2001:db8::27"))
    return struct.pack("!IHBB", 6 << 28, 40, 6, 64) + ends + SYN


def adds_up(protocol, version, ip_packet):
    """Whether the checksum of a packet's content is right (RFC 1071): with it, all adds up to ones."""
    header = 20 if version == 4 else 40
    body = ip_packet[header:]
    pseudo = b"" if protocol == 1 else ip_packet[12:20] if version == 4 else ip_packet[8:40]
    pseudo += b"" if protocol == 1 else struct.pack("!II", len(body), protocol)
    words = struct.unpack(f"!{(len(pseudo) + len(body)) // 2}H", pseudo + body)
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total == 0xFFFF


@pytest.fixture(params=[4, 6], ids=["IPv4", "IPv6"])
def version(request):
    return request.param


@pytest.fixture
def first(version):
    return FirstPacket.read(packet(version))


def test_its_ends_are_read(version, first):
    ips = ("203.0.113.7", "192.0.2.27") if version == 4 else ("2001:db8:203::7", "2001:db8::27")

    assert (first.source, first.destination) == ((ips[0], 40000), (ips[1], 25))
    assert first.sequence == 0xFFFFFFFF


def test_it_is_passed_on_as_it_is_with_its_checksum(version, first):
    header = 20 if version == 4 else 40

    sent = first.passed_on()

    assert sent[:header] == packet(version)[:header]
    assert sent[header : header + 16] == SYN[:16]
    assert adds_up(6, version, sent)


def test_a_refusal_is_a_reset_that_acknowledges_it(version, first):
    sent = first.refused()

    header = 20 if version == 4 else 40
    ports_and_numbers = struct.unpack_from("!HHII", sent, header)
    assert ports_and_numbers == (25, 40000, 0, 0)  # the sequence number after 0xFFFFFFFF
    assert sent[header + 13] == 0x14  # RST and ACK
    assert adds_up(6, version, sent)
    ends = slice(12, 20) if version == 4 else slice(8, 40)
    assert sent[ends] != packet(version)[ends]
    assert sorted(sent[ends]) == sorted(packet(version)[ends])


@pytest.mark.parametrize("error", [errno.EHOSTUNREACH, errno.ENETUNREACH])
def test_a_host_out_of_reach_is_told_by_icmp_with_the_beginning_of_the_packet(version, first, error):
    sent = first.unreachable(error)

    header = 20 if version == 4 else 40
    kinds = {
        (4, errno.ENETUNREACH): (3, 0),
        (4, errno.EHOSTUNREACH): (3, 1),
        (6, errno.ENETUNREACH): (1, 0),
        (6, errno.EHOSTUNREACH): (1, 3),
    }
    assert (sent[header], sent[header + 1]) == kinds[version, error]
    assert sent[header + 8 :] == packet(version)[: header + 20]
    assert adds_up(1 if version == 4 else 58, version, sent)
