"""What programs print in more than one form, and what people put around it when they copy it."""

from __future__ import annotations

import io
import json

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.sources import EvidenceSource

REPLY = "550 5.1.1 <alice@shop.example>: No such user"
GREYLISTED = "450 4.7.1 Try again later"
ALICE = ("alice@shop.example", "rcpt", REPLY)
UNPLACED = ("alice@shop.example", None, REPLY)  # the stage is inferred later
SAID = f"host mx.shop.example[192.0.2.8] said: {REPLY} (in reply to RCPT TO command)"
TO_ALICE = (
    f"7DCA0: to=<alice@shop.example>, relay=mx.shop.example[192.0.2.8]:25, dsn=5.1.1, status=bounced ({SAID})"
)
HOOK = {
    "event": "bounce",
    "email": "alice@shop.example",
    "sg_event_id": "x",
    "sg_message_id": "y",
    "reason": REPLY,
    "status": "5.1.1",
    "type": "bounce",
    "timestamp": 1713116686,
}


def told(text):
    content = text.encode()
    found = list(outcomes_of(EvidenceSource("evidence", len(content), lambda: io.BytesIO(content))))
    assert all(isinstance(it, Failure) for it in found), found
    return [(it.recipient, it.stage and str(it.stage), it.fault or "\n".join(it.reply)) for it in found]


def traceback_of(error, margin=""):
    lines = (
        "Traceback (most recent call last):",
        '  File "/srv/app/mail.py", line 8, in send',
        "    server.sendmail(sender, to, text)",
        '  File "/usr/lib/python3.11/smtplib.py", line 901, in sendmail',
        "    raise SMTPRecipientsRefused(senderrs)",
        error,
    )
    return "".join(f"{margin}{line}\n" for line in lines)


ERROR = f"smtplib.SMTPRecipientsRefused: {{'alice@shop.example': (550, b'{REPLY[4:]}')}}"


@pytest.mark.parametrize(
    ("text", "failures"),
    [
        (
            "Error: Can't send mail - all recipients were rejected: 450 4.7.1 Later\n    at x (x.js:1:2) {\n"
            "  command: 'RCPT TO',\n  rejected: [ 'alice@shop.example', 'bob@shop.example' ]\n}\n",
            [(None, "rcpt", "450 4.7.1 Later")],
        ),
        (
            '{"code":"EMESSAGE","response":"554 5.7.1 Spam","command":"DATA"}',
            [(None, "message", "554 5.7.1 Spam")],
        ),
        (
            "Error: connect ECONNREFUSED 192.0.2.8:587\n    at x (net:1:2)\n",
            [(None, "connect", "refused-at-connect")],
        ),
        (
            "com.sun.mail.smtp.SMTPSendFailedException: 554 5.7.1 No\n\n"
            "\tat com.sun.mail.smtp.SMTPTransport.finishData(SMTPTransport.java:1)\n",
            [(None, "message", "554 5.7.1 No")],
        ),
        (
            "javax.mail.MessagingException: Exception reading response;\n  nested exception is:\n"
            "\tjava.net.SocketException: Connection reset\n"
            "\tat com.sun.mail.smtp.SMTPTransport.rcptTo(SMTPTransport.java:1)\n",
            [(None, "rcpt", "reset-at-rcpt")],
        ),
        (
            "System.Net.Mail.SmtpException: Mailbox unavailable. The server response was: 5.7.60 Not as this sender\n"
            "   at System.Net.Mail.DataStopCommand.CheckResponse(SmtpStatusCode statusCode, String response)\n",
            [(None, "message", "550 5.7.60 Not as this sender")],
        ),
        (f"Net::SMTPFatalError ({REPLY}\n):\n", [UNPLACED]),
        (
            'Errno::ECONNREFUSED: Connection refused - connect(2) for "mx.shop.example" port 25\n'
            "/usr/lib/ruby/net/smtp.rb:539:in `initialize'\n",
            [(None, "connect", "refused-at-connect")],
        ),
        (f'&textproto.Error{{Code:550, Msg:"{REPLY[4:]}"}}\n', [UNPLACED]),
        (
            "dial tcp: lookup smtp.shop.example on 127.0.0.53:53: no such host\n",
            [(None, None, "dns-nxdomain")],
        ),
        (
            "send mail: tls: failed to verify certificate: x509: certificate signed by unknown authority\n",
            [(None, "starttls", "self-signed-at-starttls")],
        ),
        (
            "lettre::transport::smtp::Error { kind: Permanent(Code { severity: PermanentNegativeCompletion, "
            f'category: MailSystem, detail: Zero }}), source: "{REPLY[4:]}" }}\n',
            [UNPLACED],
        ),
        (f'{{permanent_failure,<<"mx.shop.example">>,<<"{REPLY}\\r\\n">>}}\n', [UNPLACED]),
        (
            f"SMTP Error: The following recipients failed: alice@shop.example: {REPLY[4:]}\n"
            f"SMTP server error: RCPT TO command failed Detail: {REPLY[10:]} SMTP code: 550 "
            "Additional SMTP info: 5.1.1\n",
            [ALICE],
        ),
    ],
)
def test_an_error_is_read_once_and_with_the_stage_that_the_program_tells(text, failures):
    assert told(text) == failures


@pytest.mark.parametrize("margin", ["    ", "  | "])
def test_an_indented_traceback_below_other_words_is_read(margin):
    assert told("What happened:\n\n" + traceback_of(ERROR, margin)) == [ALICE]


def test_the_summary_of_pytest_tells_no_failure_again():
    text = f"E   {ERROR}\n\nsmtplib.py:901: SMTPRecipientsRefused\nFAILED test_mail.py::test - {ERROR[:50]}...\n1 failed in 0.1s\n"

    assert told(text) == [ALICE]


