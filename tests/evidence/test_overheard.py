"""Turns that a session can take, as swaks, telnet and s_client show them: who has failed, where and by what."""

from __future__ import annotations

import io

import pytest

from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.sources import EvidenceSource
from pytest_mailnet.values import Stage

ALICE, CARL = "alice@shop.example", "carl@shop.example"

# What swaks and telnet show until a recipient was taken.
GREETED = """\
=== Connected to mx.shop.example.
<-  220 mx.shop.example ESMTP
 -> EHLO app.example
<-  250 mx.shop.example
"""
TAKEN = f"""\
{GREETED} -> MAIL FROM:<bob@app.example>
<-  250 OK
 -> RCPT TO:<alice@shop.example>
<-  250 OK
"""
TYPED = """\
Trying 192.0.2.27...
Connected to mx.shop.example.
Escape character is '^]'.
220 mx.shop.example ESMTP
EHLO app.example
250 mx.shop.example
MAIL FROM:<bob@app.example>
250 OK
RCPT TO:<alice@shop.example>
250 OK
"""
ENCRYPTED = """\
CONNECTED(00000003)
220 mx.shop.example ESMTP
EHLO app.example
250 mx.shop.example
MAIL FROM:<bob@app.example>
250 OK
"""


def failures(text):
    """Of each failure: whose it is, where, and the reply or the fault."""
    outcomes = outcomes_of(EvidenceSource("", 0, lambda: io.BytesIO(text.encode())))
    return [(it.recipient, it.stage, "\n".join(it.reply) or it.fault or it.words) for it in outcomes]


@pytest.mark.parametrize("last", ["", " LAST"], ids=["in a chunk", "in the last chunk"])
def test_a_chunk_is_no_command_and_its_reply_is_the_message_s(last):
    said = f"{TAKEN} -> BDAT 7\n -> hello\n<-  250 OK\n -> BDAT 7{last}\n -> RSET\n<** 554 5.7.1 Spam\n"

    assert failures(said) == [(ALICE, Stage.MESSAGE, "554 5.7.1 Spam")]


def test_a_chunk_that_is_typed_is_content_too():
    said = f"{TYPED}BDAT 7 LAST\nhello\n554 5.7.1 Spam\nQUIT\n221 Bye\n"

    assert failures(said) == [(ALICE, Stage.MESSAGE, "554 5.7.1 Spam")]


def test_a_time_out_that_the_client_tells_ends_the_mail():
    said = (
        f"{TAKEN} -> DATA\n<-  354 Go on\n -> hi\n -> .\n<** Timeout (30 secs) waiting for server response\n"
    )

    assert failures(said) == [(ALICE, Stage.MESSAGE, "stalled-after-dot")]


def test_what_follows_a_421_is_another_connection():
    said = f"{TAKEN}<** 421 4.3.2 Closing\n -> QUIT\n<-  220 mx2.shop.example ESMTP\n -> EHLO app.example\n"
    said += "<-  250 mx2.shop.example\n -> MAIL FROM:<eve@app.example>\n<** 550 5.7.1 No\n"

    assert failures(said) == [(ALICE, None, "421 4.3.2 Closing"), (None, Stage.MAIL, "550 5.7.1 No")]


def test_a_command_after_a_421_begins_another_connection():
    said = f"{TAKEN}<** 421 4.3.2 Closing\n -> MAIL FROM:<eve@app.example>\n<** 550 5.7.1 No\n"

    assert failures(said) == [(ALICE, None, "421 4.3.2 Closing"), (None, Stage.MAIL, "550 5.7.1 No")]


def test_a_reply_after_a_421_is_of_no_mail():
    said = f"{TAKEN}<** 421 4.3.2 Closing\n<** 550 5.7.1 No\n"

    assert failures(said) == [(ALICE, None, "421 4.3.2 Closing")]


def test_a_command_that_was_mistyped_and_said_again_has_not_failed():
    said = f"{GREETED} -> MAIL FROM: bob\n<** 501 5.1.7 Syntax\n{TAKEN.removeprefix(GREETED)}"
    said += " -> RCPT TO:<carl@shop.example>\n<** 550 5.1.1 No\n"

    assert failures(said) == [(CARL, Stage.RCPT, "550 5.1.1 No")]


def test_a_421_to_a_recipient_is_the_end_for_all_of_the_mail():
    said = f"{TAKEN} -> RCPT TO:<carl@shop.example>\n<** 421 4.7.0 Too many\n"

    assert failures(said) == [
        (ALICE, Stage.RCPT, "421 4.7.0 Too many"),
        (CARL, Stage.RCPT, "421 4.7.0 Too many"),
    ]


def test_after_the_dot_lmtp_has_a_reply_for_each_recipient():
    said = (
        TAKEN.replace("EHLO", "LHLO")
        + " -> RCPT TO:<carl@shop.example>\n<-  250 OK\n -> DATA\n<-  354 Go on\n"
    )
    said += " -> hello\n -> .\n<-  250 OK\n<** 552 5.2.2 Full\n"

    assert failures(said) == [(CARL, Stage.MESSAGE, "552 5.2.2 Full")]


