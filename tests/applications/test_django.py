"""Django's SMTP back end: `send_mail`, connections that stay open, log-ins, TLS, and what it keeps quiet about."""

from __future__ import annotations

import smtplib
import ssl

import pytest

pytest.importorskip("django", reason="Django is not installed; `tox -e applications` has it")

from django.conf import settings
from django.core import mail
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection, send_mail, send_mass_mail
from django.test import override_settings

# Django 6.1 would have MAILERS in place of these, which Django 5 does not know.
pytestmark = pytest.mark.filterwarnings(
    "ignore:(The EMAIL_|The '(connection|fail_silently)' argument|get_connection).*is deprecated"
)


@pytest.fixture(autouse=True)
def _site():
    if not settings.configured:
        settings.configure()
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="mx.shop.example",
        EMAIL_PORT=25,
        EMAIL_TIMEOUT=10,
        DEFAULT_FROM_EMAIL="bob@app.example",
    ):
        yield


@pytest.fixture
def by_gmail(mailnet):
    """The site's mail goes through Gmail's submission server, whose user mailer@gmail.com it is."""
    with override_settings(
        EMAIL_HOST="smtp.gmail.com",
        EMAIL_PORT=587,
        EMAIL_USE_TLS=True,
        EMAIL_HOST_USER="mailer@gmail.com",
        EMAIL_HOST_PASSWORD="open sesame",
        DEFAULT_FROM_EMAIL="mailer@gmail.com",
    ):
        yield mailnet.gmail.add_mailbox("mailer", password="open sesame")


def test_a_mail_arrives(mailnet, shop):
    sent = send_mail("hi", "hello", None, ["sales@shop.example"])

    [message] = shop.mailbox("sales").messages
    assert sent == 1
    assert message.parsed["Subject"] == "hi"
    assert message.parsed.get_content() == "hello\r\n"
    assert message.envelope.mail_from == "bob@app.example"


def test_two_bodies_and_an_attachment_arrive(mailnet, shop):
    letter = EmailMultiAlternatives("Rechnung", "Grüße", "bob@app.example", ["sales@shop.example"])
    letter.attach_alternative("<b>Grüße</b>", "text/html")
    letter.attach("rechnung.csv", "1,2\n", "text/csv")

    letter.send()

    parsed = shop.mailbox("sales").messages[0].parsed
    assert parsed.get_body(("html",)).get_content().strip() == "<b>Grüße</b>"
    assert [part.get_filename() for part in parsed.iter_attachments()] == ["rechnung.csv"]


def test_a_mail_to_many_is_one_mail_and_hides_its_blind_copies(mailnet, shop):
    letter = EmailMessage(
        "hi",
        "hello",
        to=["a@shop.example", "b@shop.example"],
        cc=["c@shop.example"],
        bcc=["d@shop.example"],
    )

    letter.send()

    [message] = mailnet.messages
    assert message.envelope.rcpt_tos == tuple(f"{name}@shop.example" for name in "abcd")
    assert b"d@shop.example" not in message.content
    assert shop.mailbox("d").messages == [message]


def test_many_mails_share_one_connection(mailnet, shop):
    sent = send_mass_mail([(f"hi {number}", "hello", None, ["sales@shop.example"]) for number in range(3)])

    assert sent == 3
    assert [it.parsed["Subject"] for it in shop.mailbox("sales").messages] == ["hi 0", "hi 1", "hi 2"]
    assert len(mailnet.sessions) == 1


def test_a_connection_that_is_opened_is_used_again(mailnet, shop):
    connection = get_connection()
    connection.open()

    for _ in range(2):
        EmailMessage("hi", "hello", to=["sales@shop.example"], connection=connection).send()
    connection.close()

    assert len(shop.mailbox("sales").messages) == 2
    assert len(mailnet.sessions) == 1


def test_a_connection_that_the_server_has_closed_meanwhile_is_not_opened_again(mailnet, shop):
    shop.on_mail(sender="late@app.example").disconnect().times(1)
    with get_connection() as connection:
        EmailMessage("hi", "hello", to=["sales@shop.example"], connection=connection).send()
        late = EmailMessage("hi", "hello", "late@app.example", ["sales@shop.example"], connection=connection)

        for _ in range(2):
            with pytest.raises(smtplib.SMTPServerDisconnected):
                late.send()

    assert len(mailnet.sessions) == 1


def test_a_mail_is_refused(mailnet):
    with (
        override_settings(EMAIL_HOST="gmail-smtp-in.l.google.com"),
        pytest.raises(smtplib.SMTPRecipientsRefused) as refused,
    ):
        send_mail("hi", "hello", None, ["carl@gmail.com"])

    code, text = refused.value.recipients["carl@gmail.com"]
    assert code == 550
    assert text.startswith(b"5.1.1 The email account that you tried to reach does not exist.")


def test_django_says_nothing_of_one_recipient_of_two_that_is_refused(mailnet):
    alice = mailnet.gmail.add_mailbox("alice")

    with override_settings(EMAIL_HOST="gmail-smtp-in.l.google.com"):
        sent = send_mail("hi", "hello", None, ["carl@gmail.com", "alice@gmail.com"])

    assert sent == 1
    assert len(alice.messages) == 1
    assert any("550" in reply for reply in mailnet.sessions[0].replies)


