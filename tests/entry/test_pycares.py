"""pycares and aiodns: a resolver in C, with sockets of its own."""

from __future__ import annotations

import asyncio
import socket

import aiodns
import pytest


def told(result):
    return sorted((record.data.priority, record.data.exchange.rstrip(".") + ".") for record in result.answer)


def ask_aiodns(**options):
    async def ask():
        async with aiodns.DNSResolver(**options) as resolver:
            return told(await resolver.query_dns("shop.example", "MX"))

    return ask


def test_aiodns_is_answered(mailnet, mx, asked, run):
    assert run(ask_aiodns()) == mx

    assert asked() == [("shop.example", "MX", "NOERROR", "udp", None, mailnet.sender.ip)]


def test_aiodns_that_is_told_a_server_is_answered(mailnet, mx, asked):
    assert asyncio.run(ask_aiodns(nameservers=["8.8.8.8"])()) == mx

    assert [(name, rdtype) for name, rdtype, *_ in asked()] == [("shop.example", "MX")]


def test_aiodns_given_servers_afterwards_is_answered(mailnet, mx, asked):
    async def ask():
        async with aiodns.DNSResolver() as resolver:
            resolver.nameservers = ["8.8.8.8"]
            return told(await resolver.query_dns("shop.example", "MX"))

    assert asyncio.run(ask()) == mx

    assert len(asked()) == 1


def test_aiodns_finds_addresses_of_both_versions(mailnet, asked):
    mailnet.add_server("mx.shop.example", ip=["192.0.2.25", "2001:db8::25"])

    async def ask():
        async with aiodns.DNSResolver() as resolver:
            found = await resolver.getaddrinfo("mx.shop.example", family=socket.AF_UNSPEC)
            return sorted(node.addr[0].decode() for node in found.nodes)

    assert asyncio.run(ask()) == ["192.0.2.25", "2001:db8::25"]

    assert sorted(rdtype for _, rdtype, *_ in asked()) == ["A", "AAAA"]


def test_aiodns_is_told_of_an_unknown_name(mailnet):
    async def ask():
        async with aiodns.DNSResolver() as resolver:
            with pytest.raises(aiodns.error.DNSError) as error:
                await resolver.query_dns("nobody.example", "MX")
            return error.value.args[0]

    assert asyncio.run(ask()) == aiodns.error.ARES_ENOTFOUND
