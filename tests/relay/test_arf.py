"""Feedback reports (ARF) as programs read them back, whatever was put in."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.relay.arf import Complaint, feedback_report

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
MAIL = b"From: alice@app.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nhello\r\n"


hostile = st.text(max_size=80) | st.sampled_from(
    ["a\r\nBcc: evil@evil.example", "\r\n\r\n--x", "\0", "\r", "--=_"]
)


def complaint(**fields):
    return Complaint(
        **{
            "reporting_mta": "mx.shop.example",
            "sender": "staff@shop.example",
            "to": "abuse@app.example",
            "content": MAIL,
            "mail_from": "alice@app.example",
            "rcpt_tos": ("bob@shop.example",),
            "source_ip": "203.0.113.7",
            "arrived": NOW,
            "written": NOW,
            **fields,
        }
    )


def test_a_feedback_report_has_what_rfc_5965_wants():
    report = feedback_report(complaint())

    _, facts, original = email.message_from_bytes(report, policy=email.policy.default).iter_parts()
    assert (
        email.message_from_bytes(report, policy=email.policy.default).get_param("report-type")
        == "feedback-report"
    )
    assert facts.get_content_type() == "message/feedback-report"
    assert [tuple(line.split(": ")) for line in facts.get_payload()[0].as_string().splitlines() if line] == [
        ("Feedback-Type", "abuse"),
        ("User-Agent", "pytest-mailnet"),
        ("Version", "1"),
        ("Original-Mail-From", "<alice@app.example>"),
        ("Original-Rcpt-To", "<bob@shop.example>"),
        ("Arrival-Date", "Sat, 31 Jan 2026 12:00:00 +0000"),
        ("Source-IP", "203.0.113.7"),
        ("Reporting-MTA", "dns; mx.shop.example"),
        ("Reported-Domain", "app.example"),
    ]
    assert original.get_content()["From"] == "alice@app.example"


@given(mail_from=hostile, rcpt=hostile, to=hostile, content=st.binary(max_size=200))
def test_nothing_that_is_complained_of_can_break_the_report(mail_from, rcpt, to, content):
    report = feedback_report(complaint(mail_from=mail_from, rcpt_tos=(rcpt,), to=to, content=content))

    message = email.message_from_bytes(report, policy=email.policy.compat32)
    assert message.keys() == ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type"]
    assert len(message.get_payload()) == 3
