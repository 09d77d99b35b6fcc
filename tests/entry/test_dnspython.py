"""dnspython's resolvers, kept and new, sync and async, over UDP and TCP, by default and to 8.8.8.8."""

from __future__ import annotations

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.message
import dns.query
import dns.resolver
import dns.reversename
import pytest

GOOGLE = "8.8.8.8"


def told(answer):
    return sorted((record.preference, record.exchange.to_text()) for record in answer)


def google(kind):
    resolver = kind(configure=False)
    resolver.nameservers = [GOOGLE]
    return resolver


def test_the_default_resolver_is_answered(mailnet, mx, asked):
    assert told(dns.resolver.resolve("shop.example", "MX")) == mx

    assert asked() == [("shop.example", "MX", "NOERROR", "udp", None, mailnet.sender.ip)]


def test_a_new_resolver_is_answered(mailnet, mx, asked):
    assert told(dns.resolver.Resolver().resolve("shop.example", "MX")) == mx

    assert asked() == [("shop.example", "MX", "NOERROR", "udp", None, mailnet.sender.ip)]


def test_no_search_domain_of_this_machine_is_tried(mailnet, asked):
    with pytest.raises(dns.resolver.NXDOMAIN):
        dns.resolver.Resolver().resolve("shop", "A", search=True)

    assert {name for name, *_ in asked()} == {"shop"}


@pytest.mark.parametrize(("tcp", "via"), [(False, "udp"), (True, "tcp")])
def test_a_resolver_that_asks_google_is_answered(mailnet, mx, asked, tcp, via):
    assert told(google(dns.resolver.Resolver).resolve("shop.example", "MX", tcp=tcp)) == mx

    assert asked() == [("shop.example", "MX", "NOERROR", via, (GOOGLE, 53), mailnet.sender.ip)]


def test_an_answer_too_large_for_udp_is_fetched_over_tcp(mailnet, asked):
    texts = [f'"{number:03}{"x" * 200}"' for number in range(20)]
    mailnet.dns.add("big.example", "TXT", *texts)

    answer = google(dns.resolver.Resolver).resolve("big.example", "TXT")

    assert sorted(record.to_text() for record in answer) == texts
    assert [(via, server) for *_, via, server, _ in asked()] == [("udp", (GOOGLE, 53)), ("tcp", (GOOGLE, 53))]


@pytest.mark.parametrize(("ask", "via"), [(dns.query.udp, "udp"), (dns.query.tcp, "tcp")])
def test_a_query_to_google_is_answered(mailnet, mx, asked, ask, via):
    question = dns.message.make_query("shop.example", "MX")

    reply = ask(question, GOOGLE, timeout=10)

    assert told(reply.answer[0]) == mx
    assert asked() == [("shop.example", "MX", "NOERROR", via, (GOOGLE, 53), mailnet.sender.ip)]


def test_a_query_over_ipv6_is_answered(mailnet, mx, asked):
    question = dns.message.make_query("shop.example", "MX")

    reply = dns.query.udp(question, "2001:4860:4860::8888", timeout=10)

    assert told(reply.answer[0]) == mx
    [(*_, server, client)] = asked()
    assert (server, client) == (("2001:4860:4860::8888", 53), mailnet.sender.ipv6)


def test_a_query_from_a_source_address_comes_from_there(mailnet, mx, asked):
    other = mailnet.add_sender(ip="203.0.113.99")

    dns.query.udp(dns.message.make_query("shop.example", "MX"), GOOGLE, timeout=10, source=other.ip)

    assert asked() == [("shop.example", "MX", "NOERROR", "udp", (GOOGLE, 53), "203.0.113.99")]


def test_a_reverse_name_is_resolved(mailnet, resolvable, asked):
    answer = dns.resolver.resolve_address(resolvable)

    assert [record.to_text() for record in answer] == ["mx.shop.example."]
    assert asked()[0][1:4] == ("PTR", "NOERROR", "udp")


def test_no_name_and_no_record_are_told_apart(mailnet, mx, asked):
    with pytest.raises(dns.resolver.NXDOMAIN):
        dns.resolver.resolve("nobody.example", "MX")
    with pytest.raises(dns.resolver.NoAnswer):
        dns.resolver.resolve("shop.example", "TXT")

    assert [(name, rcode) for name, _, rcode, *_ in asked()] == [
        ("nobody.example", "NXDOMAIN"),
        ("shop.example", "NOERROR"),
    ]


def test_the_default_async_resolver_is_answered(mailnet, mx, asked, run_anywhere):
    async def ask():
        return told(await dns.asyncresolver.resolve("shop.example", "MX"))

    assert run_anywhere(ask) == mx

    assert asked() == [("shop.example", "MX", "NOERROR", "udp", None, mailnet.sender.ip)]


def test_a_new_async_resolver_is_answered(mailnet, mx, asked, run_anywhere):
    async def ask():
        return told(await dns.asyncresolver.Resolver().resolve("shop.example", "MX"))

    assert run_anywhere(ask) == mx

    assert asked() == [("shop.example", "MX", "NOERROR", "udp", None, mailnet.sender.ip)]


@pytest.mark.parametrize("via", ["udp", "tcp"])
def test_an_async_resolver_that_asks_google_is_answered(mailnet, mx, asked, run_anywhere, via):
    async def ask():
        resolver = google(dns.asyncresolver.Resolver)
        return told(await resolver.resolve("shop.example", "MX", tcp=via == "tcp", lifetime=3))

    assert run_anywhere(ask) == mx

    assert asked() == [("shop.example", "MX", "NOERROR", via, (GOOGLE, 53), mailnet.sender.ip)]


def test_an_async_query_to_google_is_answered(mailnet, mx, asked, run_anywhere):
    async def ask():
        question = dns.message.make_query("shop.example", "MX")
        return told((await dns.asyncquery.udp(question, GOOGLE, timeout=3)).answer[0])

    assert run_anywhere(ask) == mx

    assert asked() == [("shop.example", "MX", "NOERROR", "udp", (GOOGLE, 53), mailnet.sender.ip)]


def test_loops_of_each_kind_are_answered_in_one_test(mailnet, mx):
    import asyncio

    import trio

    async def ask():
        return told(await dns.asyncresolver.resolve("shop.example", "MX"))

    # dnspython keeps the kind of loop that it first met: the order of tests must not matter.
    with_asyncio = asyncio.run(ask())
    dns.asyncbackend.set_default_backend("trio")

    assert with_asyncio == trio.run(ask) == mx


def test_a_resolver_kept_from_one_net_asks_the_next_one(make_mailnet):
    with make_mailnet() as first:
        first.dns.add("shop.example", "TXT", '"first"')
        kept = google(dns.resolver.Resolver)
        before = kept.resolve("shop.example", "TXT")[0].to_text()
    with make_mailnet() as second:
        second.dns.add("shop.example", "TXT", '"second"')

        after = kept.resolve("shop.example", "TXT")[0].to_text()

        assert (before, after) == ('"first"', '"second"')
        assert dns.resolver.resolve("shop.example", "TXT")[0].to_text() == '"second"'
