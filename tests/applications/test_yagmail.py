"""yagmail: Gmail's submission server unless told otherwise, always with a log-in."""

from __future__ import annotations

import smtplib
from types import SimpleNamespace

import pytest

yagmail = pytest.importorskip("yagmail", reason="yagmail is not installed; `tox -e applications` has it")


APP_PASSWORD = "abcdefghijklmnop"


@pytest.fixture
def mailer(mailnet):
    account = mailnet.gmail.add_mailbox("mailer", password="their password").account
    account.add_app_password(APP_PASSWORD)
    return account


@pytest.fixture
def waits(monkeypatch):
    """How long yagmail waits before it tries again: it does not, here."""
    asked = []
    monkeypatch.setattr("yagmail.sender.time", SimpleNamespace(sleep=asked.append))
    return asked


@pytest.fixture
def bob(mailnet):
    return mailnet.hotmail.add_mailbox("bob")


def send(*recipients, password=APP_PASSWORD, **options):
    with yagmail.SMTP("mailer@gmail.com", password, **options) as client:
        return client.send(list(recipients), "Order", "Thank you.")


@pytest.mark.parametrize("options", [{}, {"smtp_ssl": False}], ids=["465", "587"])
def test_a_mail_goes_the_whole_way(mailnet, mailer, bob, options):
    refused = send("bob@hotmail.com", **options)
    mailnet.deliver_all()

    assert refused == {}
    assert bob.messages[0].parsed["Subject"] == "Order"
    assert bob.messages[0].parsed["From"] == '"mailer@gmail.com" <mailer@gmail.com>'


def test_an_attachment_and_html_arrive(mailnet, mailer, bob, tmp_path):
    path = tmp_path / "invoice.csv"
    path.write_text("1,2\n")

    with yagmail.SMTP({"mailer@gmail.com": "The Shop"}, APP_PASSWORD) as client:
        client.send("bob@hotmail.com", "Order", ["<b>Thank you.</b>", str(path)])
    mailnet.deliver_all()

    [message] = bob.messages
    assert message.parsed["From"] == "The Shop <mailer@gmail.com>"
    assert [part.get_filename() for part in message.parsed.iter_attachments()] == ["invoice.csv"]


@pytest.mark.usefixtures("leaves_a_socket")
def test_a_wrong_password_is_refused(mailnet, mailer):
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        send("bob@hotmail.com", password="wrong")

    assert refused.value.smtp_code == 535
    assert mailnet.messages == []


@pytest.mark.usefixtures("leaves_a_socket")
def test_the_owner_s_own_password_is_refused_where_verification_has_two_steps(mailnet, mailer):
    with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        send("bob@hotmail.com", password="their password")

    assert refused.value.smtp_code == 534
    assert b"5.7.9 Application-specific password required" in refused.value.smtp_error


def test_a_mail_is_refused(mailnet, mailer):
    mailnet.gmail.submission.on_rcpt("nobody@*").reply("550 5.1.1 Nobody here")

    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send("nobody@hotmail.com")

    assert refused.value.recipients == {"nobody@hotmail.com": (550, b"5.1.1 Nobody here")}


def test_one_recipient_of_two_that_is_refused_is_returned(mailnet, mailer, bob):
    mailnet.gmail.submission.on_rcpt("nobody@*").reply("550 5.1.1 Nobody here")

    refused = send("nobody@hotmail.com", "bob@hotmail.com")
    mailnet.deliver_all()

    assert refused == {"nobody@hotmail.com": (550, b"5.1.1 Nobody here")}
    assert len(bob.messages) == 1


def test_a_mail_that_is_put_off_goes_through_at_the_next_try(mailnet, mailer, bob):
    mailnet.gmail.submission.on_message().reply("451 4.3.0 Try again later").times(1)

    with pytest.raises(smtplib.SMTPDataError) as put_off:
        send("bob@hotmail.com")
    refused = send("bob@hotmail.com")

    assert put_off.value.smtp_code == 451
    assert refused == {}


def test_a_connection_that_breaks_is_opened_again_by_itself(mailnet, mailer, waits):
    mailnet.gmail.submission.on_data().disconnect().times(1)

    refused = send("bob@hotmail.com")

    assert refused == {}
    assert waits == [3]
    assert [session.user for session in mailnet.sessions] == ["mailer@gmail.com"] * 2


def test_a_mail_that_is_lost_three_times_is_kept_and_told_by_no_exception(mailnet, mailer, bob, waits):
    mailnet.gmail.submission.on_data().disconnect().times(3)

    with yagmail.SMTP("mailer@gmail.com", APP_PASSWORD) as client:
        sent = client.send("bob@hotmail.com", "Order", "Thank you.")
        kept = list(client.unsent)
        client.send_unsent()
    mailnet.deliver_all()

    assert sent is False
    assert [recipients for recipients, _ in kept] == [["bob@hotmail.com"]]
    assert len(bob.messages) == 1


def test_a_server_of_one_s_own_needs_no_log_in(mailnet, shop):
    with yagmail.SMTP(
        "bob@app.example",
        host="mx.shop.example",
        port=25,
        smtp_ssl=False,
        smtp_starttls=False,
        smtp_skip_login=True,
    ) as client:
        client.send("sales@shop.example", "Order", "Thank you.")

    assert shop.mailbox("sales").messages[0].parsed["Subject"] == "Order"
