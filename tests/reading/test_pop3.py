"""POP3 (RFC 1939), without sockets."""

from __future__ import annotations

import base64
import hashlib
import hmac

import hypothesis
import hypothesis.strategies as st
import pytest

from pytest_mailnet.reading.response import Response
from pytest_mailnet.record.session import Finding
from pytest_mailnet.smtp.state import HANG_UP
from pytest_mailnet.values import Stage

from .pop3_host import Pop3Talk

FIRST = b"Subject: a\r\n\r\n" + b"x" * 104 + b"\r\n"  # 120 octets, as the first mail of RFC 1939's examples
SECOND = b"Subject: b\r\n\r\n" + b"y" * 184 + b"\r\n"  # 200 octets


@pytest.fixture
def talk():
    return Pop3Talk(FIRST, SECOND)


@pytest.fixture
def alice(talk):
    """The session after the log-in."""
    talk.log_in()
    return talk


def encoded(text):
    return base64.b64encode(text.encode()).decode()


PLAIN = encoded("\0alice\0secret")
TOKEN = encoded("user=alice\1auth=Bearer good\1\1")
BAD_TOKEN = encoded("user=alice\1auth=Bearer stale\1\1")
FOUND = Finding("token", "the token is stale")
DIGEST = hmac.new(b"secret", b"<1@dbc.mtview.ca.us>", hashlib.md5).hexdigest()
BEARER = encoded("n,a=alice,\1auth=Bearer good\1\1")


def test_the_session_of_rfc_1939(talk):
    talk.host.spoken["quit_ok"] = "+OK dewey POP3 server signing off (maildrop empty)"  # RFC 1939, 10

    said = [
        talk.dialogue.greet(),
        talk.say("USER alice"),
        talk.say("PASS secret"),
        talk.say("STAT"),
        talk.say("LIST"),
        talk.say("RETR 1"),
        talk.say("DELE 1"),
        talk.say("RETR 2"),
        talk.say("DELE 2"),
        talk.say("QUIT"),
    ]

    assert said == [
        b"+OK dbc.mtview.ca.us POP3 server ready\r\n",
        b"+OK Name is a valid mailbox\r\n",
        b"+OK alice@shop.example's maildrop has 2 messages (320 octets)\r\n",
        b"+OK 2 320\r\n",
        b"+OK 2 messages (320 octets)\r\n1 120\r\n2 200\r\n.\r\n",
        b"+OK 120 octets\r\n" + FIRST + b".\r\n",
        b"+OK message 1 deleted\r\n",
        b"+OK 200 octets\r\n" + SECOND + b".\r\n",
        b"+OK message 2 deleted\r\n",
        b"+OK dewey POP3 server signing off (maildrop empty)\r\n",
    ]
    assert talk.inbox == []
    assert talk.dialogue.closing
    assert talk.session.ended == "client quit"
    assert talk.session.user == "alice@shop.example"
    assert [it.stage for it in talk.session.exchanges] == [
        Stage.CONNECT,
        Stage.OTHER,
        Stage.AUTH,
        Stage.OTHER,
        Stage.OTHER,
        Stage.FETCH,
        Stage.OTHER,
        Stage.FETCH,
        Stage.OTHER,
        Stage.QUIT,
    ]


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("STAT", b"+OK 2 320\r\n"),
        ("LIST 2", b"+OK 2 200\r\n"),
        ("list 2", b"+OK 2 200\r\n"),
        ("LIST 2 ", b"+OK 2 200\r\n"),
        ("LIST 3", b"-ERR no such message, only 2 messages in maildrop\r\n"),
        ("LIST 0", b"-ERR no such message, only 2 messages in maildrop\r\n"),
        ("UIDL", b"+OK\r\n1 0000000100000001\r\n2 0000000200000001\r\n.\r\n"),
        ("UIDL 2", b"+OK 2 0000000200000001\r\n"),
        ("UIDL 3", b"-ERR no such message, only 2 messages in maildrop\r\n"),
        ("RETR 3", b"-ERR no such message, only 2 messages in maildrop\r\n"),
        ("TOP 1 0", b"+OK\r\nSubject: a\r\n\r\n.\r\n"),
        ("TOP 1 10", b"+OK\r\n" + FIRST + b".\r\n"),
        ("TOP 100 3", b"-ERR no such message, only 2 messages in maildrop\r\n"),
        ("DELE 2", b"+OK message 2 deleted\r\n"),
        ("DELE 3", b"-ERR no such message, only 2 messages in maildrop\r\n"),
        ("RSET", b"+OK maildrop has 2 messages (320 octets)\r\n"),
        ("NOOP", b"+OK\r\n"),
        ("CAPA", b"+OK Capability list follows\r\nUSER\r\nTOP\r\nUIDL\r\nUTF8\r\nSTLS\r\n"
                 b"SASL PLAIN LOGIN XOAUTH2 OAUTHBEARER\r\n.\r\n"),
    ],
)  # fmt: skip
def test_a_command_after_the_log_in(alice, line, reply):
    assert alice.say(line) == reply


