"""What an IMAP server says to each command, to the letter (RFC 3501, RFC 9051)."""

from __future__ import annotations

import imaplib
import poplib

import pytest

from pytest_mailnet import Crasher
from pytest_mailnet.errors import InvalidReply, InvalidSetting, NothingArrived


def test_a_server_greets_and_says_what_it_can_do(connect, shop):
    imap = connect()

    assert imap.greeting == "* OK mx.shop.example IMAP4rev1 server ready"
    assert imap.say("CAPABILITY") == [
        "* CAPABILITY IMAP4rev1 ID ENABLE IDLE SASL-IR LITERAL+ NAMESPACE AUTH=PLAIN AUTH=LOGIN AUTH=XOAUTH2"
        " AUTH=OAUTHBEARER",
        "OK CAPABILITY completed",
    ]


def test_a_log_in_with_a_wrong_password_is_refused(connect, shop, alice):
    imap = connect()

    assert imap.say("LOGIN alice@shop.example wrong") == ["NO [AUTHENTICATIONFAILED] Authentication failed"]
    assert imap.say("LOGIN alice secret") == ["OK LOGIN completed"]
    [session] = shop.imap.sessions
    assert session.user == "alice@shop.example"
    assert "that is not the password of alice@shop.example" in str(
        [it.finding for it in session.exchanges if it.finding]
    )


def test_a_password_is_not_sent_in_the_clear(mailnet, shop, alice):
    with imaplib.IMAP4("mx.shop.example") as client:
        with pytest.raises(imaplib.IMAP4.error, match="PRIVACYREQUIRED"):
            client.login("alice@shop.example", "secret")
        client.starttls()

        assert client.login("alice@shop.example", "secret") == ("OK", [b"LOGIN completed"])
        client.logout()


def test_what_was_delivered_is_in_the_inbox(imap, deliver):
    deliver("one", "two")

    assert imap.say("SELECT INBOX") == [
        "* FLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen)",
        "* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Draft \\Deleted \\Seen \\*)] Limited",
        "* 2 EXISTS",
        "* 2 RECENT",
        "* OK [UNSEEN 1] First unseen",
        "* OK [UIDVALIDITY 1] UIDs valid",
        "* OK [UIDNEXT 3] Predicted next UID",
        "OK [READ-WRITE] SELECT completed",
    ]
    assert imap.say("FETCH 2 (UID FLAGS RFC822.SIZE BODY.PEEK[HEADER.FIELDS (SUBJECT)])") == [
        "* 2 FETCH (UID 2 FLAGS (\\Recent) RFC822.SIZE 118 BODY[HEADER.FIELDS (SUBJECT)] {16}\r\n"
        "Subject: two\r\n\r\n)",
        "OK FETCH completed",
    ]


def test_status_of_the_selected_folder_counts_what_is_recent_in_this_session(imap, connect, deliver):
    deliver("one", "two")
    imap.say("SELECT INBOX")
    deliver("three")
    other = connect()
    other.say("LOGIN alice secret")

    assert other.say("STATUS INBOX (RECENT)")[0] == '* STATUS "INBOX" (RECENT 1)'
    assert imap.say("STATUS INBOX (MESSAGES RECENT)")[0] == '* STATUS "INBOX" (MESSAGES 3 RECENT 3)'
    imap.say("SELECT INBOX")
    assert imap.say("STATUS INBOX (RECENT)")[0] == '* STATUS "INBOX" (RECENT 0)'


def test_to_fetch_a_body_marks_a_mail_as_read(imap, alice, deliver):
    deliver("one", "two")
    imap.say("SELECT INBOX")

    assert imap.say("FETCH 1 BODY[TEXT]") == [
        "* 1 FETCH (BODY[TEXT] {7}\r\nhello\r\n FLAGS (\\Seen \\Recent))",
        "OK FETCH completed",
    ]
    assert alice.folders["INBOX"].flags == [{"\\Seen"}, frozenset()]
    assert alice.folders["INBOX"].unread == 1


def test_a_mail_that_is_expunged_is_gone_from_the_mailbox(imap, alice, deliver):
    deliver("one", "two", "three")
    imap.say("SELECT INBOX")

    assert imap.say("STORE 1,3 +FLAGS.SILENT (\\Deleted)") == ["OK STORE completed"]
    assert imap.say("EXPUNGE") == ["* 3 EXPUNGE", "* 1 EXPUNGE", "OK EXPUNGE completed"]
    assert [it.subject for it in alice.messages] == ["two"]


