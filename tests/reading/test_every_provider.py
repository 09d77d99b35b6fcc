"""Every provider whose hosts for IMAP or POP3 are known: somebody has a mailbox there, gets mail and reads it."""

from __future__ import annotations

import base64
import imaplib
import poplib

import dns.resolver
import pytest

from pytest_mailnet.providers import catalogue_with

CATALOGUE = catalogue_with()
READINGS = {
    name: reading for name in CATALOGUE.names if (reading := CATALOGUE.reading(CATALOGUE.load(name))).servers
}


def domains_at(name):
    """The domains in which somebody can have a mailbox: the provider's, and one of a customer's."""
    facts = CATALOGUE.load(name)
    return (*facts.domains, *(["shop.example"] if facts.customer else []))


def homes_with(protocol):
    """The domains of each provider that has the protocol."""
    return [
        (name, domain)
        for name, reading in READINGS.items()
        if any(it.protocol == protocol for it in reading.servers)
        for domain in domains_at(name)
    ]


@pytest.fixture
def mailbox_with_mail(mailnet):
    """Opens a mailbox in a domain at a provider, and has the domain's MX take a mail for it."""

    def mailbox_with_mail(name, domain):
        if domain not in mailnet.provider(name).domains:
            mailnet.add_domain(domain, on=name)
        alice = mailnet.provider(name).add_mailbox(f"alice@{domain}", password="open sesame")
        sender = mailnet.add_server("mx.sender.example", domain="sender.example")
        sender.send(sender="bob", to=alice.address, subject="Hello")
        mailnet.deliver_all()
        exchanges = {it.exchange.to_text(omit_final_dot=True) for it in dns.resolver.resolve(domain, "MX")}
        assert [(it.subject, it.session.host in exchanges) for it in alice.messages] == [("Hello", True)]
        return alice

    return mailbox_with_mail


def password_of(alice, servers):
    return alice.account.add_app_password() if servers.passwords == "app" else "open sesame"


def xoauth2_of(alice):
    return f"user={alice.address}\1auth=Bearer {alice.account.issue_token()}\1\1".encode()


def subjects_by_imap(alice, servers, host):
    with imaplib.IMAP4_SSL(host) as client:
        if servers.passwords == "never":
            client.authenticate("XOAUTH2", lambda _: xoauth2_of(alice))
        else:
            client.login(alice.address, password_of(alice, servers))
        if "ID" in client.capabilities:
            client.xatom("ID", '("name" "imaplib")')  # NetEase opens no folder without it
        client.select()
        _, found = client.fetch("1:*", "(BODY[HEADER.FIELDS (SUBJECT)])")
    return [part[1] for part in found if isinstance(part, tuple)]


def subjects_by_pop3(alice, servers, host):
    client = poplib.POP3_SSL(host)
    if servers.passwords == "never":
        client._shortcmd(f"AUTH XOAUTH2 {base64.b64encode(xoauth2_of(alice)).decode()}")
    else:
        client.user(alice.address)
        client.pass_(password_of(alice, servers))
    count, _ = client.stat()
    mails = [client.retr(number)[1] for number in range(1, count + 1)]
    client.quit()
    return [line for lines in mails for line in lines if line.startswith(b"Subject:")]


@pytest.mark.parametrize("name", READINGS)
def test_somebody_can_have_a_mailbox_where_mail_is_read(name):
    assert domains_at(name)


@pytest.mark.parametrize(("name", "domain"), homes_with("IMAP"))
def test_what_the_domain_s_mx_took_is_read_by_imap(mailbox_with_mail, name, domain):
    servers = READINGS[name].imap
    alice = mailbox_with_mail(name, domain)

    found = {host: subjects_by_imap(alice, servers, host) for host in servers.hosts}

    assert found == {host: [b"Subject: Hello\r\n\r\n"] for host in servers.hosts}


@pytest.mark.parametrize(("name", "domain"), homes_with("POP3"))
def test_what_the_domain_s_mx_took_is_read_by_pop3(mailbox_with_mail, name, domain):
    servers = READINGS[name].pop3
    alice = mailbox_with_mail(name, domain)

    found = {host: subjects_by_pop3(alice, servers, host) for host in servers.hosts}

    assert found == {host: [b"Subject: Hello"] for host in servers.hosts}
