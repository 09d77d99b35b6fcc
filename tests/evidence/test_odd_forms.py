"""Forms that differ a little from the usual ones of their programs."""

from __future__ import annotations

import io

import pytest

from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.sources import EvidenceSource
from pytest_mailnet.values import Stage

ALICE = "alice@shop.example"
ERROR = f"{{'{ALICE}': (550, b'5.1.1 <{ALICE}>: No such user')}}"


def read(text):
    content = text.encode()
    return list(outcomes_of(EvidenceSource("evidence", len(content), lambda: io.BytesIO(content))))


def bounce(text, sender="MAILER-DAEMON@relay.example"):
    return read(
        f"From: {sender}\nTo: bob@sender.example\nSubject: Delivery Status Notification (Failure)\n\n{text}"
    )


def test_gmail_once_told_the_reply_in_a_sentence():
    [failure] = bounce(
        f"Delivery to the following recipient failed permanently:\n\n     {ALICE}\n\n"
        "Technical details of permanent failure:\nIt was rejected by the recipient domain. The error that the other "
        "server returned was: 550 550 5.1.1 nobody here (state 14).\n\n----- Original message -----\n\nhi\n",
        sender="mailer-daemon@googlemail.com",
    )

    assert (failure.recipient, failure.reply) == (ALICE, ("550 5.1.1 nobody here",))


def test_an_address_at_the_beginning_of_a_reply_is_no_telephone_number():
    [failure] = bounce(
        "This message was created automatically by mail delivery software.\n\n"
        f"  {ALICE}\n    host mx.shop.example [192.0.2.8]\n"
        f"    SMTP error from remote mail server after RCPT TO:<{ALICE}>:\n"
        "    550-198.51.100.7 is listed\n    550 Blocked\n"
    )

    assert failure.reply == ("550-198.51.100.7 is listed", "550 Blocked")
    assert failure.stage is Stage.RCPT


def test_a_recipient_needs_no_quotes_before_the_error_of_a_server():
    [failure] = bounce(
        f"This message was created automatically by mail delivery software.\n\n{ALICE}:\n"
        "SMTP error from remote server for TEXT command, host: mx.shop.example (192.0.2.8) reason: 550 5.2.0 No\n\n"
        "--- The header of the original message is following. ---\n\nSubject: hi\n"
    )

    assert (failure.recipient, failure.host, failure.stage) == (ALICE, "mx.shop.example", Stage.MESSAGE)
    assert failure.reply == ("550 5.2.0 No",)


@pytest.mark.parametrize(
    "what",
    [
        "defer (113): No route to host H=mx.shop.example [192.0.2.8]: mx.shop.example [192.0.2.8]",
        "defer (113): No route to host H=mx.shop.example [192.0.2.8]",
        "H=mx.shop.example [192.0.2.8] defer (113): No route to host",
    ],
)
def test_exim_s_host_stands_before_or_behind_the_error(what):
    [failure] = read(f"2026-03-09 10:00:00 1pfdJV-004eVE-9X == {ALICE} R=dnslookup T=remote_smtp {what}\n")

    assert (failure.host, failure.address, failure.fault) == (
        "mx.shop.example",
        "192.0.2.8",
        "unreachable-at-connect",
    )


@pytest.mark.parametrize(
    "text",
    [
        f"User's mailbox is full: <{ALICE}>\nUnable to deliver mail.\n",
        f"Delivery failed 10 attempts: {ALICE}\n\nOriginal message follows.\n\nTo: {ALICE}\n",
        f"The following recipient(s) could not be reached:\n\n      {ALICE} on 4/29/01 11:34:45 PM\n"
        "            Recipient Not Found\n",
        f"{ALICE} at remote mailserver mx.shop.example. (192.0.2.8): 550 5.1.1 No such user\n",
    ],
)
def test_a_recipient_is_found_in_sentences_of_many_servers(text):
    [failure] = bounce(text)

    assert failure.recipient == ALICE


def test_the_frames_and_variables_of_rich_are_no_exceptions_and_its_lines_are_put_together():
    [failure] = read(
        "╭──────────── Traceback (most recent call last) ────────────╮\n"
        "│ /srv/app/mail.py:5 in send                                │\n"
        "│ ╭─────────────────────── locals ────────────────────────╮ │\n"
        f"│ │ e = SMTPRecipientsRefused({{'{ALICE}': (550, b'5.1.1 │ │\n"
        "│ ╰───────────────────────────────────────────────────────╯ │\n"
        "│ /usr/lib/python3.12/smtplib.py:901 in sendmail            │\n"
        "│ ❱  901 │   │   raise SMTPRecipientsRefused(senderrs)      │\n"
        "╰───────────────────────────────────────────────────────────╯\n"
        f"SMTPRecipientsRefused: {{'{ALICE}': (550, b'5.1.1 \n<{ALICE}>: No such\nuser')}}\n"
    )

    assert (failure.recipient, failure.reply) == (ALICE, (f"550 5.1.1 <{ALICE}>: No such user",))


def test_django_s_debug_mails_tell_a_failure_once():
    [failure] = read(
        f"SMTPRecipientsRefused at /orders/\n{ERROR}\n\nRequest Method: POST\n"
        f"Exception Type: SMTPRecipientsRefused at /orders/\nException Value: {ERROR}\n"
    )

    assert failure.recipient == ALICE


def test_a_connection_that_ended_somewhere_is_a_fault_though_its_stage_is_not_told():
    [failure] = read(
        "Task mail.send[1] retry: Retry in 180s: SMTPServerDisconnected('Connection unexpectedly closed')\n"
    )

    assert (failure.fault, failure.stage) == ("closed-at-connect", None)
