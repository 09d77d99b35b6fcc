"""Logs of mail servers that are torn, in no encoding, hostile or without end."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.logs import MAIL_LOG, postfix, sendmail
from pytest_mailnet.evidence.logs.lines import LONGEST, LogEntry
from pytest_mailnet.evidence.logs.log_reader import LogReader
from pytest_mailnet.evidence.logs.queued import LogQueue

REPLY = "550 5.1.1 <bob@shop.example>: no such user"
POSTFIX = "Mar  9 10:11:12 mx postfix/smtp[1]: 4F9D195432C: to=<bob@shop.example>, relay=none, dsn=5.1.1, status=bounced ("
BOUNCED = f"{POSTFIX}host mx.shop.example[192.0.2.8] said: {REPLY} (in reply to RCPT TO command))"
EXIM = "2026-03-09 10:11:12 1w0abc-000012-Cd ** bob@shop.example: "
SENDMAIL = "Mar  9 10:11:12 mx sm-mta[1]: x29ABCDE012345: "
OPENSMTPD = "Mar  9 10:11:12 mx smtpd[1]: 0000000000000000 "
ALL = [
    "Mar  9 10:11:12 mx postfix/qmgr[12]: 4F9D195432C: from=<alice@example.com>, size=311, nrcpt=1 (queue active)",
    BOUNCED,
    "Mar  9 10:11:12 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from a[192.0.2.1]: 554 5.7.1 no; from=<a@example.com> to=<b@shop.example> proto=ESMTP helo=<h>",
    "2026-03-09 10:11:12 1w0abc-000012-Cd <= alice@example.com H=x [192.0.2.1] P=esmtp S=1 id=3@example.com",
    EXIM + "SMTP error from remote mail server after end of data: host mx.shop.example [192.0.2.8]: 550 no",
    "2026-03-09 10:11:12 H=x [192.0.2.9] F=<x@example.org> rejected RCPT <bob@shop.example>: relay not permitted",
    SENDMAIL + "from=<alice@example.com>, size=1, class=0, nrcpts=1, msgid=<1@example.com>",
    SENDMAIL + "to=<bob@shop.example>, delay=00:00:01, relay=mx. [192.0.2.8], dsn=5.1.1, stat=User unknown",
    SENDMAIL + "ruleset=check_rcpt, arg1=<bob@shop.example>, relay=x [192.0.2.9], reject=550 5.7.1 no",
    OPENSMTPD
    + 'mta delivery evpid=3d4c4a424797fe79 from=<> to=<b@shop.example> relay="192.0.2.8 (mx)" result="PermFail" stat="550 no"',
    OPENSMTPD + 'smtp failed-command command="RCPT TO:<bob@shop.example>" result="550 no"',
]


def found(*lines: str) -> list[Failure]:
    return list(MAIL_LOG.failures(lines))


@pytest.mark.parametrize("what", [str.encode, lambda it: it.encode()[:-70]], ids=["whole", "torn"])
def test_bytes_that_are_no_utf_8_spoil_only_themselves(what):
    torn = what(BOUNCED).replace(b"no such", b"n\xe9 such").decode("utf-8", "replace")

    failures = found(torn, BOUNCED)

    assert failures[-1].reply == (REPLY,)


@pytest.mark.parametrize("end", range(0, len(BOUNCED), 7))
def test_a_torn_line_is_no_invention(end):
    failures = found(BOUNCED[:end])

    assert all(it.recipient == "bob@shop.example" and (it.reply or it.words) for it in failures)
    assert all(REPLY.startswith(line) for it in failures for line in it.reply)


PIECES = st.sampled_from(
    [
        *ALL,
        "__CURSOR=",
        "MESSAGE",
        "MESSAGE=",
        "\0" * 8,
        "",
        "{",
        '{"MESSAGE":[',
        " status=",
        "(",
        ")",
        ">, ",
        "relay=",
        "stat=",
        " ** ",
        " == ",
    ]
)


@given(st.lists(st.lists(PIECES | st.text(max_size=20), max_size=4).map("".join), max_size=8))
def test_no_text_makes_it_fail(lines):
    assert all(isinstance(it, Failure) for it in MAIL_LOG.failures(lines))
    assert MAIL_LOG.recognises("\n".join(lines)) in {True, False}


@given(
    st.lists(st.binary(max_size=60), max_size=8),
    st.sampled_from(["latin-1", "utf-8"]),
    st.sampled_from(ALL),
    st.integers(0, 300),
)
def test_no_bytes_in_a_line_make_it_fail(junk, encoding, line, at):
    lines = [line[:at] + it.decode(encoding, "replace") + line[at:] for it in junk]

    assert all(isinstance(it, Failure) for it in MAIL_LOG.failures(lines))


POSTFIX = "Mar  9 10:11:12 mx postfix/smtp[1]: 4F9D195432C: to=<b@shop.example>, relay=none, dsn=5.0.0, status=bounced ("


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        ("Mar  9 10:11:12 mx postfix/smtp[1]: status=", "x"),
        ("4F9D195432C: to=<", "a>, relay="),
        ("4F9D195432C: to=<", "a>, orig_to=<"),
        (POSTFIX, "host a[" * 3),
        (POSTFIX + "host ", "["),
        (POSTFIX, "host a[b] said: "),
        (POSTFIX, " (in reply to "),
        (POSTFIX, "Name service error for name="),
        (POSTFIX + "host a[b] said: ", "550-5.1.1 "),
        (POSTFIX + "host a[b] said: 550-", "\n550 "),
        ("Mar  9 10:11:12 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from ", "a["),
        ("Mar  9 10:11:12 mx postfix/smtpd[1]: NOQUEUE: reject: RCPT from a[b]: ", "; from=<"),
        ("2026-03-09 10:11:12 1w0abc-000012-Cd ** ", '"'),
        ("2026-03-09 10:11:12 1w0abc-000012-Cd ** b@shop.example", ":"),
        (EXIM, "SMTP error from remote mail server after "),
        (EXIM, "host a [b "),
        (EXIM, "in response to "),
        ("2026-03-09 10:11:12 H=", " rejected"),
        ("2026-03-09 10:11:12 1w0abc-000012-Cd <= a", " id="),
        (SENDMAIL + "to=", "a,"),
        (SENDMAIL + "to=a, delay=1, stat=", "Deferred: "),
        (SENDMAIL + "to=a", ", relay="),
        (SENDMAIL + "ruleset=a, arg1=", "reject=, "),
        (SENDMAIL, "reply: 550 "),
        ("x29ABCDE012345: to=", ", delay="),
        (
            "Mar  9 10:11:12 mx smtpd[1]: 0000000000000000 mta delivery evpid=3d4c4a424797fe79 result=PermFail ",
            " stat=",
        ),
        ('Mar  9 10:11:12 mx smtpd[1]: 0000000000000000 smtp failed-command command="', '" result="'),
        ("<22>1 a b c d e ", "[]"),
        ("<22>1 a b c d e status=", "["),
        ("", "a | "),
        ("", "status= "),
        ("__CURSOR=", "\0"),
        ("{status=", '"a":{'),
    ],
)
def test_a_hostile_line_takes_no_time(start, piece):
    line = (start + piece * (LONGEST // len(piece)))[:LONGEST]
    began = time.process_time()

    failures = found(line, line[: LONGEST // 2] + ")")
    MAIL_LOG.recognises(line)

    assert time.process_time() - began < 1
    assert all(len(it.words) <= 4000 for it in failures)


def test_a_line_of_a_megabyte_is_cut():
    failures = found(POSTFIX + "x" * 1_000_000 + ")", BOUNCED)

    assert [len(it.words) for it in failures] == [4000, 0]


def test_what_is_remembered_is_bounded():
    queue = LogQueue(room=100)
    reader = LogReader(postfix.POSTFIX, queue)

    for number in range(1000):
        for line in ALL[:2]:
            _, _, message = line.partition("]: ")
            reader.read(
                LogEntry("postfix/qmgr", message.replace("4F9D195432C", f"4F9D1954{number:03}"), "mx")
            )

    assert 150 <= len(queue) <= 200  # mails, and at least half as many failures
    assert queue.mail("4F9D1954999").sender == "alice@example.com"


def test_replies_that_nobody_takes_up_are_bounded():
    reader = LogReader(sendmail.SENDMAIL, room=100)

    for number in range(1000):
        reader.read(LogEntry("sm-mta", f"x29ABCDE012{number:03}: reply: 550 5.1.1 no", "mx"))

    assert 0 < len(reader) <= 100
