"""Mail that is read at Gmail, in its words, and its labels."""

from __future__ import annotations

import imaplib
import smtplib

import pytest

from pytest_mailnet.errors import InvalidSetting


@pytest.fixture
def alice(mailnet):
    """A user of Gmail."""
    return mailnet.gmail.add_mailbox("alice", password="secret")


@pytest.fixture
def gmail(connect, alice):
    """A session in which she has logged in."""
    client = connect("imap.gmail.com")
    password = alice.account.add_app_password()
    assert client.say(f"LOGIN alice@gmail.com {password}")[-1] == "OK alice@gmail.com authenticated (Success)"
    return client


def test_gmail_refuses_the_owners_own_password(connect, alice):
    gmail = connect("imap.gmail.com")

    assert gmail.say("LOGIN alice@gmail.com secret") == [
        "NO [ALERT] Application-specific password required: "
        "https://support.google.com/accounts/answer/185833 (Failure)"
    ]
    assert gmail.say("LOGIN alice@gmail.com wrong") == [
        "NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"
    ]


def test_a_token_logs_in_and_what_is_wrong_with_one_is_told_in_a_challenge(connect, alice, mailnet):
    import base64

    gmail = connect("imap.gmail.com")
    token = alice.account.issue_token()

    def initial(token):
        return base64.b64encode(f"user=alice@gmail.com\1auth=Bearer {token}\1\1".encode()).decode()

    assert gmail.say(f"AUTHENTICATE XOAUTH2 {initial('stale')}") == [
        "+ eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ=="
    ]
    gmail.send("")
    assert gmail.line() == "a1 NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"
    assert gmail.say(f"AUTHENTICATE XOAUTH2 {initial(token)}")[-1] == (
        "OK alice@gmail.com authenticated (Success)"
    )


def test_the_sixteenth_connection_of_a_user_is_refused(connect, alice):
    password = alice.account.add_app_password()
    for _ in range(15):
        assert connect("imap.gmail.com").say(f"LOGIN alice {password}")[-1].startswith("OK")

    assert connect("imap.gmail.com").say(f"LOGIN alice {password}") == [
        "NO [ALERT] Too many simultaneous connections. (Failure)"
    ]


def test_a_label_is_a_folder_and_all_mail_has_all(gmail, alice, deliver):
    deliver("one", to="alice@gmail.com", host="gmail-smtp-in.l.google.com")
    gmail.say("SELECT INBOX")

    assert gmail.say("STORE 1 +X-GM-LABELS (work)") == [
        "* 1 FETCH (X-GM-LABELS (work))",
        "OK Success",
    ]
    gmail.say('SELECT "[Gmail]/All Mail"')
    assert gmail.say("FETCH 1 X-GM-LABELS") == ['* 1 FETCH (X-GM-LABELS ("\\\\Inbox" work))', "OK Success"]
    assert [it.subject for it in alice.folders["work"].messages] == ["one"]


@pytest.mark.parametrize(
    ("folder", "name", "label"),
    [
        ("INBOX", "inbox", "\\Inbox"),
        ("[Gmail]/Drafts", "drafts", "\\Draft"),
        ("[Gmail]/Important", "important", "\\Important"),
        ("[Gmail]/Sent Mail", "sent", "\\Sent"),
        ("[Gmail]/Spam", "spam", "\\Spam"),
        ("[Gmail]/Starred", "starred", "\\Starred"),
        ("[Gmail]/Trash", "trash", "\\Trash"),
        ("Work", "work", "Work"),
    ],
)
def test_a_mail_is_found_by_the_label_of_its_folder_in_the_folder_itself(gmail, deliver, folder, name, label):
    deliver("one", to="alice@gmail.com", host="gmail-smtp-in.l.google.com")
    gmail.say("CREATE Work")
    gmail.say("SELECT INBOX")
    gmail.say(f'COPY 1 "{folder}"')
    gmail.say(f'SELECT "{folder}"')

    assert gmail.say(f'SEARCH X-GM-RAW "in:{name}"')[0] == "* SEARCH 1"
    assert gmail.say(f'SEARCH X-GM-LABELS "{label}"'.replace("\\", "\\\\"))[0] == "* SEARCH 1"
    assert label.replace("\\", "\\\\") not in gmail.say("FETCH 1 X-GM-LABELS")[0]


def test_a_label_renamed_stays_on_the_list_of_subscriptions(gmail):
    for command in ("CREATE Work", "RENAME Work Play"):
        assert gmail.say(command)[-1].startswith("OK")

    assert gmail.say('LSUB "" Play')[0] == '* LSUB (\\HasNoChildren) "/" "Play"'


