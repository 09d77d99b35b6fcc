"""Every fault there is, met by real senders: it comes to an end, nothing leaks, and the net knows what was taken."""

from __future__ import annotations

import asyncio
import gc
import smtplib
import threading

import dns.exception
import dns.resolver
import pytest

aiosmtplib = pytest.importorskip("aiosmtplib")
django_mail = pytest.importorskip("django.core.mail")

DOMAIN = "shop.example"
SENDER = "app@sender.example"
RECIPIENT = "alice@shop.example"
MAIL = b"Message-ID: <1@sender.example>\r\nSubject: hi\r\n\r\nhello\r\n"
PATIENCE = 60  # seconds: what a client waits, and what no test does


def exchange():
    """The domain's preferred host."""
    found = min(dns.resolver.resolve(DOMAIN, "MX"), key=lambda mx: mx.preference)
    return found.exchange.to_text(omit_final_dot=True)


def by_smtplib():
    with smtplib.SMTP(exchange(), 25, timeout=PATIENCE) as client:
        client.starttls()
        client.login("alice", "pw")
        client.sendmail(SENDER, [RECIPIENT], MAIL)


def by_aiosmtplib():
    async def send():
        client = aiosmtplib.SMTP(
            hostname=host, port=25, timeout=PATIENCE, start_tls=True, username="alice", password="pw"
        )
        try:
            await client.connect()
            await client.sendmail(SENDER, [RECIPIENT], MAIL)
            await client.quit()
        finally:
            client.close()

    host = exchange()
    asyncio.run(send())


def by_django():
    from django.core.mail.backends.smtp import EmailBackend

    backend = EmailBackend(
        host=exchange(), port=25, timeout=PATIENCE, use_tls=True, username="alice", password="pw"
    )
    headers = {"Message-ID": "<1@sender.example>"}
    mail = django_mail.EmailMessage("hi", "hello", SENDER, [RECIPIENT], headers=headers, connection=backend)
    mail.send()


@pytest.fixture(scope="module", autouse=True)
def django():
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_I18N=False)


@pytest.fixture
def alice(mailnet):
    mailnet.clock.compress()
    shop = mailnet.add_server("mx.shop.example", domain=DOMAIN)
    return shop.add_mailbox("alice", password="pw")


def believes(send):
    """What an application believes that leaves a mail in its queue whenever it is not told that it is sent."""
    try:
        send()
    except (OSError, smtplib.SMTPException, aiosmtplib.SMTPException, dns.exception.DNSException, ValueError):
        return "deferred"
    return "sent"


# aiosmtplib leaves its transport open where start_tls fails, Django its socket after a reply that is no text: that
# is told here, and not in a later test.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.mailnet_faults
@pytest.mark.parametrize("send", [by_smtplib, by_aiosmtplib, by_django])
def test_every_fault_ends_and_the_net_knows_what_was_taken(mailnet, alice, mailnet_fault, send):
    threads = threading.active_count()
    mailnet.fail(DOMAIN, mailnet_fault)

    belief = believes(send)
    gc.collect()

    taken = len(alice.messages)
    assert taken == ((belief == "sent") if mailnet_fault.taken is None else mailnet_fault.taken)
    reckoning = mailnet.account_for({"<1@sender.example>": belief})
    assert reckoning.right
    assert bool(reckoning.duplicates_possible) == (taken == 1 and belief == "deferred")
    assert threading.active_count() <= threads


@pytest.mark.parametrize("send", [by_smtplib, by_aiosmtplib, by_django])
def test_without_a_fault_every_sender_gets_through(mailnet, alice, send):
    assert believes(send) == "sent"
    assert len(alice.messages) == 1
    assert (
        str(mailnet.account_for({"1@sender.example": "sent"}))
        == "every mail is where the application believes it"
    )