@pytest.mark.parametrize(
    "line",
    [
        "STAT 1", "LIST x", "LIST -1", "LIST ²", "LIST 1 2", "UIDL x", "RETR", "RETR 1 2", "RETR +1", "TOP", "TOP 1",
        "TOP 1 -1", "TOP 1 2 3", "TOP x 1", "DELE", "DELE x", "RSET 1", "NOOP 1", "QUIT now", "CAPA x",
    ],
)  # fmt: skip
def test_an_argument_that_is_none(alice, line):
    assert alice.say(line) == f"-ERR Wrong argument of {line.split(' ')[0]}\r\n".encode()
    assert alice.say("STAT") == b"+OK 2 320\r\n"


@pytest.mark.parametrize("line", ["STAT", "LIST", "UIDL", "RETR 1", "TOP 1 0", "DELE 1", "RSET", "NOOP"])
def test_mails_are_for_those_who_have_logged_in(talk, line):
    assert talk.say(line) == f"-ERR {line.split(' ')[0]} is not valid in this state\r\n".encode()


@pytest.mark.parametrize("line", ["USER alice", "PASS secret", f"AUTH PLAIN {PLAIN}", "AUTH", "STLS", "UTF8"])
def test_a_log_in_is_over_once_and_for_all(alice, line):
    assert alice.say(line) == f"-ERR {line.split(' ')[0]} is not valid in this state\r\n".encode()


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("LAST", b"-ERR Unknown command LAST\r\n"),
        ("APOP mrose c4c9334bac560ecc979e58001b3e22fb", b"-ERR Unknown command APOP\r\n"),
        ("", b"-ERR Unknown command\r\n"),
        (" STAT", b"-ERR Unknown command\r\n"),
        ("\0\x1b[31m", b"-ERR Unknown command ??[31M\r\n"),
        ("l\u0131st", b"-ERR Unknown command L\\XC4\\XB1ST\r\n"),
        ("STAT\0", b"-ERR Unknown command STAT?\r\n"),
        ("{server}", b"-ERR Unknown command {SERVER}\r\n"),
    ],
)
def test_a_line_that_is_no_command(alice, line, reply):
    assert alice.say(line).replace(b"command \r", b"command\r") == reply
    assert not alice.dialogue.closing


# Deleting


def test_a_mail_that_is_marked_is_there_no_longer_and_numbers_stay(alice):
    alice.say("DELE 1")

    assert alice.say("DELE 1") == b"-ERR message 1 already deleted\r\n"
    assert alice.say("RETR 1") == b"-ERR message 1 already deleted\r\n"
    assert alice.say("LIST 1") == b"-ERR message 1 already deleted\r\n"
    assert alice.say("STAT") == b"+OK 1 200\r\n"
    assert alice.say("LIST") == b"+OK 1 messages (200 octets)\r\n2 200\r\n.\r\n"
    assert alice.say("UIDL") == b"+OK\r\n2 0000000200000001\r\n.\r\n"
    assert len(alice.inbox) == 2


def test_rset_takes_the_marks_away(alice):
    alice.say("DELE 1", "DELE 2")

    assert alice.say("RSET") == b"+OK maildrop has 2 messages (320 octets)\r\n"
    assert alice.say("QUIT") == b"+OK dbc.mtview.ca.us POP3 server signing off\r\n"
    assert len(alice.inbox) == 2


def test_quit_removes_what_is_marked_and_nothing_else(alice):
    alice.say("DELE 1")
    alice.arrive(b"Subject: c\r\n\r\n")
    alice.say("QUIT")

    assert [it.content for it in alice.inbox] == [SECOND, b"Subject: c\r\n\r\n"]


