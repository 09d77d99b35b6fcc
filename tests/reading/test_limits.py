"""What providers do to those who read: limits of a day, protocols that are disabled, clients that give no ID."""

from __future__ import annotations

import base64
import imaplib
import poplib
import smtplib
import ssl

import pytest

APP_PASSWORD = "abcdefghijklmnop"
OVER = "* BYE [OVERQUOTA] Account exceeded command or bandwidth limits."
NOT_CONNECTED = "BAD User is authenticated but not connected."


@pytest.fixture
def alice_of_gmail(mailnet):
    """A user of Gmail with an app password."""
    alice = mailnet.gmail.add_mailbox("alice", password="secret")
    alice.account.add_app_password(APP_PASSWORD)
    return alice


@pytest.fixture
def gmail(connect, alice_of_gmail, deliver):
    """A session in which she has logged in and opened an INBOX with two mails."""
    for text in ("one", "two"):
        deliver(text, to="alice@gmail.com", host="gmail-smtp-in.l.google.com")
    client = connect("imap.gmail.com")
    client.say(f"LOGIN alice@gmail.com {APP_PASSWORD}")
    client.say("SELECT INBOX")
    return client


@pytest.fixture
def exchange(mailnet, connect):
    """A user of Microsoft 365, and what logs her in by IMAP with a token."""
    mailnet.add_domain("contoso.example", on="microsoft365")
    mailbox = mailnet.microsoft365.add_mailbox("alice@contoso.example")

    def log_in():
        said = f"user={mailbox.address}\1auth=Bearer {mailbox.account.issue_token()}\1\1".encode()
        client = connect("outlook.office365.com")
        assert client.say(f"AUTHENTICATE XOAUTH2 {base64.b64encode(said).decode()}") == [
            "OK AUTHENTICATE completed."
        ]
        return client

    return mailbox, log_in


@pytest.fixture
def pop3(mailnet):
    """Logs in by POP3 over TLS."""
    clients = []

    def pop3(host, user, password):
        context = ssl.create_default_context(cadata=mailnet.ca.pem)
        clients.append(poplib.POP3_SSL(host, context=context, timeout=20))
        clients[-1].user(user)
        clients[-1].pass_(password)
        return clients[-1]

    yield pop3
    for client in clients:
        client.close()


def reasons(sessions):
    """Each rule and what it says, of all sessions."""
    return [tuple(it.finding) for session in sessions for it in session.exchanges if it.finding]


# Bandwidth.


def test_who_has_fetched_as_much_as_a_day_allows_is_disconnected_by_gmail(mailnet, gmail, alice_of_gmail):
    alice_of_gmail.account.daily_download = 100

    first = gmail.say("FETCH 1 (BODY[])")
    second = gmail.say("FETCH 2 (BODY[])")

    assert first[-1] == "OK Success"
    assert second[0] == OVER
    assert gmail.line() == ""
    [session] = mailnet.gmail.imap.sessions
    assert session.ended == "closed by the server after BYE"
    [(rule, why)] = reasons([session])
    assert rule == "bandwidth_exceeded"
    assert why.startswith("alice@gmail.com has fetched ")
    assert " of 100 octets a day since " in why


def test_imaplib_raises_what_gmail_s_users_have_seen(mailnet, alice_of_gmail):
    alice_of_gmail.account.daily_download = 0
    client = imaplib.IMAP4_SSL("imap.gmail.com")
    client.login("alice@gmail.com", APP_PASSWORD)

    with pytest.raises(imaplib.IMAP4.abort) as caught:
        client.select()
    client.shutdown()

    assert str(caught.value) == (
        "command: SELECT => [OVERQUOTA] Account exceeded command or bandwidth limits."
    )


def test_the_limit_counts_for_all_sessions_of_a_user_until_a_day_has_passed(
    mailnet, connect, gmail, alice_of_gmail
):
    def opened():
        client = connect("imap.gmail.com")
        client.say(f"LOGIN alice@gmail.com {APP_PASSWORD}")
        return [it for it in client.say("EXAMINE INBOX") if it][-1]

    alice_of_gmail.account.daily_download = 100
    gmail.say("FETCH 1 (BODY[])")

    assert opened() == OVER
    mailnet.clock.advance(hours=23)
    assert opened() == OVER
    mailnet.clock.advance(hours=1)
    assert opened() == "OK [READ-ONLY] INBOX selected. (Success)"


