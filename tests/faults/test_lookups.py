"""Faults of DNS: what a resolver hears, and what the net records."""

from __future__ import annotations

import smtplib
import socket

import dns.exception
import dns.message
import dns.query
import dns.resolver
import pytest

from pytest_mailnet.errors import InvalidSetting, UnknownName, ZoneError
from pytest_mailnet.faults import FAULTS, DnsFault, DnsManner
from pytest_mailnet.net.mailnet import life_of

DOMAIN = "shop.example"
HOST = "mx.shop.example"
pytestmark = pytest.mark.usefixtures("shop")


def exchanges(domain=DOMAIN):
    found = sorted(dns.resolver.resolve(domain, "MX"), key=lambda mx: mx.preference)
    return [f"{mx.preference} {mx.exchange}" for mx in found]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("dns-servfail", dns.resolver.NoNameservers),
        ("dns-refused", dns.resolver.NoNameservers),
        ("dns-notimp", dns.resolver.NoNameservers),
        ("dns-formerr", dns.resolver.NoNameservers),
        ("dns-lame", dns.resolver.NoNameservers),
        ("dns-cname-loop", dns.resolver.NoNameservers),
        ("dns-truncated", dns.resolver.NoNameservers),
        ("dns-nxdomain", dns.resolver.NXDOMAIN),
        ("dns-nodata", dns.resolver.NoAnswer),
        ("dns-time-out", dns.resolver.LifetimeTimeout),
        ("dns-wrong-address", dns.resolver.LifetimeTimeout),
        ("dns-wrong-id", dns.resolver.LifetimeTimeout),
        ("dns-slow", dns.resolver.LifetimeTimeout),
    ],
)
def test_a_resolver_meets_what_it_meets_in_life(mailnet, fault, error):
    mailnet.fail(DOMAIN, fault)

    with pytest.raises(error):
        exchanges()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("dns-cname-at-mx", ["10 alias.shop.example."]),
        ("dns-mx-is-address", ["10 192.0.2.10."]),
        ("dns-mx-to-localhost", ["10 localhost."]),
        ("dns-mx-dangling", ["10 gone.shop.example."]),
        ("dns-one-server-down", ["10 mx.shop.example."]),
    ],
)
def test_an_mx_leads_where_the_fault_says(mailnet, fault, told):
    mailnet.fail(DOMAIN, fault)

    assert exchanges() == told


def test_an_alias_at_an_mx_leads_to_the_host_after_all(mailnet):
    mailnet.fail(DOMAIN, "dns-cname-at-mx")

    with smtplib.SMTP("alias.shop.example") as client:
        assert client.noop()[0] == 250
    answer = dns.resolver.resolve("alias.shop.example", "A")
    assert answer.canonical_name.to_text() == "mx.shop.example."


def test_an_mx_to_localhost_is_refused_and_no_leak(mailnet):
    mailnet.fail(DOMAIN, "dns-mx-to-localhost")

    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP("127.0.0.1")


def test_very_many_mx_come_over_tcp_and_the_last_is_good(mailnet):
    mailnet.fail(DOMAIN, "dns-many-mx")

    told = exchanges()

    assert len(told) == 50
    assert told[-1] == "50 mx.shop.example."
    assert [query.via for query in mailnet.dns.queries] == ["udp", "tcp"]


def test_a_changed_mx_is_found_when_its_time_to_live_is_over(mailnet):
    mailnet.fail(DOMAIN, "dns-mx-changed")

    assert exchanges() == ["10 gone.shop.example."]
    mailnet.clock.advance(seconds=299)
    assert exchanges() == ["10 gone.shop.example."]
    mailnet.clock.advance(seconds=1)
    assert exchanges() == ["10 mx.shop.example."]


def test_a_slow_answer_is_heard_by_who_waits(mailnet):
    mailnet.fail(DOMAIN, "dns-slow")
    began = mailnet.clock.time()
    resolver = dns.resolver.Resolver()
    resolver.timeout = 10

    assert len(resolver.resolve(DOMAIN, "MX", lifetime=10)) == 1
    assert mailnet.clock.time() - began == pytest.approx(3, abs=0.1)


def test_a_resolver_that_looks_at_no_ids_is_fooled(mailnet):
    mailnet.fail(DOMAIN, "dns-wrong-id")
    query = dns.message.make_query(DOMAIN, "MX")

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.sendto(query.to_wire(), ("192.0.2.53", 53))
        answer = dns.message.from_wire(sock.recv(4096))

    assert answer.id == query.id ^ 0xFFFF
    assert len(answer.answer) == 1


def test_an_answer_from_a_wrong_address_comes_from_there(mailnet):
    mailnet.fail(DOMAIN, "dns-wrong-address")
    query = dns.message.make_query(DOMAIN, "MX")

    with pytest.raises(dns.query.UnexpectedSource):
        dns.query.udp(query, "192.0.2.53", timeout=5)


