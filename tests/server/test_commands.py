"""What the servers say to commands: order, syntax, parameters (RFC 5321)."""

from __future__ import annotations

import smtplib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

MAIL_PARAMETERS = "555 5.5.4 MAIL FROM parameters not recognized or not implemented\r\n"
MAIL_SYNTAX = "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n"
RCPT_SYNTAX = "501 5.5.4 Syntax error in parameters or arguments: RCPT TO:<address>\r\n"

BEFORE_EHLO = [
    ("MAIL FROM:<a@b.example>", "503 5.5.1 Bad sequence of commands: send EHLO or HELO first\r\n"),
    ("RCPT TO:<a@shop.example>", "503 5.5.1 Bad sequence of commands: send EHLO or HELO first\r\n"),
    ("DATA", "503 5.5.1 Bad sequence of commands: send EHLO or HELO first\r\n"),
    ("EHLO", "501 5.5.4 Syntax error in parameters or arguments: EHLO hostname\r\n"),
    ("HELO", "501 5.5.4 Syntax error in parameters or arguments: EHLO hostname\r\n"),
    ("NOOP", "250 2.0.0 OK\r\n"),
    ("RSET", "250 2.0.0 OK\r\n"),
    ("HELO app.example", "250 mx.shop.example\r\n"),
]

AFTER_EHLO = [
    ("RCPT TO:<a@shop.example>", "503 5.5.1 Bad sequence of commands: need MAIL before RCPT\r\n"),
    ("DATA", "503 5.5.1 Bad sequence of commands: need RCPT before DATA\r\n"),
    ("MAIL", "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n"),
    ("MAIL FROM", "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n"),
    ("MAIL FROM:", "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n"),
    ("MAIL TO:<a@b.example>", "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n"),
    ("MAIL FROM:<alice>", "553 5.1.7 Mailbox name not allowed: malformed address\r\n"),
    ("MAIL FROM:<>", "250 2.1.0 OK\r\n"),
    ("mail from: <a@b.example>", "250 2.1.0 OK\r\n"),
    ("MAIL FROM:a@b.example", "250 2.1.0 OK\r\n"),
    ('MAIL FROM:<"a b"@c.example>', "250 2.1.0 OK\r\n"),
    ("MAIL FROM:<@relay.example,@other.example:a@b.example>", "250 2.1.0 OK\r\n"),
    ("MAIL FROM:<a@[192.0.2.1]>", "250 2.1.0 OK\r\n"),
    ("MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME SMTPUTF8", "250 2.1.0 OK\r\n"),
    (
        "MAIL FROM:<a@b.example> SIZE=none",
        "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n",
    ),
    (
        "MAIL FROM:<a@b.example> BODY=9BIT",
        "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n",
    ),
    (
        "MAIL FROM:<a@b.example> =x",
        "501 5.5.4 Syntax error in parameters or arguments: MAIL FROM:<address>\r\n",
    ),
    ("MAIL FROM:<a@b.example> AUTH=<>", "250 2.1.0 OK\r\n"),
    ("MAIL FROM:<a@b.example> RET=HDRS ENVID=QQ+2B31 BODY=BINARYMIME", "250 2.1.0 OK\r\n"),
    ("MAIL FROM:<a@b.example> RET=SOME", MAIL_SYNTAX),
    ("MAIL FROM:<a@b.example> ENVID=QQ+2b31", MAIL_SYNTAX),
    ("MAIL FROM:<a@b.example> MT-PRIORITY=3", MAIL_PARAMETERS),
    (
        "MAIL FROM:<a@b.example> SIZE=35651585",
        "552 5.3.4 Message size exceeds fixed maximum message size\r\n",
    ),
    ("MAIL FROM:<ä@b.example>", "553 5.6.7 Mailbox name not allowed: address needs SMTPUTF8\r\n"),
    ("MAIL FROM:<ä@b.example> SMTPUTF8", "250 2.1.0 OK\r\n"),
    ("VRFY alice", "252 2.5.2 Cannot VRFY user, but will accept message and attempt delivery\r\n"),
    ("VRFY", "501 5.5.4 Syntax error in parameters or arguments: VRFY address\r\n"),
    ("EXPN all", "502 5.5.1 Command not implemented\r\n"),
    ("STARTTLS", "220 2.0.0 Ready to start TLS\r\n"),
    ("STARTTLS now", "501 5.5.4 Syntax error (no parameters allowed)\r\n"),
    ("AUTH PLAIN", "334 \r\n"),
    ("AUTH LOGIN", "334 VXNlcm5hbWU6\r\n"),
    ("AUTH", "501 5.5.4 Syntax error in parameters or arguments: AUTH mechanism [initial-response]\r\n"),
    ("AUTH CRAM-MD5", "504 5.5.4 Unrecognized authentication type\r\n"),
    ("AUTH PLAIN a", "501 5.5.2 Cannot decode BASE64\r\n"),
    ("AUTH PLAIN AGE=", "501 5.5.2 Syntax error in the authentication response\r\n"),
    ("BDAT 0", "503 5.5.1 Bad sequence of commands: need RCPT before DATA\r\n"),
    ("BDAT", "501 5.5.4 Syntax error in parameters or arguments: BDAT size [LAST]\r\n"),
    ("BDAT 3 FIRST", "501 5.5.4 Syntax error in parameters or arguments: BDAT size [LAST]\r\n"),
    ("HELP", "214 2.0.0 See RFC 5321\r\n"),
    ("HELLO", "500 5.5.2 Syntax error, command unrecognized\r\n"),
    ("", "500 5.5.2 Syntax error, command unrecognized\r\n"),
    ("RSET now", "501 5.5.4 Syntax error in parameters or arguments: RSET\r\n"),
    ("QUIT now", "501 5.5.4 Syntax error in parameters or arguments: QUIT\r\n"),
    ("NOOP anything", "250 2.0.0 OK\r\n"),
    ("QUIT", "221 2.0.0 mx.shop.example Service closing transmission channel\r\n"),
]

