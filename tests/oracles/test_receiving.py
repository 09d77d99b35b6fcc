"""Debian's Postfix and Dovecot as an application's own servers: a net's clients and providers deliver to them."""

from __future__ import annotations

import smtplib
import ssl

import pytest

from .receiving import BANNED, FULL, dovecot, postfix

pytestmark = pytest.mark.timeout(120)
LETTER = b"Subject: hi\r\n\r\nhello\r\n"
NOBODY = "<nosuch@shop.example>: Recipient address rejected: User unknown in local recipient table"
POSTFIX = "220 mail.shop.example ESMTP Postfix (Debian/GNU)"


@pytest.fixture(scope="module")
def a_postfix(systems):
    with postfix(systems) as server:
        yield server


@pytest.fixture(scope="module")
def a_dovecot(systems):
    with dovecot(systems) as server:
        yield server


@pytest.fixture(params=["XCLIENT", "PROXY"])
def announced(request, mailnet, a_postfix):
    """Postfix in the net, told who connects."""
    at = ("127.0.0.1", a_postfix.ports[request.param])
    mailnet.add_server("mx.app.example", domain="shop.example", at=at, announce=request.param)
    return a_postfix


@pytest.fixture(params=[None, "XCLIENT"])
def lmtp(request, mailnet, a_dovecot):
    """Dovecot in the net; how it is told who connects."""
    at = ("127.0.0.1", a_dovecot.ports["LMTP"])
    mailnet.add_server("mx.app.example", domain="shop.example", at=at, announce=request.param, lmtp=True)
    return request.param


@pytest.fixture
def alice(mailnet):
    return mailnet.gmail.add_mailbox("alice", password="secret")


def submitted(mailnet, *to):
    """Send from Alice's account at Gmail, which delivers; the session in which that was."""
    with smtplib.SMTP("smtp.gmail.com", 587, timeout=10) as client:
        client.starttls(context=ssl.create_default_context())
        client.login("alice@gmail.com", "secret")
        client.sendmail("alice@gmail.com", to, LETTER)
    mailnet.deliver_all()
    return mailnet.sessions[1]


def test_postfix_takes_a_mail_as_from_gmail_s_address(mailnet, alice, announced):
    session = submitted(mailnet, "a@shop.example")

    hello = "EHLO outbound.gmail.com"
    assert session.commands == [
        *(hello, "STARTTLS", hello),
        session.commands[3],  # with the size
        *("RCPT TO:<a@shop.example>", "DATA", "QUIT"),
    ]
    assert session.replies[0] == POSTFIX
    assert session.replies[4:7] == ["250 2.1.0 Ok", "250 2.1.5 Ok", "354 End data with <CR><LF>.<CR><LF>"]
    queue_id = session.replies[7].removeprefix("250 2.0.0 Ok: queued as ")
    announced.wait_for(f"[{session.client.ip}]", f"{queue_id}: to=<a@shop.example>", "delivered to mailbox")
    mailbox = (announced.root / "var/mail/a").read_text()
    received = mailbox[: mailbox.index(f"with ESMTPS id {queue_id}")].splitlines()[-2]
    assert received.startswith("Received: from outbound.gmail.com (")
    assert received.endswith(f" [{session.client.ip}])")


def test_postfix_s_refusal_comes_back_in_gmail_s_words(mailnet, alice, announced):
    session = submitted(mailnet, "nosuch@shop.example")

    said = f"550 5.1.1 {NOBODY}"
    [bounce] = alice.messages
    assert session.replies[5] == said
    assert bounce.parsed["Subject"] == "Delivery Status Notification (Failure)"
    assert f"Diagnostic-Code: smtp; {said}" in " ".join(bounce.content.decode().split())


def test_postfix_judges_a_client_by_the_address_that_it_is_told(mailnet, announced):
    banned = mailnet.add_sender(ip=BANNED)

    with smtplib.SMTP("mx.app.example", timeout=10) as client:
        allowed = client.sendmail("bob@b.example", "a@shop.example", LETTER)
    with (
        mailnet.sending_from(banned),
        smtplib.SMTP("mx.app.example", timeout=10) as client,
        pytest.raises(smtplib.SMTPRecipientsRefused) as refused,
    ):
        client.sendmail("bob@b.example", "a@shop.example", LETTER)

    assert allowed == {}
    [(code, text)] = refused.value.recipients.values()
    assert code == 554
    assert text.endswith(f"[{BANNED}]>: Client host rejected: banned".encode())


def test_postfix_knows_the_name_of_a_client_that_xclient_has_told(mailnet, a_postfix):
    at = ("127.0.0.1", a_postfix.ports["XCLIENT"])
    mailnet.add_server("mx.app.example", domain="shop.example", at=at, announce="XCLIENT")
    nameless = mailnet.add_sender(ip="203.0.113.67", ptr=None)

    with (
        mailnet.sending_from(nameless),
        smtplib.SMTP("mx.app.example", timeout=10) as client,
        pytest.raises(smtplib.SMTPRecipientsRefused) as refused,
    ):
        client.sendmail("bob@b.example", "a@shop.example", LETTER)

    assert refused.value.recipients == {
        "a@shop.example": (450, b"4.7.25 Client host rejected: cannot find your hostname, [203.0.113.67]")
    }


def test_dovecot_takes_a_mail_by_lmtp(mailnet, alice, a_dovecot, lmtp):
    session = submitted(mailnet, "a@shop.example")

    assert session.replies[0] == "220 mail.shop.example Dovecot (Debian) ready."
    assert session.replies[3:5] == ["250 2.1.5 OK", "354 OK"]
    taken = session.replies[5].removeprefix("250 2.0.0 <a@shop.example> ").removesuffix(" Saved")
    kept = [it.read_text() for it in (a_dovecot.root / "home/a/mail/new").iterdir()]
    [mail] = [it for it in kept if f"id {taken.partition(':')[0]}" in it]
    told = "127.0.0.1" if lmtp is None else session.client.ip
    assert f"Received: from outbound.gmail.com ([{told}])" in mail


def test_dovecot_s_refusals_of_some_recipients_come_back(mailnet, alice, lmtp):
    session = submitted(mailnet, "a@shop.example", "nosuch@shop.example", f"{FULL}@shop.example")

    unknown = "550 5.1.1 <nosuch@shop.example> User doesn't exist: nosuch@shop.example"
    full = f"552 5.2.2 <{FULL}@shop.example> Quota exceeded (mailbox for user is full)"
    told = [" ".join(it.content.decode().split()) for it in alice.messages]
    assert unknown in session.replies
    assert any(unknown in it for it in told)
    assert any(full in it for it in told)
