"""Every fault there is, met by real senders: it comes to an end, nothing leaks, and the net knows what was taken."""

from __future__ import annotations

import asyncio
import gc
import smtplib
import socket
import threading

import dns.exception
import dns.resolver
import pytest

from pytest_mailnet.faults import Manner
from pytest_mailnet.values import Stage

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
    backend.send_messages([django_mail.EmailMessage("hi", "hello", SENDER, [RECIPIENT], headers=headers)])


# Django 6.1 would have its back ends made by its settings.
pytestmark = pytest.mark.filterwarnings("ignore:Directly creating EmailBackend")


@pytest.fixture(scope="module", autouse=True)
def django():
    from django.conf import settings

    if not settings.configured:
        settings.configure(USE_I18N=False)


@pytest.fixture(scope="module", autouse=True)
def only_what_is_new_is_collected():
    """What was there before is left out of each test's collection: it holds no sockets, and takes most of the time."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def what_a_test_leaves_is_looked_at_once(only_what_is_new_is_collected):
    """What has outlived a test's collections, in reports and caches, is left out of those of the next."""
    yield
    gc.freeze()


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


def leaks_by_itself(send, fault):
    """Whether a client is known to leave a socket behind, whatever its user does.

    aiosmtplib closes TLS as asyncio does, which waits for the server's close_notify after the loop has ended; Django
    drops its connection where a reply before the mail cannot be read, or where there is no STARTTLS.
    """
    if send is by_aiosmtplib:
        behind_tls = {Stage.AUTH, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.MESSAGE, Stage.QUIT}
        return fault.stage in behind_tls or fault.manner is Manner.SLOW
    if send is by_django:
        unreadable = fault.kind == "reply" and fault.stage in {Stage.EHLO, Stage.STARTTLS, Stage.AUTH}
        return unreadable or fault.manner is Manner.STRIPPED
    return False


@pytest.mark.mailnet_faults
@pytest.mark.parametrize("send", [by_smtplib, by_aiosmtplib, by_django])
def test_every_fault_ends_and_the_net_knows_what_was_taken(mailnet, alice, mailnet_fault, send, leaked):
    threads = threading.active_count()
    mailnet.fail(DOMAIN, mailnet_fault)

    belief = believes(send)

    assert leaked() == [] or leaks_by_itself(send, mailnet_fault)
    assert threading.active_count() <= threads
    taken = len(alice.messages)
    assert taken == ((belief == "sent") if mailnet_fault.taken is None else mailnet_fault.taken)
    reckoning = mailnet.account_for({"<1@sender.example>": belief})
    assert reckoning.right
    assert bool(reckoning.duplicates_possible) == (taken == 1 and belief == "deferred")


def test_a_socket_that_is_left_open_is_noticed(mailnet, alice, leaked):
    def leave_open():
        socket.create_connection(("mx.shop.example", 25))

    leave_open()

    assert [text.split(" fd=")[0] for text in leaked()] == ["unclosed <socket.socket"]


@pytest.mark.usefixtures("leaked")  # by aiosmtplib; see above
@pytest.mark.parametrize("send", [by_smtplib, by_aiosmtplib, by_django])
def test_without_a_fault_every_sender_gets_through(mailnet, alice, send):
    assert believes(send) == "sent"
    assert len(alice.messages) == 1
    assert (
        str(mailnet.account_for({"1@sender.example": "sent"}))
        == "every mail is where the application believes it"
    )
