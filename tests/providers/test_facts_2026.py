"""What providers do since 2025 and 2026, and domains that were moved."""

from __future__ import annotations

import smtplib

import dns.resolver
import pytest

MAIL = b"From: bob@shop.example\r\nMessage-ID: <1@shop.example>\r\n\r\nhi\r\n"


def exchanges(domain):
    return {str(it.exchange).rstrip(".") for it in dns.resolver.resolve(domain, "MX")}


def said(host, recipient, *, sender="bob@shop.example", content=MAIL):
    """The first refusal of a mail, or the reply after the dot."""
    with smtplib.SMTP() as client:
        answer = client.connect(host, 25)
        if answer[0] != 220:
            return answer
        client.ehlo("client.example")
        for command in (lambda: client.mail(sender), lambda: client.rcpt(recipient)):
            answer = command()
            if answer[0] >= 400:
                return answer
        return client.data(content)


@pytest.mark.parametrize(
    ("domain", "host"),
    [
        ("hotmail.fr", "eur.olc.protection.outlook.com"),
        ("outlook.de", "eur.olc.protection.outlook.com"),
        ("hotmail.co.uk", "eur.olc.protection.outlook.com"),
        ("outlook.jp", "apc.olc.protection.outlook.com"),
        ("yahoo.co.uk", "mx-eu.mail.am0.yahoodns.net"),
        ("sky.com", "mx-eu.mail.am0.yahoodns.net"),
        ("yahoo.com.sg", "mx-apac.mail.gm0.yahoodns.net"),
        ("att.net", "mx-att.mail.am0.yahoodns.net"),
        ("cox.net", "mta5.am0.yahoodns.net"),
        ("gmx.com", "mx00.gmx.net"),
        ("mail.com", "mx01.mail.com"),
        ("t-online.de", "mx00.t-online.de"),
        ("free.fr", "mx1.free.fr"),
        ("sfr.fr", "smtp-in.sfr.fr"),
        ("libero.it", "smtp-in.libero.it"),
        ("wp.pl", "mx.wp.pl"),
        ("seznam.cz", "mx1.seznam.cz"),
        ("naver.com", "mx1.naver.com"),
        ("freenet.de", "mx.freenet.de"),
        ("googlemail.com", "gmail-smtp-in.l.google.com"),
        ("me.com", "mx01.mail.icloud.com"),
        ("earthlink.net", "mx01.oxsus-vadesecure.net"),
        ("charter.net", "mx0.charter.net"),
        ("rambler.ru", "inmx.rambler.ru"),
    ],
)
@pytest.mark.usefixtures("mailnet")
def test_a_domain_has_its_exchange(domain, host):
    assert host in exchanges(domain)


def test_a_mailbox_can_be_in_any_domain_of_a_provider(mailnet):
    mailnet.yahoo.add_mailbox("alice@att.net")

    assert said("mx-att.mail.am0.yahoodns.net", "alice@att.net")[0] == 250


def test_outlook_defers_a_poor_address_with_the_words_of_2026(mailnet):
    mailnet.hotmail.add_mailbox("alice")
    mailnet.sender.reputation = "poor"

    code, text = said("hotmail-com.olc.protection.outlook.com", "alice@hotmail.com")

    assert code == 451
    assert text.startswith(
        b"4.7.650 The mail server [203.0.113.7] has been temporarily rate limited due to IP reputation. For "
        b"e-mail delivery information, see https://aka.ms/postmaster (S775) [Name=Protocol Filter Agent]"
    )


def test_yahoo_refuses_a_domain_without_soa_where_asked(mailnet):
    mailnet.yahoo.add_mailbox("alice")
    mailnet.yahoo.enforce("sender_domain_without_soa")
    refused = said("mta5.am0.yahoodns.net", "alice@yahoo.com")

    mailnet.dns.add("shop.example", "TXT", "hello")

    assert refused == (
        554,
        b"5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes",
    )
    assert said("mta5.am0.yahoodns.net", "alice@yahoo.com")[0] == 250


def test_yahoo_defers_a_domain_that_cannot_be_looked_up(mailnet):
    mailnet.yahoo.add_mailbox("alice")
    mailnet.dns.fail("shop.example", "SERVFAIL")

    code, text = said("mta5.am0.yahoodns.net", "alice@yahoo.com")

    assert (code, text[:40]) == (451, b"Message temporarily deferred due to unre")


def test_yahoo_refuses_a_null_mx(mailnet):
    mailnet.yahoo.add_mailbox("alice")
    mailnet.dns.add("shop.example", "MX", "0 .")

    assert said("mta5.am0.yahoodns.net", "alice@yahoo.com")[0] == 554


def test_yahoo_refuses_a_subject_that_cannot_be_decoded(mailnet):
    mailnet.yahoo.add_mailbox("alice")

    code, text = said(
        "mta5.am0.yahoodns.net", "alice@yahoo.com", content=b"Subject: =?utf-9?q?hi?=\r\n" + MAIL
    )

    assert (code, text) == (554, b"Message not allowed - Headers are not RFC compliant[291]")


