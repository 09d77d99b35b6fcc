"""The queueing sender, tested against Gmail, Hotmail and a shop that are not there."""

from __future__ import annotations

import pytest
from outbox import SCHEDULE, Outbox

BOB = "bob@sender.example"
MAIL = b"Subject: Your order\r\n\r\nIt is on its way.\r\n"


@pytest.fixture
def outbox(mailnet):
    return Outbox(now=mailnet.clock.now)


@pytest.fixture
def alice(mailnet):
    """Alice's mailbox at Gmail."""
    return mailnet.gmail.add_mailbox("alice")


def test_a_mail_is_delivered_to_the_preferred_host(mailnet, outbox, alice):
    delivery = outbox.send(BOB, ["alice@gmail.com"], MAIL)["alice@gmail.com"]

    assert delivery.state == "sent"
    assert [message.content for message in alice.messages] == [MAIL]
    assert [session.host for session in mailnet.sessions] == ["gmail-smtp-in.l.google.com"]


def test_an_unknown_user_is_not_tried_again(mailnet, outbox):
    delivery = outbox.send(BOB, ["carl@gmail.com"], MAIL)["carl@gmail.com"]
    mailnet.clock.advance(days=2)
    outbox.flush()

    assert delivery.state == "failed"
    assert delivery.reply.startswith("550 5.1.1 The email account that you tried to reach does not exist.")
    assert len(mailnet.sessions) == 1


def test_a_421_after_the_dot_defers_the_mail_until_it_is_due(mailnet, outbox, alice):
    mailnet.gmail.on_message().reply("421 4.7.0 Try again later, closing connection.").times(1)

    delivery = outbox.send(BOB, ["alice@gmail.com"], MAIL)["alice@gmail.com"]
    mailnet.clock.advance(minutes=14)
    outbox.flush()

    assert delivery.reply == "421 4.7.0 Try again later, closing connection."
    assert delivery.state == "deferred"
    assert alice.messages == []

    mailnet.clock.advance(minutes=1)
    outbox.flush()

    assert delivery.state == "sent"
    assert len(alice.messages) == 1


def test_the_next_host_is_tried_where_the_first_is_down(mailnet, outbox, alice):
    mailnet.host("gmail-smtp-in.l.google.com").refuse_connections()

    delivery = outbox.send(BOB, ["alice@gmail.com"], MAIL)["alice@gmail.com"]

    assert delivery.state == "sent"
    assert [session.host for session in mailnet.sessions] == ["alt1.gmail-smtp-in.l.google.com"]


@pytest.mark.parametrize("reply", ["421 4.3.2 Service not available", "554 5.7.1 No service for you"])
@pytest.mark.parametrize("stage", ["connect", "ehlo", "starttls"])
def test_a_host_that_refuses_the_session_leaves_the_mail_to_the_next(mailnet, outbox, alice, stage, reply):
    getattr(mailnet.gmail, f"on_{stage}")().reply(reply, close=True).times(1)

    delivery = outbox.send(BOB, ["alice@gmail.com"], MAIL)["alice@gmail.com"]

    assert delivery.state == "sent"
    assert [session.host for session in mailnet.sessions] == [
        "gmail-smtp-in.l.google.com",
        "alt1.gmail-smtp-in.l.google.com",
    ]


@pytest.mark.parametrize("failure", ["dns-time-out", "SERVFAIL"])
def test_a_host_whose_address_is_not_to_be_had_leaves_the_mail_to_the_next(mailnet, outbox, alice, failure):
    mailnet.dns.fail("gmail-smtp-in.l.google.com", failure)

    delivery = outbox.send(BOB, ["alice@gmail.com"], MAIL)["alice@gmail.com"]

    assert delivery.state == "sent"
    assert [session.host for session in mailnet.sessions] == ["alt1.gmail-smtp-in.l.google.com"]


@pytest.mark.parametrize(
    ("reply", "state"), [("451 4.3.0 Try again later", "deferred"), ("550 5.7.1 Not today", "failed")]
)
@pytest.mark.parametrize("stage", ["data", "message"])
def test_a_refusal_of_the_content_settles_the_mail(mailnet, outbox, stage, reply, state):
    alice = mailnet.gmail.add_mailbox("alice")
    getattr(mailnet.gmail, f"on_{stage}")().reply(reply)

    delivery = outbox.send(BOB, ["alice@gmail.com"], MAIL)["alice@gmail.com"]

    assert delivery.state == state
    assert delivery.reply == reply
    assert alice.messages == []


@pytest.mark.parametrize("reply", ["421 4.3.2 Shutting down", "502 5.5.1 You cannot leave"])
def test_a_quit_that_is_refused_changes_nothing(mailnet, outbox, alice, reply):
    mailnet.gmail.on_command("QUIT").reply(reply)

    delivery = outbox.send(BOB, ["alice@gmail.com"], MAIL)["alice@gmail.com"]

    assert delivery.state == "sent"
    assert len(alice.messages) == 1


def test_a_greylisted_mail_gets_through_at_the_second_attempt(mailnet, outbox):
    shop = mailnet.add_server("mx.shop.example", domain="shop.example")
    shop.on_rcpt("sales@*").reply("450 4.2.0 Greylisted, come back in 10 minutes").times(1)

    delivery = outbox.send(BOB, ["sales@shop.example"], MAIL)["sales@shop.example"]
    mailnet.clock.advance(minutes=15)
    outbox.flush()

    assert [answer.code for answer in delivery.answers] == [450, 250]
    assert len(shop.mailbox("sales").messages) == 1


