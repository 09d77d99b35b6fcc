"""What Exim's log tells of a failure, and what it does not."""

from __future__ import annotations

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.logs import MAIL_LOG
from pytest_mailnet.values import Stage

MX = {"host": "mx.shop.example", "address": "192.0.2.8"}


def found(*lines: str) -> list[Failure]:
    return list(MAIL_LOG.failures(lines))


def of_exim(rest: str, message_id: str = "1abcDE-000abc-Fg") -> list[Failure]:
    return found(
        f"2026-03-09 10:11:12 {message_id} <= alice@example.com H=client [192.0.2.1] P=esmtps S=1 id=1@example.com",
        f"2026-03-09 10:11:13 {message_id} {rest}",
    )


ROUTED = "R=dnslookup T=remote_smtp"
H = "H=mx.shop.example [192.0.2.8]:25"


@pytest.mark.parametrize("message_id", ["1abcDE-000abc-Fg", "1abcDE-00000000abc-FgHi"])
@pytest.mark.parametrize(
    ("rest", "told"),
    [
        (
            f'** bob@shop.example F=<alice@example.com> {ROUTED} {H} X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes DN="/O=a: b": '
            "SMTP error from remote mail server after RCPT TO:<bob@shop.example>: 550 5.1.1 none",
            {"action": "failed", "stage": Stage.RCPT, "reply": ("550 5.1.1 none",)},
        ),
        (
            f"** bob@shop.example <b@example.com> {ROUTED} : SMTP error from remote mail server after pipelined MAIL FROM:<alice@example.com>"
            r" SIZE=9: host mx.shop.example [192.0.2.8]: 550-5.7.1 no\n550 5.7.1 never",
            {
                "action": "failed",
                "original": "b@example.com",
                "stage": Stage.MAIL,
                "reply": ("550-5.7.1 no", "550 5.7.1 never"),
            },
        ),
        (
            f"== bob@shop.example {ROUTED} defer (-46) {H}: SMTP error from remote mail server after end of data: 451 4.7.1 later",
            {"action": "delayed", "stage": Stage.MESSAGE, "reply": ("451 4.7.1 later",)},
        ),
        (
            f"== bob@shop.example {ROUTED} defer (-45) {H}: SMTP error from remote mail server after initial connection: 421 busy",
            {"action": "delayed", "stage": Stage.CONNECT, "reply": ("421 busy",)},
        ),
        (
            f"== bob@shop.example {ROUTED} defer (110) {H}: Connection timed out",
            {
                "action": "delayed",
                "stage": Stage.CONNECT,
                "fault": "dropped-at-connect",
                "words": "Connection timed out",
            },
        ),
        (
            f"== bob@shop.example {ROUTED} defer (-18) {H}: Remote host closed connection in response to EHLO a.example",
            {
                "action": "delayed",
                "stage": Stage.EHLO,
                "fault": "closed-at-ehlo",
                "words": "Remote host closed connection in response to EHLO a.example",
            },
        ),
        (
            f"== bob@shop.example {ROUTED} defer (-18): Remote host mx.shop.example [192.0.2.8] closed connection in response to end of data",
            {
                "action": "delayed",
                "stage": Stage.MESSAGE,
                "fault": "closed-after-dot",
                "words": "Remote host mx.shop.example [192.0.2.8] closed connection in response to end of data",
            },
        ),
        (
            f"== bob@shop.example {ROUTED} defer (-37) {H}: TLS session: (SSL_connect): error: wrong version number",
            {
                "action": "delayed",
                "stage": Stage.STARTTLS,
                "words": "TLS session: (SSL_connect): error: wrong version number",
            },
        ),
    ],
)
def test_exim_tells_of_a_server_and_what_it_answered(rest, told, message_id):
    [failure] = of_exim(rest, message_id)

    assert failure == Failure(recipient="bob@shop.example", sender="alice@example.com", **MX, **told)


@pytest.mark.parametrize("fields", ["", " F=<alice@example.com>", " R=dnslookup"])
def test_exim_spoke_to_nobody_where_there_was_no_route(fields):
    failures = of_exim(f"** bob@nowhere.example{fields}: Unrouteable address")

    assert failures == [
        Failure(
            recipient="bob@nowhere.example",
            sender="alice@example.com",
            action="failed",
            fault="dns-nxdomain",
            words="Unrouteable address",
        )
    ]


def test_a_pipe_is_told_by_the_address_that_led_to_it():
    [failure] = of_exim(
        "** |/usr/bin/reader (b@shop.example) <bob@shop.example> R=a T=b: Child process returned 127"
    )

    assert failure.recipient == "bob@shop.example"


def test_exim_s_note_that_it_has_not_tried_is_told_if_nothing_else_is_known():
    not_tried = f"== bob@shop.example {ROUTED} defer (-53): retry time not reached for any host"
    tried = f"== bob@shop.example {ROUTED} defer (111) {H}: Connection refused"

    [alone] = of_exim(not_tried)
    first, *others = found(*(f"2026-03-09 10:11:12 1abcDE-000abc-Fg {it}" for it in (tried, not_tried)))

    assert alone.words == "retry time not reached for any host"
    assert (first.fault, others) == ("refused-at-connect", [])


def test_a_null_sender_is_a_sender():
    failures = found(
        "2026-03-09 10:11:12 1abcDE-000abc-Fg <= <> R=1abcDE-000abb-Fg U=mail P=local S=1",
        "2026-03-09 10:11:12 1abcDE-000abc-Fg ** bob@shop.example: no",
        "Mar  9 10:11:12 mx postfix/qmgr[12]: 4F9D195432C: from=<>, size=3, nrcpt=1 (queue active)",
        "Mar  9 10:11:12 mx postfix/smtp[13]: 4F9D195432C: to=<bob@shop.example>, relay=none, status=bounced (no)",
    )

    assert [it.sender for it in failures] == ["", ""]


@pytest.mark.parametrize(
    ("what", "recipient", "sender", "stage"),
    [
        (
            "F=<a@example.org> rejected RCPT <bob@shop.example>: relay not permitted",
            "bob@shop.example",
            "a@example.org",
            Stage.RCPT,
        ),
        (
            "F=<a@example.org> temporarily rejected RCPT <bob@shop.example>: later",
            "bob@shop.example",
            "a@example.org",
            Stage.RCPT,
        ),
        ("rejected MAIL <a@example.org>: no", None, "a@example.org", Stage.MAIL),
        ("rejected EHLO or HELO x: no", None, None, Stage.EHLO),
        ("F=<a@example.org> rejected after DATA: spam", None, "a@example.org", Stage.MESSAGE),
    ],
)
def test_what_exim_has_not_taken_is_told_in_its_own_words(what, recipient, sender, stage):
    [failure] = found(f"2026-03-09 10:11:12 H=(client) [192.0.2.9]:42 I=[192.0.2.1]:25 {what}")

    assert (failure.recipient, failure.sender, failure.stage) == (recipient, sender, stage)
    assert what.endswith(failure.words)
    assert (failure.reply, failure.host, failure.address) == ((), None, None)
