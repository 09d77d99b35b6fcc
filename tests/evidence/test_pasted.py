"""Evidence as it comes: quoted, indented, forwarded, cut, and among other things."""

from __future__ import annotations

import base64
import io
import json

import pytest

from pytest_mailnet.evidence import Failure, NoFailure
from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.plain import unquoted
from pytest_mailnet.evidence.sources import EvidenceSource
from pytest_mailnet.values import Stage

REPLY = "550 5.1.1 <alice@shop.example>: No such user"
HEADER = "From: MAILER-DAEMON@relay.example\nTo: bob@sender.example\nSubject: Undelivered Mail Returned to Sender\n\n"
WORDS = (
    "This is the mail system at host relay.example.\n\n"
    "I'm sorry to have to inform you that your message could not be delivered.\n\n"
    "<alice@shop.example>: host mx.shop.example[192.0.2.8] said: 550 5.1.1\n"
    "    <alice@shop.example>: No such user (in reply to RCPT TO command)\n"
)
TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "/srv/app/mail.py", line 3, in send\n'
    "    client.sendmail(sender, recipients, content)\n"
    '  File "/usr/lib/python3.12/smtplib.py", line 901, in sendmail\n'
    "    raise SMTPRecipientsRefused(senderrs)\n"
    "smtplib.SMTPRecipientsRefused: {'alice@shop.example': (550, b'5.1.1 <alice@shop.example>: No such user')}\n"
)
LOG = (
    "Mar  9 10:11:13 relay postfix/smtp[9]: ABCDEF12: to=<alice@shop.example>, "
    "relay=mx.shop.example[192.0.2.8]:25, delay=1, dsn=5.1.1, status=bounced (host mx.shop.example[192.0.2.8] "
    f"said: {REPLY} (in reply to RCPT TO command))\n"
)
EVENT = {"level": "error", "event": "mail failed", "exception": TRACEBACK}
HOOK = {"event": "bounce", "email": "alice@shop.example", "reason": REPLY, "sg_event_id": "1"}
EVIDENCE = {
    "bounce": HEADER + WORDS,
    "words": WORDS,
    "traceback": TRACEBACK,
    "log": LOG,
    "event": json.dumps(EVENT),
    "document": json.dumps(HOOK, indent=2),
}


def read(content):
    if isinstance(content, str):
        content = content.encode()
    return list(outcomes_of(EvidenceSource("evidence", len(content), lambda: io.BytesIO(content))))


def is_read(content):
    """Whether the one failure in a text is the one that all texts here are about."""
    [failure] = read(content)
    assert isinstance(failure, Failure), failure
    assert (failure.recipient, failure.reply, failure.stage or Stage.RCPT) == (
        "alice@shop.example",
        (REPLY,),
        Stage.RCPT,
    )
    return True


def quoted(text, mark="> "):
    return "".join(f"{mark}{line}".rstrip() + "\n" for line in text.splitlines())


@pytest.mark.parametrize("text", EVIDENCE.values(), ids=EVIDENCE)
@pytest.mark.parametrize("mark", ["", "> ", ">", "> > ", ">> ", "    ", "\t", "  > "])
def test_a_text_is_read_as_before_it_was_quoted_or_indented(text, mark):
    assert is_read(quoted(text, mark))


@pytest.mark.parametrize("text", EVIDENCE.values(), ids=EVIDENCE)
def test_a_text_is_read_between_fences(text):
    assert is_read(f"```text\n{text}\n```\n")


@pytest.mark.parametrize("text", EVIDENCE.values(), ids=EVIDENCE)
def test_what_somebody_quotes_in_a_mail_is_read_and_its_addresses_are_not_taken_for_recipients(text):
    above = "From: Bob <bob@sender.example>\nTo: help@sender.example\nSubject: Re: Undelivered Mail\n\n"

    assert is_read(
        f"{above}Why does this mail to help@sender.example fail?\n\nOn Monday Bob wrote:\n\n{quoted(text)}"
    )


@pytest.mark.parametrize(
    "line",
    [
        "---------- Forwarded message ---------",
        "-------- Forwarded Message --------",
        "-----Original Message-----",
        "-------- Weitergeleitete Nachricht --------",
        "Begin forwarded message:\n",
    ],
)
def test_a_bounce_that_is_forwarded_in_a_mail_s_text_is_read_as_the_mail_that_it_was(line):
    above = "From: Bob <bob@sender.example>\nTo: help@sender.example\nSubject: Fwd: Undelivered Mail\n\n"

    assert is_read(f"{above}Why? It went to alice2@shop.example.\n\n{line}\n{HEADER}{WORDS}")


def forwarding(*parts, to="help@sender.example"):
    """A mail of a person with some parts."""
    head = f'From: Bob <bob@sender.example>\nTo: {to}\nSubject: Fwd: Undelivered\nContent-Type: multipart/mixed; boundary="zz"\n'
    return head + "".join(f"\n--zz\n{it}" for it in parts) + "\n--zz--\n"


def test_a_bounce_that_is_attached_to_a_mail_is_read():
    attached = f"Content-Type: message/rfc822\n\nReturn-Path: <>\n{HEADER}{WORDS}"

    assert is_read(forwarding("\nWhy does carl@shop.example fail?\n", attached))


def test_a_bounce_that_is_attached_to_an_attached_mail_is_read():
    attached = f"Content-Type: message/rfc822\n\nReturn-Path: <>\n{HEADER}{WORDS}"
    inner = forwarding("\nLook\n", attached).replace("zz", "yy")

    assert is_read(forwarding("\nLook\n", f"Content-Type: message/rfc822\n\n{inner}"))


