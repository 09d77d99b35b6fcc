from __future__ import annotations

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.values import Stage


@pytest.fixture
def failure():
    """What most tests are about: a recipient that a server does not know."""
    return Failure(
        recipient="alice@shop.example",
        sender="bob@sender.example",
        host="mx.shop.example",
        address="192.0.2.8",
        stage=Stage.RCPT,
        reply=("550-5.1.1 <alice@shop.example>: nobody", "550 5.1.1 here"),
    )


@pytest.fixture
def bounce(tmp_path):
    """A file with a bounce of Postfix in it."""
    path = tmp_path / "bounce.eml"
    path.write_text(BOUNCE)
    return path


BOUNCE = """\
Return-Path: <>
From: MAILER-DAEMON@relay.sender.example (Mail Delivery System)
To: bob@sender.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

This is the mail system at host relay.sender.example.

<alice@shop.example>: host mx.shop.example[192.0.2.8] said: 550-5.1.1
    <alice@shop.example>: nobody 550 5.1.1 here (in reply to RCPT TO command)

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.sender.example

Final-Recipient: rfc822; alice@shop.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.shop.example
Diagnostic-Code: smtp; 550-5.1.1 <alice@shop.example>: nobody 550 5.1.1 here

--b1
Content-Type: text/rfc822-headers

Return-Path: <bob@sender.example>
Subject: Order 7

--b1--
"""