def test_to_expunge_from_the_inbox_is_to_archive(gmail, alice, deliver):
    deliver("one", to="alice@gmail.com", host="gmail-smtp-in.l.google.com")
    gmail.say("SELECT INBOX")

    gmail.say("STORE 1 +FLAGS (\\Deleted)")
    gmail.say("EXPUNGE")

    assert alice.messages == []
    assert [it.subject for it in alice.folders["[Gmail]/All Mail"].messages] == ["one"]


def test_what_is_marked_as_deleted_in_one_folder_is_not_in_others(gmail, alice, deliver):
    deliver("one", to="alice@gmail.com", host="gmail-smtp-in.l.google.com")
    gmail.say("SELECT INBOX")
    gmail.say("STORE 1 +X-GM-LABELS (work)")

    gmail.say("STORE 1 +FLAGS (\\Deleted \\Seen)")

    assert alice.folders["INBOX"].flags == [{"\\Deleted", "\\Seen"}]
    assert alice.folders["work"].flags == alice.folders["[Gmail]/All Mail"].flags == [{"\\Seen"}]
    gmail.say("SELECT work")
    assert gmail.say("EXPUNGE") == ["OK Success"]


def test_what_is_flagged_is_starred(gmail, alice, deliver):
    deliver("one", "two", to="alice@gmail.com", host="gmail-smtp-in.l.google.com")
    gmail.say("SELECT INBOX")

    gmail.say("STORE 2 +FLAGS (\\Flagged)")
    gmail.say("STORE 1 +FLAGS (\\Flagged)")

    assert gmail.say("FETCH 2 X-GM-LABELS")[0] == '* 2 FETCH (X-GM-LABELS ("\\\\Starred"))'
    assert [it.subject for it in alice.folders["[Gmail]/Starred"].messages] == ["two", "one"]
    gmail.say("STORE 2 -FLAGS (\\Flagged)")
    assert [it.subject for it in alice.folders["[Gmail]/Starred"].messages] == ["one"]


@pytest.mark.parametrize(
    "command", ['COPY 1 "[Gmail]/Starred"', 'MOVE 1 "[Gmail]/Starred"', "STORE 1 +X-GM-LABELS (\\Starred)"]
)
def test_what_is_starred_is_flagged(gmail, alice, deliver, command):
    deliver("one", to="alice@gmail.com", host="gmail-smtp-in.l.google.com")
    gmail.say("SELECT INBOX")

    gmail.say(command)

    assert alice.folders["[Gmail]/All Mail"].flags == [{"\\Flagged"}]


def test_what_is_appended_to_the_starred_mail_is_flagged(gmail, alice):
    gmail.say('APPEND "[Gmail]/Starred" {15}')
    gmail.send("Subject: hi\r\n\r\n")
    gmail.line()

    assert (
        alice.folders["[Gmail]/Starred"].flags == alice.folders["[Gmail]/All Mail"].flags == [{"\\Flagged"}]
    )


@pytest.mark.parametrize("command", ["STORE 1 -X-GM-LABELS (\\Starred)", "STORE 1 +FLAGS (\\Deleted)"])
def test_what_is_starred_no_longer_is_not_flagged(gmail, alice, deliver, command):
    deliver("one", to="alice@gmail.com", host="gmail-smtp-in.l.google.com")
    gmail.say("SELECT INBOX")
    gmail.say("STORE 1 +FLAGS (\\Flagged)")
    gmail.say('SELECT "[Gmail]/Starred"')

    gmail.say(command)
    gmail.say("EXPUNGE")

    assert alice.folders["[Gmail]/Starred"].messages == []
    assert alice.folders["INBOX"].flags == [frozenset()]


def test_labels_are_in_utf_8_for_those_who_take_it(gmail, alice, deliver):
    deliver("one", to="alice@gmail.com", host="gmail-smtp-in.l.google.com")
    gmail.say("ENABLE UTF8=ACCEPT")
    gmail.say("SELECT INBOX")

    assert gmail.say('STORE 1 +X-GM-LABELS ("Straße" "Q&A" \\Starred)') == [
        '* 1 FETCH (X-GM-LABELS ("\\\\Starred" "Straße" Q&A))',
        "OK Success",
    ]
    assert gmail.say("FETCH 1 X-GM-LABELS")[0] == '* 1 FETCH (X-GM-LABELS ("\\\\Starred" "Straße" Q&A))'
    assert gmail.say('SEARCH X-GM-LABELS "Straße"')[0] == "* SEARCH 1"
    assert [it.subject for it in alice.folders["Straße"].messages] == ["one"]


def test_to_move_to_the_trash_takes_all_labels(gmail, alice, deliver):
    deliver("one", to="alice@gmail.com", host="gmail-smtp-in.l.google.com")
    gmail.say("SELECT INBOX")

    assert gmail.say('MOVE 1 "[Gmail]/Trash"') == [
        "* 1 EXPUNGE",
        "* 0 EXISTS",
        "OK [COPYUID 9 1 1] (Success)",
    ]

    assert {name: len(it.messages) for name, it in alice.folders.items() if it.messages} == {
        "[Gmail]/Trash": 1
    }


