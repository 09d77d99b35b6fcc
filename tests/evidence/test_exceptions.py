"""Exceptions of Python's mail libraries, as tracebacks and logs have them."""

from __future__ import annotations

import asyncio
import logging
import smtplib
import ssl
import traceback

import aiosmtplib
import pytest

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.transcripts.python_output import PYTHON
from pytest_mailnet.values import Stage

HOST = "mx.shop.example"
BOB = "bob@app.example"
ALICE = "alice@shop.example"
MAIL = b"Subject: hi\r\n\r\nhello\r\n"
UNKNOWN = "550-5.1.1 No such user\r\n550 5.1.1 here"
LINES = ("550-5.1.1 No such user", "550 5.1.1 here")
REFUSED = r"smtplib.SMTPRecipientsRefused: {'alice@shop.example': (550, b'5.1.1 No such user\n5.1.1 here')}"


def found(text):
    assert PYTHON.recognises(text)
    return list(PYTHON.failures(text.splitlines()))


def by_smtplib(*, security=False):
    with smtplib.SMTP("mx.shop.example", 25, timeout=60) as client:
        if security:
            client.starttls(context=ssl.create_default_context())
            client.login("alice", "secret-word")
        client.sendmail(BOB, [ALICE], MAIL)


def by_aiosmtplib():
    asyncio.run(
        aiosmtplib.send(MAIL, hostname=HOST, sender=BOB, recipients=[ALICE], port=25, start_tls=False)
    )


def raised_by(send, **options):
    with pytest.raises((smtplib.SMTPException, aiosmtplib.SMTPException, OSError)) as caught:
        send(**options)
    return "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("send", [by_smtplib, by_aiosmtplib])
@pytest.mark.parametrize(
    ("stage", "script"),
    [
        (Stage.MAIL, lambda shop: shop.on_mail().reply(UNKNOWN)),
        (Stage.RCPT, lambda shop: shop.on_rcpt().reply(UNKNOWN)),
        (Stage.DATA, lambda shop: shop.on_data().reply(UNKNOWN)),
        (Stage.MESSAGE, lambda shop: shop.on_message().reply(UNKNOWN)),
    ],
    ids=["mail", "rcpt", "data", "message"],
)
def test_a_traceback_tells_the_stage_and_the_reply_to_the_letter(shop, send, stage, script):
    script(shop)

    [failure] = found(raised_by(send))

    assert (failure.stage, failure.stage_rule, failure.reply) == (stage, None, LINES)
    assert failure.recipient in {ALICE, None}


@pytest.mark.parametrize(
    ("stage", "script"),
    [
        (Stage.CONNECT, lambda shop: shop.on_connect().reply("554 5.7.1 Go away")),
        (Stage.EHLO, lambda shop: shop.on_ehlo().reply("554 5.7.1 Go away")),
    ],
    ids=["connect", "ehlo"],
)
def test_a_server_that_wants_no_session_is_told(shop, stage, script):
    script(shop)

    [failure] = found(raised_by(by_smtplib))

    assert (failure.stage, failure.reply) == (stage, ("554 5.7.1 Go away",))


def test_lines_of_code_tell_whom_the_call_was_to(shop):
    shop.on_connect().reply("554 5.7.1 Go away")

    [failure] = found(raised_by(by_smtplib))

    assert failure.host == HOST


def test_wrong_credentials_are_told_and_not_kept(shop):
    shop.add_mailbox("alice", password="another")

    [failure] = found(raised_by(by_smtplib, security=True))

    assert (failure.stage, failure.code) == (Stage.AUTH, 535)
    assert "secret" not in repr(failure)


@pytest.mark.parametrize(
    "fault",
    [
        *("refused-at-connect", "unreachable-at-connect", "no-route-at-connect", "dropped-at-connect"),
        *("closed-at-connect", "stalled-at-connect", "closed-at-ehlo", "stalled-at-mail", "closed-at-rcpt"),
        *("closed-at-data", "stalled-after-dot", "closed-after-dot", "handshake-stalled-at-starttls"),
        *("handshake-closed-at-starttls", "expired-at-starttls", "wrong-name-at-starttls"),
        *("self-signed-at-starttls", "old-protocol-at-starttls", "handshake-refused-at-starttls"),
    ],
)
def test_what_went_wrong_below_smtp_is_named_as_the_net_names_it(mailnet, shop, fault):
    mailnet.clock.compress()
    shop.add_mailbox("alice", password="secret-word")
    mailnet.host(HOST).fail(fault)

    [failure] = found(raised_by(by_smtplib, security=True))

    assert (failure.fault, failure.reply) == (fault, ())
    assert failure.words