def test_a_refusal_is_silent_where_django_is_told_to_be(mailnet, shop):
    shop.on_rcpt().reply("550 5.1.1 Nobody here")

    sent = send_mail("hi", "hello", None, ["sales@shop.example"], fail_silently=True)

    assert sent == 0
    assert mailnet.messages == []


def test_a_dead_host_is_silent_where_django_is_told_to_be(mailnet, shop):
    mailnet.host("mx.shop.example").refuse_connections()

    with pytest.raises(ConnectionRefusedError):
        send_mail("hi", "hello", None, ["sales@shop.example"])
    assert not send_mail("hi", "hello", None, ["sales@shop.example"], fail_silently=True)


def test_a_mail_that_is_put_off_goes_through_at_the_next_try(mailnet, shop):
    shop.on_message().reply("451 4.7.1 Greylisted, try again later").times(1)
    letter = EmailMessage("hi", "hello", to=["sales@shop.example"])

    with pytest.raises(smtplib.SMTPDataError, match="Greylisted") as put_off:
        letter.send()
    mailnet.clock.advance(minutes=15)
    sent = letter.send()

    assert put_off.value.smtp_code == 451
    assert sent == 1
    assert len(shop.mailbox("sales").messages) == 1


def test_the_rest_of_many_mails_is_not_sent_after_one_that_is_refused(mailnet, shop):
    shop.on_rcpt("b@*").reply("452 4.2.2 Mailbox full")
    mails = [("hi", "hello", None, [f"{name}@shop.example"]) for name in "abc"]

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send_mass_mail(mails)

    assert [it.envelope.rcpt_tos for it in mailnet.messages] == [("a@shop.example",)]


def test_django_logs_in_over_starttls_and_the_mail_goes_the_whole_way(mailnet, by_gmail):
    bob = mailnet.hotmail.add_mailbox("bob")

    send_mail("hi", "hello", None, ["bob@hotmail.com"])
    mailnet.deliver_all()

    assert bob.messages[0].parsed["Subject"] == "hi"
    assert bob.messages[0].parsed["From"] == "mailer@gmail.com"


def test_django_logs_in_over_tls_from_the_first_byte_on(mailnet, by_gmail):
    bob = mailnet.hotmail.add_mailbox("bob")

    with override_settings(EMAIL_PORT=465, EMAIL_USE_TLS=False, EMAIL_USE_SSL=True):
        send_mail("hi", "hello", None, ["bob@hotmail.com"])
    mailnet.deliver_all()

    assert len(bob.messages) == 1
    assert mailnet.sessions[0].server.port == 465


@pytest.mark.usefixtures("leaves_a_socket")
@pytest.mark.parametrize(("port", "tls"), [(587, "EMAIL_USE_TLS"), (465, "EMAIL_USE_SSL")])
def test_a_wrong_password_is_refused(mailnet, by_gmail, port, tls):
    by_gmail.account.password = "changed since"

    with (
        override_settings(EMAIL_PORT=port, EMAIL_USE_TLS=False),
        override_settings(**{tls: True}),
        pytest.raises(smtplib.SMTPAuthenticationError) as refused,
    ):
        send_mail("hi", "hello", None, ["bob@hotmail.com"])

    assert refused.value.smtp_code == 535
    assert b"5.7.8 Username and Password not accepted" in refused.value.smtp_error


@pytest.mark.usefixtures("leaves_a_socket")
def test_a_log_in_that_is_put_off_goes_through_at_the_next_try(mailnet, by_gmail):
    # smtplib tries the next mechanism of two before it gives up.
    mailnet.gmail.on_auth().reply("454 4.7.0 Temporary authentication failure").times(2)

    with pytest.raises(smtplib.SMTPAuthenticationError) as put_off:
        send_mail("hi", "hello", None, ["bob@hotmail.com"])
    sent = send_mail("hi", "hello", None, ["bob@hotmail.com"])

    assert put_off.value.smtp_code == 454
    assert sent == 1


def test_a_bounce_comes_back_to_the_site_s_own_mailbox(mailnet, by_gmail):
    sent = send_mail("hi", "hello", None, ["nobody@hotmail.com"])
    mailnet.deliver_all()

    assert sent == 1
    assert [it.parsed["Subject"] for it in by_gmail.messages] == ["Delivery Status Notification (Failure)"]


@pytest.mark.usefixtures("leaves_a_socket")
def test_a_certificate_that_no_authority_signed_is_refused(mailnet, by_gmail):
    mailnet.host("smtp.gmail.com").tls.self_signed()

    with pytest.raises(ssl.SSLCertVerificationError):
        send_mail("hi", "hello", None, ["bob@hotmail.com"])

    assert mailnet.messages == []


def test_the_back_end_of_django_s_own_test_runner_sends_nothing(mailnet, shop, monkeypatch):
    monkeypatch.setattr(mail, "outbox", [], raising=False)

    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        sent = send_mail("hi", "hello", None, ["sales@shop.example"])

    assert sent == len(mail.outbox) == 1
    assert mailnet.sessions == []
