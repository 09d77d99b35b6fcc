"""Logs of mail servers: the forms that their lines come in, whose mail is asked for, and what is no log."""

from __future__ import annotations

import json

import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.logs import MAIL_LOG, failures_of
from pytest_mailnet.evidence.logs.explanations import peer_of
from pytest_mailnet.values import Stage

MESSAGE = (
    "4F9D195432C: to=<bob@shop.example>, relay=mx.shop.example[192.0.2.8]:25, delay=1.1, delays=0.1/0/0.5/0.5,"
    " dsn=5.1.1, status=bounced (host mx.shop.example[192.0.2.8] said: 550 5.1.1 <bob@shop.example>: no such user"
    " (in reply to RCPT TO command))"
)
EXIM = (
    "1w0abc-000000012Cd-3eFg ** bob@shop.example R=dnslookup T=remote_smtp H=mx.shop.example [192.0.2.8]:25:"
    " SMTP error from remote mail server after RCPT TO:<bob@shop.example>: 550 5.1.1 no such user"
)
FAILURE = Failure(
    recipient="bob@shop.example",
    host="mx.shop.example",
    address="192.0.2.8",
    stage=Stage.RCPT,
    reply=("550 5.1.1 <bob@shop.example>: no such user",),
    status="5.1.1",
    action="failed",
)


def found(*lines: str) -> list[Failure]:
    return list(MAIL_LOG.failures(lines))


@pytest.mark.parametrize(
    "prefix",
    [
        "Mar  9 10:11:12 mx postfix/smtp[123]: ",
        "Mar 19 10:11:12.123456 mx postfix/smtp[123]: ",
        "Mar  9 2026 10:11:12 mx postfix/smtp[123]: ",
        "Mar  9 10:11:12 2026 mx postfix/smtp[123]: ",
        "Mär 09 10:11:12 mx postfix/smtp[123]: ",
        "<22>Mar  9 10:11:12 mx postfix/smtp[123]: ",
        "Mar  9 10:11:12 <mail.info> mx postfix/smtp[123]: ",
        "Mar  9 10:11:12 mx postfix/smtp: ",
        "Mar  9 10:11:12 mx postfix-out/relay/smtp[123]: ",
        "Mar  9 10:11:12 mx outbound/smtp[123]: ",
        "2026-03-09T10:11:12.345678+01:00 mx postfix/smtp[123]: ",
        "2026-03-09T10:11:12+0100 mx postfix/smtp[123]: ",
        "2026-03-09T10:11:12Z mx postfix/smtp[123]: ",
        "2026-03-09 10:11:12 mx postfix/smtp[123]: ",
        "<22>1 2026-03-09T10:11:12.345Z mx postfix/smtp 123 - - ",
        '<22>1 2026-03-09T10:11:12.345Z mx postfix/smtp 123 ID47 [meta a="1"][x@1 b="2"] \ufeff',
        "mx-1  | Mar  9 10:11:12 mx postfix/smtp[123]: ",
        "2026-03-09T10:11:12.345678901Z stdout F Mar  9 10:11:12 mx postfix/smtp[123]: ",
        "2026-03-09T10:11:12.345678901Z Mar  9 10:11:12 mx postfix/smtp[123]: ",
        "",
    ],
)
def test_a_line_is_read_whatever_the_logging_puts_in_front_of_it(prefix):
    assert found(prefix + MESSAGE) == [FAILURE]


@pytest.mark.parametrize(
    "prefix", ["", "[123] ", "+0100 ", "+0100 [123] "], ids=["plain", "pid", "zone", "zone and pid"]
)
@pytest.mark.parametrize("before", ["", "Mar  9 10:11:12 mx exim[123]: ", "mail-1 | "])
def test_exim_dates_its_own_lines(prefix, before):
    [failure] = found(f"{before}2026-03-09 10:11:12.123 {prefix}{EXIM}")

    assert failure.reply == ("550 5.1.1 no such user",)


def test_exim_s_lines_have_no_date_where_syslog_has_one():
    [failure] = found("Mar  9 10:11:12 mx exim4[123]: " + EXIM)

    assert failure.recipient == "bob@shop.example"


@pytest.mark.parametrize(
    "fields",
    [
        {"SYSLOG_IDENTIFIER": "postfix/smtp", "_COMM": "smtp", "MESSAGE": MESSAGE},
        {"SYSLOG_IDENTIFIER": "postfix/smtp", "MESSAGE": list(MESSAGE.encode())},
        {"log": f"Mar  9 10:11:12 mx postfix/smtp[123]: {MESSAGE}\n", "stream": "stdout"},
        {"_COMM": "smtp", "SYSLOG_IDENTIFIER": "postfix/smtp", "MESSAGE": MESSAGE, "OTHER": None},
    ],
    ids=["journal", "bytes", "docker", "other fields"],
)
@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")], ids=["close", "wide"])
def test_a_json_object_a_line_is_read(fields, separators):
    assert found(json.dumps(fields, separators=separators)) == [FAILURE]