def test_a_lost_connection_removes_nothing(alice):
    alice.say("DELE 1")
    alice.dialogue.lost("client closed the connection", b"QU")

    assert len(alice.inbox) == 2
    assert alice.session.ended == "client closed the connection"
    assert alice.session.exchanges[-1].request == b"QU"


def test_silence_removes_nothing_and_gets_no_answer(alice):
    alice.say("DELE 1")

    assert alice.dialogue.timed_out(b"") == b""
    assert len(alice.inbox) == 2
    assert alice.session.ended == "idle for 600 s"


def test_a_server_that_tells_those_who_are_silent(alice):
    alice.host.lines["timeout"] = "-ERR Disconnected for inactivity."

    assert alice.dialogue.timed_out(b"ST") == b"-ERR Disconnected for inactivity.\r\n"
    assert alice.session.exchanges[-1].request == b"ST"


def test_what_comes_during_a_session_is_for_the_next(alice):
    alice.arrive(b"Subject: c\r\n\r\n")

    assert alice.say("STAT") == b"+OK 2 320\r\n"
    alice.open()
    assert alice.log_in() == b"+OK alice@shop.example's maildrop has 3 messages (334 octets)\r\n"


def test_what_another_removes_can_still_be_read_in_this_session(alice):
    del alice.inbox[0]

    assert alice.say("RETR 1") == b"+OK 120 octets\r\n" + FIRST + b".\r\n"
    assert alice.say("DELE 1") == b"+OK message 1 deleted\r\n"
    alice.say("QUIT")
    assert [it.content for it in alice.inbox] == [SECOND]


def test_a_unique_id_is_the_same_in_each_session_and_never_another_s(alice):
    alice.say("DELE 1", "QUIT")
    alice.arrive(b"Subject: c\r\n\r\n")
    alice.open()
    alice.log_in()

    assert alice.say("UIDL") == b"+OK\r\n1 0000000200000001\r\n2 0000000300000001\r\n.\r\n"


# What a mail looks like


@pytest.mark.parametrize(
    ("content", "sent"),
    [
        (b"", b"\r\n"),
        (b"\r\n", b"\r\n"),
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\r\nb\n", b"a\r\nb\r\n"),
        (b"a", b"a\r\n"),
        (b"a\r", b"a\r\r\n"),
        (b".", b"..\r\n"),
        (b".\n.\n..\n.a", b"..\r\n..\r\n...\r\n..a\r\n"),
        (b"\r\n.\r\n", b"\r\n..\r\n"),
        (b"a\0\xff\n", b"a\0\xff\r\n"),
    ],
)
def test_lines_end_with_crlf_and_dots_are_stuffed(content, sent):
    talk = Pop3Talk(content)
    talk.log_in()

    size = len(sent.replace(b"\r\n.", b"\r\n").removeprefix(b"." if sent[:1] == b"." else b""))
    assert talk.say("RETR 1") == f"+OK {size} octets\r\n".encode() + sent + b".\r\n"


@hypothesis.given(
    st.lists(st.sampled_from([b"\r\n", b"\n", b"\r", b".", b"..", b"a", b"\xff\0"])).map(b"".join)
)
def test_a_client_reads_the_lines_and_octets_that_were_promised(content):
    talk = Pop3Talk(content)
    talk.log_in()

    head, _, rest = talk.say("RETR 1").partition(b"\r\n")
    lines = rest.split(b"\r\n")
    end = lines.index(b".")
    read = b"".join(line[line.startswith(b".") :] + b"\r\n" for line in lines[:end])

    assert lines[end + 1 :] == [b""]
    assert head == f"+OK {len(read)} octets".encode()
    ended = content if content.endswith(b"\n") else content + b"\r\n"
    assert read.replace(b"\r\n", b"\n") == ended.replace(b"\r\n", b"\n")
    assert b"\n" not in read.replace(b"\r\n", b"")
    assert talk.say("TOP 1 99999999999999999999") == b"+OK\r\n" + rest