AFTER_MAIL = [
    ("MAIL FROM:<a@b.example>", "503 5.5.1 Bad sequence of commands: nested MAIL\r\n"),
    ("DATA", "503 5.5.1 Bad sequence of commands: need RCPT before DATA\r\n"),
    ("RCPT TO:<a@shop.example>", "250 2.1.5 OK\r\n"),
    ("RCPT TO:<postmaster>", "250 2.1.5 OK\r\n"),
    ("RCPT TO:<@relay.example:a@shop.example>", "250 2.1.5 OK\r\n"),
    ("RCPT TO:<>", "553 5.1.3 Mailbox name not allowed: malformed address\r\n"),
    ("RCPT TO:<alice>", "553 5.1.3 Mailbox name not allowed: malformed address\r\n"),
    ("RCPT TO:", "501 5.5.4 Syntax error in parameters or arguments: RCPT TO:<address>\r\n"),
    ("RCPT TO:<a@shop.example> NOTIFY=NEVER", "250 2.1.5 OK\r\n"),
    ("RCPT TO:<a@shop.example> NOTIFY=success,DELAY ORCPT=rfc822;b+2B1@b.example", "250 2.1.5 OK\r\n"),
    ("RCPT TO:<a@shop.example> NOTIFY=NEVER,DELAY", RCPT_SYNTAX),
    ("RCPT TO:<a@shop.example> NOTIFY=", RCPT_SYNTAX),
    ("RCPT TO:<a@shop.example> ORCPT=b@b.example", RCPT_SYNTAX),
    (
        "RCPT TO:<a@shop.example> HOLDFOR=3",
        "555 5.5.4 RCPT TO parameters not recognized or not implemented\r\n",
    ),
    ("RCPT TO:<ä@shop.example>", "553 5.6.7 Mailbox name not allowed: address needs SMTPUTF8\r\n"),
    ("RCPT TO:<a@elsewhere.example>", "550 5.7.1 Relaying denied\r\n"),
]


@pytest.mark.parametrize(("line", "reply"), BEFORE_EHLO)
def test_before_ehlo(shop, converse, line, reply):
    assert converse("mx.shop.example").say(line) == reply


@pytest.mark.parametrize(("line", "reply"), AFTER_EHLO)
def test_after_ehlo(shop, client, line, reply):
    shop.host.auth_before_tls = True

    assert client.say(line) == reply


@pytest.mark.parametrize(("line", "reply"), AFTER_MAIL)
def test_after_mail(client, line, reply):
    client.say("MAIL FROM:<a@b.example>")

    assert client.say(line) == reply


def test_ehlo_lists_the_extensions(shop, converse):
    shop.host.auth_before_tls = True

    assert converse("mx.shop.example").say("EHLO app.example") == (
        "250-mx.shop.example\r\n250-SIZE 35651584\r\n250-8BITMIME\r\n250-STARTTLS\r\n"
        "250-AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER\r\n250-ENHANCEDSTATUSCODES\r\n250-PIPELINING\r\n"
        "250-DSN\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250 SMTPUTF8\r\n"
    )


def test_the_bare_session_knows_no_parameters(shop, converse):
    client = converse("mx.shop.example")
    client.say("HELO app.example")

    assert client.say("MAIL FROM:<a@b.example> SIZE=1") == (
        "555 5.5.4 MAIL FROM parameters not recognized or not implemented\r\n"
    )


def test_data_after_only_refused_recipients_has_no_valid_ones(client):
    client.say("MAIL FROM:<a@b.example>")
    client.say("RCPT TO:<a@elsewhere.example>")

    assert client.say("DATA") == "554 5.5.1 No valid recipients\r\n"


