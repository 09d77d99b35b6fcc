"""Mailboxes that forward, that take what nobody else has, and that have further addresses."""

from __future__ import annotations

import smtplib

import pytest

from pytest_mailnet.errors import InvalidAddress, InvalidSetting
from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.timeline.story import timeline

MAIL = b"From: bob@b.example\r\nTo: alice@shop.example\r\nSubject: hi\r\n\r\nhello\r\n"


def send(*recipients, host="mx.shop.example", sender="bob@b.example", mail=MAIL, rcpt_options=()):
    with smtplib.SMTP(host, 25) as client:
        return client.sendmail(sender, recipients, mail, rcpt_options=rcpt_options)


@pytest.fixture
def shop(mailnet):
    return mailnet.add_server("mx.shop.example", domain="shop.example", ip="192.0.2.50")


@pytest.fixture
def alice(shop):
    return shop.add_mailbox("alice")


@pytest.fixture
def carl(mailnet):
    """A mailbox elsewhere."""
    return mailnet.add_server("mx.c.example", domain="c.example").add_mailbox("carl")


def test_a_message_goes_on_with_its_reverse_path(mailnet, alice, carl):
    alice.forward_to("carl@c.example")

    send("alice@shop.example")

    assert (len(alice.messages), carl.messages) == (1, [])
    assert "-> delivery: forwarded from alice@shop.example to carl@c.example" in timeline(
        life_of(mailnet).journal
    )

    mailnet.deliver_all()

    [message] = carl.messages
    assert (message.sender, message.recipients) == ("bob@b.example", ("carl@c.example",))
    assert message.session.client.ip == "192.0.2.50"
    assert message["Delivered-To"] == "alice@shop.example"
    assert "by mx.shop.example with ESMTP" in message["Received"]
    assert message.content.endswith(MAIL)


def test_no_copy_stays_if_none_is_kept(mailnet, alice, carl):
    alice.forward_to("carl@c.example", keep=False)

    send("alice@shop.example")
    mailnet.deliver_all()

    assert (alice.messages, len(carl.messages)) == ([], 1)


def test_spf_fails_at_the_next_hop(mailnet, alice):
    pytest.importorskip("spf")
    pytest.importorskip("dkim")
    mailnet.sender.publish("b.example", spf="v=spf1 ip4:{ip} -all", dkim=False, dmarc="reject")
    bob = mailnet.add_server("mx.b.example", domain="b.example").add_mailbox("bob")
    carl = mailnet.gmail.add_mailbox("carl")
    alice.forward_to("carl@gmail.com")

    send("alice@shop.example")
    mailnet.deliver_all()

    assert (len(alice.messages), carl.messages) == (1, [])
    [report] = bob.messages
    _, status, _ = report.parsed.iter_parts()
    assert "5.7.26" in status.get_payload()[1]["Diagnostic-Code"]


def test_junk_is_not_forwarded(mailnet, shop, alice):
    alice.forward_to("carl@c.example")
    shop.on_message().junk()

    send("alice@shop.example")

    assert (len(alice.junk), list(mailnet.queue)) == (1, [])


def test_a_mailbox_of_the_same_provider_has_it_at_once(mailnet, shop, alice):
    dora = shop.add_mailbox("dora")
    alice.forward_to("dora@shop.example", keep=False)

    send("alice@shop.example", "dora@shop.example")

    assert [len(alice.messages), len(dora.messages), len(mailnet.queue)] == [0, 1, 0]


def test_forwarding_to_nobody_comes_back_in_the_provider_s_words(mailnet):
    bob = mailnet.add_server("mx.b.example", domain="b.example").add_mailbox("bob")
    mailnet.gmail.add_mailbox("alice").forward_to("nobody@gmail.com")

    send("alice@gmail.com", host="gmail-smtp-in.l.google.com")
    mailnet.deliver_all()

    assert [it.subject for it in bob.messages] == ["Delivery Status Notification (Failure)"]
    assert "nobody@gmail.com" in bob.messages[0].text


def test_mailboxes_that_forward_to_each_other_have_it_once(mailnet, shop, alice):
    dora = shop.add_mailbox("dora")
    alice.forward_to("dora@shop.example")
    dora.forward_to("alice@shop.example")

    send("alice@shop.example")

    assert [len(alice.messages), len(dora.messages), len(mailnet.queue)] == [1, 1, 0]


def test_a_loop_between_servers_ends_with_a_report(mailnet, alice, carl):
    bob = mailnet.add_server("mx.b.example", domain="b.example").add_mailbox("bob")
    alice.forward_to("carl@c.example")
    carl.forward_to("alice@shop.example")

    send("alice@shop.example")
    mailnet.deliver_all()

    assert [len(alice.messages), len(carl.messages), len(mailnet.queue)] == [1, 1, 0]
    _, status, _ = bob.messages[0].parsed.iter_parts()
    assert status.get_payload()[1]["Status"] == "5.4.6"
    assert "mail forwarding loop for alice@shop.example" in bob.messages[0].text


def test_who_wants_no_report_gets_none_of_the_next_hop_either(mailnet, alice):
    bob = mailnet.add_server("mx.b.example", domain="b.example").add_mailbox("bob")
    alice.forward_to("nobody@nowhere.example")

    send("alice@shop.example", rcpt_options=["NOTIFY=NEVER"])
    mailnet.deliver_all()

    assert bob.messages == []