@pytest.mark.parametrize(
    ("content", "wanted", "sent"),
    [
        (b"A: 1\nB: 2\n\n.one\ntwo\nthree", 0, b"A: 1\r\nB: 2\r\n\r\n"),
        (b"A: 1\nB: 2\n\n.one\ntwo\nthree", 1, b"A: 1\r\nB: 2\r\n\r\n..one\r\n"),
        (b"A: 1\nB: 2\n\n.one\ntwo\nthree", 2, b"A: 1\r\nB: 2\r\n\r\n..one\r\ntwo\r\n"),
        (b"A: 1\nB: 2\n\n.one\ntwo\nthree", 3, b"A: 1\r\nB: 2\r\n\r\n..one\r\ntwo\r\nthree\r\n"),
        (b"A: 1\nB: 2\n\n.one\ntwo\nthree", 4, b"A: 1\r\nB: 2\r\n\r\n..one\r\ntwo\r\nthree\r\n"),
        (b"A: 1\n\n\n\nx", 1, b"A: 1\r\n\r\n\r\n"),
        (b"A: 1\nB: 2\n", 0, b"A: 1\r\nB: 2\r\n"),
        (b"\none\n\ntwo\n", 1, b"\r\none\r\n"),
        (b"", 5, b"\r\n"),
    ],
)
def test_the_top_of_a_mail(content, wanted, sent):
    talk = Pop3Talk(content)
    talk.log_in()

    assert talk.say(f"TOP 1 {wanted}") == b"+OK\r\n" + sent + b".\r\n"


def test_the_fields_of_the_server_come_before_the_content():
    talk = Pop3Talk(b"Subject: a\r\n\r\n", trace=b"Received: from b.example\r\n")
    talk.log_in()

    assert talk.say("RETR 1") == b"+OK 40 octets\r\nReceived: from b.example\r\nSubject: a\r\n\r\n.\r\n"


def test_an_empty_mailbox():
    talk = Pop3Talk()

    assert talk.log_in() == b"+OK alice@shop.example's maildrop has 0 messages (0 octets)\r\n"
    assert talk.say("LIST") == b"+OK 0 messages (0 octets)\r\n.\r\n"
    assert talk.say("UIDL") == b"+OK\r\n.\r\n"


# Logging in


def test_a_wrong_password_leaves_the_session_where_it_was(talk):
    assert talk.say("USER alice", "PASS wrong") == b"-ERR [AUTH] Authentication failed\r\n"
    assert talk.say("PASS secret") == b"-ERR USER comes first\r\n"
    assert talk.say("STAT") == b"-ERR STAT is not valid in this state\r\n"
    assert talk.session.user is None
    assert talk.log_in().startswith(b"+OK ")


def test_a_password_has_all_the_spaces_that_follow_the_first(talk):
    talk.say("USER alice", "PASS  se cret ")

    assert talk.step.credentials.secret == " se cret "
    assert talk.step.credentials.identity == "alice"


@pytest.mark.parametrize("lines", [["USER"], ["USER  "], ["USER alice", "PASS"], ["USER alice", "PASS "]])
def test_a_log_in_without_a_name_or_a_password(talk, lines):
    assert talk.say(*lines) == f"-ERR Wrong argument of {lines[-1][:4]}\r\n".encode()


@pytest.mark.parametrize(
    "lines",
    [
        [f"AUTH PLAIN {PLAIN}"],
        [f"auth plain {PLAIN}"],
        ["AUTH PLAIN", PLAIN],
        [f"AUTH LOGIN {encoded('alice')}", encoded("secret")],
        ["AUTH LOGIN", encoded("alice"), encoded("secret")],
        [f"AUTH XOAUTH2 {TOKEN}"],
        ["AUTH XOAUTH2", TOKEN],
        [f"AUTH OAUTHBEARER {BEARER}"],
        ["AUTH CRAM-MD5", encoded(f"alice {DIGEST}")],
    ],
)
def test_a_log_in_by_each_mechanism(talk, lines):
    said = [talk.say(line) for line in lines]

    assert all(it.startswith(b"+ ") for it in said[:-1])
    assert said[-1] == b"+OK alice@shop.example's maildrop has 2 messages (320 octets)\r\n"
    assert talk.session.user == "alice@shop.example"
    assert talk.say("STAT") == b"+OK 2 320\r\n"
    assert {it.stage for it in talk.session.exchanges[: len(lines)]} == {Stage.AUTH}


