"""The receipts, tested by a real worker against a SendGrid that is not there."""

from __future__ import annotations

import smtplib

import pytest

pytest.importorskip("celery", reason="Celery is not installed; `tox -e applications` has it")

import receipts
from celery.contrib.testing.worker import start_worker
from receipts import Refused, send_receipt

BOB = "bob@hotmail.com"


@pytest.fixture(scope="module")
def _worker():
    """A worker with its queue in memory; it is there before any net, and works in each."""
    receipts.app.conf.update(
        broker_url="memory://",
        result_backend="cache+memory://",
        broker_transport_options={"polling_interval": 0.01},  # a second otherwise
        task_default_queue="receipts",  # what is in memory is one for the whole process
        worker_hijack_root_logger=False,
    )
    with start_worker(receipts.app, pool="threads", concurrency=1, perform_ping_check=False):
        yield


@pytest.fixture(autouse=True)
def sendgrid(mailnet, tmp_path, monkeypatch):
    """SendGrid, and what the worker is told of it."""
    monkeypatch.setenv("SENDGRID_API_KEY", "secret")
    monkeypatch.setenv("RECEIPTS_DB", str(tmp_path / "receipts.db"))
    monkeypatch.setattr(receipts, "FIRST_WAIT", 0.001)
    return mailnet.provider("sendgrid")


@pytest.fixture(autouse=True)
def account(sendgrid):
    """The shop's account, which may send for shop.example."""
    return sendgrid.add_account("apikey", password="secret", aliases=["@shop.example"])


@pytest.fixture
def send(_worker):
    """Queue a receipt, and wait for what comes of it."""

    def send(order="4711"):
        queued = send_receipt.delay(order, BOB, "12.50 EUR")
        return queued.get(timeout=20, interval=0.01)

    return send


def test_a_receipt_goes_the_whole_way(mailnet, send):
    bob = mailnet.hotmail.add_mailbox("bob")

    assert send() == "sent"
    mailnet.deliver_all()

    assert bob.messages[0].subject == "Receipt for order 4711"
    assert bob.messages[0].text == "You have paid 12.50 EUR. Thank you.\n"


def test_a_451_is_tried_again(mailnet, send, sendgrid):
    sendgrid.on_message().reply("451 4.3.0 Try again later").times(2)

    assert send() == "sent"
    assert len(mailnet.sessions) == 3
    assert len(mailnet.messages) == 1


def test_a_550_is_not_tried_again_and_its_words_are_kept(mailnet, send, sendgrid):
    sendgrid.on_rcpt().reply("550 5.1.1 No such user")

    with pytest.raises(Refused, match=r"550 5\.1\.1 No such user"):
        send()

    assert len(mailnet.sessions) == 1


def test_a_sender_that_is_not_verified_is_told_in_sendgrid_s_words(send, account):
    account.aliases = ["@other.example"]

    with pytest.raises(Refused, match="550 The from address does not match a verified Sender Identity"):
        send()


def test_credits_that_are_used_up_put_the_receipt_off(mailnet, send, sendgrid):
    sendgrid.on_auth().reply(sendgrid.replies.credits_exceeded).times(2)  # smtplib tries two mechanisms

    assert send() == "sent"
    assert len(mailnet.sessions) == 2


def test_a_key_that_is_replaced_in_time_loses_no_receipt(send, sendgrid):
    sendgrid.on_auth().reply(sendgrid.replies.bad_credentials).times(4)

    assert send() == "sent"


def test_a_receipt_that_is_never_taken_is_given_up_with_the_last_words(mailnet, send, sendgrid, monkeypatch):
    sendgrid.on_message().reply("451 4.3.0 Try again later")
    monkeypatch.setattr(send_receipt, "max_retries", 2)

    with pytest.raises(smtplib.SMTPDataError) as given_up:
        send()

    assert (given_up.value.smtp_code, len(mailnet.sessions)) == (451, 3)


def test_each_wait_is_twice_as_long_as_the_one_before(monkeypatch):
    monkeypatch.setattr(receipts, "FIRST_WAIT", 60)

    assert [receipts.wait_after(tries) for tries in (1, 2, 3)] == [60, 120, 240]


@pytest.mark.parametrize("fault", ["closed-in-content", "closed-after-dot", "rubbish-after-dot"])
def test_a_mail_of_which_nobody_knows_whether_it_was_taken_is_sent_again(mailnet, send, fault):
    mailnet.host(receipts.HOST).fail(fault, times=1)

    assert send() == "sent"
    assert len(mailnet.sessions) == 2
    assert mailnet.account_for({"receipt-4711@shop.example": "sent"}).right


def test_nobody_between_worker_and_provider_gets_the_key(mailnet, send):
    mailnet.host(receipts.HOST).fail("wrong-name-at-starttls", times=1)

    assert send() == "sent"
    assert [session.user for session in mailnet.sessions] == [None, "apikey"]


def test_a_task_that_is_delivered_twice_mails_one_receipt(mailnet, send):
    assert [send("4711"), send("4711"), send("4712")] == ["sent", "sent before", "sent"]
    assert len(mailnet.messages) == 2


@pytest.mark.mailnet_crashes
def test_a_worker_that_dies_leaves_the_task_to_another(mailnet, mailnet_crash):
    mailnet_crash.call(send_receipt, "4711", BOB, "12.50 EUR")

    assert mailnet.account_for({"receipt-4711@shop.example": "sent"}).right