def test_data_takes_no_argument(client):
    client.say("MAIL FROM:<a@b.example>")
    client.say("RCPT TO:<a@shop.example>")

    assert client.say("DATA now") == "501 5.5.4 Syntax error in parameters or arguments: DATA\r\n"


@pytest.mark.parametrize("forget", ["RSET", "EHLO app.example", "HELO app.example"])
def test_a_transaction_is_forgotten(client, forget):
    client.say("MAIL FROM:<a@b.example>")

    client.say(forget)

    assert client.say("RCPT TO:<a@shop.example>").startswith("503 5.5.1")


def test_the_sixth_unknown_command_ends_the_session(client, mailnet):
    replies = [client.say("HELLO") for _ in range(6)]

    assert replies[4] == "500 5.5.2 Syntax error, command unrecognized\r\n"
    assert replies[5] == "421 4.7.0 mx.shop.example Too many errors, closing transmission channel\r\n"
    assert client.rest() == b""
    assert mailnet.sessions[0].ended == "closed by the server after 421"


@pytest.mark.parametrize(
    ("keyword", "line"),
    [
        ("SIZE", "MAIL FROM:<a@b.example> SIZE=1"),
        ("8BITMIME", "MAIL FROM:<a@b.example> BODY=8BITMIME"),
        ("SMTPUTF8", "MAIL FROM:<a@b.example> SMTPUTF8"),
    ],
)
def test_a_parameter_of_an_extension_that_was_taken_away_is_unknown(mailnet, client, keyword, line):
    mailnet.host("mx.shop.example").extensions.discard(keyword)

    assert client.say(line) == "555 5.5.4 MAIL FROM parameters not recognized or not implemented\r\n"


def test_without_smtputf8_a_command_is_ascii(mailnet, client):
    mailnet.host("mx.shop.example").extensions.discard("SMTPUTF8")

    assert client.say("MAIL FROM:<ä@b.example>") == "500 5.5.2 Syntax error: command is not ASCII\r\n"


def test_a_server_that_knows_only_helo(mailnet, shop):
    mailnet.host("mx.shop.example").helo_only = True

    with smtplib.SMTP("mx.shop.example", 25) as client:
        client.sendmail("a@b.example", ["sales@shop.example"], "Subject: old\r\n\r\n")

    replies = mailnet.sessions[0].replies
    assert replies[1] == "500 5.5.2 Syntax error, command unrecognized"
    assert replies[2] == "250 mx.shop.example"
    assert mailnet.messages[0].envelope.mail_options == ()


def test_an_extension_that_nobody_registered_is_told(mailnet, shop):
    with pytest.raises(LookupError) as told:
        mailnet.host("mx.shop.example").extensions.discard("SMTPUTF")

    assert str(told.value).startswith("no SMTP extension 'SMTPUTF' (did you mean 'SMTPUTF8'?)")


def test_pipelined_commands_are_answered_in_order(client):
    client.send(
        b"MAIL FROM:<a@b.example>\r\nRCPT TO:<x@shop.example>\r\nRCPT TO:<y@elsewhere.example>\r\nDATA\r\n"
    )

    replies = [client.reply() for _ in range(4)]

    assert [reply[:3] for reply in replies] == ["250", "250", "550", "354"]
    assert client.say("Subject: piped\r\n\r\n.").startswith("250 2.0.0")


def test_a_command_that_comes_byte_by_byte_is_one_command(client):
    for byte in b"MAIL FROM:<a@b.example>\r\n":
        client.send(bytes([byte]))

    assert client.reply() == "250 2.1.0 OK\r\n"


@pytest.mark.parametrize("length", [600, 5_000, 200_000])
def test_an_overlong_line_is_refused_once_and_the_session_goes_on(client, length):
    assert client.say("NOOP " + "x" * length) == "500 5.5.2 Line too long\r\n"
    assert client.say("NOOP") == "250 2.0.0 OK\r\n"


def test_mail_may_be_longer_than_other_commands(client):
    parameters = " SIZE=1 BODY=8BITMIME SMTPUTF8"
    path = f"MAIL FROM:<{'a' * 64}@{'.'.join(['b' * 60] * 3)}.example>"
    line = (path + parameters).ljust(540)

    assert client.say(line) == "250 2.1.0 OK\r\n"


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=60), max_size=6))
def test_whatever_bytes_come_get_replies_that_are_replies(shop, converse, chunks):
    client = converse("mx.shop.example")

    client.send(b"\n".join(chunks) + b"\r\nQUIT\r\n")

    said = client.rest()
    client.close()
    assert said.endswith(b"\r\n")
    for line in said.split(b"\r\n")[:-1]:
        assert line[:3].isdigit()
        assert line[3:4] in {b" ", b"-"}
