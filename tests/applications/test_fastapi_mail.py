"""fastapi-mail: awaited, in a background task of a web application, with log-ins, and how it tells of failures."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("fastapi_mail", reason="fastapi-mail is not installed; `tox -e applications` has it")

import aiosmtplib
from fastapi_mail import ConnectionConfig, FastMail, MessageSchema, MessageType
from fastapi_mail.errors import ConnectionErrors
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import Response
from starlette.routing import Route


def configured(**settings):
    return ConnectionConfig(
        **{
            "MAIL_USERNAME": "",
            "MAIL_PASSWORD": "",
            "MAIL_FROM": "bob@app.example",
            "MAIL_SERVER": "mx.shop.example",
            "MAIL_PORT": 25,
            "MAIL_STARTTLS": False,
            "MAIL_SSL_TLS": False,
            "USE_CREDENTIALS": False,
            "TIMEOUT": 10,
            **settings,
        }
    )


def by_microsoft(**settings):
    return configured(
        **{
            "MAIL_USERNAME": "mailer@app.example",
            "MAIL_PASSWORD": "open sesame",
            "MAIL_FROM": "mailer@app.example",
            "MAIL_FROM_NAME": "The Shop",
            "MAIL_SERVER": "smtp.office365.com",
            "MAIL_PORT": 587,
            "MAIL_STARTTLS": True,
            "USE_CREDENTIALS": True,
            **settings,
        }
    )


def letter(*recipients, **parts):
    return MessageSchema(
        **{
            "subject": "Order",
            "recipients": list(recipients),
            "body": "Thank you.",
            "subtype": MessageType.plain,
            **parts,
        }
    )


def send(config, *letters):
    asyncio.run(FastMail(config).send_message(list(letters)))


@pytest.fixture
def mailer(mailnet):
    """The application's domain is on Microsoft 365, and has one mailbox."""
    provider = mailnet.add_domain("app.example", on="microsoft365")
    return provider.add_mailbox("mailer@app.example", password="open sesame")


def test_a_mail_arrives(mailnet, shop):
    send(configured(), letter("sales@shop.example"))

    [message] = shop.mailbox("sales").messages
    assert message.parsed["Subject"] == "Order"
    assert message.envelope.mail_from == "bob@app.example"


def test_html_with_its_text_and_a_blind_copy_arrive(mailnet, shop):
    html = letter(
        "sales@shop.example",
        bcc=["boss@shop.example"],
        body="<b>Grüße</b>",
        alternative_body="Grüße",
        subtype=MessageType.html,
        multipart_subtype="alternative",
    )

    send(configured(), html)

    [message] = shop.mailbox("boss").messages
    assert message.envelope.rcpt_tos == ("sales@shop.example", "boss@shop.example")
    assert b"boss@shop.example" not in message.content
    assert message.parsed.get_body(("plain",)).get_content().strip() == "Grüße"
    assert message.parsed.get_body(("html",)).get_content().strip() == "<b>Grüße</b>"


def test_a_list_of_mails_goes_over_one_connection(mailnet, shop):
    send(configured(), *(letter("sales@shop.example", subject=f"Order {number}") for number in range(3)))

    assert [it.parsed["Subject"] for it in shop.mailbox("sales").messages] == [
        "Order 0",
        "Order 1",
        "Order 2",
    ]
    assert len(mailnet.sessions) == 1


def test_a_background_task_of_a_web_application_sends(mailnet, shop):
    testclient = pytest.importorskip("starlette.testclient", exc_type=(ImportError, RuntimeError))

    async def order(request):
        task = BackgroundTask(FastMail(configured()).send_message, letter("sales@shop.example"))
        return Response(status_code=202, background=task)

    with testclient.TestClient(Starlette(routes=[Route("/order", order, methods=["POST"])])) as client:
        answer = client.post("/order")
        [message] = mailnet.wait_for_messages(1)

    assert answer.status_code == 202
    assert shop.mailbox("sales").messages == [message]


def test_nothing_is_sent_where_sending_is_suppressed(mailnet, shop):
    fastmail = FastMail(configured(SUPPRESS_SEND=1))

    with fastmail.record_messages() as outbox:
        asyncio.run(fastmail.send_message(letter("sales@shop.example")))

    assert len(outbox) == 1
    assert mailnet.sessions == []


def test_a_mail_is_refused(mailnet):
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        send(configured(MAIL_SERVER="gmail-smtp-in.l.google.com"), letter("carl@gmail.com"))

    [reason] = refused.value.recipients
    assert (reason.code, reason.recipient) == (550, "carl@gmail.com")
    assert reason.message.startswith("5.1.1 The email account that you tried to reach does not exist.")


