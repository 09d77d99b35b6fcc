"""Errors of mail libraries of other languages, and objects that programs log."""

from __future__ import annotations

import io
import json

import pytest

from pytest_mailnet.evidence import Failure, NoFailure
from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.sources import EvidenceSource
from pytest_mailnet.values import Stage

REPLY = "550 5.1.1 <alice@shop.example>: No such user"
SPAM = "554 5.7.1 This looks like spam"
LOG_IN = "535 5.7.8 Bad credentials"


def read(text):
    content = text.encode()
    return list(outcomes_of(EvidenceSource("evidence", len(content), lambda: io.BytesIO(content))))


def fields(text):
    [one] = read(text)
    assert isinstance(one, Failure), one
    return one.recipient, one.stage and str(one.stage), one.fault or "\n".join(one.reply)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f"Error: Can't send mail - all recipients were rejected: {REPLY}\n    at SMTPConnection._formatError (x.js:1:2) {{\n"
            f"  code: 'EENVELOPE',\n  response: '{REPLY}',\n  responseCode: 550,\n  command: 'RCPT TO',\n"
            "  rejected: [ 'alice@shop.example' ]\n}\n",
            ("alice@shop.example", "rcpt", REPLY),
        ),
        (
            f"Error: Invalid login: {LOG_IN}\n  code: 'EAUTH',\n  command: 'AUTH PLAIN'\n",
            (None, "auth", LOG_IN),
        ),
        (f"Error: Message failed: {SPAM}\n  code: 'EMESSAGE',\n  command: 'DATA'\n", (None, "message", SPAM)),
        (
            "Error: connect ECONNREFUSED 192.0.2.8:587\n    at TCPConnectWrap.afterConnect (node:net:1:2) {\n"
            "  code: 'ESOCKET',\n  command: 'CONN'\n}\n",
            (None, "connect", "refused-at-connect"),
        ),
        (
            "Error: getaddrinfo ENOTFOUND smtp.shop.example\n  code: 'EDNS',\n  command: 'CONN'\n",
            (None, None, "dns-nxdomain"),
        ),
        (
            "org.eclipse.angus.mail.smtp.SMTPAddressFailedException: 550-5.1.1 <alice@shop.example>: No\n550 5.1.1 such user\n"
            "\n\tat org.eclipse.angus.mail.smtp.SMTPTransport.rcptTo(SMTPTransport.java:1)\n",
            ("alice@shop.example", "rcpt", "550-5.1.1 <alice@shop.example>: No\n550 5.1.1 such user"),
        ),
        (
            "System.Net.Mail.SmtpException: Failure sending mail.\n"
            " ---> System.Net.Sockets.SocketException (111): Connection refused\n",
            (None, "connect", "refused-at-connect"),
        ),
        (
            'Connection could not be established with host "smtp.shop.example:587": stream_socket_client(): '
            "Unable to connect to smtp.shop.example:587 (Connection refused)\n",
            (None, "connect", "refused-at-connect"),
        ),
        ("SMTP Error: Could not authenticate.\n", (None, "auth", "")),
        (
            "SMTP Error: data not accepted.SMTP server error: DATA END command failed Detail: This looks like spam "
            "SMTP code: 554 Additional SMTP info: 5.7.1\n",
            (None, "message", SPAM),
        ),
        (f'Error {{ kind: Permanent(550), source: "{REPLY[4:]}" }}\n', ("alice@shop.example", None, REPLY)),
        (
            '{:retries_exceeded, {:network_failure, ~c"mx.shop.example", {:error, :econnrefused}}}\n',
            (None, "connect", "refused-at-connect"),
        ),
        (
            "2026/03/09 10:00:00 dial tcp 192.0.2.8:25: connect: connection refused\n",
            (None, "connect", "refused-at-connect"),
        ),
        (f"jakarta.mail.AuthenticationFailedException: {LOG_IN}\n", (None, "auth", LOG_IN)),
        (f"com.sun.mail.smtp.SMTPSendFailedException: {SPAM}\n", (None, None, SPAM)),
        ("com.sun.mail.smtp.SMTPSenderFailedException: 550 5.7.1 No\n", (None, "mail", "550 5.7.1 No")),
        (
            "com.sun.mail.util.MailConnectException: Couldn't connect to host, port: smtp.shop.example, 587; timeout -1;\n"
            "  nested exception is:\n\tjava.net.ConnectException: Connection refused\n",
            (None, "connect", "refused-at-connect"),
        ),
        (
            "System.Net.Mail.SmtpFailedRecipientException: Mailbox unavailable. The server response was: 4.2.1 Later\n",
            (None, "rcpt", "450 4.2.1 Later"),
        ),
        (
            "System.Net.Mail.SmtpException: The SMTP server requires a secure connection or the client was not "
            "authenticated. The server response was: 5.7.0 Log in first\n",
            (None, None, "530 5.7.0 Log in first"),
        ),
        (
            f"MailKit.Security.AuthenticationException: {LOG_IN.replace(' ', ': ', 1)}\n",
            (None, "auth", LOG_IN),
        ),
        (
            f"MailKit.Net.Smtp.SmtpCommandException: {REPLY[4:]}\n   at MailKit.Net.Smtp.SmtpClient.SendAsync()\n"
            "ErrorCode: RecipientNotAccepted\n",
            ("alice@shop.example", "rcpt", ""),
        ),
        (
            f"2026/03/09 10:00:00 gomail: could not send email 1: {REPLY}\n",
            ("alice@shop.example", None, REPLY),
        ),
        (f"panic: {REPLY}\n\ngoroutine 1 [running]:\nmain.main()\n", ("alice@shop.example", None, REPLY)),
        (
            f"net/smtp.rb:1072:in `check_response': {REPLY} (Net::SMTPFatalError)\n",
            ("alice@shop.example", None, REPLY),
        ),
        (f"Net::SMTPAuthenticationError: {LOG_IN}\n", (None, None, LOG_IN)),
        (f"Error: permanent error (550): {REPLY[4:]}\n", ("alice@shop.example", None, REPLY)),
        ("Error: transient error (451): 4.7.1 Later\n", (None, None, "451 4.7.1 Later")),
        (
            f'{{:error, {{:no_more_hosts, {{:permanent_failure, ~c"mx.shop.example", "{REPLY}\\r\\n"}}}}}}\n',
            ("alice@shop.example", None, REPLY),
        ),
        (
            f'[2026-03-09 10:00:00] local.ERROR: Expected response code "250" but got code "550", with message "{REPLY}". '
            '{"exception":"[object] (Symfony\\\\Component\\\\Mailer\\\\Exception\\\\TransportException(code: 550)"}\n',
            ("alice@shop.example", None, REPLY),
        ),
        (
            "SMTP Error: The following recipients failed: alice@shop.example: No such user\n",
            ("alice@shop.example", "rcpt", ""),
        ),
    ],
)
def test_an_error_is_read_with_what_its_library_tells_of_it(text, told):
    assert fields(text) == told


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (
            {
                "code": "EENVELOPE",
                "response": REPLY,
                "responseCode": 550,
                "command": "RCPT TO",
                "rejected": ["alice@shop.example"],
            },
            ("alice@shop.example", "rcpt", REPLY),
        ),
        (
            {"msg": "could not send", "to": "alice@shop.example", "err": REPLY},
            ("alice@shop.example", None, REPLY),
        ),
        (
            {
                "msg": "could not send",
                "smtp_code": 550,
                "smtp_enchcode": "5.1.1",
                "smtp_msg": "No",
                "rcpt": "alice@shop.example",
            },
            ("alice@shop.example", None, "550 5.1.1 No"),
        ),
        (
            {
                "type": "TransientFailure",
                "recipient": "alice@shop.example",
                "response": {
                    "code": 450,
                    "enhanced_code": {"class": 4, "subject": 2, "detail": 1},
                    "content": "Later",
                },
                "peer_address": {"name": "mx.shop.example.", "addr": "192.0.2.8"},
            },
            ("alice@shop.example", None, "450 4.2.1 Later"),
        ),
        (
            {"deliveryStatus": {"alice@shop.example": {"delivered": "no", "smtpReply": REPLY}}},
            ("alice@shop.example", None, REPLY),
        ),
        (
            {
                "queue_name": "deferred",
                "sender": "bob@sender.example",
                "recipients": [
                    {
                        "address": "alice@shop.example",
                        "delay_reason": "connect to mx.shop.example[192.0.2.8]:25: Connection refused",
                    }
                ],
            },
            ("alice@shop.example", "connect", "refused-at-connect"),
        ),
        (
            {"msg": "send mail", "error": "dial tcp 192.0.2.8:25: i/o timeout"},
            (None, "connect", "dropped-at-connect"),
        ),
    ],
)
def test_an_object_is_read_by_the_names_in_it(document, told):
    text = json.dumps(document)

    assert fields(text) == told
    assert fields(f"2026-03-09T10:00:00Z\tERROR\tmail.go:42\tcould not send\t{text}\n") == told
    assert fields(json.dumps({"jsonPayload": document}, indent=1)) == told


