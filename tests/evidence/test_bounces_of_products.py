"""Bounces of mail servers and services that put them in words of their own: MDaemon, Dovecot, Mimecast."""

from __future__ import annotations

import pytest

from pytest_mailnet.evidence.bounces import BouncedMail, failures_of
from pytest_mailnet.values import Stage

ALICE = "alice@shop.example"
MX, IP = "mx.shop.example", "192.0.2.8"
HEAD = (
    "Return-Path: <>\nFrom: Mail Delivery System <MAILER-DAEMON@relay.example>\nTo: bob@sender.example\n"
    "Subject: Undelivered Mail\n\n"
)
BARE = """ Attempting SMTP connection to [192.0.2.8 : 25]
 Waiting for socket connection...
 220 mx.shop.example ESMTP MDaemon 3.5.2 ready
 EHLO relay.example
 250-mx.shop.example Hello
 250 SIZE 40000000
 MAIL From:<bob@sender.example> SIZE=1861
 250 <bob@sender.example>, Sender ok
 RCPT To:<alice@shop.example>
 552 <alice@shop.example> would exceed its quota
 QUIT
"""
DATED = """ Thu 2022-09-15 10:38:04: Attempting SMTP connection to [shop.example]
 Thu 2022-09-15 10:38:04: Attempting SMTP connection to [192.0.2.7:25]
 Thu 2022-09-15 10:38:25: *  Winsock Error 10060 The connection timed out.
 Thu 2022-09-15 10:38:25: Attempting SMTP connection to [192.0.2.8:25]
 Thu 2022-09-15 10:38:25: <-- 220 mx.shop.example ESMTP
 Thu 2022-09-15 10:38:25: --> EHLO relay.example
 Thu 2022-09-15 10:38:25: <-- 250 mx.shop.example
 Thu 2022-09-15 10:38:25: --> MAIL From:<bob@sender.example>
 Thu 2022-09-15 10:38:25: <-- 250 OK
 Thu 2022-09-15 10:38:25: --> RCPT To:<alice@shop.example>
 Thu 2022-09-15 10:38:25: <-- 552 <alice@shop.example> would exceed its quota
 Thu 2022-09-15 10:38:25: --> QUIT
"""
MDAEMON = (
    "The attached message had PERMANENT fatal delivery errors!\n\nThe following addresses did NOT receive a "
    "copy of your message: \n\n> alice@shop.example\n\n--- Session Transcript ---\n"
)


def read(text):
    return failures_of(BouncedMail.parse((HEAD + text).encode()))


@pytest.mark.parametrize("session", [BARE, DATED])
def test_mdaemon_shows_the_session(session):
    [failure] = read(f"{MDAEMON}{session}--- End Transcript ---\n\n: Message contains [1] file attachments")

    assert (failure.recipient, failure.host, failure.address) == (ALICE, MX, IP)
    assert (failure.stage, failure.stage_rule) == (Stage.RCPT, None)
    assert failure.reply == ("552 <alice@shop.example> would exceed its quota",)


@pytest.mark.parametrize(
    ("said", "stage", "reply"),
    [
        ("Quota exceeded", None, ()),
        (
            "550 5.2.2 <alice@shop.example> Quota exceeded",
            None,
            ("550 5.2.2 <alice@shop.example> Quota exceeded",),
        ),
    ],
)
def test_dovecot_tells_why_it_rejected(said, stage, reply):
    [failure] = read(f"Your message to <{ALICE}> was automatically rejected:\n{said}\n")

    assert (failure.recipient, failure.stage, failure.reply) == (ALICE, stage, reply)
    assert reply or failure.words == said


@pytest.mark.parametrize(
    ("said", "reply", "status"),
    [
        ("4.4.4 Temporary server error. Please try again later", (), "4.4.4"),
        ("550 5.1.1 User unknown", ("550 5.1.1 User unknown",), None),
    ],
)
def test_mimecast_puts_what_it_was_told_behind_two_dashes(said, reply, status):
    [failure] = read(
        "This is a delivery failure notification message indicating that\nan email bob@sender.example addressed to "
        f"email address :\n-- {ALICE}\n\nWith subject Hi sent on the Mon, 14 Dec 2020 11:30:37 +0100 (CET)\n"
        "could not be delivered. The problem appears to be :\n-- Recipient server unavailable or busy\n\n"
        f"Additional information follows :\n-- {said}\n\nThis condition occurred after 30 attempt(s)\n"
    )

    assert (failure.recipient, failure.reply, failure.status) == (ALICE, reply, status)
    assert reply or failure.words == said