def test_what_a_challenge_looks_like(talk):
    assert talk.say("AUTH PLAIN") == b"+ \r\n"
    assert talk.say("*") == b"-ERR Authentication cancelled\r\n"
    assert talk.say("AUTH LOGIN") == b"+ VXNlcm5hbWU6\r\n"
    assert talk.say(encoded("alice")) == b"+ UGFzc3dvcmQ6\r\n"
    assert talk.say(encoded("wrong")) == b"-ERR [AUTH] Authentication failed\r\n"
    assert talk.say("CAPA").startswith(b"+OK Capability list follows\r\n")


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        (["AUTH GSSAPI"], b"-ERR Unsupported mechanism\r\n"),
        (["AUTH SCRAM-SHA-1 x"], b"-ERR Unsupported mechanism\r\n"),
        (["AUTH PLAIN %%%"], b"-ERR Invalid response\r\n"),
        (["AUTH PLAIN", "%%%"], b"-ERR Invalid response\r\n"),
        (["AUTH PLAIN ="], b"-ERR Invalid response\r\n"),
        (["AUTH PLAIN", ""], b"-ERR Invalid response\r\n"),
        (["AUTH PLAIN", "\u00e9"], b"-ERR Invalid response\r\n"),
        (["AUTH CRAM-MD5 eA=="], b"-ERR Wrong argument of AUTH\r\n"),
        ([f"AUTH PLAIN {encoded('alice')}"], b"-ERR Invalid response\r\n"),
    ],
)
def test_a_log_in_that_goes_wrong(talk, lines, reply):
    assert talk.say(*lines) == reply
    assert talk.say("NOOP") == b"-ERR NOOP is not valid in this state\r\n"


def test_auth_alone_lists_the_mechanisms(talk):
    talk.host.sasl = ("PLAIN", "XOAUTH2")

    assert talk.say("AUTH") == b"+OK Mechanisms follow\r\nPLAIN\r\nXOAUTH2\r\n.\r\n"


def test_what_is_wrong_with_a_token_is_said_in_a_challenge(talk):
    why = '{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}'
    talk.host.lines["token_challenge"] = why

    assert talk.say("AUTH XOAUTH2", BAD_TOKEN) == f"+ {encoded(why)}\r\n".encode()
    assert talk.say("") == b"-ERR [AUTH] Authentication failed\r\n"
    assert talk.say("AUTH XOAUTH2", TOKEN).startswith(b"+OK ")


def test_the_refusal_after_such_a_challenge_has_the_words_and_the_finding_of_the_log_in(talk):
    talk.host.lines["token_challenge"] = "{}"
    talk.host.answers["auth"] = refuse_by_a_rule

    assert talk.say("AUTH XOAUTH2", BAD_TOKEN, "") == b"-ERR AUTH failed: stale\r\n"
    assert [it.finding for it in talk.session.exchanges] == [None, FOUND, FOUND]


def refuse_by_a_rule(step):
    """Refuse a log-in as a rule does: with details for the words, and what it has found."""
    step.details, step.finding = {**step.details, "why": "stale"}, FOUND
    return Response("-ERR", "{command} failed: {why}")


def test_a_server_without_such_a_challenge_refuses_a_token_at_once(talk):
    assert talk.say(f"AUTH XOAUTH2 {BAD_TOKEN}") == b"-ERR [AUTH] Authentication failed\r\n"


def test_a_token_may_be_longer_than_a_command(talk):
    assert talk.say(
        f"AUTH XOAUTH2 {encoded('user=alice' + chr(1) + 'auth=Bearer ' + 'x' * 2000)}"
    ).startswith(b"-ERR [AUTH]")


def test_a_server_that_takes_no_long_token_in_the_command(talk):
    talk.host.lines["short_auth"] = "yes"
    token = encoded("user=alice\1auth=Bearer " + "x" * 300 + "\1\1")

    assert talk.say(f"AUTH XOAUTH2 {token}") == b"-ERR Line too long\r\n"
    assert talk.say("AUTH XOAUTH2", token) == b"-ERR [AUTH] Authentication failed\r\n"
    assert talk.say(f"AUTH XOAUTH2 {TOKEN}").startswith(b"+OK ")


# TLS


