"""The story of 2009, to the letter."""

from __future__ import annotations

import re
import smtplib
from datetime import UTC, datetime

import dns.resolver
import pytest

from pytest_mailnet.cli.main import main

ID = r"\d\dsi\d{7}[a-z]{3}\.\d\d"


@pytest.fixture
def mailnet(make_mailnet):
    """The net of the story: Bob's machine is 74.125.67.100, and it is 17 July 2009."""
    with make_mailnet(start=datetime(2009, 7, 17, 22, 58, tzinfo=UTC)) as net:
        net.sender.ip = "74.125.67.100"
        net.sender.helo = "host.localdomain"
        net.provider("gmail", era=2009).add_mailbox("alice")
        net.provider("hotmail", era=2009).add_mailbox("bob")
        yield net


@pytest.fixture
def gmail(mailnet):
    with smtplib.SMTP("gmail-smtp-in.l.google.com", 25) as server:
        yield server


def test_gmail_has_five_mail_exchangers(mailnet):
    answer = dns.resolver.resolve("gmail.com", "MX")

    assert [str(mx) for mx in answer] == [
        "5 gmail-smtp-in.l.google.com.",
        "40 alt4.gmail-smtp-in.l.google.com.",
        "20 alt2.gmail-smtp-in.l.google.com.",
        "30 alt3.gmail-smtp-in.l.google.com.",
        "10 alt1.gmail-smtp-in.l.google.com.",
    ]
    assert answer.rrset.ttl == 3048
    additional = {str(rrset.name): (str(rrset[0]), rrset.ttl) for rrset in answer.response.additional}
    assert additional == {
        "alt4.gmail-smtp-in.l.google.com.": ("209.85.135.114", 131),
        "alt2.gmail-smtp-in.l.google.com.": ("209.85.218.49", 145),
        "alt3.gmail-smtp-in.l.google.com.": ("209.85.129.114", 257),
        "alt1.gmail-smtp-in.l.google.com.": ("209.85.199.27", 41),
        "gmail-smtp-in.l.google.com.": ("209.85.212.99", 145),
    }


def test_bob_delivers_to_alice(mailnet, gmail):
    gmail.ehlo()
    gmail.mail("bob@hotmail.com")
    gmail.rcpt("alice@gmail.com")
    gmail.data("Subject: This is test mail from Python\r\n\r\nThis is the body of mail from Python\r\n")
    gmail.quit()

    [session] = mailnet.sessions
    queue_id = re.search(ID, session.replies[0])[0]
    assert session.replies == [
        f"220 mx.google.com ESMTP {queue_id}",
        "250-mx.google.com at your service, [74.125.67.100]\r\n"
        "250-SIZE 35651584\r\n250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 PIPELINING",
        f"250 2.1.0 OK {queue_id}",
        f"250 2.1.5 OK {queue_id}",
        f"354 Go ahead {queue_id}",
        f"250 2.0.0 OK 1247871480 {queue_id}",
        f"221 2.0.0 closing connection {queue_id}",
    ]
    [message] = mailnet.provider("gmail").mailbox("alice").messages
    assert message.content == (
        b"Subject: This is test mail from Python\r\n\r\nThis is the body of mail from Python\r\n"
    )


def test_every_session_has_a_queue_id_of_its_own(mailnet):
    ids = set()

    for _ in range(3):
        with smtplib.SMTP("gmail-smtp-in.l.google.com", 25) as server:
            server.ehlo()
        ids.add(re.search(ID, mailnet.sessions[-1].replies[0])[0])

    assert len(ids) == 3


@pytest.mark.parametrize("carl", ["carl@gmail.com", "carl@hotmail.com"])
def test_carl_is_refused_in_four_lines(mailnet, gmail, carl):
    gmail.ehlo()
    gmail.mail("bob@hotmail.com")

    code, text = gmail.rcpt(carl)

    queue_id = re.search(ID, mailnet.sessions[0].replies[0])[0]
    assert code == 550
    assert text.decode() == (
        "5.1.1 The email account that you tried to reach does not exist. Please try\n"
        "5.1.1 double-checking the recipient's email address for typos or\n"
        "5.1.1 unnecessary spaces. Learn more at\n"
        f"5.1.1 http://mail.google.com/support/bin/answer.py?answer=6596 {queue_id}"
    )
    assert mailnet.sessions[0].replies[-1].splitlines()[2] == "550-5.1.1 unnecessary spaces. Learn more at "


def test_a_throttled_address_gets_421_after_the_dot_and_the_connection_closes(mailnet, gmail):
    mailnet.sender.throttled = True
    gmail.ehlo()
    gmail.mail("bob@hotmail.com")
    gmail.rcpt("alice@gmail.com")

    code, text = gmail.data("Subject: Mail from Python\r\n\r\nAnd this is the body of email from Python.")

    queue_id = re.search(ID, mailnet.sessions[0].replies[0])[0]
    assert code == 421
    assert text.decode() == (
        "4.7.0 [74.125.67.100] Our system has detected an unusual amount of\n"
        "4.7.0 unsolicited mail originating from your IP address. To protect our\n"
        "4.7.0 users from spam, mail sent from your IP address has been temporarily\n"
        "4.7.0 blocked. Please visit http://www.google.com/mail/help/bulk_mail.html\n"
        f"4.7.0 to review our Bulk Email Senders Guidelines. {queue_id}"
    )
    with pytest.raises(smtplib.SMTPServerDisconnected):
        gmail.noop()
    assert mailnet.provider("gmail").mailbox("alice").messages == []


def test_hotmail_takes_no_mail_from_a_dynamic_address(mailnet):
    mailnet.sender.dynamic = True

    with smtplib.SMTP("mx1.hotmail.com", 25) as hotmail:
        hotmail.ehlo()
        code, text = hotmail.mail("alice@gmail.com")

    assert code == 550
    assert text.decode() == (
        "DY-001 Mail rejected by Windows Live Hotmail for policy reasons.\n"
        "We generally do not accept email from dynamic IP's as they are not typically\n"
        "used to deliver unauthenticated SMTP e-mail to an Internet mail server.\n"
        "http://www.spamhaus.org maintains lists of dynamic and residential IP addresses.\n"
        "If you are not an email/network admin please contact your E-mail/Internet Service Provider for help.\n"
        "Email/network admins, please visit http://postmaster.live.com for email delivery information "
        "and support"
    )


def test_the_demo_plays_it_plainly_and_succeeds(capsys):
    status = main(["demo"])

    told = capsys.readouterr().out
    assert status == 0
    assert "\033[" not in told
    assert "    S  550-DY-001 Mail rejected by Windows Live Hotmail for policy reasons." in told
    assert told.endswith("Every reply was the one in the story.\n")


def test_the_demo_fails_when_a_reply_is_another(capsys, monkeypatch):
    monkeypatch.setattr("pytest_mailnet.cli.demo._DYNAMIC", "550-DY-002 Another story.")

    status = main(["demo"])

    assert status == 1
    assert "The story went otherwise." in capsys.readouterr().out


def test_the_demo_paints_on_a_terminal():
    from pytest_mailnet.cli.demo import play

    said = []

    played = play(said.append, colour=True)

    assert played
    assert any("\033[31m550-DY-001" in line for line in said)