def test_pairs_of_names_and_values_are_read_as_an_object():
    logfmt = (
        f'time=2026-03-09T10:00:00Z level=error msg="could not send" to=alice@shop.example err="{REPLY}"\n'
    )
    stalwart = (
        '2026-03-09T10:00:00Z INFO RCPT TO rejected (delivery.rcpt-to-rejected) queueId = 9, from = "bob@sender.example", '
        'to = "alice@shop.example", hostname = "mx.shop.example", '
        f'reason = "Code: 550, Enhanced code: 5.1.1, Message: {REPLY[10:]}"\n'
    )

    assert fields(logfmt) == ("alice@shop.example", None, REPLY)
    assert fields(stalwart) == ("alice@shop.example", None, REPLY)


@pytest.mark.parametrize(
    "document",
    [
        {"level": "error", "code": 500, "error": "Internal Server Error", "email": "alice@shop.example"},
        {"level": "error", "status": 404, "message": "404 Not Found", "user": "alice@shop.example"},
        {"msg": "500 Internal Server Error", "to": "alice@shop.example"},
        {"msg": "dial tcp 192.0.2.8:5432: connect: connection refused"},
        {"response": "250 2.0.0 Ok", "to": "alice@shop.example", "responseCode": 250},
    ],
)
def test_an_object_about_something_else_has_no_failure(document):
    [nothing] = read(json.dumps(document))

    assert isinstance(nothing, NoFailure)


