"""Services that send for applications: there from the start, with accounts, their words and suppression."""

from __future__ import annotations

import contextlib
import smtplib

import pytest

from pytest_mailnet.errors import InvalidAddress, InvalidSetting, UnknownName

pytestmark = pytest.mark.usefixtures("mailnet")

MAIL = "From: news@shop.example\r\nSubject: hi\r\n\r\nhello\r\n"

SERVICES = [
    "email-smtp.us-east-1.amazonaws.com",
    "email-smtp.eu-west-1.amazonaws.com",
    "in-v3.mailjet.com",
    "smtp-relay.brevo.com",
    "smtp-relay.gmail.com",
    "smtp.ionos.com",
    "smtp.mailersend.net",
    "smtp.mailgun.org",
    "smtp.mandrillapp.com",
    "smtp.postmarkapp.com",
    "smtp.resend.com",
    "smtp.sendgrid.net",
    "smtp.sparkpostmail.com",
    "smtp.strato.de",
    "ssl0.ovh.net",
]


@contextlib.contextmanager
def logged_in(host, user):
    with smtplib.SMTP(host, 587) as client:
        client.starttls()
        client.login(user, "pw")
        yield client


@pytest.fixture
def sendgrid(mailnet):
    provider = mailnet.provider("sendgrid")
    provider.add_account("apikey", password="pw", aliases=["@shop.example"])
    return provider


@pytest.mark.parametrize("host", SERVICES)
def test_a_service_is_there_though_nobody_has_named_it(host):
    with smtplib.SMTP(host, 587) as client:
        assert client.ehlo()[0] == 250


@pytest.mark.parametrize("host", ["aspmx.l.google.com", "mx.sendgrid.net", "smtpin.rzone.de", "mx.zoho.com"])
def test_an_mx_that_all_customers_share_is_there_before_the_first_of_them(mailnet, host):
    with smtplib.SMTP(host, 25) as client:
        assert client.ehlo()[0] == 250

    assert host in mailnet.host(host).provider.hosts


def test_a_customer_s_mail_comes_to_the_mx_that_was_there_before(mailnet):
    address = mailnet.host("aspmx.l.google.com").addresses
    workspace = mailnet.add_domain("shop.example", on="google-workspace")
    sales = workspace.add_mailbox("sales@shop.example")

    with smtplib.SMTP("aspmx.l.google.com", 25) as client:
        client.sendmail("bob@b.example", ["sales@shop.example"], "Subject: hi\r\n\r\n")

    assert len(sales.messages) == 1
    assert mailnet.host("aspmx.l.google.com").addresses == address


@pytest.mark.parametrize(
    ("host", "refusal"),
    [
        ("email-smtp.us-east-1.amazonaws.com", (535, b"Authentication Credentials Invalid")),
        ("in-v3.mailjet.com", (435, b"4.7.8 Error: authentication failed:")),
        ("smtp-relay.brevo.com", (535, b"5.7.8 Authentication failed")),
        ("smtp.mailersend.net", (535, b"Authentication failed.")),
        ("smtp.mailgun.org", (535, b"5.7.0 Mailgun is not loving your login or password")),
        ("smtp.resend.com", (535, b"Authentication credentials invalid")),
        ("smtp.sparkpostmail.com", (535, b"5.7.8 Sorry.")),
    ],
)
def test_a_log_in_that_is_wrong_is_refused_in_the_service_s_words(host, refusal):
    with smtplib.SMTP(host, 587) as client:
        client.starttls()
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.login("nobody", "wrong")

    assert (refused.value.smtp_code, refused.value.smtp_error) == refusal


@pytest.mark.parametrize("host", ["email-smtp.us-east-1.amazonaws.com", "smtp.resend.com"])
def test_a_log_in_is_offered_before_tls_and_refused_there(host):
    with smtplib.SMTP(host, 587) as client:
        client.ehlo()
        assert client.has_extn("auth")
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.login("AKIAIOSFODNN7EXAMPLE", "pw")

    assert (refused.value.smtp_code, refused.value.smtp_error) == (
        530,
        b"Must issue a STARTTLS command first",
    )


