"""Flask-Mail: an application in no testing mode, which Flask-Mail would take for "do not send"."""

from __future__ import annotations

import smtplib

import pytest

pytest.importorskip("flask_mail", reason="Flask-Mail is not installed; `tox -e applications` has it")

from flask import Flask
from flask_mail import Attachment, Mail, Message


def application(**settings):
    app = Flask("shop")
    app.config.update(
        {"MAIL_SERVER": "mx.shop.example", "MAIL_DEFAULT_SENDER": "bob@app.example", **settings},
    )
    mail = Mail(app)

    @app.post("/order/<recipient>")
    def order(recipient):
        mail.send(Message("Order", recipients=[recipient], body="Thank you."))
        return "", 204

    return app, mail


def by_gmail(**settings):
    return application(
        **{
            "MAIL_SERVER": "smtp.gmail.com",
            "MAIL_PORT": 587,
            "MAIL_USE_TLS": True,
            "MAIL_USERNAME": "mailer@gmail.com",
            "MAIL_PASSWORD": "open sesame",
            "MAIL_DEFAULT_SENDER": ("The Shop", "mailer@gmail.com"),
            **settings,
        }
    )


@pytest.fixture
def mailer(mailnet):
    return mailnet.gmail.add_mailbox("mailer", password="open sesame")


def test_a_request_sends_a_mail_and_it_arrives(mailnet, shop):
    app, _ = application()

    answer = app.test_client().post("/order/sales@shop.example")

    [message] = shop.mailbox("sales").messages
    assert answer.status_code == 204
    assert message.parsed["Subject"] == "Order"
    assert message.envelope.mail_from == "bob@app.example"


def test_a_mail_with_attachment_and_blind_copy_arrives(mailnet, shop):
    app, mail = application()

    with app.app_context():
        attachment = Attachment("rechnung.csv", "text/csv", b"1,2\n")
        message = Message(
            "Rechnung",
            recipients=["sales@shop.example"],
            bcc=["boss@shop.example"],
            html="<b>Grüße</b>",
            attachments=[attachment],
        )
        mail.send(message)

    [sent] = shop.mailbox("boss").messages
    assert b"boss@shop.example" not in sent.content
    assert [part.get_filename() for part in sent.parsed.iter_attachments()] == ["rechnung.csv"]


def test_one_connection_carries_many_mails_up_to_its_limit(mailnet, shop):
    app, mail = application(MAIL_MAX_EMAILS=2)

    with app.app_context(), mail.connect() as connection:
        for number in range(3):
            connection.send(Message(f"Order {number}", recipients=["sales@shop.example"], body="Thank you."))

    assert len(shop.mailbox("sales").messages) == 3
    assert len(mailnet.sessions) == 2


@pytest.mark.parametrize("setting", ["TESTING", "MAIL_SUPPRESS_SEND"])
def test_in_testing_mode_nothing_is_sent_and_nobody_is_told(mailnet, shop, setting):
    app, mail = application(**{setting: True})

    with mail.record_messages() as outbox:
        answer = app.test_client().post("/order/sales@shop.example")

    assert answer.status_code == 204
    assert len(outbox) == 1
    assert mailnet.sessions == []


def test_testing_mode_that_is_set_after_the_extension_was_made_does_not_count(mailnet, shop):
    app, _ = application()
    app.testing = True

    app.test_client().post("/order/sales@shop.example")

    assert len(shop.mailbox("sales").messages) == 1


def test_a_mail_is_refused(mailnet):
    app, mail = application(MAIL_SERVER="gmail-smtp-in.l.google.com")

    with app.app_context(), pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        mail.send(Message("Order", recipients=["carl@gmail.com"], body="Thank you."))

    assert refused.value.recipients["carl@gmail.com"][0] == 550


def test_a_refused_mail_is_a_server_error_of_the_request(mailnet):
    app, _ = application(MAIL_SERVER="gmail-smtp-in.l.google.com")

    assert app.test_client().post("/order/carl@gmail.com").status_code == 500


def test_flask_mail_says_nothing_of_one_recipient_of_two_that_is_refused(mailnet):
    alice = mailnet.gmail.add_mailbox("alice")
    app, mail = application(MAIL_SERVER="gmail-smtp-in.l.google.com")

    with app.app_context():
        mail.send(Message("Order", recipients=["carl@gmail.com", "alice@gmail.com"], body="Thank you."))

    assert len(alice.messages) == 1


def test_a_mail_that_is_put_off_goes_through_at_the_next_request(mailnet, shop):
    shop.on_rcpt().reply("451 4.7.1 Greylisted, try again later").times(1)
    app, _ = application()
    client = app.test_client()

    first = client.post("/order/sales@shop.example")
    mailnet.clock.advance(minutes=15)
    second = client.post("/order/sales@shop.example")

    assert (first.status_code, second.status_code) == (500, 204)
    assert len(shop.mailbox("sales").messages) == 1


def test_a_dead_server_is_told_as_such_and_not_by_what_comes_after(mailnet, shop):
    mailnet.host("mx.shop.example").refuse_connections()
    app, mail = application()

    with app.app_context(), pytest.raises(ConnectionRefusedError):
        mail.send(Message("Order", recipients=["sales@shop.example"], body="Thank you."))


def test_a_connection_that_breaks_is_told_by_what_comes_after(mailnet, shop):
    """Leaving the connection says QUIT to a server that has gone, and that error takes the place of the first."""
    shop.on_message().reply("421 4.3.2 Going down")
    app, mail = application()

    with app.app_context(), pytest.raises(smtplib.SMTPServerDisconnected) as told:
        mail.send(Message("Order", recipients=["sales@shop.example"], body="Thank you."))

    assert isinstance(told.value.__context__, smtplib.SMTPDataError)


def test_a_log_in_is_accepted_and_the_mail_goes_the_whole_way(mailnet, mailer):
    bob = mailnet.hotmail.add_mailbox("bob")
    app, _ = by_gmail()

    app.test_client().post("/order/bob@hotmail.com")
    mailnet.deliver_all()

    assert bob.messages[0].parsed["From"] == "The Shop <mailer@gmail.com>"


def test_a_log_in_over_tls_from_the_first_byte_on_is_accepted(mailnet, mailer):
    bob = mailnet.hotmail.add_mailbox("bob")
    app, _ = by_gmail(MAIL_PORT=465, MAIL_USE_TLS=False, MAIL_USE_SSL=True)

    app.test_client().post("/order/bob@hotmail.com")
    mailnet.deliver_all()

    assert len(bob.messages) == 1


@pytest.mark.usefixtures("leaves_a_socket")
def test_a_wrong_password_is_refused(mailnet, mailer):
    mailer.account.password = "changed since"
    app, mail = by_gmail()

    with app.app_context(), pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        mail.send(Message("Order", recipients=["bob@hotmail.com"], body="Thank you."))

    assert refused.value.smtp_code == 535
    assert mailnet.messages == []


def test_any_certificate_will_do(mailnet, mailer):
    """smtplib without a context verifies none, and Flask-Mail gives it none."""
    mailnet.host("smtp.gmail.com").tls.self_signed()
    app, _ = by_gmail()

    assert app.test_client().post("/order/bob@hotmail.com").status_code == 204