def test_what_is_filed_as_junk_is_in_spam(mailnet, gmail, alice, deliver):
    mailnet.gmail.on_message("alice@*").junk()

    deliver("offer", to="alice@gmail.com", host="gmail-smtp-in.l.google.com")

    assert gmail.say('STATUS "[Gmail]/Spam" (MESSAGES UNSEEN)') == [
        '* STATUS "[Gmail]/Spam" (MESSAGES 1 UNSEEN 1)',
        "OK Success",
    ]


def test_what_she_hands_in_is_in_the_sent_mail(mailnet, gmail, alice):
    alice.account.two_step = False
    with smtplib.SMTP_SSL("smtp.gmail.com") as client:
        client.login("alice@gmail.com", "secret")
        client.sendmail("alice@gmail.com", ["bob@hotmail.com"], "Subject: hi\r\n\r\nhi\r\n")

    gmail.say('EXAMINE "[Gmail]/Sent Mail"')

    assert gmail.say("FETCH 1 (FLAGS)") == ["* 1 FETCH (FLAGS (\\Seen \\Recent))", "OK Success"]
    assert [it.subject for it in alice.folders["[Gmail]/Sent Mail"].messages] == ["hi"]


def test_mails_of_one_conversation_have_one_thread(gmail, alice, client_of):
    smtp = client_of("gmail-smtp-in.l.google.com")
    for fields in ("Message-ID: <1@x>", "Message-ID: <2@x>\r\nIn-Reply-To: <1@x>", "Message-ID: <3@x>"):
        smtp.sendmail(
            "bob@sender.example", ["alice@gmail.com"], f"From: b@x.example\r\n{fields}\r\n\r\nhi\r\n"
        )
    gmail.say("SELECT INBOX")

    threads = [it.rpartition(" ")[2] for it in gmail.say("FETCH 1:3 X-GM-THRID")[:-1]]

    assert threads[0] == threads[1] != threads[2]


def test_gmails_search_is_understood(gmail, deliver):
    deliver("invoice", "hello", to="alice@gmail.com", host="gmail-smtp-in.l.google.com")
    gmail.say("SELECT INBOX")

    assert gmail.say('SEARCH X-GM-RAW "subject:invoice is:unread"') == [
        "* SEARCH 1",
        "OK SEARCH (Success)",
    ]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ("reset-at-mail", "no connection comes to MAIL, since IMAP is spoken there"),
        ("early-at-auth", "since IMAP is spoken there"),
        ("stripped-at-starttls", "since TLS begins with the first byte there"),
    ],
)
def test_a_fault_that_no_reader_meets_is_told(mailnet, fault, why):
    with pytest.raises(InvalidSetting, match=why):
        mailnet.host("imap.gmail.com").fail(fault)


@pytest.mark.parametrize(
    "fault", ["reset-at-auth", "closed-at-select", "handshake-closed-at-starttls", "rubbish-at-connect"]
)
def test_a_fault_happens_where_mail_is_read(mailnet, alice, fault):
    password = alice.account.add_app_password()
    mailnet.host("imap.gmail.com").fail(fault, times=1)

    with pytest.raises((imaplib.IMAP4.error, OSError)):
        _read(password)
    assert _read(password) == "OK"


def _read(password):
    client = imaplib.IMAP4_SSL("imap.gmail.com")
    try:
        client.login("alice@gmail.com", password)
        return client.select()[0]
    finally:
        client.shutdown()


def test_a_fault_of_reading_is_none_of_a_host_where_nobody_reads(mailnet):
    with pytest.raises(InvalidSetting, match="since no mail is read there"):
        mailnet.host("gmail-smtp-in.l.google.com").fail("cut-at-fetch")


def test_chaos_finds_those_who_read(mailnet, alice):
    password = alice.account.add_app_password()
    mailnet.clock.compress()
    mailnet.chaos(rate=1.0, seed=3)
    wrong = 0
    for _ in range(20):
        try:
            _read(password)
        except (imaplib.IMAP4.error, OSError):
            wrong += 1

    assert wrong > 10


def test_mails_that_go_are_told_of_from_the_first_on_with_how_many_are_left(gmail, alice, deliver):
    deliver("1", "2", "3", "4", to="alice@gmail.com", host="gmail-smtp-in.l.google.com")
    gmail.say("SELECT INBOX")
    gmail.say("STORE 1,3 +FLAGS.SILENT (\\Deleted)")

    assert gmail.say("EXPUNGE") == ["* 1 EXPUNGE", "* 2 EXPUNGE", "* 2 EXISTS", "OK Success"]
    del alice.messages[:]
    assert gmail.say("NOOP") == ["* 1 EXPUNGE", "* 1 EXPUNGE", "* 0 EXISTS", "OK Success"]