@pytest.mark.parametrize("fault", ["refused-at-connect", "closed-at-rcpt", "closed-after-dot"])
def test_aiosmtplib_s_words_for_it_are_understood(mailnet, shop, fault):
    mailnet.host(HOST).fail(fault)

    [failure] = found(raised_by(by_aiosmtplib))

    assert failure.fault == fault


def test_a_name_that_does_not_exist_is_a_look_up_that_failed(mailnet):
    [failure] = found(raised_by(by_smtplib))

    assert (failure.fault, failure.host) == ("dns-nxdomain", HOST)


def test_an_exception_that_another_was_raised_from_is_told_once(shop):
    shop.on_rcpt().reply(UNKNOWN)

    def send():
        try:
            by_smtplib()
        except smtplib.SMTPException as error:
            raise OSError("the mail was not sent") from error

    assert found(raised_by(send)) == [Failure(recipient=ALICE, stage=Stage.RCPT, reply=LINES)]


def test_a_logger_s_line_and_the_traceback_below_it_are_one_failure(shop, caplog):
    shop.on_rcpt().reply(UNKNOWN)

    try:
        by_smtplib()
    except smtplib.SMTPRecipientsRefused as error:
        logging.getLogger("app.mail").error("Mail failed: %s", error, exc_info=True)  # noqa: G201  # as many write it

    assert [it.recipient for it in found(caplog.text)] == [ALICE]


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "2026-03-09 10:11:12,345 ERROR app.mail: ",
        "Mar  9 10:11:12 web gunicorn[17]: ",
        "worker-1  | [2026-03-09 10:11:12,345: ERROR/ForkPoolWorker-1] ",
        "E   ",
    ],
)
def test_one_line_is_enough_whatever_stands_before_it(prefix):
    [failure] = found(prefix + REFUSED)

    assert failure == Failure(recipient=ALICE, stage=Stage.RCPT, reply=LINES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "smtplib.SMTPSenderRefused: (530, b'5.7.0 Must issue STARTTLS', 'bob@app.example')",
            Failure(sender=BOB, stage=Stage.MAIL, reply=("530 5.7.0 Must issue STARTTLS",)),
        ),
        (
            "smtplib.SMTPDataError: (554, b'5.7.1 Spam')",
            Failure(stage=Stage.MESSAGE, reply=("554 5.7.1 Spam",)),
        ),
        (
            "SMTPAuthenticationError: (535, '5.7.8 Bad credentials')",
            Failure(stage=Stage.AUTH, reply=("535 5.7.8 Bad credentials",)),
        ),
        (
            "Task mail raised unexpected: SMTPRecipientsRefused({'alice@shop.example': (450, b'4.2.0 Later')})",
            Failure(recipient=ALICE, stage=Stage.RCPT, reply=("450 4.2.0 Later",)),
        ),
        (
            "aiosmtplib.errors.SMTPRecipientsRefused: [SMTPRecipientRefused(550, '5.1.1 Who?', 'alice@shop.example')]",
            Failure(recipient=ALICE, stage=Stage.RCPT, reply=("550 5.1.1 Who?",)),
        ),
        (
            "could not send: {'alice@shop.example': (550, b'5.1.1 Who?')}",
            Failure(recipient=ALICE, stage=Stage.RCPT, reply=("550 5.1.1 Who?",)),
        ),
        ("could not send: (554, b'5.7.1 Spam')", Failure(reply=("554 5.7.1 Spam",))),
    ],
)
def test_an_exception_s_text_is_read_without_its_traceback(text, expected):
    assert found(text) == [expected]


def test_each_refused_recipient_has_a_reply_of_its_own():
    text = (
        "smtplib.SMTPRecipientsRefused: {'a@shop.example': (550, b'5.1.1 Who?'),"
        " 'b@shop.example': (452, b\"4.2.2 Bob's mailbox is full\")}"
    )

    assert [(it.recipient, it.reply) for it in found(text)] == [
        ("a@shop.example", ("550 5.1.1 Who?",)),
        ("b@shop.example", ("452 4.2.2 Bob's mailbox is full",)),
    ]


def test_a_traceback_that_is_cut_tells_what_is_left_of_it(shop):
    shop.on_rcpt().reply(UNKNOWN)
    lines = raised_by(by_smtplib).splitlines()

    assert found("\n".join(lines[len(lines) // 2 :])) == [
        Failure(recipient=ALICE, stage=Stage.RCPT, reply=LINES)
    ]
    assert found("\n".join(lines[:-1])) == []


@pytest.mark.parametrize(
    "text",
    [
        "except smtplib.SMTPRecipientsRefused:",
        "Traceback (most recent call last):\n  File \"app.py\", line 1, in <module>\nValueError: (550, 'no')",
        "the reader takes (450, 300) as its size",
    ],
)
def test_what_is_no_exception_of_a_mail_library_is_not_taken_for_one(text):
    assert not PYTHON.recognises(text)
    assert list(PYTHON.failures(text.splitlines())) == []