def test_mechanisms_in_the_form_of_a_draft_wait_for_tls_too():
    with smtplib.SMTP("smtp.sparkpostmail.com", 587) as client:
        _, before = client.ehlo()
        client.starttls()
        _, after = client.ehlo()

    assert b"AUTH" not in before
    assert b"\nAUTH=LOGIN PLAIN\nAUTH LOGIN PLAIN" in after


def test_an_account_sends_and_has_no_mailbox(mailnet, sendgrid):
    bob = mailnet.hotmail.add_mailbox("bob")

    with logged_in("smtp.sendgrid.net", "apikey") as client:
        client.sendmail("news@shop.example", ["bob@hotmail.com"], MAIL)
    mailnet.deliver_all()

    assert bob.messages[0].parsed["From"] == "news@shop.example"
    assert mailnet.sessions[0].user == "apikey"
    assert sendgrid.mailboxes == []


def test_the_name_of_an_account_counts_letter_by_letter(mailnet):
    mailnet.provider("resend").add_account("resend", password="pw")

    with smtplib.SMTP("smtp.resend.com", 587) as client:
        client.starttls()
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login("Resend", "pw")
        assert client.login("resend", "pw") == (235, b"Authentication successful")


def test_an_account_that_is_there_gets_the_new_settings(sendgrid):
    account = sendgrid.add_account("apikey", aliases="boss@club.example")

    assert sendgrid.add_account("apikey", password="other") is account
    assert (account.password, account.aliases) == ("other", ("@shop.example", "boss@club.example"))


@pytest.mark.parametrize(
    ("provider", "host", "reply"),
    [
        (
            "amazonses",
            "email-smtp.eu-west-1.amazonaws.com",
            "554 Message rejected: Email address is not verified. The following identities failed the check in "
            "region EU-WEST-1: eve@eve.example",
        ),
        (
            "resend",
            "smtp.resend.com",
            "550 The eve.example domain is not verified. Please, add and verify your domain on "
            "https://resend.com/domains",
        ),
        (
            "sendgrid",
            "smtp.sendgrid.net",
            "550 The from address does not match a verified Sender Identity. Mail cannot be sent until this error "
            "is resolved. Visit https://sendgrid.com/docs/for-developers/sending-email/sender-identity/ to see "
            "the Sender Identity requirements",
        ),
        ("sparkpost", "smtp.sparkpostmail.com", "550 5.7.1 Unconfigured Sending Domain <eve.example>"),
    ],
)
def test_an_author_who_is_not_verified_is_refused(mailnet, provider, host, reply):
    mailnet.provider(provider).add_account("user", password="pw", aliases=["@shop.example"])

    with logged_in(host, "user") as client:
        client.sendmail("news@shop.example", ["bob@hotmail.com"], MAIL)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("news@shop.example", ["bob@hotmail.com"], "From: eve@eve.example\r\n\r\n")

    assert f"{refused.value.smtp_code} {refused.value.smtp_error.decode()}" == reply


def test_ionos_takes_another_sender_of_the_user_s_domain_and_no_other(mailnet):
    ionos = mailnet.add_domain("shop.example", on="ionos")
    ionos.add_mailbox("sales@shop.example", password="pw")

    with logged_in("smtp.ionos.com", "sales@shop.example") as client:
        assert client.mail("info@shop.example")[0] == 250
        client.rset()
        assert client.mail("eve@eve.example") == (550, b"Sender address is not allowed.")


def test_amazon_refuses_a_field_that_is_there_twice(mailnet):
    mailnet.provider("amazonses").add_account("AKIA", password="pw", aliases=["@shop.example"])

    with (
        logged_in("email-smtp.eu-west-1.amazonaws.com", "AKIA") as client,
        pytest.raises(smtplib.SMTPDataError) as refused,
    ):
        client.sendmail("news@shop.example", ["bob@hotmail.com"], "DKIM-Signature: v=1\r\n" * 2 + MAIL)

    said = b"Transaction failed: Duplicate header 'DKIM-Signature'."
    assert (refused.value.smtp_code, refused.value.smtp_error) == (554, said)


def test_amazon_hangs_up_on_a_pooled_connection_after_ten_seconds(mailnet):
    with smtplib.SMTP("email-smtp.eu-west-1.amazonaws.com", 587) as pooled:
        mailnet.clock.advance(seconds=9)
        assert pooled.noop()[0] == 250

        mailnet.clock.advance(seconds=10)

        assert pooled.noop() == (451, b"4.4.2 Timeout waiting for data from client.")
        with pytest.raises(smtplib.SMTPServerDisconnected):
            pooled.noop()