def test_a_bounce_of_a_bounce_tells_of_itself():
    double = HEADER.replace("bob@", "postmaster@") + WORDS.replace("alice@", "carl@")
    report = f"Content-Type: message/rfc822\n\n{HEADER}{WORDS}"
    mail = double.replace("\n\n", '\nContent-Type: multipart/mixed; boundary="b"\n\n--b\n\n', 1)

    [failure] = read(f"{mail}\n--b\n{report}\n--b--\n")

    assert failure.recipient == "carl@shop.example"


def test_a_notification_that_comes_by_mail_with_a_footer_is_read():
    head = "From: AWS Notifications <no-reply@sns.amazonaws.com>\nSubject: AWS Notification Message\n\n"
    footer = (
        "\n\n--\nIf you wish to stop receiving notifications, please visit https://sns.example/unsubscribe\n"
    )

    assert is_read(f"{head}{json.dumps(HOOK)}{footer}")


@pytest.mark.parametrize("kind", ["base64", "8bit"])
def test_what_stands_behind_a_long_attachment_is_read(kind):
    data = base64.encodebytes(b"x" * 1_500_000).decode() if kind == "base64" else "some lines\n" * 150_000
    attachment = f"Content-Type: application/octet-stream\nContent-Transfer-Encoding: {kind}\n\n{data}"
    status = (
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; relay.example\n\n"
        "Final-Recipient: rfc822; alice@shop.example\nAction: failed\nStatus: 5.1.1\n"
        f"Diagnostic-Code: smtp; {REPLY}\n"
    )

    assert is_read(forwarding("\nIt failed.\n", attachment, status))
    assert is_read(f"From x Mon Jan  5 09:00:00 2026\n{forwarding(attachment, attachment, status)}")


@pytest.mark.parametrize("before", ["\n", "   \n", "\r\n\r\n", "          \n\n"])
def test_blank_lines_before_a_header_do_no_harm(before):
    assert is_read(f"{before}{HEADER}{WORDS}")


def test_a_document_in_a_line_of_any_length_is_read():
    hooks = [HOOK | {"email": f"u{number}@shop.example"} for number in range(1000)]

    outcomes = read(json.dumps(hooks))

    assert [it.recipient for it in outcomes] == [it["email"] for it in hooks]
    assert is_read(json.dumps({"padding": "x" * 200_000} | EVENT))
    assert is_read(f"starting\n{json.dumps({'padding': 'x' * 200_000} | EVENT)}\ndone\n")


@pytest.mark.parametrize(
    "line",
    [
        f"[2026-03-09 10:00:00] mail.ERROR: gomail: could not send email 1: {REPLY}",
        f"[pod/web-0/app] 2026-03-09T10:00:00.123Z sending to alice@shop.example: {REPLY}",
        f"[ERROR] [4F2A-1.1] [outbound] recipient <alice@shop.example> rejected: {REPLY}",
    ],
)
def test_a_line_that_begins_with_a_bracket_is_no_json(line):
    assert is_read(line)


@pytest.mark.parametrize(
    "mark", ["[pod/web-0/app] ", "[pod/web-0/app] 2026-03-09T10:00:00.123Z ", "web-1  | "]
)
@pytest.mark.parametrize("text", [TRACEBACK, LOG], ids=["traceback", "log"])
def test_a_text_is_read_behind_what_containers_put_in_front(mark, text):
    assert is_read(quoted(text, mark))


@pytest.mark.parametrize("mark", ["", "web-1  | ", "[pod/web-0/app] ", "2026-03-09 10:00:00 "])
def test_objects_among_the_lines_of_a_log_are_read(mark):
    lines = ["starting up", json.dumps({"level": "info"}), json.dumps(EVENT), "stopped: 0"]

    assert is_read("".join(f"{mark}{it}\n" for it in lines))
    assert is_read("".join(f"{mark}{it}\n" for it in lines[1:]))


def test_an_object_and_a_traceback_in_one_log_are_both_read():
    document = json.dumps(HOOK | {"email": "carl@shop.example"})

    for text in (
        f"starting\n{document}\n{TRACEBACK}",
        f"{document}\n{TRACEBACK}",
        f"{TRACEBACK}{document}\n",
    ):
        assert {it.recipient for it in read(text)} == {"alice@shop.example", "carl@shop.example"}


def test_documents_one_after_the_other_are_read():
    hooks = [HOOK | {"email": f"u{number}@shop.example"} for number in range(3)]

    outcomes = read("\n".join(json.dumps(it, indent=2) for it in hooks))

    assert [it.recipient for it in outcomes] == [it["email"] for it in hooks]


def test_links_of_a_chat_are_the_words_that_they_stand_for():
    linked = WORDS.replace("<alice@shop.example>:", "<[alice@shop.example](mailto:alice@shop.example)>:")

    assert is_read(linked)


@pytest.mark.parametrize(
    "text",
    [
        ">>> s.rcpt('a@b.example')\n(550, b'no')\n",
        "> EHLO a.example\n< 250 b.example\n> QUIT\n< 221 bye\n",
        "  alice@shop.example\n    SMTP error from remote mail server after RCPT TO\n",
        "no mark\nat all\n",
    ],
)
def test_a_transcript_and_an_indented_recipient_stay_as_they_are(text):
    assert unquoted(text).text == text


def test_a_mail_in_which_nobody_tells_of_a_failure_has_none():
    attached = "Content-Type: message/rfc822\n\nFrom: carl@shop.example\nSubject: Hi\n\nHow are you?\n"

    [nothing] = read(forwarding("\nLook\n", attached))

    assert isinstance(nothing, NoFailure)
