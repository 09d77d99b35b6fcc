"""Replies that a mailbox sends by itself, and to whom it sends none (RFC 3834)."""

from __future__ import annotations

import smtplib

import pytest

from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.timeline.story import timeline

HEAD = "From: bob@b.example\r\nTo: Alice <alice@shop.example>\r\nMessage-ID: <1@b.example>\r\nSubject: hi\r\n"
SHOP = "mx.shop.example"


@pytest.fixture
def alice(mailnet):
    alice = mailnet.add_server(SHOP, domain="shop.example").add_mailbox("alice")
    alice.auto_reply = "I am away.\nBack on Monday."
    return alice


@pytest.fixture
def bob(mailnet):
    return mailnet.add_server("mx.b.example", domain="b.example").add_mailbox("bob")


@pytest.fixture
def replies(mailnet, alice, bob):
    """Send a mail to Alice; returns what Bob has got so far."""

    def send(head=HEAD, sender="bob@b.example", recipient="alice@shop.example"):
        with smtplib.SMTP(SHOP, 25) as client:
            client.sendmail(sender, [recipient], f"{head}\r\nhello\r\n".encode())
        mailnet.deliver_all()
        return list(bob.messages)

    return send


def test_a_personal_message_is_answered(replies, mailnet, alice):
    [reply] = replies()

    assert (reply.sender, reply.recipients) == ("", ("bob@b.example",))
    assert reply.subject == "Auto: hi"
    assert reply["From"] == "alice@shop.example"
    assert reply["To"] == "bob@b.example"
    assert reply["Auto-Submitted"] == "auto-replied"
    assert reply["In-Reply-To"] == reply["References"] == "<1@b.example>"
    assert reply["Message-ID"].endswith("@shop.example>")
    assert reply["Date"]
    assert reply.text == "I am away.\nBack on Monday.\n"
    assert len(alice.messages) == 1
    assert "-> delivery: automatic reply of alice@shop.example to bob@b.example" in timeline(
        life_of(mailnet).journal
    )


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"sender": ""}, "it comes from the null sender"),
        ({"sender": "MAILER-DAEMON@b.example"}, "MAILER-DAEMON@b.example is no person's address"),
        ({"sender": "owner-news@b.example"}, "owner-news@b.example is no person's address"),
        ({"sender": "news-request@b.example"}, "news-request@b.example is no person's address"),
        ({"head": f"{HEAD}Auto-Submitted: auto-generated\r\n"}, "by the field Auto-Submitted"),
        ({"head": f"{HEAD}List-Id: <news.b.example>\r\n"}, "by the field List-Id"),
        ({"head": f"{HEAD}List-Unsubscribe: <https://b.example>\r\n"}, "by the field List-Unsubscribe"),
        ({"head": f"{HEAD}Precedence: bulk\r\n"}, "by the field Precedence"),
        ({"head": HEAD.replace("alice@", "list@")}, "alice@shop.example stands neither in To nor in Cc"),
    ],
)
def test_lists_programs_and_bounces_are_not_answered(replies, mailnet, alice, changed, why):
    assert replies(**changed) == []
    assert "no automatic reply of alice@shop.example, since " in timeline(life_of(mailnet).journal)
    assert why in timeline(life_of(mailnet).journal)
    assert len(alice.messages) == 1


@pytest.mark.parametrize(
    "head",
    [f"{HEAD}Auto-Submitted: no\r\n", HEAD.replace("To:", "Cc:"), f"{HEAD}Precedence: first-class\r\n"],
)
def test_what_only_looks_like_that_is_answered(replies, head):
    assert len(replies(head=head)) == 1


def test_a_sender_has_it_once_in_seven_days(replies, mailnet):
    assert len(replies()) == 1
    assert len(replies()) == 1
    mailnet.clock.advance(days=6, hours=23)
    assert len(replies()) == 1
    mailnet.clock.advance(hours=2)
    assert len(replies()) == 2


def test_a_new_text_begins_anew_and_none_ends_it(replies, alice):
    replies()
    alice.auto_reply = "Still away."
    assert [it.text for it in replies()] == ["I am away.\nBack on Monday.\n", "Still away.\n"]

    alice.auto_reply = None
    assert len(replies()) == 2


def test_two_that_are_away_do_not_answer_each_other_for_ever(replies, mailnet, alice, bob):
    bob.auto_reply = "So am I."

    replies()
    mailnet.deliver_all(days=1)

    assert [len(alice.messages), len(bob.messages)] == [1, 1]


def test_an_alias_in_to_will_do(replies, alice):
    alice.account.aliases = ("sales@shop.example",)

    assert len(replies(head=HEAD.replace("alice@", "sales@"), recipient="sales@shop.example")) == 1


def test_other_scripts_and_a_missing_subject(replies, alice):
    alice.auto_reply = "Bin im Bücherladen."

    [reply] = replies(head=HEAD.replace("Subject: hi", "Subject: =?utf-8?q?B=C3=BCcher?="))

    assert reply.subject == "Auto: Bücher"
    assert reply.text == "Bin im Bücherladen.\n"


def test_junk_is_not_answered(replies, mailnet):
    mailnet.host(SHOP).provider.on_message().junk()

    assert replies() == []


def test_a_user_of_the_same_provider_is_answered_at_once(mailnet, alice):
    dora = mailnet.host(SHOP).provider.add_mailbox("dora")

    with smtplib.SMTP(SHOP, 25) as client:
        client.sendmail("dora@shop.example", ["alice@shop.example"], f"{HEAD}\r\n".encode())

    assert [it.subject for it in dora.messages] == ["Auto: hi"]