def test_the_sandbox_of_amazon_takes_200_mails_a_day(mailnet):
    ses = mailnet.provider("amazonses")
    ses.add_account("AKIAIOSFODNN7EXAMPLE", password="pw", aliases=["@shop.example"])
    ses.submission.enforce("rate_limit")

    with logged_in("email-smtp.us-east-1.amazonaws.com", "AKIAIOSFODNN7EXAMPLE") as client:

        def send():
            mailnet.clock.advance(seconds=1)
            client.sendmail("news@shop.example", ["bob@hotmail.com"], MAIL)

        for _ in range(200):
            send()
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send()

    assert (refused.value.smtp_code, refused.value.smtp_error) == (
        454,
        b"Throttling failure: Daily message quota exceeded.",
    )


def test_the_sandbox_of_amazon_takes_a_mail_a_second(mailnet):
    ses = mailnet.provider("amazonses")
    ses.add_account("AKIAIOSFODNN7EXAMPLE", password="pw", aliases=["@shop.example"])
    ses.submission.enforce("rate_limit")

    with logged_in("email-smtp.us-east-1.amazonaws.com", "AKIAIOSFODNN7EXAMPLE") as client:
        client.sendmail("news@shop.example", ["bob@hotmail.com"], MAIL)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("news@shop.example", ["bob@hotmail.com"], MAIL)

    assert refused.value.smtp_error == b"Throttling failure: Maximum sending rate exceeded."


def test_mail_for_a_suppressed_recipient_is_taken_and_dropped(mailnet, sendgrid):
    bob, carl = mailnet.hotmail.add_mailbox("bob"), mailnet.hotmail.add_mailbox("carl")
    sendgrid.suppress("Bob@hotmail.com")

    with logged_in("smtp.sendgrid.net", "apikey") as client:
        refused = client.sendmail("news@shop.example", ["bob@hotmail.com", "carl@hotmail.com"], MAIL)
    mailnet.deliver_all()

    assert refused == {}
    assert bob.messages == []
    assert len(carl.messages) == 1
    assert not mailnet.queue


def test_a_recipient_whose_mail_bounced_is_suppressed(mailnet, sendgrid):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    with logged_in("smtp.sendgrid.net", "apikey") as client:
        client.sendmail("news@shop.example", ["nobody@hotmail.com"], MAIL)
    mailnet.deliver_all()
    nobody = mailnet.hotmail.add_mailbox("nobody")

    with logged_in("smtp.sendgrid.net", "apikey") as client:
        client.sendmail("news@shop.example", ["nobody@hotmail.com"], MAIL)
    mailnet.deliver_all()

    assert sendgrid.suppressed == ["nobody@hotmail.com"]
    assert nobody.messages == []


def test_a_provider_without_a_suppression_list_tries_again_after_a_bounce(mailnet):
    mailnet.gmail.add_mailbox("alice", password="pw")
    with logged_in("smtp.gmail.com", "alice@gmail.com") as client:
        client.sendmail("alice@gmail.com", ["nobody@hotmail.com"], "Subject: hi\r\n\r\n")
    mailnet.deliver_all()

    assert mailnet.gmail.suppressed == []


def test_a_dropped_mail_is_told_in_the_report(pytester):
    pytester.makepyfile(
        """
        import smtplib

        def test_mail(mailnet):
            sendgrid = mailnet.provider("sendgrid")
            sendgrid.add_account("apikey", password="pw", aliases=["@shop.example"])
            sendgrid.suppress("bob@hotmail.com")
            with smtplib.SMTP("smtp.sendgrid.net", 587) as client:
                client.login("apikey", "pw")
                client.sendmail("news@shop.example", ["bob@hotmail.com"], "From: news@shop.example\\r\\n\\r\\n")
            assert mailnet.queue
        """
    )

    result = pytester.runpytest_inprocess("-p", "no:randomly")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*sendgrid has taken mail for bob@hotmail.com and drops it*"])


