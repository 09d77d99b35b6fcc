"""The shop's mails, tested against an Amazon SES that is not there."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from webshop.confirmations import SCHEDULE, send_due
from webshop.models import Order

# Django 6.1 would have MAILERS in place of these, which Django 5 does not know.
pytestmark = pytest.mark.filterwarnings("ignore:(The EMAIL_|get_connection).*is deprecated")

BOB = "bob@hotmail.com"
SES = "email-smtp.eu-west-1.amazonaws.com"


@pytest.fixture
def ses(mailnet):
    return mailnet.provider("amazonses")


@pytest.fixture
def account(ses):
    """The shop's account at Amazon SES, which may send for shop.example."""
    return ses.add_account("AKIAIOSFODNN7EXAMPLE", password="secret", aliases=["@shop.example"])


@pytest.fixture(autouse=True)
def bob(mailnet, account):
    """The customer's mailbox."""
    return mailnet.hotmail.add_mailbox("bob")


def order(email=BOB):
    """Order something by the site; what is known of the order then."""
    answer = Client().post("/order", {"email": email, "goods": "a bicycle"})
    assert answer.status_code == 201
    return Order.objects.get()


def later(mailnet, wait):
    """What is known of the order once a time has passed and cron has run."""
    mailnet.clock.advance(seconds=wait.total_seconds())
    call_command("send_confirmations")
    return Order.objects.get()


def test_an_order_is_confirmed(mailnet, bob):
    taken = order()
    mailnet.deliver_all()

    [confirmation] = bob.messages
    assert taken.confirmation == "sent"
    assert confirmation.subject == "Your order"
    assert confirmation["From"] == "Webshop <orders@shop.example>"
    assert confirmation.text == "Thank you for your order of a bicycle.\n"
    assert mail.outbox == []


def test_a_throttled_confirmation_is_sent_when_it_is_due(mailnet, ses):
    ses.on_message().reply(ses.replies.sending_rate_exceeded).times(1)

    taken = order()
    too_early = later(mailnet, SCHEDULE[0] / 2)
    in_time = later(mailnet, SCHEDULE[0] / 2)

    assert taken.reason == "454 Throttling failure: Maximum sending rate exceeded."
    assert (too_early.confirmation, in_time.confirmation) == ("waiting", "sent")
    assert len(mailnet.messages) == 1


def test_a_confirmation_that_nobody_takes_is_given_up(mailnet, ses):
    ses.on_message().reply(ses.replies.temporary_service_failure)

    states = [order().confirmation, *(later(mailnet, wait).confirmation for wait in SCHEDULE)]

    assert states == ["waiting"] * len(SCHEDULE) + ["failed"]


def test_a_refused_sender_is_not_tried_again(mailnet, account):
    account.aliases = ["@other.example"]

    taken = order()
    send_due()

    assert taken.confirmation == "failed"
    assert taken.reason.startswith("554 Message rejected: Email address is not verified.")
    assert len(mailnet.sessions) == 1


def test_a_key_that_was_replaced_is_told_to_whoever_reads_cron_s_mail(mailnet, account):
    account.password = "replaced"

    taken = order()
    with pytest.raises(CommandError, match="535 Authentication Credentials Invalid"):
        call_command("send_confirmations")
    account.password = "secret"
    call_command("send_confirmations")

    assert (taken.confirmation, taken.tries) == ("waiting", 0)
    assert Order.objects.get().confirmation == "sent"


def test_a_log_in_that_is_refused_for_now_puts_the_confirmation_off(mailnet, ses):
    ses.on_auth().reply(ses.replies.temporary_auth_failure)

    taken = order()

    assert (taken.confirmation, taken.reason) == ("waiting", "454 Temporary authentication failure")


@pytest.mark.parametrize("fault", ["expired-at-starttls", "wrong-name-at-starttls", "stripped-at-starttls"])
def test_nobody_between_shop_and_provider_gets_the_password(mailnet, fault):
    mailnet.host(SES).fail(fault)

    taken = order()

    assert taken.confirmation == "waiting"
    assert [session.user for session in mailnet.sessions] == [None]


@pytest.mark.parametrize("fault", ["closed-in-content", "closed-after-dot", "rubbish-after-dot"])
def test_a_mail_of_which_nobody_knows_whether_it_was_taken_is_sent_again(mailnet, fault):
    mailnet.host(SES).fail(fault, times=1)

    first = order()
    second = later(mailnet, SCHEDULE[0])

    assert (first.confirmation, second.confirmation) == ("waiting", "sent")
    assert mailnet.account_for({f"{second.id}@shop.example": "sent"}).right


@pytest.mark.mailnet_crashes
def test_a_shop_that_dies_while_it_sends_goes_on_when_it_is_started_again(mailnet, mailnet_crash):
    waiting = Order.objects.create(email=BOB, goods="a bicycle", due=mailnet.clock.now())

    mailnet_crash.call(send_due)

    waiting.refresh_from_db()
    assert mailnet.account_for({f"{waiting.id}@shop.example": waiting.confirmation}).right


def test_a_server_that_breaks_off_at_quit_does_not_keep_the_next_order_waiting(mailnet):
    for goods in ("a bicycle", "a bell"):
        Order.objects.create(email=BOB, goods=goods, due=mailnet.clock.now())
    mailnet.host(SES).fail("overlong-at-quit", times=1)

    send_due()

    assert Order.objects.filter(confirmation="sent").count() == 2


def test_sent_does_not_say_that_anybody_got_it(mailnet, ses, bob):
    ses.suppress(BOB)

    taken = order()
    mailnet.deliver_all()

    assert taken.confirmation == "sent"
    assert bob.messages == []


def test_a_confirmation_that_bounces_comes_back_to_the_shop_s_mailbox(mailnet):
    mailbox = mailnet.add_server("mx.shop.example", domain="shop.example").add_mailbox("orders")

    taken = order("nobody@hotmail.com")
    mailnet.deliver_all()

    assert taken.confirmation == "sent"
    assert mailbox.messages[0].subject == "Delivery Status Notification (Failure)"


def test_the_link_in_the_mail_sets_a_new_password(mailnet, bob):
    User.objects.create_user("bob", BOB, "forgotten")
    browser = Client()

    browser.post("/password", {"email": BOB})
    mailnet.deliver_all()
    [link] = re.findall(r"https://testserver(/password/\S+)", bob.messages[0].text)
    form = browser.get(link, follow=True).request["PATH_INFO"]
    browser.post(form, {"new_password1": "correct horse", "new_password2": "correct horse"})

    assert User.objects.get().check_password("correct horse")


def test_the_reset_page_survives_a_mail_server_that_is_down(mailnet, caplog):
    mailnet.host(SES).refuse_connections()
    User.objects.create_user("bob", BOB, "forgotten")

    answer = Client().post("/password", {"email": BOB})

    assert answer.status_code == 302  # to the next page, as ever
    assert "Failed to send password reset email" in caplog.text


def test_who_asks_for_a_new_password_does_not_learn_that_the_mail_was_refused(mailnet, ses, caplog):
    ses.on_message().reply(ses.replies.account_paused)
    User.objects.create_user("bob", BOB, "forgotten")

    answer = Client().post("/password", {"email": BOB})

    assert answer.status_code == 302
    assert "Failed to send password reset email" in caplog.text
    assert "Message rejected: Sending paused for this account." in caplog.text
    assert mailnet.messages == []