def test_refusals_that_only_follow_from_that_of_the_sender_are_none():
    said = f"{GREETED} -> MAIL FROM:<bob@app.example>\n -> RCPT TO:<alice@shop.example>\n -> DATA\n"
    said += "<** 550 5.7.1 No\n<** 503 5.5.1 MAIL first\n<** 503 5.5.1 RCPT first\n"

    assert failures(said) == [(ALICE, Stage.MAIL, "550 5.7.1 No")]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Subject: hi\nConnection closed by foreign host.\n", "closed-in-content"),
        ("Subject: hi\n421 4.4.2 Timeout\nConnection closed by foreign host.\n", "421 4.4.2 Timeout"),
        ("Subject: hi\n550 is no reply\n.\n554 5.7.1 Spam\nQUIT\n221 Bye\n", "554 5.7.1 Spam"),
    ],
    ids=["closed", "421", "refused"],
)
def test_what_is_typed_as_content_ends_by_a_dot_a_421_or_the_connection(content, told):
    assert failures(f"{TYPED}DATA\n354 Go on\n{content}") == [(ALICE, Stage.MESSAGE, told)]


def test_a_line_that_s_client_takes_for_itself_was_not_said():
    said = f"{ENCRYPTED}RCPT TO:<alice@shop.example>\nRENEGOTIATING\nrcpt to:<alice@shop.example>\n550 5.1.1 No\n"

    assert failures(said) == [(ALICE, Stage.RCPT, "550 5.1.1 No")]


def test_without_a_certificate_no_hands_were_shaken():
    said = "CONNECTED(00000003)\n---\nno peer certificate available\n---\n"

    assert failures(said) == [(None, Stage.STARTTLS, "no peer certificate available")]


def test_a_reply_after_quit_belongs_to_no_mail():
    said = f"{TAKEN} -> RCPT TO:<carl@shop.example>\n<** 550 5.1.1 No\n<-  421 4.3.2 Closing\n -> QUIT\n"

    assert (CARL, Stage.RCPT, "550 5.1.1 No") in failures(said)


def test_another_greeting_begins_another_session():
    said = f"{GREETED}<** 421 4.3.2 Closing\n<-  220 mx2.shop.example ESMTP\n{TAKEN.removeprefix(GREETED)}"
    said += " -> RCPT TO:<carl@shop.example>\n<** 550 5.1.1 No\n"

    assert failures(said)[-1] == (CARL, Stage.RCPT, "550 5.1.1 No")


def test_a_recipient_of_a_mail_that_was_refused_is_named_and_not_blamed():
    said = f"{GREETED} -> MAIL FROM:<bob@app.example>\n<** 550 5.7.1 No\n -> RCPT TO:<alice@shop.example>\n"
    said += "<** 503 5.5.1 MAIL first\n"

    assert failures(said) == [(ALICE, Stage.MAIL, "550 5.7.1 No")]


def test_a_continued_reply_may_lack_its_mark():
    said = f"{TAKEN} -> RCPT TO:<carl@shop.example>\n<** 550-5.1.1 No such\n    550 5.1.1 user\n"

    assert failures(said) == [(CARL, Stage.RCPT, "550-5.1.1 No such\n550 5.1.1 user")]


def test_starttls_that_is_agreed_to_and_broken_off_failed_at_the_handshake():
    said = f"{GREETED} -> STARTTLS\n<-  220 Ready\n*** TLS startup failed (connect(): error:0A000086)\n"

    assert failures(said) == [(None, Stage.STARTTLS, "TLS startup failed (connect(): error:0A000086)")]


def test_docker_s_lines_that_are_no_json_are_read_as_they_stand():
    said = GREETED + TAKEN.removeprefix(GREETED).replace(
        "<-  250 OK\n -> RCPT", '{"log":\n<-  250 OK\n -> RCPT', 1
    )
    said += " -> RCPT TO:<carl@shop.example>\n<** 550 5.1.1 No\n"

    assert failures(said)[-1] == (CARL, Stage.RCPT, "550 5.1.1 No")


def test_a_report_of_the_net_tells_how_its_sessions_ended():
    said = (
        "      1.0 ms  [1]  203.0.113.7:37253 connects to mx.shop.example (192.0.2.10:25)\n"
        "      1.1 ms  [1] S  220 mx.shop.example ESMTP\n      1.2 ms  [1] C  EHLO app.example\n"
        "      1.3 ms  [1] S  250 mx.shop.example\n      1.4 ms  [1] C  MAIL FROM:<bob@app.example>\n"
        "      1.5 ms  [1]  connection reset\n"
    )

    assert failures(said) == [(None, Stage.MAIL, "reset-at-mail")]


ENDED = f"{GREETED} -> QUIT\n<-  221 Bye\n"


