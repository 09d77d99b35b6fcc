"""The addresses from which providers send, as SPF sees them at the next hop."""

from __future__ import annotations

import re

import dns.resolver
import pytest

from pytest_mailnet.providers import catalogue_with

pytest.importorskip("spf")

CATALOGUE = catalogue_with()
OWN = [(name, domain) for name in CATALOGUE.names for domain in CATALOGUE.load(name).domains]
HOSTING = [name for name in CATALOGUE.names if CATALOGUE.load(name).customer]


def publishes_spf(domain):
    try:
        answer = dns.resolver.resolve(domain, "TXT")
    except dns.resolver.NoAnswer:
        return False
    return any(it.strings[0].startswith(b"v=spf1 ") for it in answer)


def spf_of_mail_from(mailnet, provider, sender):
    """What the next provider finds of SPF in a mail that a user of a provider writes: Gmail, or Yahoo of Gmail's."""
    elsewhere = mailnet.yahoo if provider.name == "gmail" else mailnet.gmail
    bob = elsewhere.add_mailbox("bob")
    provider.send(sender=sender, to=bob.address)
    mailnet.deliver_all()
    [message] = bob.messages
    return re.search(rb"spf=(\w+)", message.trace)[1].decode()


@pytest.mark.parametrize(("name", "domain"), OWN, ids=[domain for _, domain in OWN])
def test_spf_passes_for_mail_of_a_provider_s_own_domain_where_that_publishes_it(mailnet, name, domain):
    found = spf_of_mail_from(mailnet, mailnet.provider(name), f"alice@{domain}")

    assert found == ("pass" if publishes_spf(domain) else "none")


@pytest.mark.parametrize("name", HOSTING)
def test_spf_passes_for_mail_of_a_customer_s_domain_where_that_publishes_it(mailnet, name):
    provider = mailnet.add_domain("shop.example", on=name)

    found = spf_of_mail_from(mailnet, provider, "alice@shop.example")

    assert found == ("pass" if publishes_spf("shop.example") else "none")
