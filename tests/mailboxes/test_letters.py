"""Mails that the owners of mailboxes write, and their answers."""

from __future__ import annotations

import smtplib
import sys

import pytest

from pytest_mailnet import InvalidAddress, InvalidSetting


@pytest.fixture
def boss(mailnet):
    return mailnet.add_server("mx.shop.example", domain="shop.example").add_mailbox("boss")


def test_a_user_of_a_provider_writes_to_a_server_of_the_test_s(mailnet, boss):
    mailnet.gmail.send(to="boss@shop.example", subject="Hülfe", text="Wo ist sie?\n")
    mailnet.deliver_all()

    [message] = boss.messages
    assert (message.sender, message["From"], message["To"]) == (
        "someone@gmail.com",
        "someone@gmail.com",
        "boss@shop.example",
    )
    assert message["Subject"] == "Hülfe"
    assert message.text == "Wo ist sie?\n"


def test_it_waits_in_the_queue_until_the_test_says_so(mailnet, boss):
    mailnet.gmail.send(to="boss@shop.example")

    assert [str(it.recipients[0]) for it in mailnet.queue] == ["boss@shop.example"]
    assert boss.messages == []


def test_it_passes_spf_dkim_and_dmarc_where_they_are_checked(mailnet):
    bob = mailnet.yahoo.add_mailbox("bob")

    mailnet.gmail.send(sender="alice", to="bob@yahoo.com", subject="Hi")
    mailnet.deliver_all()

    results = bob.messages[0].trace
    assert b"spf=pass smtp.mailfrom=alice@gmail.com;" in results
    assert b"dkim=pass header.d=gmail.com" in results
    assert b"dmarc=pass" in results


def test_the_user_gets_the_bounce(mailnet, boss):
    someone = mailnet.gmail.send(to=["boss@shop.example", "nobody@nowhere.example"])
    mailnet.deliver_all()

    [bounce] = someone.messages
    assert bounce.sender == ""
    assert "nobody@nowhere.example" in bounce.text
    assert len(boss.messages) == 1


def test_a_user_writes_to_another_of_the_same_provider(mailnet):
    bob = mailnet.gmail.add_mailbox("bob")

    mailnet.gmail.send(to="bob@gmail.com", subject="Hi")

    assert [it["Subject"] for it in bob.messages] == ["Hi"]
    assert not mailnet.queue


def test_a_whole_message_goes_out_as_it_is(mailnet, boss):
    content = b"From: Eve <eve@elsewhere.example>\r\nSubject: odd\r\n\r\n.\r\n"

    mailnet.gmail.send(to="boss@shop.example", content=content)
    mailnet.deliver_all()

    assert boss.messages[0].content.endswith(content)


def test_an_answer_comes_back_into_the_thread(mailnet, boss):
    someone = mailnet.gmail.send(to="boss@shop.example", subject="Where is it?")
    mailnet.deliver_all()

    boss.reply_to(boss.messages[0], "Here.")
    mailnet.deliver_all()

    [answer] = someone.messages
    assert answer["Subject"] == "Re: Where is it?"
    assert answer["In-Reply-To"] == answer["References"] == boss.messages[0]["Message-ID"]
    assert answer.text == "Here.\n"


def test_an_answer_goes_to_reply_to(mailnet, boss):
    office = mailnet.provider("mx.shop.example").add_mailbox("office")
    with smtplib.SMTP("mx.shop.example", timeout=10) as client:
        head = b"From: bob@b.example\r\nReply-To: Office <office@shop.example>\r\nSubject: re: it\r\n\r\n"
        client.sendmail("bob@b.example", ["boss@shop.example"], head)

    boss.reply_to(boss.messages[0], "Yes.")

    [answer] = office.messages
    assert (answer.sender, answer["Subject"]) == ("boss@shop.example", "re: it")


def test_a_mail_without_an_author_cannot_be_answered(boss):
    with smtplib.SMTP("mx.shop.example", timeout=10) as client:
        client.sendmail("", ["boss@shop.example"], b"Subject: hi\r\n\r\n")

    with pytest.raises(InvalidSetting, match="no address in From or Reply-To"):
        boss.reply_to(boss.messages[0], "Who?")


def test_only_a_message_can_be_answered(boss):
    with pytest.raises(InvalidSetting, match=r"reply_to\('hi', \.\.\.\) takes a message, as in"):
        boss.reply_to("hi", "Who?")


def test_a_recipient_that_cannot_be_one_is_refused(mailnet):
    with pytest.raises(InvalidAddress):
        mailnet.gmail.send(to="boss")


def test_a_mail_to_nobody_is_refused(boss):
    with pytest.raises(InvalidSetting, match=r"to=\.\.\.\) takes the address of at least one recipient"):
        boss.send(to=[])


def test_a_whole_message_has_its_subject_already(boss):
    with pytest.raises(InvalidSetting, match="no subject or text beside it"):
        boss.send(to="bob@b.example", subject="Hi", content=b"Subject: Hi\r\n\r\n")


def test_without_the_extra_it_goes_out_unsigned(mailnet, boss, monkeypatch):
    monkeypatch.setitem(sys.modules, "dkim", None)

    mailnet.gmail.send(to="boss@shop.example")
    mailnet.deliver_all()

    assert boss.messages[0]["DKIM-Signature"] is None
