"""apprise: `mailto://` and `mailtos://`, where a password is part of an address and an exception is a False."""

from __future__ import annotations

import asyncio
import logging

import pytest

apprise = pytest.importorskip("apprise", reason="apprise is not installed; `tox -e applications` has it")

# It loads all that it can notify by, at the first address that it is given.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

PLAIN = "mailto://mx.shop.example/?mode=insecure&from=bob@app.example&to=sales@shop.example"


def notifier(*urls):
    made = apprise.Apprise()
    assert all(made.add(url) for url in urls)
    return made


def notify(*urls, **parts):
    return notifier(*urls).notify(title="Disk full", body="97 %", **parts)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    # It sleeps for 5.5 s between two attempts at one address.
    monkeypatch.setattr("apprise.plugins.email.base.NotifyEmail.request_rate_per_sec", 0)


@pytest.fixture
def told(caplog):
    """What apprise says of failures, which is all that it does besides returning False."""
    caplog.set_level(logging.DEBUG, "apprise")
    return caplog


@pytest.fixture
def mailer(mailnet):
    return mailnet.gmail.add_mailbox("mailer", password="open")


@pytest.fixture
def bob(mailnet):
    return mailnet.hotmail.add_mailbox("bob")


def test_a_mail_arrives(mailnet, shop):
    assert notify(PLAIN)

    [message] = shop.mailbox("sales").messages
    assert message.parsed["Subject"] == "Disk full"
    assert message.envelope.mail_from == "bob@app.example"


def test_an_attachment_arrives(mailnet, shop, tmp_path):
    path = tmp_path / "usage.csv"
    path.write_text("1,2\n")

    assert notify(PLAIN, attach=str(path))

    [message] = shop.mailbox("sales").messages
    assert [part.get_filename() for part in message.parsed.iter_attachments()] == ["usage.csv"]


def test_each_recipient_gets_a_mail_of_its_own_over_one_connection(mailnet, shop):
    assert notify(f"{PLAIN},boss@shop.example")

    assert [it.envelope.rcpt_tos for it in mailnet.messages] == [
        ("sales@shop.example",),
        ("boss@shop.example",),
    ]
    assert len(mailnet.sessions) == 1


def test_an_address_at_gmail_is_led_to_its_submission_server_over_starttls(mailnet, mailer, bob):
    assert notify("mailto://mailer:open@gmail.com/bob@hotmail.com")
    mailnet.deliver_all()

    [session] = mailnet.provider("gmail").sessions
    assert (session.host, session.server.port) == ("smtp.gmail.com", 587)
    assert session.user == "mailer@gmail.com"
    assert bob.messages[0].parsed["From"] == "Apprise <mailer@gmail.com>"


def test_mailtos_to_a_server_of_one_s_own_logs_in_over_tls(mailnet, bob):
    app = mailnet.add_server("smtp.app.example", domain="app.example")
    app.add_mailbox("mailer", password="open")

    assert notify(
        "mailtos://mailer%40app.example:open@app.example:465/bob@hotmail.com?smtp=smtp.app.example&mode=ssl"
    )
    mailnet.deliver_all()

    assert len(bob.messages) == 1
    assert app.sessions[0].server.port == 465


def test_several_addresses_are_notified_at_once(mailnet, mailer, bob, shop):
    """They go out from threads of a pool."""
    assert notify(PLAIN, "mailto://mailer:open@gmail.com/bob@hotmail.com")
    mailnet.deliver_all()

    assert len(shop.mailbox("sales").messages) == len(bob.messages) == 1


def test_a_coroutine_notifies(mailnet, shop):
    assert asyncio.run(notifier(PLAIN).async_notify(title="Disk full", body="97 %"))

    assert len(shop.mailbox("sales").messages) == 1


def test_a_refused_mail_is_a_false_and_a_line_of_the_log(mailnet, shop, told):
    shop.on_rcpt().reply("550 5.1.1 Nobody here")

    assert not notify(PLAIN)

    assert mailnet.messages == []
    assert "(550, b'5.1.1 Nobody here')" in told.text


def test_two_recipients_of_whom_one_is_refused_are_a_false_too(mailnet, shop):
    shop.on_rcpt("boss@*").reply("550 5.1.1 Nobody here")

    assert not notify(f"{PLAIN},boss@shop.example")

    assert len(shop.mailbox("sales").messages) == 1


def test_a_mail_that_is_put_off_goes_through_at_the_next_try(mailnet, shop, told):
    shop.on_message().reply("451 4.7.1 Greylisted, try again later").times(1)

    first = notify(PLAIN)
    mailnet.clock.advance(minutes=15)
    second = notify(PLAIN)

    assert (bool(first), bool(second)) == (False, True)
    assert "(451, b'4.7.1 Greylisted, try again later')" in told.text
    assert len(shop.mailbox("sales").messages) == 1


def test_apprise_tries_again_by_itself_and_only_where_it_has_to(mailnet, shop):
    shop.on_rcpt("boss@*").reply("451 4.7.1 Greylisted, try again later").times(1)

    assert notify(f"{PLAIN},boss@shop.example&retry=2&wait=0")

    assert [it.envelope.rcpt_tos for it in mailnet.messages] == [
        ("sales@shop.example",),
        ("boss@shop.example",),
    ]
    assert len(mailnet.sessions) == 2


def test_a_wrong_password_is_a_false_and_the_log_has_the_reason(mailnet, mailer, told):
    assert not notify("mailto://mailer:wrong@gmail.com/bob@hotmail.com")

    assert mailnet.messages == []
    assert "(535, b'5.7.8 Username and Password not accepted" in told.text


def test_a_certificate_that_no_authority_signed_is_refused_unless_it_is_not_looked_at(mailnet, mailer, told):
    mailnet.host("smtp.gmail.com").tls.self_signed()

    verified = notify("mailto://mailer:open@gmail.com/bob@hotmail.com")
    unverified = notify("mailto://mailer:open@gmail.com/bob@hotmail.com?verify=no")

    assert (bool(verified), bool(unverified)) == (False, True)
    assert "certificate verify failed" in told.text


def test_a_server_that_falls_silent_is_given_up_after_its_time_out(mailnet, shop, told):
    mailnet.clock.compress()
    mailnet.host("mx.shop.example").fail("stalled-at-connect")
    began = mailnet.clock.time()

    assert not notify(f"{PLAIN}&cto=15")

    assert 15 <= mailnet.clock.time() - began < 20
    assert "timed out" in told.text