def test_an_exception_in_a_pair_of_single_quotes_is_read():
    assert told(f"order=7 event='mail failed' exception={traceback_of(ERROR)!r}\n") == [ALICE]


@pytest.mark.parametrize(
    "before", ["Apr 14 19:44:46 INFO    ", "2024 Apr 14 19:44:46 mail ", "> Apr 14 19:44:46 mail "]
)
def test_a_line_of_postfix_is_one_behind_any_prefix(before):
    assert told(f"{before}postfix/smtp[819]: {TO_ALICE}\n") == [ALICE]


def test_the_recipient_before_what_postfix_says_is_kept():
    reply = SAID.replace(REPLY, GREYLISTED)
    line = TO_ALICE.replace(SAID, reply)

    assert told(json.dumps({"ident": "postfix/smtp", "message": line})) == [
        ("alice@shop.example", "rcpt", GREYLISTED)
    ]


def test_sessions_in_one_log_are_told_apart_by_their_ids():
    lines = (
        "[aB3dE6fG] S: 220 mx.shop.example",
        "[hI9jK2lM] S: 220 mx.post.example",
        "[aB3dE6fG] C: MAIL FROM:<bob@sender.example>",
        "[hI9jK2lM] C: MAIL FROM:<bob@sender.example>",
        "[aB3dE6fG] S: 250 Ok",
        "[hI9jK2lM] S: 250 Ok",
        "[aB3dE6fG] C: RCPT TO:<alice@shop.example>",
        "[hI9jK2lM] C: RCPT TO:<carol@post.example>",
        f"[hI9jK2lM] S: {GREYLISTED}",
        f"[aB3dE6fG] S: {REPLY}",
    )

    assert sorted(told("\n".join(lines))) == [ALICE, ("carol@post.example", "rcpt", GREYLISTED)]


def test_the_queue_of_sendmail_has_each_reason_above_its_recipient():
    text = (
        "43EHij3x004709      120 Sun Apr 14 19:44 <bob@sender.example>\n"
        f"                 (Deferred: {GREYLISTED})\n\t\t\t\t\t <alice@shop.example>\n"
        "43EHij3x004710      120 Sun Apr 14 19:44 <bob@sender.example>\n"
        "                 (Deferred: Connection timed out with mx.post.example.)\n\t\t\t\t\t <carol@post.example>\n"
    )

    assert [it[0] for it in told(text)] == ["alice@shop.example", "carol@post.example"]


@pytest.mark.parametrize(
    "around",
    [
        f"INFO shop.hooks received: {json.dumps([HOOK])}\n",
        json.dumps({"level": "info", "payload": [HOOK]}),
        json.dumps({"httpMethod": "POST", "body": json.dumps([HOOK])}),
        f"curl -X POST https://app.example/hooks -d '{json.dumps([HOOK])}'\n",
        f"We get this:\n\n```json\n{json.dumps([HOOK], indent=2)}\n```\n\nWhy?\n",
        f"POST /hooks HTTP/1.1\nHost: app.example\n\n{json.dumps([HOOK], indent=2)}\n",
    ],
)
def test_a_web_hook_is_read_once_whatever_stands_around_it(around):
    assert told(around) == [("alice@shop.example", None, REPLY)]


BOUNCE = f"This is the mail system at host relay.sender.example.\n\n<alice@shop.example>: {SAID}\n"


def test_the_links_of_slack_are_the_addresses_that_they_stand_for():
    text = BOUNCE.replace("<alice@shop.example>", "<mailto:alice@shop.example|alice@shop.example>")

    assert told(text) == [ALICE]


@pytest.mark.parametrize("page", ["{}", "<html><body><pre>{}</pre></body></html>"])
def test_a_page_that_was_copied_as_it_is_has_the_characters_of_its_entities(page):
    assert told(page.format(BOUNCE.replace("<", "&lt;").replace(">", "&gt;"))) == [ALICE]


def test_the_header_of_a_forwarded_mail_names_no_recipient():
    text = (
        "Look:\n\n---------- Forwarded message ---------\nFrom: MAILER-DAEMON@relay.sender.example\n"
        "To: <bob@sender.example>\nSubject: Undelivered\n\nYour message wasn't delivered to alice@shop.example "
        f"because the address couldn't be found.\n\nThe response was:\n\n{REPLY}\n"
    )

    assert [it[0] for it in told(text)] == ["alice@shop.example"]


def test_a_mail_that_is_attached_as_a_file_is_read():
    text = (
        "From: bob@sender.example\nTo: help@sender.example\nSubject: Fwd\nMIME-Version: 1.0\n"
        "Content-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: text/plain\n\nSee there.\n--B\n"
        'Content-Type: application/octet-stream; name="Undelivered.eml"\n\n'
        f"From: MAILER-DAEMON@relay.sender.example\nTo: bob@sender.example\nSubject: Undelivered\n\n{BOUNCE}\n--B--\n"
    )

    assert told(text) == [ALICE]


@pytest.mark.parametrize(
    ("hook", "fault"),
    [
        (
            {
                "event": "hard_bounce",
                "message-id": "<x>",
                "ts_event": 1,
                "reason": "Unable to find MX of domain shop.example",
            },
            "dns-nodata",
        ),
        ({"event": "bounce", "MessageID": 1, "mj_campaign_id": 1, "error": "invalid domain"}, "dns-nxdomain"),
        ({"event": "bounce", "MessageID": 1, "mj_campaign_id": 1, "error": "no mail host"}, "dns-nodata"),
    ],
)
def test_a_domain_without_a_mail_server_is_a_fault_in_the_words_of_operators(hook, fault):
    assert told(json.dumps(hook | {"email": "alice@shop.example"})) == [("alice@shop.example", None, fault)]