def test_docker_s_escapes_hide_no_sender():
    came = "2026-03-09 10:11:12 1w0abc-000000012Cd-3eFg <= alice@example.com H=x"
    lines = [json.dumps({"log": it + "\n"}) for it in (came, "2026-03-09 10:11:12 " + EXIM)]

    [failure] = found(*(it.replace("<", r"\u003c").replace(">", r"\u003e") for it in lines))

    assert failure.sender == "alice@example.com"


@pytest.mark.parametrize(
    "line",
    [
        "{",
        '{"MESSAGE": 5, "x": "status="}',
        '{"MESSAGE":[300, "status="]}',
        '{"stat":' + "[" * 60000,
        "{}",
        '{"log":[]}',
    ],
    ids=lambda it: it[:20],
)
def test_json_that_is_no_log_is_passed_over(line):
    assert found(line, "Mar  9 10:11:12 mx postfix/smtp[123]: " + MESSAGE) == [FAILURE]


EXPORT = [
    "__CURSOR=s=1;i=2",
    "__REALTIME_TIMESTAMP=1773047472000000",
    "_HOSTNAME=mx",
    "PRIORITY=6",
    "MESSAGE=" + MESSAGE,
    "SYSLOG_IDENTIFIER=postfix/smtp",
    "_COMM=smtp",
    "",
]


def test_the_journal_s_export_form_is_read():
    other = [it.replace(MESSAGE, "started").replace("postfix/smtp", "systemd") for it in EXPORT]

    assert found(*other, *EXPORT, *other, *EXPORT[:-1]) == [FAILURE]


@pytest.mark.parametrize("length", [len(MESSAGE), 10, 266, 2600], ids=str)
def test_a_binary_field_of_the_journal_s_export_form_is_decoded(length):
    data = length.to_bytes(8, "little") + MESSAGE.encode()
    binary = data.decode("utf-8", "replace").split("\n")
    at = EXPORT.index("MESSAGE=" + MESSAGE)

    failures = found(*EXPORT[:at], "MESSAGE", *binary, *EXPORT[at + 1 :])

    assert failures == [FAILURE]


def test_a_binary_field_that_is_torn_spoils_only_its_own_entry():
    torn = ["__CURSOR=s=1", "MESSAGE", "torn", "", "", ""]

    assert found(*torn[:-2], *EXPORT) == [FAILURE]
    assert found(*torn, "Mar  9 10:11:12 mx postfix/smtp[123]: " + MESSAGE) == [FAILURE]


def test_programs_may_speak_among_each_other():
    failures = found(
        "Mar  9 10:11:12 mx systemd[1]: Started something, status=0",
        "Mar  9 10:11:12 mx postfix/smtp[123]: " + MESSAGE,
        "Mar  9 10:11:12 mx dovecot: lmtp(bob): Error: status=bounced (x)",
        "Mar  9 10:11:12 mx exim[124]: 2026-03-09 10:11:12 " + EXIM,
        "Mar  9 10:11:12 mx sm-mta[125]: x29ABCDE012345: to=<carol@shop.example>, delay=00:00:01, mailer=esmtp,"
        " relay=mx.shop.example. [192.0.2.8], dsn=4.7.1, stat=Deferred: 451 4.7.1 Greylisted",
        'Mar  9 10:11:12 mx smtpd[126]: 0000000000000000 mta delivery evpid=3d4c4a424797fe79 from=<> to=<d@shop.example> rcpt=<-> source="-"'
        ' relay="192.0.2.8 (mx.shop.example)" delay=1s result="PermFail" stat="550 5.1.1 none"',
    )

    assert [it.recipient for it in failures] == [
        "bob@shop.example",
        "bob@shop.example",
        "carol@shop.example",
        "d@shop.example",
    ]