def test_the_queue_of_postfix_is_read_with_the_recipients_below_each_reason():
    text = (
        "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
        "4WqX7R71zSBz4wwdL     2241 Tue Aug 20 12:03:47  bob@sender.example\n"
        "(host mx.shop.example[192.0.2.8] said: 450 4.2.1 <alice@shop.example>: Later (in reply to RCPT TO command))\n"
        "                                         alice@shop.example\n\n"
        "5WqX7R71zSBz4wwdL*    2241 Tue Aug 20 12:03:47  bob@sender.example\n"
        "    (connect to mx.other.example[192.0.2.9]:25: Connection refused)\n"
        "                                         carl@other.example\n"
        "                                         dora@other.example\n\n"
        "-- 4 Kbytes in 2 Requests.\n"
    )

    told = [(it.recipient, it.stage, it.fault or it.reply, it.host, it.action) for it in read(text)]

    refused = (Stage.CONNECT, "refused-at-connect", "mx.other.example", "delayed")
    assert told == [
        (
            "alice@shop.example",
            Stage.RCPT,
            ("450 4.2.1 <alice@shop.example>: Later",),
            "mx.shop.example",
            "delayed",
        ),
        ("carl@other.example", *refused),
        ("dora@other.example", *refused),
    ]


def test_what_postfix_says_is_read_without_anything_around_it():
    said = "host mx.shop.example[192.0.2.8] said: "

    assert fields(f"{said}{REPLY} (in reply to RCPT TO command)\n") == ("alice@shop.example", "rcpt", REPLY)
    assert fields("host mx.shop.example[192.0.2.8] refused to talk to me: 554 No\n") == (
        None,
        "connect",
        "554 No",
    )


def test_a_log_that_ends_before_the_recipients_of_a_refusal_tells_of_it_once():
    line = "Mar  9 10:11:13 relay postfix/smtp[9]: ABCDEF12: "
    said = "host mx.shop.example[192.0.2.8] refused to talk to me: 554 No"
    behind = f"{line}to=<alice@shop.example>, relay=none, delay=1, dsn=4.0.0, status=deferred ({said})\n"

    assert fields(f"{line}{said}\n") == (None, "connect", "554 No")
    assert fields(f"{line}{said}\n{behind}") == ("alice@shop.example", "connect", "554 No")