def test_getaddrinfo_fails_for_now_where_no_answer_comes(mailnet):
    mailnet.fail(HOST, "dns-time-out")

    with pytest.raises(socket.gaierror) as told:
        socket.getaddrinfo(HOST, 25)

    assert told.value.errno == socket.EAI_AGAIN


def test_a_lame_zone_has_no_names_at_all(mailnet):
    mailnet.dns.fail(DOMAIN, "dns-lame")

    with pytest.raises(dns.resolver.NoNameservers):
        dns.resolver.resolve(HOST, "A")


def test_the_names_of_a_zone_that_was_lame_are_there_again(mailnet):
    mailnet.dns.fail(DOMAIN, "dns-lame", times=1)

    with pytest.raises(dns.resolver.NoNameservers):
        exchanges()

    assert exchanges() == ["10 mx.shop.example."]
    assert str(dns.resolver.resolve(HOST, "A")[0]) == "192.0.2.10"


def test_a_fault_of_look_ups_happens_as_often_as_asked_for(mailnet):
    mailnet.fail(DOMAIN, "dns-servfail", times=1)

    with pytest.raises(dns.resolver.NoNameservers):
        exchanges()
    assert exchanges() == ["10 mx.shop.example."]


def test_faults_of_a_name_are_met_in_the_order_in_which_they_were_asked_for(mailnet):
    mailnet.dns.fail(DOMAIN, "SERVFAIL", times=1)
    mailnet.dns.fail(DOMAIN, "NXDOMAIN")
    mailnet.dns.fail(DOMAIN, "NXDOMAIN")

    with pytest.raises(dns.resolver.NoNameservers):
        exchanges()
    with pytest.raises(dns.resolver.NXDOMAIN):
        exchanges()


def test_faults_of_different_questions_about_a_name_stand_beside_each_other(mailnet):
    mailnet.dns.fail(HOST, "SERVFAIL", rdtype="AAAA")
    mailnet.dns.fail(HOST, "NXDOMAIN", rdtype="A")

    with pytest.raises(dns.resolver.NXDOMAIN):
        dns.resolver.resolve(HOST, "A")


def test_the_report_tells_of_a_question_that_got_no_answer(mailnet):
    from pytest_mailnet.timeline.story import timeline

    mailnet.fail(DOMAIN, "dns-time-out")
    with pytest.raises(dns.resolver.LifetimeTimeout):
        exchanges()

    assert "shop.example MX? fault dns-time-out  (udp" in timeline(life_of(mailnet).journal)


def test_a_queue_keeps_what_cannot_be_looked_up(mailnet):
    server = mailnet.add_server("smtp.app.example", domain="app.example")
    server.trust("203.0.113.0/24")
    mailnet.fail(DOMAIN, "dns-time-out")
    with smtplib.SMTP("smtp.app.example") as client:
        client.sendmail("bob@app.example", ["alice@shop.example"], b"Subject: hi\r\n\r\nhi\r\n")

    mailnet.deliver_all()

    assert mailnet.queue[0].reason == "DNS does not answer when asked for the MX records of shop.example"


@pytest.mark.parametrize(
    ("do", "error", "text"),
    [
        (lambda net: net.fail(DOMAIN, "dns-servfial"), UnknownName, "did you mean 'dns-servfail'"),
        (lambda net: net.fail("shup.example", "dns-servfail"), UnknownName, "did you mean 'shop.example'"),
        (lambda net: net.fail("shup.example", "reset-at-rcpt"), UnknownName, "did you mean 'shop.example'"),
        (lambda net: net.fail(DOMAIN, "dns-servfail", times=0), ZoneError, "1 time or more"),
        (lambda net: net.fail(HOST, "dns-mx-dangling"), ZoneError, "has no MX records that could be wrong"),
        (
            lambda net: net.host(HOST).fail("dns-servfail"),
            InvalidSetting,
            "happens to a domain, not to a host",
        ),
    ],
)
def test_what_cannot_go_wrong_is_told(mailnet, do, error, text):
    with pytest.raises(error, match=text):
        do(mailnet)


def test_a_fault_can_be_given_to_an_address_and_by_itself(mailnet):
    mailnet.fail("alice@shop.example", DnsFault(DnsManner.NODATA))

    with pytest.raises(dns.resolver.NoAnswer):
        exchanges()


def test_every_fault_of_look_ups_is_of_one_stage_and_kind():
    found = [it for it in FAULTS.values() if isinstance(it, DnsFault)]

    assert {(it.stage, it.kind, it.taken) for it in found} == {("lookup", "dns", None)}
    assert len(found) == len(DnsManner)