def test_amazon_bounces_in_its_own_words(mailnet):
    ses = mailnet.provider("amazonses")
    ses.add_account("AKIAIOSFODNN7EXAMPLE", password="pw", aliases=["@shop.example"])
    news = mailnet.add_server("mx.shop.example", domain="shop.example").mailbox("news@shop.example")

    with logged_in("email-smtp.us-east-1.amazonaws.com", "AKIAIOSFODNN7EXAMPLE") as client:
        client.sendmail("news@shop.example", ["nobody@hotmail.com"], MAIL)
    mailnet.deliver_all()

    bounce = news.messages[0].parsed
    assert (bounce["From"], bounce["Subject"]) == (
        "MAILER-DAEMON@amazonses.com",
        "Delivery Status Notification (Failure)",
    )
    assert next(bounce.iter_parts()).get_content() == (
        "An error occurred while trying to deliver the mail to the following recipients:\r\nnobody@hotmail.com\r\n"
    )


def test_google_s_relay_takes_mail_of_an_address_that_is_allowed(mailnet):
    bob = mailnet.hotmail.add_mailbox("bob")
    with (
        smtplib.SMTP("smtp-relay.gmail.com", 587) as client,
        pytest.raises(smtplib.SMTPDataError) as denied,
    ):
        client.sendmail("news@shop.example", ["bob@hotmail.com"], MAIL)

    mailnet.provider("google-workspace").trust("203.0.113.0/24")
    with smtplib.SMTP("smtp-relay.gmail.com", 587) as client:
        client.sendmail("news@shop.example", ["bob@hotmail.com"], MAIL)
    mailnet.deliver_all()

    assert denied.value.smtp_code == 550
    assert denied.value.smtp_error.startswith(
        b"5.7.0 Mail relay denied [203.0.113.7]. Invalid credentials for relay for\n5.7.0 one of the domains in: "
        b"shop.example"
    )
    assert len(bob.messages) == 1


def test_google_s_relay_hangs_up_on_localhost():
    with smtplib.SMTP("smtp-relay.gmail.com", 587, local_hostname="localhost") as client:
        code, text = client.ehlo()

    assert code == 421
    assert text.startswith(b"4.7.0 Try again later, closing connection. (EHLO) ")


@pytest.mark.parametrize(
    ("name", "known"),
    [("ses", "amazonses"), ("sendinblue", "brevo"), ("1und1", "ionos"), ("ovhcloud", "ovh")],
)
def test_a_service_is_found_by_its_other_name(mailnet, name, known):
    assert mailnet.provider(name) is mailnet.provider(known)


def test_a_misspelt_service_is_told_with_what_was_meant(mailnet):
    with pytest.raises(UnknownName, match=r"no provider 'amazonsess' \(did you mean 'amazonses'"):
        mailnet.provider("amazonsess")


@pytest.mark.parametrize(
    ("statement", "error", "told"),
    [
        (
            "sendgrid.add_mailbox('apikey')",
            InvalidAddress,
            "mailnet.provider('sendgrid').add_account('apikey', password='...')",
        ),
        (
            "mailnet.provider('amazonses').add_mailbox('a@shop.example')",
            InvalidAddress,
            "mailnet.provider('amazonses').add_account('a@shop.example', password='...')",
        ),
        ("sendgrid.add_account('')", InvalidSetting, "add_account('') takes what the user logs in as"),
        ("sendgrid.add_account(1)", InvalidSetting, "add_account(1) takes what the user logs in as"),
        ("sendgrid.add_account('a', password=1)", InvalidSetting, "password of an account takes a text"),
        ("sendgrid.add_account('a', aliases=['x'])", InvalidSetting, "aliases of an account takes addresses"),
        ("sendgrid.suppress('bob')", InvalidAddress, "suppress('bob') takes a mail address"),
        ("mailnet.gmail.suppress('bob@hotmail.com')", InvalidSetting, "Gmail has no suppression list"),
        ("sendgrid.suppressed.append('x')", Exception, "provider.suppressed is a new list each time"),
    ],
)
def test_a_mistake_with_accounts_and_suppression_is_told(mailnet, sendgrid, statement, error, told):
    with pytest.raises(error) as raised:
        eval(statement, {"mailnet": mailnet, "sendgrid": sendgrid})

    assert told in str(raised.value)