def test_a_mail_that_the_test_takes_out_is_gone_from_the_folder(imap, alice, deliver):
    deliver("one", "two")
    imap.say("SELECT INBOX")

    del alice.messages[0]

    assert imap.say("NOOP") == ["* 1 EXPUNGE", "OK NOOP completed"]


def test_a_folder_that_was_made_for_one_in_it_is_there_as_any_other(imap):
    imap.say("CREATE Projects/2026")

    # RFC 3501, 6.3.3: superior names are created as well, and to create what is there is an error.
    assert imap.say("CREATE Projects") == ["NO [ALREADYEXISTS] Mailbox already exists"]
    assert imap.say("CREATE Projects/2027") == ["OK CREATE completed"]


def test_mails_are_copied_and_moved_with_their_uids(imap, alice, deliver):
    deliver("one", "two")
    imap.say("SELECT INBOX")
    assert imap.say("CREATE Projects/2026") == ["OK CREATE completed"]

    assert imap.say("UID COPY 1:2 Projects/2026") == ["OK [COPYUID 7 1:2 1:2] COPY completed"]
    assert imap.say("UID MOVE 2 Trash") == [
        "* OK [COPYUID 5 2 1]",
        "* 2 EXPUNGE",
        "OK MOVE completed",
    ]
    assert {name: [it.subject for it in alice.folders[name].messages] for name in alice.folders} == {
        "INBOX": ["one"],
        "Drafts": [],
        "Junk": [],
        "Sent": [],
        "Trash": ["two"],
        "Projects": [],
        "Projects/2026": ["one", "two"],
    }


def test_folders_are_listed_with_their_special_uses(imap):
    imap.say("CREATE Projects/&AOQ-rger")

    assert imap.say('LIST "" *') == [
        '* LIST (\\HasNoChildren) "/" "INBOX"',
        '* LIST (\\HasNoChildren \\Drafts) "/" "Drafts"',
        '* LIST (\\HasNoChildren \\Junk) "/" "Junk"',
        '* LIST (\\HasNoChildren \\Sent) "/" "Sent"',
        '* LIST (\\HasNoChildren \\Trash) "/" "Trash"',
        '* LIST (\\HasChildren) "/" "Projects"',
        '* LIST (\\HasNoChildren) "/" "Projects/&AOQ-rger"',
        "OK LIST completed",
    ]
    assert imap.say('LIST (SPECIAL-USE) "" % RETURN (STATUS (MESSAGES))')[-3:] == [
        '* STATUS "Sent" (MESSAGES 0)',
        '* STATUS "Trash" (MESSAGES 0)',
        "OK LIST completed",
    ]
    assert imap.say('LIST "" ""') == ['* LIST (\\Noselect) "/" ""', "OK LIST completed"]


def test_a_mail_that_is_appended_has_a_uid(imap, alice):
    imap.send(b"b1 APPEND Drafts (\\Draft) {18}\r\n")
    assert imap.line() == "+ Ready for literal data"

    imap.send(b"Subject: x\r\n\r\nhi\r\n\r\n")

    assert imap.line() == "b1 OK [APPENDUID 2 1] APPEND completed"
    assert [(it.subject, it.content) for it in alice.folders["Drafts"].messages] == [
        ("x", b"Subject: x\r\n\r\nhi\r\n")
    ]
    imap.send(b"b2 APPEND Nowhere {3+}\r\nabc\r\n")
    assert imap.line() == "b2 NO [TRYCREATE] No such mailbox"


def test_an_idle_client_is_told_at_once(imap, deliver):
    imap.say("SELECT INBOX")
    assert imap.say("IDLE") == ["+ idling"]

    deliver("one")

    assert [imap.line(), imap.line()] == ["* 1 EXISTS", "* 1 RECENT"]
    imap.send("DONE")
    assert imap.line() == "a3 OK IDLE terminated"