def test_what_is_no_content_of_mails_counts_nothing(connect, gmail, alice_of_gmail):
    alice_of_gmail.account.daily_download = 1

    for _ in range(3):
        assert gmail.say("STATUS INBOX (MESSAGES)")[-1] == "OK Success"

    assert gmail.say("FETCH 1 (UID)")[-1] == "OK Success"
    assert gmail.say("FETCH 1 (UID)")[0] == OVER


def test_gmail_s_own_limits_are_those_of_google_s_page(mailnet, gmail, alice_of_gmail):
    from pytest_mailnet.mailboxes.account import note_download

    note_download(alice_of_gmail.account, "IMAP", 2_500_000_000 - 1)

    assert gmail.say("FETCH 1 (BODY[])")[-1] == "OK Success"
    assert gmail.say("FETCH 1 (BODY[])")[0] == OVER


def test_none_is_the_provider_s_own_limit_again(gmail, alice_of_gmail):
    gmail.say("FETCH 1:2 (BODY[])")
    alice_of_gmail.account.daily_download = 10

    alice_of_gmail.account.daily_download = None

    assert gmail.say("FETCH 1:2 (BODY[])")[-1] == "OK Success"


def test_imap_and_pop3_are_counted_apart(gmail, alice_of_gmail, pop3):
    alice_of_gmail.account.daily_download = 100
    gmail.say("FETCH 1:2 (BODY[])")
    client = pop3("pop.gmail.com", "alice@gmail.com", APP_PASSWORD)

    assert client.retr(1)[0] == b"+OK message follows"
    with pytest.raises(poplib.error_proto) as caught:
        client.retr(2)

    assert caught.value.args == (b"-ERR [SYS/TEMP] Too much fetched today",)
    assert client.stat()[0] == 2


def test_exchange_online_tells_how_long_to_wait(exchange):
    mailbox, log_in = exchange
    with smtplib.SMTP("contoso-example.mail.protection.outlook.com") as mx:
        mx.sendmail("bob@sender.example", [mailbox.address], "Subject: hi\r\n\r\nhi\r\n")
    client = log_in()
    client.say("SELECT INBOX")
    mailbox.account.daily_download = 1
    client.say("FETCH 1 (FLAGS)")

    [told] = client.say("FETCH 1 (BODY[])")

    told, milliseconds, unit = told.rsplit(" ", 2)
    assert (told, unit) == ("NO Request is throttled. Suggested Backoff Time:", "milliseconds")
    assert 86_000_000 < int(milliseconds) <= 86_400_000


def test_a_server_of_one_s_own_has_no_limit_unless_a_test_sets_one(connect, alice, deliver):
    deliver("hello", to="alice@shop.example")
    client = connect()
    client.say("LOGIN alice secret")
    client.say("SELECT INBOX")

    assert client.say("FETCH 1 (BODY[])")[-1] == "OK FETCH completed"
    alice.account.daily_download = 10
    assert client.say("FETCH 1 (BODY[])") == ["NO [LIMIT] Too much fetched today"]


# Protocols that are disabled.


def test_gmail_refuses_a_log_in_by_imap_where_it_is_disabled(mailnet, connect, alice_of_gmail):
    alice_of_gmail.account.imap_enabled = False
    client = connect("imap.gmail.com")

    assert client.say(f"LOGIN alice@gmail.com {APP_PASSWORD}") == [
        "NO [ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page and "
        "enable your account for IMAP access. (Failure)"
    ]
    assert client.say("LOGIN alice@gmail.com wrong") == [
        "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"
    ]
    assert reasons(mailnet.gmail.imap.sessions)[0] == (
        "reading_disabled",
        "alice@gmail.com has IMAP disabled: mailbox.account.imap_enabled = False",
    )


def test_gmail_lets_users_of_pop3_in_and_refuses_them_then_where_it_is_disabled(alice_of_gmail, pop3):
    alice_of_gmail.account.pop3_enabled = False
    client = pop3("pop.gmail.com", "alice@gmail.com", APP_PASSWORD)

    with pytest.raises(poplib.error_proto) as caught:
        client.stat()

    assert caught.value.args == (
        b"-ERR [SYS/PERM] Your account is not enabled for POP access. Please visit your Gmail settings page and "
        b"enable your account for POP access.",
    )
    assert client.quit() == b"+OK Farewell."


def test_the_one_protocol_is_not_the_other(connect, alice_of_gmail, pop3):
    alice_of_gmail.account.imap_enabled = False

    assert pop3("pop.gmail.com", "alice@gmail.com", APP_PASSWORD).stat() == (0, 0)