@pytest.mark.parametrize("behind", [" -> QUIT\n", "<** 550 5.7.1 of nothing\n"], ids=["QUIT", "a reply"])
def test_what_is_said_after_the_end_is_of_no_mail(behind):
    said = (
        f"{TAKEN} -> RCPT TO:<carl@shop.example>\n<** 550 5.1.1 No\n -> QUIT\n<-  221 Bye\n{behind}{behind}"
    )

    assert failures(said) == [(CARL, Stage.RCPT, "550 5.1.1 No")]


def test_a_greeting_after_the_end_is_of_the_next_session():
    said = f"{ENDED}<-  220 mx2.shop.example ESMTP\n -> EHLO app.example\n<-  250 mx2.shop.example\n"
    said += " -> MAIL FROM:<eve@app.example>\n<** 550 5.7.1 No\n"

    assert failures(said) == [(None, Stage.MAIL, "550 5.7.1 No")]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "=== Trying 192.0.2.8:25...\n*** Error connecting to 192.0.2.8:25:\n"
            "*** \tIO::Socket::INET: connect: Connection refused\n",
            "refused-at-connect",
        ),
        (
            "*   Trying 192.0.2.8:25...\n* connect to 192.0.2.8 port 25 failed: Connection refused\n"
            "* Failed to connect to 192.0.2.8 port 25 after 0 ms: Couldn't connect to server\n* Closing connection 0\n",
            "refused-at-connect",
        ),
        (
            "tls = off\nhost = 192.0.2.8\nmsmtp: cannot connect to 192.0.2.8, port 25: Connection refused\n",
            "refused-at-connect",
        ),
        (
            "$ swaks --server 192.0.2.8\n=== Trying 192.0.2.8:25...\n=== Connected to 192.0.2.8.\n"
            "*** Remote host closed connection unexpectedly.\n",
            "closed-at-connect",
        ),
        (
            "*   Trying 192.0.2.8:25...\n* Connected to 192.0.2.8 (192.0.2.8) port 25 (#0)\n< 554 5.7.1 Go away\n"
            "* Got unexpected smtp-server response: 554\n* Closing connection 0\n",
            "554 5.7.1 Go away",
        ),
    ],
    ids=["swaks", "curl", "msmtp", "closed", "greeting"],
)
def test_a_session_that_never_began_is_told_by_the_client_s_remarks(said, told):
    assert failures(said) == [(None, Stage.CONNECT, told)]


@pytest.mark.parametrize(
    ("client", "server"),
    [
        ("  SMTP>> ", "  SMTP<< "),
        (">>> ", "<<< "),
        ("CLIENT -> SERVER: ", "SERVER -> CLIENT: "),
        ("Client: ", "Server: "),
        ("2026-03-09 10:11:12 DEBUG [6ZcSyO5X] C: ", "2026-03-09 10:11:12 DEBUG [6ZcSyO5X] S: "),
    ],
    ids=["Exim", "Sendmail", "PHPMailer", "words", "nodemailer"],
)
def test_each_program_s_marks_are_known(client, server):
    said = f"{client}MAIL FROM:<bob@app.example>\n{server}250 OK\n{client}RCPT TO:<alice@shop.example>\n"
    said += f"{server}550-5.1.1 No\n{server}550 5.1.1 such user\n{client}QUIT\n{server}221 Bye\n"

    assert failures(said) == [(ALICE, Stage.RCPT, "550-5.1.1 No\n550 5.1.1 such user")]


@pytest.mark.parametrize(
    "said",
    [
        "$ nc mx.shop.example 25\nmx.shop.example [192.0.2.8] 25 (smtp) open\n",
        "Connection to mx.shop.example 25 port [tcp/smtp] succeeded!\n",
        "$ telnet mx.shop.example 25\nTrying 192.0.2.8...\nConnected to mx.shop.example.\n",
        "$ openssl s_client -starttls smtp -connect mx.shop.example:25\n",
        "Ncat: Connected to mx.shop.example:25.\n",
    ],
    ids=["nc", "OpenBSD's nc", "telnet", "openssl", "ncat"],
)
def test_each_program_s_words_for_the_server_are_known(said):
    said += "220 ESMTP\nMAIL FROM:<bob@app.example>\n550 5.7.1 No\n"

    [failure] = outcomes_of(EvidenceSource("", 0, lambda: io.BytesIO(said.encode())))

    assert (failure.host, failure.stage) == ("mx.shop.example", Stage.MAIL)


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("telnet: Unable to connect to remote host: Connection refused\n", "refused-at-connect"),
        ("(UNKNOWN) [192.0.2.8] 25 (smtp) : Connection refused\n", "refused-at-connect"),
        ("Ncat: Connection refused.\n", "refused-at-connect"),
        (
            "40D7ED506F7F0000:error:8000006F:system library:BIO_connect:Connection refused:bio_sock2.c:117:calling "
            "connect()\nconnect:errno=111\n",
            "refused-at-connect",
        ),
    ],
    ids=["telnet", "nc", "ncat", "openssl"],
)
def test_each_program_s_words_for_a_refused_connection_are_known(said, fault):
    assert failures(said) == [(None, Stage.CONNECT, fault)]
