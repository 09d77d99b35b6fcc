"""aiosmtplib: `send` and a client that stays open, on asyncio's loop and on uvloop's."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from pytest_mailnet.net.mailnet import life_of

aiosmtplib = pytest.importorskip(
    "aiosmtplib", reason="aiosmtplib is not installed; `tox -e applications` has it"
)

LETTER = "Subject: Order\r\n\r\nThank you.\r\n"


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request):
    if request.param == "asyncio":
        return asyncio.run
    return pytest.importorskip("uvloop", reason="uvloop is not installed").run


@pytest.fixture
def mailer(mailnet):
    return mailnet.gmail.add_mailbox("mailer", password="open sesame")


def to_shop(recipients=("sales@shop.example",), **options):
    options = {"hostname": "mx.shop.example", "port": 25, "timeout": 10, **options}
    return aiosmtplib.send(LETTER, sender="bob@app.example", recipients=list(recipients), **options)


def by_gmail(**options):
    options = {
        "hostname": "smtp.gmail.com",
        "port": 587,
        "username": "mailer@gmail.com",
        "password": "open sesame",
        "timeout": 10,
        **options,
    }
    return aiosmtplib.send(LETTER, sender="mailer@gmail.com", recipients=["bob@hotmail.com"], **options)


def test_a_mail_arrives_over_tls_where_the_server_offers_it(run, mailnet, shop):
    refused, reply = run(to_shop())

    [message] = shop.mailbox("sales").messages
    assert refused == {}
    assert reply.startswith("2.0.0 OK")
    assert message.parsed["Subject"] == "Order"
    assert message.session.tls == "TLSv1.3"


@pytest.mark.parametrize("name", ["my_container_1", "app.shop.example"])
def test_it_says_hello_with_the_name_of_the_sender_with_or_without_a_dot(run, mailnet, shop, name):
    mailnet.sender.helo = name

    run(to_shop())

    assert mailnet.sessions[0].commands[0] == f"EHLO {name}"


def test_many_mails_at_once_arrive(run, mailnet, shop):
    async def scenario():
        await asyncio.gather(*(to_shop([f"{number}@shop.example"]) for number in range(20)))

    run(scenario())

    assert sorted(it.address for it in shop.mailboxes) == sorted(
        f"{number}@shop.example" for number in range(20)
    )
    assert len(mailnet.sessions) == 20


def test_a_client_that_stays_open_sends_over_one_connection(run, mailnet, shop):
    async def scenario():
        async with aiosmtplib.SMTP(hostname="mx.shop.example", port=25, timeout=10) as client:
            for _ in range(3):
                await client.sendmail("bob@app.example", ["sales@shop.example"], LETTER)

    run(scenario())

    assert len(shop.mailbox("sales").messages) == 3
    assert len(mailnet.sessions) == 1


def test_a_mail_is_refused(run, mailnet):
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused) as refused:
        run(to_shop(["carl@gmail.com"], hostname="gmail-smtp-in.l.google.com"))

    [reason] = refused.value.recipients
    assert (reason.recipient, reason.code) == ("carl@gmail.com", 550)
    assert reason.message.startswith("5.1.1 The email account that you tried to reach does not exist.")


def test_one_recipient_of_two_that_is_refused_is_returned(run, mailnet):
    alice = mailnet.gmail.add_mailbox("alice")

    refused, _ = run(to_shop(["carl@gmail.com", "alice@gmail.com"], hostname="gmail-smtp-in.l.google.com"))

    assert {address: reply.code for address, reply in refused.items()} == {"carl@gmail.com": 550}
    assert len(alice.messages) == 1


def test_a_mail_that_is_put_off_goes_through_at_the_next_try(run, mailnet, shop):
    shop.on_message().reply("451 4.7.1 Greylisted, try again later").times(1)

    with pytest.raises(aiosmtplib.SMTPDataError) as put_off:
        run(to_shop())
    mailnet.clock.advance(minutes=15)
    run(to_shop())

    assert put_off.value.code == 451
    assert len(shop.mailbox("sales").messages) == 1


def test_the_next_try_is_made_in_the_same_task(run, mailnet, shop):
    shop.on_rcpt().reply_in_turn("450 4.2.0 Not yet", "450 4.2.0 Nor now")

    async def scenario():
        for tries in range(1, 4):
            try:
                await to_shop()
            except aiosmtplib.SMTPRecipientsRefused:
                await asyncio.sleep(0)
            else:
                return tries
        return None

    assert run(scenario()) == 3


@pytest.mark.parametrize("options", [{}, {"port": 465, "use_tls": True}], ids=["587", "465"])
def test_a_log_in_is_accepted_and_the_mail_goes_the_whole_way(run, mailnet, mailer, options):
    bob = mailnet.hotmail.add_mailbox("bob")

    run(by_gmail(**options))
    mailnet.deliver_all()

    assert len(bob.messages) == 1
    assert [session.user for session in mailnet.provider("gmail").sessions] == ["mailer@gmail.com"]


@pytest.mark.usefixtures("leaves_a_socket")
@pytest.mark.parametrize("options", [{}, {"port": 465, "use_tls": True}], ids=["587", "465"])
def test_a_wrong_password_is_refused(run, mailnet, mailer, options):
    with pytest.raises(aiosmtplib.SMTPAuthenticationError) as refused:
        run(by_gmail(password="wrong", **options))

    assert refused.value.code == 535
    assert refused.value.message.startswith("5.7.8 Username and Password not accepted")


@pytest.mark.usefixtures("leaves_a_socket")
def test_a_token_logs_in_until_it_expires(run, mailnet):
    account = mailnet.add_domain("app.example", on="microsoft365").add_mailbox("mailer@app.example").account
    token = account.issue_token(seconds=3600)

    async def scenario():
        client = aiosmtplib.SMTP(hostname="smtp.office365.com", port=587, timeout=10)
        async with client:
            return await client.auth_xoauth2("mailer@app.example", token)

    accepted = run(scenario())
    mailnet.clock.advance(hours=1)
    with pytest.raises(aiosmtplib.SMTPAuthenticationError) as expired:
        run(scenario())

    assert accepted.code == 235
    assert expired.value.code == 535


@pytest.mark.usefixtures("leaves_a_socket")
def test_a_certificate_for_another_host_is_refused_unless_certificates_are_not_looked_at(
    run, mailnet, mailer
):
    mailnet.host("smtp.gmail.com").tls.wrong_name()

    with pytest.raises((aiosmtplib.SMTPConnectError, ssl.SSLCertVerificationError)):
        run(by_gmail())
    run(by_gmail(validate_certs=False))

    assert len(mailnet.messages) == 1


def test_a_dead_host_is_told(run, mailnet, shop):
    mailnet.host("mx.shop.example").refuse_connections()

    with pytest.raises(
        aiosmtplib.SMTPConnectError, match=r"Error connecting to mx\.shop\.example on port 25"
    ):
        run(to_shop())


@pytest.mark.usefixtures("leaves_a_socket")
def test_a_server_that_falls_silent_is_given_up_after_the_time_out(mailnet, shop):
    mailnet.clock.compress()  # which loops of uvloop do not take part in
    mailnet.host("mx.shop.example").fail("stalled-at-rcpt")
    began = mailnet.clock.time()

    with pytest.raises(aiosmtplib.SMTPReadTimeoutError, match="Timed out waiting for server response"):
        asyncio.run(to_shop(start_tls=False))

    assert 10 <= mailnet.clock.time() - began < 15  # what was lived counts too


@pytest.mark.mailnet(strict=False)
def test_its_default_host_does_not_reach_the_machine_s_own_mail_server(mailnet):
    with pytest.raises(aiosmtplib.SMTPConnectError):
        asyncio.run(aiosmtplib.send(LETTER, sender="bob@app.example", recipients=["sales@shop.example"]))

    [incident] = life_of(mailnet).journal.incidents
    assert "a connection to 127.0.0.1:25 was stopped" in incident.text