def test_one_session_hears_of_what_another_does(imap, connect, deliver):
    deliver("one", "two")
    imap.say("SELECT INBOX")
    other = connect()
    other.say("LOGIN alice secret")
    other.say("SELECT INBOX")
    other.say("STORE 2 FLAGS (\\Flagged)")
    other.say("STORE 1 +FLAGS (\\Deleted)")
    other.say("EXPUNGE")

    assert imap.say("FETCH 1 FLAGS") == [
        "* 1 FETCH (FLAGS (\\Deleted \\Recent))",
        "* 2 FETCH (FLAGS (\\Flagged \\Recent))",
        "OK FETCH completed",
    ]
    assert imap.say("NOOP") == ["* 1 EXPUNGE", "OK NOOP completed"]


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("SELECT Nowhere", "NO [NONEXISTENT] No such mailbox"),
        ("FETCH 1 FLAGS", "BAD Command not permitted in this state"),
        ("LOGIN a b", "BAD Command not permitted in this state"),
        ("FROBNICATE", "BAD Unknown command"),
        ("SELECT", "BAD Syntax error"),
        ("LIST (", "BAD Syntax error"),
        ("CREATE INBOX", "NO [ALREADYEXISTS] Mailbox already exists"),
        ("DELETE INBOX", "NO [CANNOT] This mailbox cannot be changed"),
        ("RENAME Nowhere Elsewhere", "NO [NONEXISTENT] No such mailbox"),
        ("STATUS INBOX (MESSAGES UIDNEXT UNSEEN)", "OK STATUS completed"),
        ("NAMESPACE", "OK NAMESPACE completed"),
        ("UNSUBSCRIBE Trash", "OK UNSUBSCRIBE completed"),
        ("ENABLE UTF8=ACCEPT", "OK ENABLE completed"),
        ("ENABLE", "BAD Syntax error"),
        ('ID ("name" "test")', "OK ID completed"),
        ("LOGOUT", "OK LOGOUT completed"),
    ],
)
def test_a_command_has_its_answer(imap, command, answer):
    assert imap.say(command)[-1] == answer


def test_a_subscription_outlives_its_folder(imap):
    for command in ("CREATE Work/2026", "SUBSCRIBE Work/2026", "DELETE Work/2026", "DELETE Work"):
        assert imap.say(command)[-1].startswith("OK")

    assert imap.say('LSUB "" Work/*') == ['* LSUB () "/" "Work/2026"', "OK LSUB completed"]
    assert imap.say('LSUB "" Work%') == ['* LSUB (\\Noselect) "/" "Work"', "OK LSUB completed"]
    assert imap.say('LIST (SUBSCRIBED) "" Work/%') == [
        '* LIST (\\NonExistent \\Subscribed) "/" "Work/2026"',
        "OK LIST completed",
    ]
    assert imap.say('LIST "" Work*') == ["OK LIST completed"]
    assert imap.say("UNSUBSCRIBE Work/2026") == ["OK UNSUBSCRIBE completed"]
    assert imap.say('LSUB "" Work*') == ["OK LSUB completed"]


def test_a_folder_made_anew_is_subscribed_as_the_old_one_was(imap):
    for command in ("CREATE Work", "SUBSCRIBE Work", "RENAME Work Play", "CREATE Work"):
        imap.say(command)

    assert imap.say('LSUB "" Work') == ['* LSUB (\\HasNoChildren) "/" "Work"', "OK LSUB completed"]
    assert imap.say('LSUB "" Play') == ["OK LSUB completed"]


def test_a_session_ends_with_logout(imap, shop):
    assert imap.say("LOGOUT") == ["* BYE IMAP4rev1 server logging out", "OK LOGOUT completed"]
    assert imap.line() == ""
    [session] = shop.imap.sessions
    assert (session.protocol, session.ended) == ("IMAP", "client quit")


def test_a_client_that_idles_is_told_that_the_server_is_shut_down(imap, shop, connect):
    imap.say("SELECT INBOX")
    assert imap.say("IDLE") == ["+ idling"]

    shop.imap.shut_down()

    assert imap.line() == "* BYE Server shutting down"
    assert imap.line() == ""
    [session] = shop.imap.sessions
    assert session.ended == "the server was shut down"
    assert connect().greeting.startswith("* OK")


def test_a_server_shut_down_hangs_up_on_those_who_have_not_logged_in(connect, shop):
    clients = [connect(), connect()]

    shop.imap.shut_down()

    assert [(it.line(), it.line()) for it in clients] == [("* BYE Server shutting down", "")] * 2
    shop.imap.shut_down()