def test_stls_begins_tls_and_forgets_the_user(talk):
    talk.say("USER alice")

    assert talk.say("STLS") == b"+OK Begin TLS negotiation\r\n"
    assert talk.dialogue.starting_tls
    assert talk.dialogue.encrypted("TLSv1.3") == b""
    assert talk.session.tls == "TLSv1.3"
    assert talk.say("PASS secret") == b"-ERR USER comes first\r\n"
    assert b"STLS" not in talk.say("CAPA")
    assert talk.say("STLS") == b"-ERR Command not permitted when TLS active\r\n"
    assert talk.session.exchanges[1].stage is Stage.STARTTLS


def test_where_tls_comes_first_the_greeting_comes_after_it(talk):
    assert talk.dialogue.encrypted("TLSv1.3") == b"+OK dbc.mtview.ca.us POP3 server ready\r\n"


@pytest.mark.parametrize("line", ["USER alice", "PASS secret", f"AUTH PLAIN {PLAIN}", "AUTH"])
def test_a_server_that_wants_tls_before_a_log_in(talk, line):
    talk.host.able, talk.host.sasl = ["STLS", "UIDL"], ()

    assert talk.say(line) == b"-ERR Log in over TLS only\r\n"


@pytest.mark.parametrize("line", ["STLS", "AUTH", "UTF8", "USER alice", "CAPA"])
def test_a_server_does_not_know_what_it_does_not_offer(talk, line):
    talk.host.able, talk.host.sasl = [], ()

    assert talk.say(line) == f"-ERR Unknown command {line[:4]}\r\n".encode()


@pytest.mark.parametrize("line", ["TOP 1 0", "UIDL", "UIDL 1"])
def test_top_and_uidl_are_optional(alice, line):
    alice.host.able = ["USER"]

    assert alice.say(line) == f"-ERR Unknown command {line.split(' ')[0]}\r\n".encode()


def test_utf8_is_for_the_time_before_the_log_in(talk):
    assert talk.say("UTF8") == b"+OK UTF8 enabled\r\n"
    assert talk.dialogue.utf8
    assert talk.say("USER ali\u00e7e", "PASS s\u00e9cret") == b"-ERR [AUTH] Authentication failed\r\n"
    assert talk.step.credentials.identity == "ali\u00e7e"
    assert talk.step.credentials.secret == "s\u00e9cret"


# A test's own answers


def test_a_no_of_the_test_s_stands_in_place_of_the_command(alice):
    alice.host.answers["DELE"] = Response.parse("-ERR [SYS/TEMP] Try later", pop3=True)

    assert alice.say("dele 1") == b"-ERR [SYS/TEMP] Try later\r\n"
    assert alice.say("STAT") == b"+OK 2 320\r\n"


def test_a_yes_of_the_test_s_is_the_usual_one_in_other_words(alice):
    for verb in ("DELE", "RETR", "LAST"):
        alice.host.answers[verb] = Response.parse("+OK As you like, {user}", pop3=True)

    assert alice.say("RETR 1") == b"+OK As you like, alice@shop.example\r\n" + FIRST + b".\r\n"
    assert alice.say("DELE 1") == b"+OK As you like, alice@shop.example\r\n"
    assert alice.say("DELE 1") == b"-ERR message 1 already deleted\r\n"
    assert alice.say("LAST") == b"+OK As you like, alice@shop.example\r\n"
    assert alice.say("STAT") == b"+OK 1 200\r\n"


def test_the_record_tells_whose_answer_it_was(alice):
    def decide(step):
        step.finding = FOUND
        return Response.parse("+OK As you like", pop3=True)

    alice.host.answers["DELE"] = decide
    alice.say("DELE 1", "DELE 1")

    assert [it.finding for it in alice.session.exchanges[-2:]] == [FOUND, None]


def test_a_quit_that_is_refused_ends_the_session_and_removes_nothing(alice):
    alice.host.answers["QUIT"] = Response.parse("-ERR some deleted messages not removed", pop3=True)

    assert alice.say("DELE 1", "QUIT") == b"-ERR some deleted messages not removed\r\n"
    assert alice.dialogue.closing
    assert len(alice.inbox) == 2


def test_a_quit_in_other_words_removes_what_is_marked(alice):
    alice.host.answers["QUIT"] = Response.parse("+OK Farewell.", pop3=True)

    assert alice.say("DELE 1", "QUIT") == b"+OK Farewell.\r\n"
    assert alice.dialogue.closing
    assert len(alice.inbox) == 1