def test_fastapi_mail_says_nothing_of_one_recipient_of_two_that_is_refused(mailnet):
    alice = mailnet.gmail.add_mailbox("alice")

    send(configured(MAIL_SERVER="gmail-smtp-in.l.google.com"), letter("carl@gmail.com", "alice@gmail.com"))

    assert len(alice.messages) == 1


def test_a_mail_that_is_put_off_goes_through_at_the_next_try(mailnet, shop):
    shop.on_message().reply("451 4.7.1 Greylisted, try again later").times(1)

    with pytest.raises(aiosmtplib.SMTPDataError) as put_off:
        send(configured(), letter("sales@shop.example"))
    mailnet.clock.advance(minutes=15)
    send(configured(), letter("sales@shop.example"))

    assert put_off.value.code == 451
    assert len(shop.mailbox("sales").messages) == 1


def test_a_dead_server_is_a_matter_of_credentials_in_its_words(mailnet, shop):
    mailnet.host("mx.shop.example").refuse_connections()

    with pytest.raises(ConnectionErrors, match="check your credentials or email service configuration"):
        send(configured(), letter("sales@shop.example"))


def test_a_server_that_does_not_answer_is_given_up_after_its_time_out(mailnet, shop):
    mailnet.clock.compress()
    mailnet.host("mx.shop.example").fail("dropped-at-connect")
    began = mailnet.clock.time()

    with pytest.raises(ConnectionErrors, match=r"Timed out connecting to mx\.shop\.example on port 25"):
        send(configured(), letter("sales@shop.example"))

    assert 10 <= mailnet.clock.time() - began < 15  # what was lived counts too


def test_a_server_that_falls_silent_is_told_by_what_comes_after(mailnet, shop):
    """Leaving the connection says QUIT on one that has gone, and that error takes the place of the first."""
    mailnet.clock.compress()
    mailnet.host("mx.shop.example").fail("stalled-at-rcpt")

    with pytest.raises(aiosmtplib.SMTPServerDisconnected, match="Server not connected") as told:
        send(configured(), letter("sales@shop.example"))

    assert isinstance(told.value.__context__, aiosmtplib.SMTPReadTimeoutError)


def test_a_log_in_is_accepted_and_the_mail_goes_the_whole_way(mailnet, mailer):
    alice = mailnet.gmail.add_mailbox("alice")

    send(by_microsoft(), letter("alice@gmail.com"))
    mailnet.deliver_all()

    assert alice.messages[0].parsed["From"] == "The Shop <mailer@app.example>"


def test_a_log_in_over_tls_from_the_first_byte_on_is_accepted(mailnet):
    mailnet.gmail.add_mailbox("mailer", password="open sesame")
    bob = mailnet.hotmail.add_mailbox("bob")
    config = by_microsoft(
        MAIL_SERVER="smtp.gmail.com",
        MAIL_PORT=465,
        MAIL_STARTTLS=False,
        MAIL_SSL_TLS=True,
        MAIL_USERNAME="mailer@gmail.com",
    )

    send(config, letter("bob@hotmail.com"))
    mailnet.deliver_all()

    assert len(bob.messages) == 1


@pytest.mark.usefixtures("leaves_a_socket")
def test_a_wrong_password_is_refused(mailnet, mailer):
    with pytest.raises(ConnectionErrors, match=r"535.*5\.7\.3 Authentication unsuccessful"):
        send(by_microsoft(MAIL_PASSWORD="changed since"), letter("alice@gmail.com"))

    assert mailnet.messages == []


@pytest.mark.usefixtures("leaves_a_socket")
def test_a_tenant_that_has_turned_passwords_off_is_told(mailnet, mailer):
    mailnet.microsoft365.submission.enforce("passwords_disabled")

    with pytest.raises(ConnectionErrors, match=r"535.*5\.7\.139"):
        send(by_microsoft(), letter("alice@gmail.com"))


@pytest.mark.usefixtures("leaves_a_socket")
def test_a_certificate_for_another_host_is_refused_unless_certificates_are_not_looked_at(mailnet, mailer):
    mailnet.host("smtp.office365.com").tls.wrong_name()

    with pytest.raises(ConnectionErrors, match="certificate"):
        send(by_microsoft(), letter("alice@gmail.com"))
    send(by_microsoft(VALIDATE_CERTS=False), letter("alice@gmail.com"))

    assert len(mailnet.messages) == 1