def test_gmail_says_system_error_when_it_shuts_down(mailnet, connect):
    mailnet.gmail.add_mailbox("alice")
    client = connect("imap.gmail.com")

    mailnet.gmail.imap.shut_down()

    assert client.line() == "* BYE System Error"


def test_pop3_hangs_up_without_a_word_and_removes_nothing(shop, alice, deliver):
    deliver("one")
    client = poplib.POP3_SSL("mx.shop.example")
    client.user("alice")
    client.pass_("secret")
    client.dele(1)

    shop.pop3.shut_down()

    with pytest.raises((poplib.error_proto, OSError)):
        client.noop()
    client.close()
    assert len(alice.messages) == 1
    assert shop.pop3.sessions[0].ended == "the server was shut down"


def test_a_silent_client_is_hung_up_on_by_the_nets_clock(mailnet, imap):
    mailnet.clock.advance(minutes=31)

    assert imap.line() == "* BYE Autologout; idle for too long"
    assert imap.line() == ""


def test_an_answer_of_ones_own_is_given(imap, shop, deliver):
    deliver("one")
    shop.imap.on_command("FETCH").reply("NO [UNAVAILABLE] Try later").times(1)
    imap.say("SELECT INBOX")

    assert imap.say("UID FETCH 1 FLAGS") == ["NO [UNAVAILABLE] Try later"]
    assert imap.say("UID FETCH 1 FLAGS") == [
        "* 1 FETCH (UID 1 FLAGS (\\Recent))",
        "OK FETCH completed",
    ]


def test_a_log_in_is_answered_by_the_test(connect, shop, alice):
    shop.imap.on_login("alice*").reply("NO [UNAVAILABLE] Directory is down").times(1)
    shop.imap.on_connect().reply("BYE Overloaded").after(1)
    imap = connect()

    assert imap.say("LOGIN alice@shop.example secret") == ["NO [UNAVAILABLE] Directory is down"]
    assert imap.say("LOGIN alice@shop.example secret") == ["OK LOGIN completed"]
    assert connect().greeting == "* BYE Overloaded"


def test_a_fetch_is_cut_off_amid_a_literal(mailnet, imap, deliver):
    deliver("one")
    mailnet.host("mx.shop.example").fail("cut-at-fetch", times=1)
    imap.say("SELECT INBOX")

    imap.send("b1 FETCH 1 BODY[]")

    heard = imap._file.read()
    assert heard.startswith(b"* 1 FETCH (BODY[] {118}\r\n")
    assert b"b1 OK" not in heard


def test_a_server_of_ones_own_does_not_know_gmails_items(imap, deliver):
    deliver("one")
    imap.say("SELECT INBOX")

    assert imap.say("FETCH 1 X-GM-LABELS") == ["BAD Syntax error"]


def test_what_does_not_fit_is_not_appended(imap, alice):
    alice.quota = 10

    imap.send(b"b1 APPEND Drafts {18+}\r\nSubject: x\r\n\r\nhi\r\n\r\n")

    assert imap.line() == "b1 NO [OVERQUOTA] Quota exceeded"
    assert not alice.folders["Drafts"].messages


def test_a_yes_of_the_tests_own_is_said_in_place_of_the_servers(imap, shop, alice, deliver):
    deliver("one")
    shop.imap.on_command("STORE").reply("OK [MODIFIED 1] Done")
    imap.say("SELECT INBOX")

    assert imap.say("STORE 1 +FLAGS (\\Flagged)") == [
        "* 1 FETCH (FLAGS (\\Flagged \\Recent))",
        "OK [MODIFIED 1] Done",
    ]
    assert alice.folders["INBOX"].flags == [{"\\Flagged"}]


def test_an_endless_line_ends_the_session_in_bounded_memory(imap):
    imap.send(b"b1 LOGIN " + b"x" * 200_000 + b"\r\n")

    assert imap.line().startswith("b1 BAD")


@pytest.mark.parametrize("size", ["9223372036854775808", "67108865", "99999999999999999999999"])
def test_a_literal_that_is_too_big_is_refused_before_it_comes(imap, size):
    assert imap.say(f"APPEND INBOX {{{size}}}") == ["NO [TOOBIG] Literal too big"]
    imap.send(f"b2 APPEND INBOX {{{size}+}}")
    assert imap.line() == "* BYE [TOOBIG] Literal too big"
    assert imap.line() == ""