OF_ALICE = [
    "Mar  9 10:11:12 mx postfix/cleanup[12]: 4F9D195432C: message-id=<1@example.com>",
    "Mar  9 10:11:12 mx postfix/qmgr[12]: 4F9D195432C: from=<alice@example.com>, size=311, nrcpt=1 (queue active)",
    "Mar  9 10:11:12 mx postfix/smtp[12]: " + MESSAGE,
    "Mar  9 10:11:13 mx postfix/qmgr[12]: 4F9D195432C: removed",
]
OF_CAROL = [it.replace("4F9D195432C", "3zXyWv0Qbcz1K").replace("1@example", "2@example") for it in OF_ALICE]
OF_EXIM = [
    '2026-03-09 10:11:12 1w0abc-000000012Cd-3eFg <= dave@example.com H=x [192.0.2.1] P=esmtp S=1 id=3@example.com T=" id=1@example.com"',
    "2026-03-09 10:11:12 " + EXIM,
]
OF_OPENSMTPD = [
    'Mar  9 10:11:12 mx smtpd[1]: 5df87c9b982c840c mta delivery evpid=3d4c4a424797fe79 from=<erin@example.com> to=<b@shop.example> rcpt=<-> source="-"'
    ' relay="192.0.2.8 (mx.shop.example)" delay=1s result="PermFail" stat="550 5.1.1 none"',
]
ALL = [*OF_ALICE, *OF_CAROL, *OF_EXIM, *OF_OPENSMTPD]


@pytest.mark.parametrize(
    ("name", "sender"),
    [
        ("<2@example.com>", "alice@example.com"),
        ("3zXyWv0Qbcz1K", "alice@example.com"),
        ("<3@example.com>", "dave@example.com"),
        ("1w0abc-000000012Cd-3eFg", "dave@example.com"),
        ("3d4c4a424797fe79", "erin@example.com"),
        ("3d4c4a42", "erin@example.com"),
        ("5df87c9b982c840c", "erin@example.com"),
    ],
)
def test_a_mail_is_picked_by_its_queue_id_or_message_id(name, sender):
    [failure] = failures_of(ALL, frozenset({name}))

    assert failure.sender == sender


def test_a_subject_gives_a_mail_no_message_id():
    came = '2026-03-09 10:11:12 1w0abc-000000012Cd-3eFg <= dave@example.com P=esmtp T="x id=4@example.com y"'

    assert not list(failures_of([came, OF_EXIM[1]], frozenset({"<4@example.com>"})))


def test_a_name_that_no_mail_has_picks_nothing():
    assert list(failures_of(ALL, frozenset({"4F9D195432D", "<4@example.com>"}))) == []


def test_a_queue_id_may_be_given_to_another_mail():
    again = ["Mar  9 11:11:12 mx postfix/smtp[12]: " + MESSAGE.replace("no such user", "still none")]

    first, second = found(*OF_ALICE, *again)

    assert (first.sender, second.sender) == ("alice@example.com", None)


def test_a_queue_s_tries_are_told_once_for_each_reply():
    line = "Mar  9 10:11:12 mx postfix/smtp[12]: " + MESSAGE.replace("bounced", "deferred")
    other = line.replace("no such user", "busy").replace("550", "450")

    failures = found(line, other, line, line.replace("delay=1.1", "delay=300"), other)

    assert [it.code for it in failures] == [550, 450]


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(OF_ALICE),
        "\n".join(OF_EXIM),
        "\n".join(OF_OPENSMTPD),
        "\n".join(EXPORT),
        json.dumps({"SYSLOG_IDENTIFIER": "postfix/smtpd", "MESSAGE": "connect from x[192.0.2.1]"}),
        "Mar  9 10:11:12 mx postfix/smtpd[1]: connect from x[192.0.2.1]",
        "2026-03-09 10:11:12 exim 4.98 daemon started: pid=1",
        "Mar  9 10:11:12 mx sshd[1]: Accepted publickey for root",
        MESSAGE,
    ],
)
def test_a_mail_log_is_recognised_by_its_beginning(text):
    assert MAIL_LOG.recognises(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "From: Mailer-Daemon@example.com\nSubject: Undelivered\n\nstatus=bounced",
        "Traceback (most recent call last):\n  smtplib.SMTPRecipientsRefused: {}",
        "2026-03-09 10:11:12,345 INFO worker: sending",
        "2026-03-09T10:11:12Z ERROR smtpd: cannot send, status=bounced",
        "send: 'ehlo [127.0.1.1]\\r\\n'\nreply: b'250 SIZE\\r\\n'",
        '{"event": "bounce", "status": "5.1.1"}',
    ],
)
def test_another_text_is_no_mail_log(text):
    assert not MAIL_LOG.recognises(text)


@pytest.mark.parametrize(
    ("name", "address", "peer"),
    [
        ("mx.shop.example.", "192.0.2.8", ("mx.shop.example", "192.0.2.8")),
        ("[192.0.2.8]", None, (None, "192.0.2.8")),
        ("unknown", "IPv6:2001:db8::8", (None, "2001:db8::8")),
        ("none", None, (None, None)),
        (None, "private/lmtp", (None, None)),
    ],
)
def test_a_server_is_known_by_its_name_or_its_address_or_neither(name, address, peer):
    assert tuple(peer_of(name, address)) == peer