def test_la_poste_refuses_an_address_without_ptr(mailnet):
    mailnet.provider("laposte").add_mailbox("alice")
    mailnet.sender.ptr = None

    code, text = said("smtpz4.laposte.net", "alice@laposte.net")

    assert code == 554
    assert b"Client host rejected" in text


def test_la_poste_refuses_what_spf_forbids(mailnet):
    mailnet.provider("laposte").add_mailbox("alice")
    mailnet.dns.add("shop.example", "TXT", "v=spf1 -all")

    code, text = said("smtpz4.laposte.net", "alice@laposte.net")

    assert code == 550
    assert text.endswith(b"LPN007_510")


@pytest.mark.parametrize("asked", [True, False])
def test_la_poste_refuses_an_author_whom_nothing_vouches_for_where_asked(mailnet, asked):
    laposte = mailnet.provider("laposte")
    laposte.add_mailbox("alice")
    mailnet.dns.add("other.example", "TXT", f"v=spf1 ip4:{mailnet.sender.ip} -all")
    if asked:
        laposte.enforce("from_not_aligned")

    with smtplib.SMTP("smtpz4.laposte.net", 25) as client:
        client.ehlo()
        client.mail("bounces@other.example")
        client.rcpt("alice@laposte.net")
        code, text = client.data("From: news@shop.example\r\n\r\nhello")

    assert (code, text.endswith(b"LPN007_510")) == ((550, True) if asked else (250, False))


@pytest.mark.parametrize(
    ("known", "why"), [({"reputation": "poor"}, b"(NOWL)"), ({"dynamic": True}, b"(DIAL)")]
)
def test_t_online_talks_only_to_hosts_that_it_knows(mailnet, known, why):
    mailnet.provider("t-online").add_mailbox("alice")
    for name, value in known.items():
        setattr(mailnet.sender, name, value)

    code, text = said("mx00.t-online.de", "alice@t-online.de")

    assert (code, text[-len(why) :]) == (554, why)


@pytest.mark.parametrize(
    ("provider", "host", "domain"),
    [
        ("gmx", "mx00.gmx.net", "gmx.com"),
        ("web.de", "mx-ha02.web.de", "web.de"),
        ("mail.com", "mx00.mail.com", "mail.com"),
    ],
)
def test_united_internet_limits_rates(mailnet, provider, host, domain):
    mailnet.provider(provider).add_mailbox(f"alice@{domain}")
    mailnet.sender.throttled = True

    assert said(host, f"alice@{domain}") == (421, b"Rate limit reached. Please try again later")


def test_naver_wants_spf_or_dkim(mailnet):
    mailnet.provider("naver").add_mailbox("alice")
    mailnet.dns.add("shop.example", "TXT", "v=spf1 -all")

    code, text = said("mx1.naver.com", "alice@naver.com")

    assert code == 550
    assert text.startswith(b"5.7.2 Your email has been blocked because the sender is unauthenticated.")


@pytest.mark.parametrize(
    ("host", "domain", "reply"),
    [
        ("mx01.oxsus-vadesecure.net", "earthlink.net", "550 IP 203.0.113.7 is blocked by EarthLink."),
        ("mx0.charter.net", "charter.net", "550 5.1.0 <bob@shop.example> sender rejected."),
    ],
)
def test_an_address_of_bad_reputation_is_refused_at_mail(mailnet, host, domain, reply):
    mailnet.sender.reputation = "bad"

    code, text = said(host, f"alice@{domain}")

    assert f"{code} {text.decode()}".startswith(reply)


@pytest.mark.parametrize(
    ("provider", "host", "reply"),
    [
        (
            "rackspace",
            "mx1.emailsrvr.com",
            "451 4.7.1 Received too many messages from a new or untrusted IP: 203.0.113.7 (Z27/80343E7) (G28)",
        ),
        ("rambler", "inmx.rambler.ru", "452 4.5.3  rate limit exceeded"),
    ],
)
def test_an_address_that_has_sent_too_much_is_deferred_at_rcpt(mailnet, provider, host, reply):
    mailnet.sender.throttled = True

    code, text = said(host, f"alice@{provider}.example")

    assert f"{code} {text.decode()}" == reply


def test_godaddy_asks_spamhaus(mailnet):
    mailnet.add_domain("store.example", on="godaddy").add_mailbox("alice@store.example")
    mailnet.dns.add("7.113.0.203.zen.spamhaus.org", "A", "127.0.0.2")

    answer = said("smtp.secureserver.net", "alice@store.example")

    assert answer == (553, b"http://www.spamhaus.org/query/bl?ip=203.0.113.7")


def test_rambler_refuses_a_mailbox_that_is_disabled(mailnet):
    mailnet.provider("rambler").add_mailbox("alice").disabled = True

    answer = said("inmx.rambler.ru", "alice@rambler.ru")

    assert answer == (540, b"5.7.1 <alice@rambler.ru>: recipient address rejected: Inactive")