def test_nested_search_keys_are_refused_in_bounded_time(imap):
    imap.say("SELECT INBOX")

    assert imap.say(f"SEARCH {'(' * 3000}ALL{')' * 3000}") == ["BAD Syntax error"]
    assert imap.say(f"SEARCH {'NOT ' * 3000}ALL") == ["BAD Syntax error"]
    assert imap.say("FETCH 1:4294967295 FLAGS") == ["BAD Syntax error"]
    assert imap.say("UID FETCH 1:4294967295 FLAGS") == ["OK FETCH completed"]


def test_a_test_waits_for_what_arrives_in_a_mailbox(alice, deliver):
    import threading

    thread = threading.Thread(target=deliver, args=("one",))
    thread.start()

    [message] = alice.wait_for_messages(1, timeout=20)
    thread.join()

    assert message.subject == "one"


def test_where_nothing_arrives_the_wait_says_so(alice):
    with pytest.raises(NothingArrived, match=r"waited 0\.01 s for 1 message, and 0 messages came"):
        alice.wait_for_messages(1, timeout=0.01)


def test_sessions_in_which_mail_is_read_are_not_among_those_in_which_it_is_handed_in(mailnet, shop, imap):
    assert mailnet.sessions == []
    assert shop.sessions == []
    assert [it.protocol for it in shop.imap.sessions] == ["IMAP"]


def test_a_real_port_leads_to_a_port_where_mail_is_read(mailnet, shop):
    where = mailnet.listen("mx.shop.example", 143)

    with imaplib.IMAP4(*where) as client:
        assert client.welcome == b"* OK mx.shop.example IMAP4rev1 server ready"


def test_a_provider_without_servers_for_reading_says_so(mailnet):
    with pytest.raises(InvalidSetting, match="no mail is read by IMAP at sendgrid, as far as"):
        mailnet.provider("sendgrid").imap.on_login()


@pytest.mark.mailnet(strict=False)
@pytest.mark.parametrize(
    ("response", "told"),
    [
        ("550 No", "'550 No' is no response: it is a line that begins with OK, NO, BAD or BYE"),
        ("NO {usr}", "no variable {usr} (did you mean 'user'"),
        ("", "'' is no response"),
        ("NO a\r\nb", "is no response"),
    ],
)
def test_an_answer_that_is_no_response_is_told(shop, response, told):
    with pytest.raises(InvalidReply) as failed:
        shop.imap.on_login("alice*").reply(response)

    assert told in str(failed.value)


def test_a_mail_has_the_fields_of_its_final_delivery(imap, deliver):
    deliver("one")
    imap.say("SELECT INBOX")

    assert imap.say("FETCH 1 BODY[HEADER]") == [
        "* 1 FETCH (BODY[HEADER] {111}\r\n"
        "Return-Path: <bob@sender.example>\r\n"
        "Delivered-To: alice@shop.example\r\n"
        "From: bob@sender.example\r\n"
        "Subject: one\r\n\r\n FLAGS (\\Seen \\Recent))",
        "OK FETCH completed",
    ]


def test_the_places_of_a_reader_have_the_names_of_its_commands(mailnet, alice, deliver):
    deliver("one")

    def read():
        with imaplib.IMAP4_SSL("mx.shop.example") as client:
            client.login("alice", "secret")
            client.select()
            client.uid("FETCH", "1", "(FLAGS)")

    crasher = Crasher(mailnet)
    crasher.call(read)

    said = [it.what for it in crasher.places if not it.what.startswith("look-up")]
    assert said == [
        "connect mx.shop.example:993",
        "reply to connect",
        *(
            it
            for verb in ("CAPABILITY", "LOGIN", "SELECT", "UID FETCH", "LOGOUT")
            for it in (verb, f"reply to {verb}")
        ),
    ]


def test_whom_a_test_lets_in_without_a_mailbox_has_empty_folders(connect, shop):
    shop.imap.on_login("nobody*").reply("OK Come in")
    imap = connect()

    assert imap.say("LOGIN nobody@shop.example secret") == ["OK Come in"]
    assert imap.say("STATUS INBOX (MESSAGES)") == ['* STATUS "INBOX" (MESSAGES 0)', "OK STATUS completed"]