def test_exchange_online_lets_in_whom_it_does_not_connect_and_hangs_up_at_the_second_command(exchange):
    mailbox, log_in = exchange
    mailbox.account.imap_enabled = False
    client = log_in()

    assert client.say("CAPABILITY")[-1] == "OK CAPABILITY completed."
    assert client.say("NAMESPACE") == [NOT_CONNECTED]
    assert client.say('LIST "" INBOX') == [NOT_CONNECTED]
    assert client.line() == "* BYE Connection closed. 14"
    assert client.line() == ""


@pytest.mark.parametrize(
    ("provider", "host", "domain", "said"),
    [
        (
            "yandex",
            "imap.yandex.com",
            "yandex.ru",
            "NO [AUTHENTICATIONFAILED] LOGIN invalid credentials or IMAP is disabled sc=",
        ),
        (
            "qq",
            "imap.qq.com",
            "qq.com",
            "NO Login fail. Account is abnormal, service is not open, password is incorrect, login frequency "
            "limited, or system is busy.",
        ),
        (
            "zoho",
            "imap.zoho.com",
            "zoho.com",
            "NO [ALERT] You are yet to enable IMAP for your account. Please contact your administrator (Failure)",
        ),
    ],
)
def test_others_refuse_the_log_in(mailnet, connect, provider, host, domain, said):
    mailbox = mailnet.provider(provider).add_mailbox(f"alice@{domain}", password="secret")
    mailbox.account.imap_enabled = False

    [answer] = connect(host).say(f"LOGIN alice@{domain} secret")

    assert answer.startswith(said)


def test_a_server_of_one_s_own_says_that_access_is_denied(connect, alice, pop3):
    alice.account.imap_enabled = alice.account.pop3_enabled = False

    assert connect().say("LOGIN alice secret") == ["NO [NOPERM] Access denied"]
    with pytest.raises(poplib.error_proto) as caught:
        pop3("mx.shop.example", "alice", "secret")
    assert caught.value.args == (b"-ERR [SYS/PERM] POP3 is disabled for this account",)


# Log-ins that want a browser.


def test_gmail_tells_where_to_log_in_in_a_browser(connect, alice_of_gmail):
    alice_of_gmail.account.web_login_required = True
    client = connect("imap.gmail.com")

    assert client.say(f"LOGIN alice@gmail.com {APP_PASSWORD}") == [
        "* NO [WEBALERT https://accounts.google.com/signin/continue?sarp=1&scc=1"
        "&plt=AKgnsbttoGtD4OMtfxi7uAy8s84fzfaw] Web login required.",
        "NO [ALERT] Please log in via your web browser: "
        "https://support.google.com/mail/accounts/answer/78754 (Failure)",
    ]


def test_a_token_needs_no_browser(connect, alice_of_gmail):
    alice_of_gmail.account.web_login_required = True
    said = f"user=alice@gmail.com\1auth=Bearer {alice_of_gmail.account.issue_token()}\1\1".encode()

    answer = connect("imap.gmail.com").say(f"AUTHENTICATE XOAUTH2 {base64.b64encode(said).decode()}")

    assert answer[-1] == "OK alice@gmail.com authenticated (Success)"


# Clients that give no ID.


@pytest.mark.parametrize("command", ["SELECT", "EXAMINE"])
def test_netease_opens_no_folder_for_a_client_that_has_not_given_id(mailnet, connect, command):
    mailnet.provider("netease").add_mailbox("alice@163.com", password="secret")
    client = connect("imap.163.com")
    client.say("LOGIN alice@163.com secret")

    assert client.say(f"{command} INBOX") == [
        f"NO {command} Unsafe Login. Please contact kefu@188.com for help"
    ]
    client.say('ID ("name" "mailer" "version" "1.0")')
    assert client.say(f"{command} INBOX")[-1].startswith("OK ")
    assert reasons(mailnet.provider("netease").imap.sessions) == [
        ("id_missing", "the client has not given ID (RFC 2971)")
    ]


def test_id_may_come_before_the_log_in(mailnet, connect):
    mailnet.provider("netease").add_mailbox("alice@163.com", password="secret")
    client = connect("imap.163.com")
    client.say('ID ("name" "mailer")')
    client.say("LOGIN alice@163.com secret")

    assert client.say("SELECT INBOX")[-1] == "OK [READ-WRITE] SELECT completed"


def test_a_test_s_own_answer_comes_before_all_limits(mailnet, gmail, alice_of_gmail):
    alice_of_gmail.account.daily_download = 0
    mailnet.gmail.imap.on_command("FETCH").reply("NO [UNAVAILABLE] Later").times(1)

    assert gmail.say("FETCH 1 (UID)") == ["NO [UNAVAILABLE] Later"]
    assert gmail.say("FETCH 1 (UID)")[0] == OVER