def test_several_addresses_are_several_lines(mailnet, alice, carl):
    dora = mailnet.gmail.add_mailbox("dora")
    alice.forward_to("carl@c.example")
    alice.forward_to("dora@gmail.com")

    send("alice@shop.example")
    mailnet.deliver_all()

    assert [len(it.messages) for it in (alice, carl, dora)] == [1, 1, 1]


def test_a_catch_all_takes_what_nobody_has(mailnet):
    info = mailnet.gmail.add_mailbox("info")
    alice = mailnet.gmail.add_mailbox("alice")
    info.catch_all = True

    send("alice@gmail.com", "no.body@googlemail.com", host="gmail-smtp-in.l.google.com")

    assert (len(info.messages), len(alice.messages)) == (1, 1)
    told = "-> delivery: for no.body@googlemail.com into the mailbox info@gmail.com"
    assert told in timeline(life_of(mailnet).journal)

    info.catch_all = False
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send("nobody@gmail.com", host="gmail-smtp-in.l.google.com")


def test_a_catch_all_is_that_of_its_own_domain(mailnet):
    shop = mailnet.add_domain("shop.example", on="postfix")
    mailnet.add_domain("other.example", on="postfix")
    shop.add_mailbox("info@shop.example").catch_all = True

    [host, *_] = shop.hosts
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send("x@other.example", host=host)
    send("x@shop.example", host=host)


def test_a_server_of_one_s_own_opens_no_mailboxes_beside_a_catch_all(shop, alice):
    alice.catch_all = True

    send("anybody@shop.example")

    assert shop.mailboxes == [alice]
    assert len(alice.messages) == 1


def test_an_alias_receives_and_can_be_given_and_taken_later(mailnet):
    alice = mailnet.gmail.add_mailbox("alice", aliases=["sales"])
    host = "gmail-smtp-in.l.google.com"

    send("sales@gmail.com", host=host)
    alice.account.aliases = ("in.fo@gmail.com", "alice@shop.example")
    send("info+x@googlemail.com", host=host)

    assert len(alice.messages) == 2
    assert mailnet.gmail.mailbox("info") is alice
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send("sales@gmail.com", host=host)


def test_an_alias_of_a_domain_that_comes_later_receives_too(mailnet):
    shop = mailnet.add_domain("shop.example", on="postfix")
    alice = shop.add_mailbox("alice", aliases=["alice@other.example"])

    mailnet.add_domain("other.example", on="postfix")

    assert shop.mailbox("alice@other.example") is alice


def test_gmail_seals_what_it_forwards_with_what_it_has_found_out(mailnet):
    key = mailnet.sender.publish("b.example", dmarc="reject")
    mailnet.gmail.add_mailbox("alice").forward_to("bob@yahoo.com")
    bob = mailnet.yahoo.add_mailbox("bob")
    content = b"From: <eve@b.example>\r\nTo: <alice@gmail.com>\r\nSubject: hi\r\n\r\nhello\r\n"

    send("alice@gmail.com", host="gmail-smtp-in.l.google.com", sender="eve@b.example", mail=key.sign(content))
    mailnet.deliver_all()

    [message] = bob.messages
    assert b"arc=pass" in message.trace
    assert "spf=pass" in message["ARC-Authentication-Results"]
    assert " d=google.com; s=arc-20260327;" in message["ARC-Seal"]


def test_the_second_forwarder_continues_the_chain(mailnet):
    mailnet.gmail.add_mailbox("alice").forward_to("bob@hotmail.com")
    mailnet.hotmail.add_mailbox("bob").forward_to("carol@yahoo.com")
    carol = mailnet.yahoo.add_mailbox("carol")

    mailnet.gmail.send(sender="dave", to="bob@hotmail.com")
    mailnet.icloud.send(sender="dave", to="alice@gmail.com")
    mailnet.deliver_all()

    once, twice = sorted(carol.messages, key=lambda it: len(it.parsed.get_all("ARC-Seal")))
    assert [it.partition(";")[0] for it in once.parsed.get_all("ARC-Seal")] == ["i=1"]
    assert [it.partition(";")[0] for it in twice.parsed.get_all("ARC-Seal")] == ["i=2", "i=1"]
    assert b"arc=pass" in twice.trace


def test_a_server_that_does_not_seal_forwards_without(mailnet, alice):
    alice.forward_to("bob@gmail.com")
    bob = mailnet.gmail.add_mailbox("bob")

    send("alice@shop.example")
    mailnet.deliver_all()

    assert bob.messages[0]["ARC-Seal"] is None


@pytest.mark.parametrize(
    ("written", "error", "told"),
    [
        ("alice.forward_to('bob')", InvalidAddress, "'bob' is no mail address: it takes a local part"),
        ("alice.forward_to(5)", InvalidAddress, "5 is no mail address; it takes a text"),
        (
            "alice.forward_to('Alice@SHOP.example')",
            InvalidSetting,
            "forward_to('Alice@SHOP.example'): that is the mailbox itself",
        ),
        (
            "alice.forward_to('bob@b.example', keep='no')",
            InvalidSetting,
            "forward_to(keep=...) takes True or False, not 'no'",
        ),
        (
            "setattr(alice, 'auto_reply', True)",
            InvalidSetting,
            "auto_reply of a mailbox: True is no text; it takes one as in 'I am away.', or None for none",
        ),
        (
            "setattr(alice, 'catch_all', 1)",
            InvalidSetting,
            "catch_all of a mailbox takes True or False, not 1",
        ),
    ],
)
def test_a_misuse_is_told(alice, written, error, told):
    with pytest.raises(error) as failed:
        eval(written, {"alice": alice})

    assert str(failed.value).startswith(told)
