"""Faults at QUIT, RSET and NOOP, and late replies of a test's own length."""

from __future__ import annotations

import smtplib
import ssl

import pytest

from pytest_mailnet import FAULTS
from pytest_mailnet.errors import MailNetError

HOST = "mx.shop.example"
MAIL = "Subject: hi\r\n\r\nhi\r\n"
AT_QUIT = [it for it in FAULTS if it.endswith("-at-quit")]


@pytest.fixture
def shop(mailnet):
    mailnet.clock.compress()
    return mailnet.add_server(HOST, domain="shop.example")


@pytest.mark.parametrize("fault", AT_QUIT)
def test_every_fault_at_quit_comes_after_a_mail_that_was_taken(mailnet, shop, fault):
    shop.fail(fault)
    client = smtplib.SMTP(HOST, timeout=60)
    client.starttls(context=ssl.create_default_context())
    client.sendmail("bob@sender.example", ["sales@shop.example"], MAIL)

    try:
        code = client.quit()[0]
    except smtplib.SMTPException:
        code = None
    client.close()

    # smtplib takes half a line for a line.
    heard = {"trickling-at-quit", "late-at-quit", "no-close-notify-at-quit", "cut-at-quit"}
    assert (code == 221) == (fault in heard)
    assert len(shop.messages) == 1
    assert FAULTS[fault].taken
    assert mailnet.sessions[0].exchanges[-1].finding.why == FAULTS[fault].does


@pytest.mark.parametrize("verb", ["noop", "rset"])
def test_a_probe_of_a_pooled_connection_can_meet_its_end(shop, verb):
    shop.fail(f"closed-at-{verb}")

    with smtplib.SMTP(HOST, timeout=5) as client, pytest.raises(smtplib.SMTPServerDisconnected):
        getattr(client, verb)()


def test_a_server_that_says_goodbye_closes_without_close_notify(mailnet, shop):
    shop.fail("no-close-notify-at-quit")
    context = ssl.create_default_context()
    with smtplib.SMTP_SSL(HOST, context=context, timeout=5) as client:
        client.sock.suppress_ragged_eofs = False
        assert client.docmd("QUIT")[0] == 221

        with pytest.raises(ssl.SSLEOFError):
            client.sock.recv(1)


def test_without_the_fault_it_closes_with_close_notify(shop):
    context = ssl.create_default_context()
    with smtplib.SMTP_SSL(HOST, context=context, timeout=5) as client:
        client.sock.suppress_ragged_eofs = False
        assert client.docmd("QUIT")[0] == 221

        assert client.sock.recv(1) == b""


def test_a_reply_is_as_late_as_the_test_says(mailnet, shop):
    shop.fail("late-after-dot", seconds=600, times=1)
    before = mailnet.clock.time()

    with smtplib.SMTP(HOST, timeout=900) as client:
        client.sendmail("bob@sender.example", ["sales@shop.example"], MAIL)

    assert mailnet.clock.time() - before == 600


def test_a_domain_s_hosts_are_as_late_as_the_test_says(mailnet, shop):
    mailnet.fail("shop.example", "late-at-mail", seconds=45)

    with smtplib.SMTP(HOST, timeout=60) as client:
        client.ehlo()
        before = mailnet.clock.time()
        client.mail("bob@sender.example")

        assert mailnet.clock.time() - before == 45
    assert mailnet.sessions[0].exchanges[2].finding.why == "the reply at MAIL comes 45 s late"


@pytest.mark.parametrize(
    ("fail", "text"),
    [
        (
            lambda it: it.fail("closed-at-rcpt", seconds=3),
            "only a late reply takes seconds, as in fail('late-after-dot'",
        ),
        (lambda it: it.fail("late-at-rcpt", seconds="3"), "it takes a number of seconds above 0"),
        (lambda it: it.fail("late-at-rcpt", seconds=0), "it takes a number of seconds above 0"),
        (lambda it: it.fail("half-open-at-quit"), "no fault 'half-open-at-quit'"),
    ],
)
def test_a_mistake_is_told_where_it_is_written(shop, fail, text):
    with pytest.raises(MailNetError) as told:
        fail(shop)

    assert text in str(told.value)