def test_a_greeting_that_is_a_no_ends_the_session(talk):
    talk.host.answers["connect"] = Response.parse("-ERR [SYS/TEMP] Come back later", pop3=True)

    assert talk.dialogue.greet() == b"-ERR [SYS/TEMP] Come back later\r\n"
    assert talk.dialogue.closing


@pytest.mark.parametrize("lines", [["USER alice", "PASS secret"], [f"AUTH PLAIN {PLAIN}"]])
def test_a_test_answers_the_log_in(talk, lines):
    talk.host.answers["auth"] = Response.parse("-ERR [IN-USE] Do you have another POP session?", pop3=True)

    assert talk.say(*lines) == b"-ERR [IN-USE] Do you have another POP session?\r\n"  # RFC 2449, 8.1.2
    assert talk.session.user is None


def test_a_test_lets_anybody_in(talk):
    talk.host.answers["auth"] = Response.parse("+OK Welcome.", pop3=True)

    assert talk.say("USER alice", "PASS forgotten") == b"+OK Welcome.\r\n"
    assert talk.say("STAT") == b"+OK 2 320\r\n"


@pytest.mark.parametrize("verb", ["RETR", "QUIT", "NONSENSE"])
def test_a_test_has_the_server_hang_up(alice, verb):
    alice.host.answers[verb] = HANG_UP

    assert alice.say("DELE 1", verb) == b""
    assert alice.session.ended == "the server hung up"
    assert len(alice.inbox) == 2


def test_an_answer_after_which_the_server_hangs_up(alice):
    alice.host.answers["STAT"] = Response.parse("-ERR Session expired", closes=True, pop3=True)

    assert alice.say("STAT") == b"-ERR Session expired\r\n"
    assert alice.session.ended == "closed by the server after -ERR"


def test_an_exception_in_a_predicate_fails_the_test_and_is_answered(alice):
    def decide(step):
        raise ZeroDivisionError

    alice.host.answers["STAT"] = decide

    assert alice.say("STAT") == b"-ERR [SYS/TEMP] Internal error\r\n"
    assert [type(error) for _, error in alice.host.failures] == [ZeroDivisionError]


# Hostile lines


def test_a_command_has_255_octets(alice):
    assert alice.dialogue.command(b"RETR 1".ljust(253) + b"\r\n") == b"+OK 120 octets\r\n" + FIRST + b".\r\n"
    assert alice.dialogue.command(b"RETR 1".ljust(254) + b"\r\n") == b"-ERR Line too long\r\n"
    assert alice.dialogue.command(b"RETR " + b"9" * 60000 + b"\r\n") == b"-ERR Line too long\r\n"
    assert alice.dialogue.command(b"RETR " + b"9" * 240 + b"\r\n").startswith(b"-ERR no such message")


def test_a_password_is_a_command_like_others(talk):
    assert talk.say("USER alice", "PASS " + "x" * 300) == b"-ERR Line too long\r\n"


def test_a_line_may_end_with_lf_alone(alice):
    assert alice.dialogue.command(b"STAT\n") == b"+OK 2 320\r\n"


@hypothesis.given(
    st.lists(
        st.binary(max_size=300)
        | st.tuples(
            st.sampled_from(
                [b"USER", b"PASS", b"AUTH", b"LIST", b"UIDL", b"RETR", b"TOP", b"DELE", b"RSET", b"CAPA"]
            ),
            st.binary(max_size=20) | st.sampled_from([b"1", b"2 1", b"PLAIN", b"alice", b"secret"]),
        ).map(b" ".join),
        max_size=12,
    )
)
def test_whatever_is_said_gets_one_answer_and_nothing_is_lost(lines):
    talk = Pop3Talk(FIRST, SECOND)
    talk.log_in()
    for line in lines:
        said = talk.dialogue.command(line.replace(b"\n", b"") + b"\r\n")

        assert said.startswith((b"+OK", b"-ERR", b"+ "))
        assert said.endswith(b"\r\n")
        if said.startswith(b"-ERR"):
            assert said.count(b"\r\n") == 1
    talk.dialogue.lost("client closed the connection")

    assert len(talk.inbox) == 2
