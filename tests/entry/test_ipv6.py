"""Hosts of both families, one of which is out of reach, and a machine without IPv6."""

from __future__ import annotations

import asyncio
import errno
import smtplib
import socket

import dns.resolver
import pytest

aiosmtplib = pytest.importorskip("aiosmtplib")

HOST = "mx.shop.example"
V4, V6 = "192.0.2.25", "2001:db8::25"


@pytest.fixture
def both(mailnet):
    """A name with an address of each family, at different machines: that of IPv6 can fail by itself."""
    mailnet.clock.compress()
    mailnet.add_server(HOST, domain="shop.example", ip=V4)
    six = mailnet.add_server("v6.shop.example", domain="shop.example", ip=V6)
    mailnet.dns.add(HOST, "AAAA", V6)
    return six


@pytest.fixture
def bare(mailnet):
    """A name with an address of each family, asked for by a machine without IPv6."""
    mailnet.add_server(HOST, domain="shop.example", ip=[V6, V4])
    mailnet.sender.ipv6 = None


def by_smtplib():
    with smtplib.SMTP(HOST, 25, timeout=30) as client:
        return client.sock.getpeername()[0]


async def _aiosmtplib():
    async with aiosmtplib.SMTP(hostname=HOST, port=25, timeout=60, start_tls=False) as client:
        return client.get_transport_info("peername")[0]


def by_aiosmtplib():
    return asyncio.run(_aiosmtplib())


async def _happy_eyeballs():
    _, writer = await asyncio.open_connection(HOST, 25, happy_eyeballs_delay=0.05)
    found = writer.get_extra_info("peername")[0]
    writer.close()
    await writer.wait_closed()
    return found


def by_happy_eyeballs():
    return asyncio.run(_happy_eyeballs())


each_client = pytest.mark.parametrize("connect", [by_smtplib, by_aiosmtplib, by_happy_eyeballs])


def found(**options):
    return [info[4][0] for info in socket.getaddrinfo(HOST, 25, type=socket.SOCK_STREAM, **options)]


@each_client
def test_ipv6_is_tried_first(both, connect):
    assert found() == [V6, V4]
    assert connect() == V6


@each_client
@pytest.mark.parametrize("fault", ["refused-at-connect", "no-route-at-connect"])
def test_where_ipv6_fails_ipv4_is_next(both, connect, fault):
    both.fail(fault)

    assert connect() == V4


@pytest.mark.parametrize("connect", [by_smtplib, by_happy_eyeballs])
def test_where_ipv6_does_not_answer_ipv4_is_next(both, connect):
    both.fail("dropped-at-connect")

    assert connect() == V4


def test_a_client_with_one_time_limit_for_all_addresses_never_comes_to_ipv4(mailnet, both):
    both.fail("dropped-at-connect")

    with pytest.raises(aiosmtplib.SMTPConnectTimeoutError):
        by_aiosmtplib()

    assert mailnet.sessions == []


@each_client
def test_a_machine_without_ipv6_takes_the_address_of_ipv4(bare, connect):
    assert connect() == V4


def test_to_a_machine_without_ipv6_there_is_no_way_to_an_ipv6_address(mailnet, bare, why):
    with pytest.raises(OSError, match=why("Network is unreachable: this machine has no IPv6")) as failed:
        socket.create_connection((V6, 25), timeout=10)

    assert failed.value.errno == errno.ENETUNREACH
    assert mailnet.sessions == []


@pytest.mark.parametrize("connect", [by_smtplib, by_aiosmtplib])
def test_a_host_of_ipv6_alone_cannot_be_reached_without_it(mailnet, connect):
    mailnet.add_server(HOST, ip=V6)
    mailnet.sender.ipv6 = None

    with pytest.raises((OSError, aiosmtplib.SMTPConnectError), match="Network is unreachable"):
        connect()


def test_without_ipv6_names_lead_to_ipv4_first(bare):
    # RFC 6724, 6, rule 1: avoid unusable destinations.
    assert found() == [V4, V6]


def test_without_ipv6_only_addresses_that_are_of_use_can_be_asked_for(mailnet, bare):
    assert found(flags=socket.AI_ADDRCONFIG) == [V4]
    with pytest.raises(socket.gaierror) as failed:
        found(family=socket.AF_INET6, flags=socket.AI_ADDRCONFIG)
    assert failed.value.errno == socket.EAI_NONAME

    mailnet.sender.ipv6 = "2001:db8::7"

    assert found(flags=socket.AI_ADDRCONFIG) == [V6, V4]
    assert by_smtplib() == V6
    assert mailnet.sessions[0].client.ip == "2001:db8::7"


def test_what_is_published_of_a_sender_without_ipv6_has_ipv4_only(mailnet):
    sender = mailnet.sender
    before = sender.addresses

    sender.ipv6 = None

    sender.publish("shop.example", dkim=False, dmarc=None)
    [spf] = dns.resolver.resolve("shop.example", "TXT")
    assert spf.strings == (b"v=spf1 ip4:203.0.113.7 -all",)
    assert dns.resolver.resolve(sender.ptr, "A")[0].address == "203.0.113.7"
    with pytest.raises(dns.resolver.NoAnswer):
        dns.resolver.resolve(sender.ptr, "AAAA")
    sender.ipv6 = before[1]
    assert dns.resolver.resolve(sender.ptr, "AAAA")[0].address == sender.ipv6
