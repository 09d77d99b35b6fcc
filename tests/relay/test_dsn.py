"""Delivery reports (DSN) as programs read them back, whatever was put in, in whatever words."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.providers.wording import STOCK, Wording
from pytest_mailnet.relay.dsn import Notification, RecipientStatus, delivery_report

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
MAIL = b"From: alice@app.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nhello\r\n"


def told(*recipients, content=MAIL, **fields):
    return Notification(
        reporting_mta="smtp.app.example",
        to=fields.pop("to", "alice@app.example"),
        recipients=recipients
        or (RecipientStatus(address="bob@shop.example", action="failed", status="5.1.1"),),
        arrived=NOW,
        written=NOW,
        content=content,
        **fields,
    )


def parts(report):
    """The three parts, as the standard library reads them."""
    return list(email.message_from_bytes(report, policy=email.policy.default).iter_parts())


def test_all_recipients_are_told_with_what_was_said_to_each():
    report = delivery_report(
        told(
            RecipientStatus(
                address="bob@shop.example",
                action="failed",
                status="5.1.1",
                reply="550-5.1.1 No\n550 5.1.1 user",
                remote_mta="mx.shop.example",
                remote_ip="192.0.2.1",
            ),
            RecipientStatus(address="eve@shop.example", action="failed", status="5.4.4", why="no route"),
        ),
        STOCK,
    )

    text, status, original = parts(report)
    assert (
        "<bob@shop.example>: host mx.shop.example [192.0.2.1] said: 550-5.1.1 No 550 5.1.1 user"
        in text.get_content()
    )
    assert "<eve@shop.example>: no route" in text.get_content()
    message, bob, eve = status.get_payload()
    assert message["Reporting-MTA"] == "dns; smtp.app.example"
    assert bob.items() == [
        ("Final-Recipient", "rfc822;bob@shop.example"),
        ("Action", "failed"),
        ("Status", "5.1.1"),
        ("Remote-MTA", "dns; mx.shop.example"),
        ("Diagnostic-Code", "smtp; 550-5.1.1 No 550 5.1.1 user"),
    ]
    assert eve["Diagnostic-Code"] == "X-Mailnet; no route"
    assert original.get_content().get_content() == "hello\r\n"


def test_the_same_is_told_in_the_same_bytes():
    assert delivery_report(told(), STOCK) == delivery_report(told(), STOCK)


@pytest.mark.parametrize("address", ["bøb@shop.example", "bob@шоп.example"])
def test_an_address_that_is_not_ascii_makes_the_report_international(address):
    # RFC 6533
    report = delivery_report(told(RecipientStatus(address=address, action="failed", status="5.1.1")), STOCK)

    _, status, original = parts(report)
    assert status.get_content_type() == "message/global-delivery-status"
    assert original.get_content_type() == "message/global"
    assert f"Final-Recipient: utf-8;{address}\r\n".encode() in report


@pytest.mark.parametrize(
    "content", [b"Subject: a\r\n\r\n" + b"x" * 999, b"Subject: a\r\n\r\nlone\nend", b"Subject: a\r\n\r\n\0"]
)
def test_of_a_mail_that_could_not_go_over_the_wire_only_its_headers_come_back(content):
    _, _, original = parts(delivery_report(told(content=content), STOCK))

    assert original.get_content_type() == "text/rfc822-headers"
    assert original.get_content() == "Subject: a\r\n"


hostile = st.text(max_size=80) | st.sampled_from(
    ["a\r\nBcc: evil@evil.example", "\r\n\r\n--x", "\0", "\r", "--=_"]
)


@given(
    address=hostile,
    reply=hostile,
    why=hostile,
    mta=hostile,
    envelope_id=hostile,
    original=hostile,
    to=hostile,
    content=st.binary(max_size=200),
)
def test_nothing_that_is_told_can_break_the_report(
    address, reply, why, mta, envelope_id, original, to, content
):
    recipient = RecipientStatus(
        address=address,
        action="failed",
        status="5.1.1",
        reply=reply,
        why=why,
        remote_mta=mta,
        original=original,
    )

    report = delivery_report(told(recipient, content=content, envelope_id=envelope_id, to=to), STOCK)

    message = email.message_from_bytes(report, policy=email.policy.compat32)
    assert message.keys() == [
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type")
    ]
    assert len(message.get_payload()) == 3
    assert report.count(b"\r\nAction: ") == 1 or b"Action: " in content


@given(
    st.lists(
        st.binary(max_size=40).map(lambda it: it.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b""))
    )
)
def test_a_mail_of_lines_comes_back_byte_for_byte(lines):
    content = b"Subject: a\r\n\r\n" + b"\r\n".join(lines)

    report = delivery_report(told(content=content), STOCK)

    boundary = report.rstrip(b"\r\n").rpartition(b"\r\n")[2].removesuffix(b"--")
    last = report.split(boundary)[-2]
    assert last.partition(b"\r\n\r\n")[2] == content + b"\r\n"


def test_a_provider_s_words_are_filled_in_once():
    wording = Wording(
        sender="Mail <mailer@{server}>",
        failed_subject="Failure: {original_subject}",
        failed_text="{recipients}\n",
        per_recipient="{recipient} {status} {reply}",
    )
    recipient = RecipientStatus(
        address="{server}@shop.example", action="failed", status="5.1.1", reply="550 {queue_id}"
    )

    report = delivery_report(told(recipient, queue_id="4Xy"), wording)

    message = email.message_from_bytes(report, policy=email.policy.default)
    assert message["From"] == "Mail <mailer@smtp.app.example>"
    assert message["Subject"] == "Failure: Grüße"
    assert next(message.iter_parts()).get_content() == "{server}@shop.example 5.1.1 550 {queue_id}\r\n"


def test_words_with_an_unknown_variable_are_told():
    told = r"failed_text: no variable {recipeint} \(did you mean 'recipient' or 'recipients'"

    with pytest.raises(InvalidSetting, match=told):
        Wording(failed_text="{recipeint}")
