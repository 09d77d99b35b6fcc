"""The notices, tested against the company's own operator, which is not there either."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

import pytest
from notices import Notices, NotLetIn

STAFF = [f"{name}@shop.example" for name in ("alice", "bob", "carol", "dave", "eve")]


@pytest.fixture
def shopmail(mailnet):
    """The operator, with a mailbox for everybody."""
    provider = mailnet.provider("shopmail")
    for address in STAFF:
        provider.add_mailbox(address)
    return provider


@pytest.fixture
def office(shopmail):
    """The mailbox from which notices are sent."""
    return shopmail.add_mailbox("office", password="autumn")


@pytest.fixture
def notices(office):
    return Notices("office@shop.example", "autumn")


@pytest.fixture
def notice():
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "The office <office@shop.example>", "Closed on Friday"
    mail["Message-ID"] = "<1@shop.example>"
    mail.set_content("Please answer that you have read this.\n")
    return mail


def test_a_notice_goes_to_everybody_three_at_a_time(mailnet, shopmail, notices, notice):
    told = notices.send(notice, STAFF)
    mailnet.deliver_all()

    assert sorted(told.sent) == STAFF
    assert [len(mail.recipients) for mail in mailnet.messages[:2]] == [3, 2]
    assert all(len(shopmail.mailbox(address).messages) == 1 for address in STAFF)


def test_who_has_left_is_told_in_the_operator_s_words(notices, notice):
    told = notices.send(notice, [*STAFF[:2], "zoe@shop.example"])

    assert told.refused == {
        "zoe@shop.example": "550 5.1.1 <zoe@shop.example> has left us, or never came",
    }
    assert told.sent == STAFF[:2]


def test_a_notice_to_nobody_who_is_there_comes_to_an_end(notices, notice):
    assert list(notices.send(notice, ["zoe@shop.example"]).refused) == ["zoe@shop.example"]


def test_a_mailbox_without_room_is_told_and_keeps_nobody_else_from_the_notice(shopmail, notices, notice):
    shopmail.mailbox(STAFF[0]).quota = 0

    told = notices.send(notice, STAFF)

    assert told.refused == {STAFF[0]: f"452 4.2.2 <{STAFF[0]}> reads no mail, and has no room for more"}
    assert sorted(told.sent) == STAFF[1:]


def test_a_table_is_not_taken(shopmail, notices, notice):
    notice.add_attachment(b"1;2", maintype="application", subtype="vnd.ms-excel", filename="rota.xls")

    with pytest.raises(smtplib.SMTPDataError, match=r"rota\.xls is not to be sent: share it in the cloud"):
        notices.send(notice, STAFF[:1])


def test_a_password_of_the_quarter_before_lets_nobody_in(office, notices, notice):
    office.account.password = "winter"

    with pytest.raises(NotLetIn, match="one of the quarter before"):
        notices.send(notice, STAFF)
    with pytest.raises(NotLetIn, match="one of the quarter before"):
        notices.answered()


def test_who_answers_has_read_it(mailnet, shopmail, notices, notice):
    alice = shopmail.mailbox("alice")
    notices.send(notice, STAFF[:2])
    mailnet.deliver_all()
    alice.reply_to(alice.messages[0], "I have.")
    mailnet.deliver_all()

    assert notices.answered() == ["alice@shop.example"]
    assert notices.answered() == []


def test_mail_from_outside_comes_in_by_the_operator_s_mx(mailnet, shopmail, office):
    mailnet.gmail.send(sender="bob", to="office+jobs@shop.example", subject="Work?")
    mailnet.deliver_all()

    assert [it.subject for it in office.messages] == ["Work?"]
    assert mailnet.sessions[-1].host == "mx1.shopmail.example"
