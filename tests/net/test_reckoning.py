"""What an application believes, held against what the servers took."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib

import pytest

from pytest_mailnet.errors import InvalidSetting

aiosmtplib = pytest.importorskip("aiosmtplib")

DOMAIN = "shop.example"
HOST = "mx.shop.example"


@pytest.fixture
def shop(mailnet):
    mailnet.clock.compress()
    return mailnet.add_server(HOST, domain=DOMAIN)


def mail(number):
    return f"Message-ID: <{number}@sender.example>\r\nSubject: {number}\r\n\r\nhi\r\n"


def send(number, *recipients):
    with smtplib.SMTP(HOST, timeout=60) as client:
        client.sendmail("app@sender.example", recipients or ("a@shop.example",), mail(number))


def send_by_aiosmtplib(number):
    async def talk():
        client = aiosmtplib.SMTP(hostname=HOST, port=25, timeout=60, start_tls=False)
        try:
            await client.connect()
            await client.sendmail("app@sender.example", ["a@shop.example"], mail(number))
        finally:
            client.close()

    asyncio.run(talk())


def send_in_vain(number):
    with pytest.raises(smtplib.SMTPServerDisconnected):
        send(number)


def test_an_application_that_is_right_hears_so(mailnet, shop):
    send(1)
    shop.on_rcpt().reply("550 5.1.1 No such user")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(2)

    reckoning = mailnet.account_for({"1@sender.example": "sent", "2@sender.example": "failed"})

    assert reckoning
    assert reckoning.right
    assert str(reckoning) == "every mail is where the application believes it"


def test_a_mail_that_nobody_took_is_told(mailnet, shop):
    mailnet.fail(DOMAIN, "closed-at-mail")
    send_in_vain(1)

    reckoning = mailnet.account_for([("<1@sender.example>", "sent"), ("2@sender.example", None)])

    assert not reckoning
    assert not reckoning.right
    assert reckoning.sent_but_not_taken == ("<1@sender.example>",)
    assert reckoning.lost == ("2@sender.example",)
    assert str(reckoning) == "lost: 2@sender.example\ntold sent but not taken: <1@sender.example>"


def test_a_mail_that_waits_is_not_lost(mailnet, shop):
    mailnet.fail(DOMAIN, "closed-at-mail")
    send_in_vain(1)

    assert mailnet.account_for({"1@sender.example": "deferred"}).right


def test_a_mail_that_was_taken_has_not_failed(mailnet, shop):
    mailnet.fail(DOMAIN, "closed-after-dot")
    send_in_vain(1)

    reckoning = mailnet.account_for({"1@sender.example": "failed"})

    assert reckoning.failed_but_taken == ("1@sender.example",)
    assert not reckoning.right


def test_a_mail_that_is_sent_again_without_need_is_a_duplicate(mailnet, shop):
    send(1)
    send(1)

    assert mailnet.account_for({"1@sender.example": "sent"}).duplicated == ("1@sender.example",)


def test_a_mail_that_is_sent_again_because_the_reply_was_lost_is_excused(mailnet, shop):
    mailnet.fail(DOMAIN, "closed-after-dot", times=1)
    send_in_vain(1)
    waiting = mailnet.account_for({"1@sender.example": "deferred"})
    send(1)
    sent = mailnet.account_for({"1@sender.example": "sent"})

    for reckoning in (waiting, sent):
        assert reckoning.right
        assert str(reckoning) == "duplicates are possible here: 1@sender.example"


@pytest.mark.parametrize("send_by", ["smtplib", "aiosmtplib"])
@pytest.mark.parametrize("wrong", ["early-after-dot", "late-after-dot", "delayed"])
def test_a_yes_that_a_client_may_not_hear_excuses_a_second_copy(mailnet, shop, wrong, send_by):
    send_it = send if send_by == "smtplib" else send_by_aiosmtplib
    if wrong == "delayed":
        shop.on_message().reply("250 2.0.0 At last").delayed(seconds=90).times(1)
    else:
        mailnet.fail(DOMAIN, wrong, times=1)

    for _ in range(2):
        with contextlib.suppress(smtplib.SMTPException, aiosmtplib.SMTPException):
            send_it(1)

    assert len(mailnet.messages) == 2
    assert str(mailnet.account_for({"1@sender.example": "sent"})) == (
        "duplicates are possible here: 1@sender.example"
    )


@pytest.mark.parametrize("wrong", ["early-at-rcpt", "late-at-data", "trickling-at-mail"])
def test_what_goes_wrong_before_the_dot_excuses_no_second_copy(mailnet, shop, wrong):
    mailnet.fail(DOMAIN, wrong, times=1)

    send(1)
    send(1)

    assert mailnet.account_for({"1@sender.example": "sent"}).duplicated == ("1@sender.example",)


def test_a_server_that_hangs_up_after_the_next_mail_excuses_no_second_copy(mailnet, shop):
    with smtplib.SMTP(HOST, timeout=60) as client:
        client.sendmail("app@sender.example", ["a@shop.example"], mail(1))
        shop.on_message().disconnect().times(1)
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.sendmail("app@sender.example", ["a@shop.example"], mail(2))
    send(1)

    assert mailnet.account_for({"1@sender.example": "sent"}).duplicated == ("1@sender.example",)


def test_a_third_copy_is_not_excused_by_one_lost_reply(mailnet, shop):
    mailnet.fail(DOMAIN, "closed-after-dot", times=1)
    send_in_vain(1)
    send(1)
    send(1)

    assert mailnet.account_for({"1@sender.example": "sent"}).duplicated == ("1@sender.example",)


def test_a_lost_reply_excuses_only_the_mail_that_it_was_for(mailnet, shop):
    with smtplib.SMTP(HOST, timeout=60) as client:
        for number in (1, 2):
            if number == 2:
                mailnet.fail(DOMAIN, "closed-after-dot", times=1)
            try:
                client.sendmail("app@sender.example", ["a@shop.example"], mail(number))
            except smtplib.SMTPServerDisconnected:
                assert number == 2
    send(1)

    assert mailnet.account_for({"1@sender.example": "sent"}).duplicated == ("1@sender.example",)


def test_recipients_can_be_told_apart(mailnet, shop):
    shop.on_rcpt("b@shop.example").reply("450 4.2.1 Later")
    send(1, "a@shop.example", "b@shop.example")

    reckoning = mailnet.account_for(
        {("1@sender.example", "a@shop.example"): "sent", ("<1@sender.example>", "b@shop.example"): "sent"}
    )

    assert reckoning.sent_but_not_taken == (("<1@sender.example>", "b@shop.example"),)
    assert str(reckoning) == "told sent but not taken: <1@sender.example> to b@shop.example"


def test_a_log_may_call_mails_by_something_else(mailnet, shop):
    send(1)

    reckoning = mailnet.account_for({"1": "sent"}, key=lambda message: message.parsed["Subject"])

    assert reckoning.right


def test_a_mail_that_was_relayed_counts_once(mailnet, shop):
    server = mailnet.add_server("smtp.app.example", domain="app.example")
    server.trust("203.0.113.0/24")
    with smtplib.SMTP("smtp.app.example") as client:
        client.sendmail("b@app.example", ["a@shop.example"], "Message-ID: <1@app.example>\r\n\r\nhi\r\n")
    mailnet.deliver_all()

    assert len(mailnet.messages) == 2
    assert mailnet.account_for({"1@app.example": "sent"}).right


def test_a_belief_that_is_none_is_told(mailnet, shop):
    with pytest.raises(InvalidSetting, match=r"'snet' of 1@sender\.example.*did you mean 'sent'"):
        mailnet.account_for({"1@sender.example": "snet"})
