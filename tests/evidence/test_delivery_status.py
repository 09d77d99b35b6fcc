"""Delivery status notifications (RFC 3464), and internationalised ones (RFC 6533)."""

from __future__ import annotations

import base64

import pytest

from pytest_mailnet.evidence.bounces import BouncedMail, failures_of
from pytest_mailnet.values import Stage

ALICE, CARL = "alice@shop.example", "carl@shop.example"
FAILED = (
    f"Final-Recipient: rfc822; {ALICE}\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx.shop.example\n"
    "Diagnostic-Code: smtp; 550-5.1.1 No such\n    550 5.1.1 user\n"
)


def report(*groups, kind="message/delivery-status", coding="8bit"):
    status = "\n".join(("Reporting-MTA: dns; relay.example\n", *groups))
    if coding == "base64":
        status = base64.encodebytes(status.encode()).decode()
    return (
        "From: MAILER-DAEMON@relay.example\nTo: bob@sender.example\nSubject: Undelivered\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nSorry.\n"
        f"--b\nContent-Type: {kind}\nContent-Transfer-Encoding: {coding}\n\n{status}\n"
        "--b\nContent-Type: message/rfc822\n\nReturn-Path: <app@sender.example>\nSubject: hi\n\nhello\n--b--\n"
    )


def read(*groups, **settings):
    return failures_of(BouncedMail.parse(report(*groups, **settings).encode()))


def test_a_report_tells_recipient_server_status_and_reply():
    [failure] = read(FAILED)

    assert (failure.recipient, failure.sender, failure.host) == (
        ALICE,
        "app@sender.example",
        "mx.shop.example",
    )
    assert (failure.code, failure.enhanced, failure.action) == (550, "5.1.1", "failed")
    assert " ".join(failure.reply) == "550-5.1.1 No such 550 5.1.1 user"


def test_each_recipient_has_a_group_of_fields():
    late = f"Final-Recipient: rfc822; {CARL}\nAction: delayed\nStatus: 4.4.1\n"

    alice, carl = read(FAILED, late)

    assert (alice.recipient, alice.permanent) == (ALICE, True)
    assert (carl.recipient, carl.permanent, carl.enhanced, carl.reply) == (CARL, False, "4.4.1", ())


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded"])
def test_who_got_the_mail_has_not_failed(action):
    got = f"Final-Recipient: rfc822; {CARL}\nAction: {action}\nStatus: 2.0.0\n"

    assert [it.recipient for it in read(got, FAILED)] == [ALICE]
    assert read(got) == []


@pytest.mark.parametrize("coding", ["8bit", "base64"])
@pytest.mark.parametrize("written", ["jürgen@größe.example", r"j\x{FC}rgen@gr\x{F6}\x{DF}e.example"])
def test_an_address_may_have_any_letter(written, coding):
    group = f"Final-Recipient: utf-8; {written}\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 weiß nicht\n"

    [failure] = read(group, kind="message/global-delivery-status", coding=coding)

    assert failure.recipient == "jürgen@größe.example"
    assert failure.reply == ("550 5.1.1 weiß nicht",)


def test_a_group_without_a_result_is_of_no_failure():
    assert [it.recipient for it in read(f"Final-Recipient: rfc822; {CARL}\n", FAILED)] == [ALICE]


def told_besides(group, text):
    return failures_of(BouncedMail.parse(report(group).replace("Sorry.", text).encode()))


POSTFIX = "This is the mail system at host relay.example.\n\n"


def test_another_reply_for_people_is_not_mixed_into_that_of_the_report():
    said = f"{POSTFIX}<{ALICE}>: host mx.shop.example[192.0.2.8] said: 451 4.7.1 Not now\n"

    [failure] = told_besides(FAILED, said)

    assert (failure.code, failure.status, failure.address) == (550, "5.1.1", "192.0.2.8")


def test_a_reply_for_people_says_more_than_a_report_s_words():
    group = f"Final-Recipient: rfc822; {ALICE}\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: x; Connection refused\n"
    said = f"{POSTFIX}<{ALICE}>: host mx.shop.example[192.0.2.8] said: 550 5.1.1 No (in reply to RCPT TO command)\n"

    [failure] = told_besides(group, said)

    assert (failure.reply, failure.stage, failure.fault) == (("550 5.1.1 No",), Stage.RCPT, None)


def test_a_receipt_that_a_mail_was_read_is_no_bounce():
    kind = report(FAILED).replace("report-type=delivery-status", "report-type=disposition-notification")
    receipt = kind.replace("message/delivery-status", "message/disposition-notification")

    assert failures_of(BouncedMail.parse(receipt.encode())) == []


def test_a_field_that_is_encoded_wrongly_is_read_as_it_stands():
    text = report(FAILED).replace("Subject: Undelivered", "Subject: =?x-none?b?!!?= Undelivered")

    [failure] = failures_of(BouncedMail.parse(text.encode()))

    assert failure.recipient == ALICE


def test_the_address_that_was_written_to_is_kept_where_another_has_taken_its_place():
    forwarded = FAILED.replace("Action", f"Original-Recipient: rfc822;{CARL}\nAction")
    same = FAILED.replace("Action", f"Original-Recipient: rfc822;{ALICE.upper()}\nAction")

    [other], [one] = read(forwarded), read(same)

    assert (other.recipient, other.original) == (ALICE, CARL)
    assert (one.recipient, one.original) == (ALICE, None)
