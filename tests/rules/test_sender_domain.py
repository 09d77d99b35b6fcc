"""The names that clients give: in EHLO, and behind the @ of the reverse-path."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.rules.helo import HeloNoName, HeloOwnName, HeloUnresolvable
from pytest_mailnet.rules.sender_domain import (
    SenderDomainNotFound,
    SenderDomainNullMx,
    SenderDomainTemperror,
    SenderDomainUnreachable,
    SenderDomainWithoutSoa,
    SenderNotQualified,
)


@pytest.mark.parametrize("helo", ["mail.b.example", "mail.b.example.", "[203.0.113.7]", "[IPv6:2001:db8::7]"])
def test_a_qualified_name_or_an_address_literal_passes(evidence, make_step, helo):
    assert HeloNoName().decide(make_step(helo=helo), evidence) is None


@pytest.mark.parametrize(
    "helo",
    ["localhost", "203.0.113.7", "[203.0.113]", "-a.example", "a..example", "a_b.example", "[x]", "a" * 300],
)
def test_anything_else_is_no_name(evidence, make_step, helo):
    refusal = HeloNoName().decide(make_step(helo=helo), evidence)

    assert refusal.why == f"{helo!r} is no fully qualified name and no address literal"


@pytest.mark.parametrize("rdtype", ["A", "AAAA", "MX"])
def test_a_name_with_an_address_or_an_mx_is_resolvable(evidence, make_step, rdtype):
    value = {"A": "203.0.113.7", "AAAA": "2001:db8::7", "MX": "10 mx.b.example."}[rdtype]
    evidence.dns.add("mail.b.example", rdtype, value)

    assert HeloUnresolvable().decide(make_step(helo="mail.b.example"), evidence) is None


def test_a_name_without_is_not(evidence, make_step):
    assert HeloUnresolvable().decide(make_step(helo="mail.b.example"), evidence).why == (
        "mail.b.example has no A, AAAA or MX record"
    )


@given(st.text(min_size=1, max_size=300))
def test_any_name_can_be_asked_about(text):
    surroundings = SimpleNamespace(dns=Resolver())
    step = SimpleNamespace(helo=text)

    for rule in (HeloNoName(), HeloUnresolvable()):
        rule.decide(step, surroundings)


def test_a_name_that_cannot_be_looked_up_for_now_passes(evidence, make_step):
    evidence.dns.fail("mail.b.example", "SERVFAIL")

    assert HeloUnresolvable().decide(make_step(helo="mail.b.example"), evidence) is None


@pytest.mark.parametrize(
    "helo", ["mx.corp.example", "MX.corp.example", "mx.corp.example.", "[192.0.2.1]", "192.0.2.1"]
)
def test_the_server_s_own_name_is_nobody_else_s(evidence, make_step, helo):
    assert HeloOwnName().decide(make_step(helo=helo), evidence).why == f"{helo} is this server itself"


def test_another_name_is(evidence, make_step):
    assert HeloOwnName().decide(make_step(helo="mail.b.example"), evidence) is None


@pytest.mark.parametrize(
    "rule",
    [
        SenderNotQualified,
        SenderDomainNotFound,
        SenderDomainTemperror,
        SenderDomainUnreachable,
        SenderDomainNullMx,
        SenderDomainWithoutSoa,
    ],
)
@pytest.mark.parametrize("reverse_path", ["", "bob@b.example", "bob@[203.0.113.7]"])
def test_the_null_sender_and_a_domain_in_order_pass(evidence, make_step, rule, reverse_path):
    evidence.dns.add("b.example", "MX", "10 mx.b.example.")

    assert rule().decide(make_step(reverse_path=reverse_path), evidence) is None


def test_a_domain_that_does_not_exist_is_refused(evidence, make_step):
    step = make_step(reverse_path="bob@b.example")

    assert SenderDomainNotFound().decide(step, evidence).why == "b.example does not exist, NXDOMAIN"
    assert SenderDomainUnreachable().decide(step, evidence).why == "b.example has no MX, A or AAAA record"


def test_a_domain_with_other_records_exists_and_cannot_be_reached(evidence, make_step):
    evidence.dns.add("b.example", "TXT", "hi")
    step = make_step(reverse_path="bob@b.example")

    assert SenderDomainNotFound().decide(step, evidence) is None
    assert SenderDomainUnreachable().decide(step, evidence) is not None


@pytest.mark.parametrize("rule", [SenderDomainNotFound, SenderDomainUnreachable])
def test_a_dns_that_fails_is_no_evidence(evidence, make_step, rule):
    evidence.dns.fail("b.example", "SERVFAIL")

    assert rule().decide(make_step(reverse_path="bob@b.example"), evidence) is None


@pytest.mark.parametrize(
    ("rdtype", "why"),
    [
        (None, "b.example cannot be looked up, MX is answered with SERVFAIL"),
        ("A", "b.example cannot be looked up, A is answered with SERVFAIL"),
    ],
)
def test_a_dns_that_fails_is_refused_by_the_rule_for_it(evidence, make_step, rdtype, why):
    evidence.dns.fail("b.example", "SERVFAIL", rdtype=rdtype)
    rule = SenderDomainTemperror(reply="defer")

    assert rule.decide(make_step(reverse_path="bob@b.example"), evidence) == (
        "defer",
        why,
        {"domain": "b.example"},
    )
    assert rule.decide(make_step(reverse_path="bob@nowhere.example"), evidence) is None


def test_a_domain_with_an_mx_needs_no_other_answer(evidence, make_step):
    evidence.dns.add("b.example", "MX", "10 mx.b.example.")
    evidence.dns.fail("b.example", "SERVFAIL", rdtype="A")

    assert SenderDomainTemperror().decide(make_step(reverse_path="bob@b.example"), evidence) is None


def test_a_sender_is_deferred_while_dns_fails(corp_with, say):
    net = corp_with(
        'rule = "sender_domain_temperror"\nreply = "refused"', "450 4.1.8 <{sender}>: Domain not found"
    )
    net.dns.fail("b.example", "SERVFAIL", times=1)
    lines = ("EHLO a.example", "MAIL FROM:<bob@b.example>", "RCPT TO:<alice@corp.example>")

    said = [say(*lines)[-1] for _ in range(2)]

    assert said == ["450 4.1.8 <bob@b.example>: Domain not found", "250 2.1.5 OK"]


def test_a_domain_that_takes_no_mail_sends_none(evidence, make_step):
    evidence.dns.add("b.example", "MX", "0 .")

    assert SenderDomainNullMx().decide(make_step(reverse_path="bob@b.example"), evidence).why == (
        "b.example has a null MX"
    )


def test_a_name_without_a_dot_is_not_qualified(evidence, make_step):
    assert SenderNotQualified().decide(make_step(reverse_path="root@localhost"), evidence).why == (
        "localhost is not fully qualified"
    )


@pytest.mark.parametrize(
    ("rule", "helo", "path"),
    [
        ("helo_no_name", "localhost", "bob@b.example"),
        ("helo_unresolvable", "nowhere.example", "bob@b.example"),
        ("helo_own_name", "mx.corp.example", "bob@b.example"),
        ("sender_not_qualified", "b.example", "bob@localhost"),
        ("sender_domain_not_found", "b.example", "bob@nowhere.example"),
        ("sender_domain_unreachable", "b.example", "bob@nowhere.example"),
        ("sender_domain_null_mx", "b.example", "bob@null.example"),
    ],
)
def test_names_are_judged_over_the_wire(corp_with, say, rule, helo, path):
    net = corp_with(f'rule = "{rule}"\nreply = "refused"', "504 5.5.2 <{helo}> <{sender}>")
    net.dns.add("b.example", "A", "203.0.113.7")
    net.dns.add("null.example", "MX", "0 .")
    rcpt = "RCPT TO:<alice@corp.example>"

    good = say("EHLO b.example", "MAIL FROM:<bob@b.example>", rcpt)[-1]
    bad = say(f"EHLO {helo}", f"MAIL FROM:<{path}>", rcpt)[-1]

    assert good == "250 2.1.5 OK"
    assert bad == f"504 5.5.2 <{helo}> <{path}>"


def test_an_address_in_place_of_a_name_needs_no_records(evidence, make_step):
    assert HeloUnresolvable().decide(make_step(helo="[203.0.113.7]"), evidence) is None


def test_a_domain_without_mx_or_address_has_an_soa(evidence, make_step):
    evidence.dns.add("b.example", "TXT", "hi")

    assert SenderDomainWithoutSoa().decide(make_step(reverse_path="bob@b.example"), evidence) is None


@pytest.mark.parametrize(
    ("reverse_path", "content"),
    [
        ("bob@c.example", None),
        ("bob@b.example", b"From: bob@c.example\r\n\r\n"),
        ("", b"From: bob@c.example\r\n\r\n"),
    ],
)
def test_the_domains_of_reverse_path_and_author_are_to_have_an_soa(
    evidence, make_step, reverse_path, content
):
    evidence.dns.add("b.example", "TXT", "hi")
    step = make_step(reverse_path=reverse_path, content=content)

    assert SenderDomainWithoutSoa().decide(step, evidence).why == "c.example does not exist, NXDOMAIN"
