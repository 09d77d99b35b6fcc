"""Mail at the providers' hosts: who logs in, in what words, and which folders there are."""

from __future__ import annotations

import base64

import pytest


def xoauth2(user, token):
    return base64.b64encode(f"user={user}\1auth=Bearer {token}\1\1".encode()).decode()


@pytest.fixture
def workspace(mailnet):
    """A mailbox in a domain of one's own at Google Workspace, with an app password."""
    mailnet.add_domain("shop.example", on="google-workspace")
    mailbox = mailnet.google_workspace.add_mailbox("alice@shop.example")
    mailbox.account.add_app_password("abcdefghijklmnop")
    return mailbox


@pytest.fixture
def exchange(mailnet):
    """A mailbox in a domain of one's own at Microsoft 365."""
    mailnet.add_domain("shop.example", on="microsoft365")
    return mailnet.microsoft365.add_mailbox("alice@shop.example", password="secret")


def test_a_user_of_google_workspace_reads_at_gmail_s_host(connect, workspace):
    client = connect("imap.gmail.com")

    answer = client.say("LOGIN alice@shop.example abcdefghijklmnop")
    folders = client.say('LIST "" "[Gmail]/%"')

    assert answer[-1] == "OK alice@shop.example authenticated (Success)"
    assert '* LIST (\\HasNoChildren \\Junk) "/" "[Gmail]/Spam"' in folders


def test_a_user_of_microsoft_365_is_refused_with_a_password(connect, exchange):
    client = connect("outlook.office365.com")

    assert client.say("LOGIN alice@shop.example secret") == ["NO Basic authentication is disabled."]


def test_a_user_of_microsoft_365_reads_with_a_token(connect, exchange):
    token = exchange.account.issue_token()
    client = connect("outlook.office365.com")

    answer = client.say(f"AUTHENTICATE XOAUTH2 {xoauth2('alice@shop.example', token)}")
    folders = client.say('LIST "" *')

    assert answer == ["OK AUTHENTICATE completed."]
    assert '* LIST (\\HasNoChildren \\Junk) "/" "Junk Email"' in folders


def test_a_greeting_has_the_capabilities_that_there_are(connect):
    client = connect("imap.qq.com")

    assert client.greeting == (
        "* OK [CAPABILITY IMAP4 IMAP4rev1 ID AUTH=PLAIN AUTH=LOGIN NAMESPACE] QQMail IMAP4Server ready"
    )


def test_xlist_is_answered_in_its_own_name(mailnet, connect):
    mailnet.provider("yandex").add_mailbox("alice@yandex.ru", password="secret")
    client = connect("imap.yandex.com")
    client.say("LOGIN alice@yandex.ru secret")

    assert '* XLIST (\\HasNoChildren \\Junk) "|" "Spam"' in client.say('XLIST "" *')


def test_two_providers_that_share_a_host_share_what_is_scripted_there(connect, mailnet):
    mailnet.add_domain("contoso.example", on="microsoft365")
    alice = mailnet.microsoft365.add_mailbox("alice@contoso.example")
    mailnet.microsoft365.imap.on_login("alice@*").reply("NO [UNAVAILABLE] Later").times(1)
    token = alice.account.issue_token()
    imap = connect("outlook.office365.com")

    said = f"user={alice.address}\1auth=Bearer {token}\1\1".encode()
    initial = base64.b64encode(said).decode()

    assert imap.say(f"AUTHENTICATE XOAUTH2 {initial}") == ["NO [UNAVAILABLE] Later"]
    assert imap.say(f"AUTHENTICATE XOAUTH2 {initial}")[-1] == "OK AUTHENTICATE completed."
    [session] = mailnet.microsoft365.imap.sessions
    assert session.user == alice.address