def test_each_recipient_of_a_mail_has_its_own_result(mailnet, outbox, alice):
    mailnet.gmail.add_mailbox("dora")
    mailnet.gmail.on_rcpt("dora@*").reply(mailnet.gmail.replies.mailbox_full)

    deliveries = outbox.send(BOB, ["alice@gmail.com", "carl@gmail.com", "dora@gmail.com"], MAIL)

    assert {to: delivery.state for to, delivery in deliveries.items()} == {
        "alice@gmail.com": "sent",
        "carl@gmail.com": "failed",
        "dora@gmail.com": "deferred",
    }
    assert len(mailnet.sessions) == 1
    assert [message.envelope.rcpt_tos for message in alice.messages] == [("alice@gmail.com",)]


def test_a_mail_over_quota_is_deferred(mailnet, outbox, alice):
    mailnet.gmail.on_rcpt("alice@*").reply(mailnet.gmail.replies.mailbox_full)

    delivery = outbox.send(BOB, ["alice@gmail.com"], MAIL)["alice@gmail.com"]

    assert delivery.state == "deferred"
    assert delivery.reply.startswith("452 4.2.2 The recipient's inbox is out of storage space.")


@pytest.mark.parametrize(("era", "operator"), [(2009, "Windows Live Hotmail"), (None, "Outlook.com")])
def test_hotmail_takes_nothing_from_a_dynamic_address(mailnet, outbox, era, operator):
    mailnet.provider("hotmail", era=era).add_mailbox("bob")
    mailnet.sender.dynamic = True

    delivery = outbox.send("alice@sender.example", ["bob@hotmail.com"], MAIL)["bob@hotmail.com"]

    assert delivery.state == "failed"
    assert delivery.reply.startswith(f"550 DY-001 Mail rejected by {operator} for policy reasons.")


def test_mail_for_a_domain_that_does_not_exist_fails(mailnet, outbox):
    delivery = outbox.send(BOB, ["alice@gmial.example"], MAIL)["alice@gmial.example"]

    assert delivery.state == "failed"
    assert delivery.reply == "556 no domain gmial.example"
    assert mailnet.sessions == []


def test_a_domain_with_a_null_mx_takes_no_mail(mailnet, outbox):
    mailnet.dns.add("silent.example", "MX", "0 .")
    mailnet.dns.add("silent.example", "A", "192.0.2.80")

    delivery = outbox.send(BOB, ["info@silent.example"], MAIL)["info@silent.example"]

    assert delivery.state == "failed"
    assert "null MX" in delivery.reply


def test_a_domain_without_mx_gets_its_mail_at_its_own_address(mailnet, outbox):
    old = mailnet.add_server("old.example")

    delivery = outbox.send(BOB, ["info@old.example"], MAIL)["info@old.example"]

    assert delivery.state == "sent"
    assert len(old.mailbox("info@old.example").messages) == 1


def test_a_domain_with_neither_mx_nor_address_takes_no_mail(mailnet, outbox):
    mailnet.dns.add("parked.example", "TXT", "for sale")

    delivery = outbox.send(BOB, ["info@parked.example"], MAIL)["info@parked.example"]

    assert delivery.reply == "556 parked.example has neither MX nor A records"


def test_dns_that_fails_for_now_defers_the_mail(mailnet, outbox):
    mailnet.hotmail.add_mailbox("bob")
    mailnet.dns.fail("hotmail.com", "SERVFAIL", times=2)

    delivery = outbox.send("alice@sender.example", ["bob@hotmail.com"], MAIL)["bob@hotmail.com"]
    mailnet.clock.advance(minutes=15)
    outbox.flush()
    assert delivery.state == "deferred"

    mailnet.clock.advance(hours=1)
    outbox.flush()
    assert delivery.state == "sent"
    assert [query.rcode for query in mailnet.dns.queries if query.rdtype == "MX"] == [
        "SERVFAIL",
        "SERVFAIL",
        "NOERROR",
    ]


def test_a_connection_lost_in_the_middle_defers_the_mail(mailnet, outbox, alice):
    mailnet.gmail.on_message().disconnect().times(1)

    delivery = outbox.send(BOB, ["alice@gmail.com"], MAIL)["alice@gmail.com"]
    assert delivery.state == "deferred"
    assert delivery.reply.startswith("SMTPServerDisconnected")

    mailnet.clock.advance(minutes=15)
    outbox.flush()
    assert delivery.state == "sent"


def test_a_mail_that_is_never_taken_fails_in_the_end(mailnet, outbox, alice):
    mailnet.gmail.on_mail().reply("451 4.3.0 Try again later")

    delivery = outbox.send(BOB, ["alice@gmail.com"], MAIL)["alice@gmail.com"]
    for wait in SCHEDULE:
        assert delivery.state == "deferred"
        mailnet.clock.advance(seconds=wait.total_seconds())
        outbox.flush()

    assert delivery.state == "failed"
    assert len(delivery.answers) == 5


@pytest.mark.mailnet_faults
def test_whatever_goes_wrong_once_the_outbox_knows_what_became_of_the_mail(mailnet, outbox, mailnet_fault):
    mailnet.clock.compress()
    mailnet.add_server("mx.shop.example", domain="shop.example")
    mailnet.fail("shop.example", mailnet_fault, times=1)
    mail = b"Message-ID: <order-1@sender.example>\r\n" + MAIL

    delivery = outbox.send(BOB, ["sales@shop.example"], mail)["sales@shop.example"]
    while delivery.state == "deferred":
        mailnet.clock.advance(days=1)
        outbox.flush()

    assert mailnet.account_for({"order-1@sender.example": delivery.state}).right
