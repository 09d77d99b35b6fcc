"""Sessions as they were overheard: smtplib's debug output, and what other clients show."""

from __future__ import annotations

import io
import re
import smtplib
import traceback
from pathlib import Path

import pytest

from pytest_mailnet.evidence import Failure, NoFailure
from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.sources import EvidenceSource
from pytest_mailnet.evidence.transcripts import TRANSCRIPTS
from pytest_mailnet.values import Stage

SAMPLES = Path(__file__).parent / "transcripts"
SEED = Path(__file__).parents[3] / "shared" / "seed-smtp-python.txt"
HOST = "mx.shop.example"
BOB, ALICE, CARL = "bob@app.example", "alice@shop.example", "carl@shop.example"
UNKNOWN = "550-5.1.1 No such user\r\n550 5.1.1 here"
LINES = ("550-5.1.1 No such user", "550 5.1.1 here")


def found(text):
    """What is told of a text, without the file's name."""
    told = outcomes_of(EvidenceSource("", 0, lambda: io.BytesIO(text.encode())))
    return list(told)


def nothing(text):
    [outcome] = found(text)
    return isinstance(outcome, NoFailure) and outcome.found in {it.name for it in TRANSCRIPTS}


@pytest.fixture(params=[1, 2], ids=["debug", "debug with times"])
def overheard(request, capsys):
    """Sends a mail, and returns smtplib's debug output, and the traceback below it."""

    class Loud(smtplib.SMTP):
        debuglevel = request.param

    def send(*recipients, login=None, body="Subject: hi\r\n\r\n550 5.1.1 is no reply\r\n"):
        try:
            with Loud(HOST, 25) as client:
                if login:
                    client.login(*login)
                client.sendmail(BOB, recipients or [ALICE], body)
        except (smtplib.SMTPException, OSError):
            return capsys.readouterr().err + traceback.format_exc()
        return capsys.readouterr().err

    return send


@pytest.mark.parametrize(
    ("stage", "script"),
    [
        (Stage.CONNECT, lambda shop: shop.on_connect().reply(UNKNOWN)),
        (Stage.EHLO, lambda shop: shop.on_ehlo().reply(UNKNOWN)),
        (Stage.MAIL, lambda shop: shop.on_mail().reply(UNKNOWN)),
        (Stage.RCPT, lambda shop: shop.on_rcpt().reply(UNKNOWN)),
        (Stage.DATA, lambda shop: shop.on_data().reply(UNKNOWN)),
        (Stage.MESSAGE, lambda shop: shop.on_message().reply(UNKNOWN)),
    ],
    ids=["connect", "ehlo", "mail", "rcpt", "data", "message"],
)
def test_debug_output_and_the_traceback_below_it_tell_one_failure(shop, overheard, stage, script):
    script(shop)

    [failure] = found(overheard())

    assert (failure.host, failure.stage, failure.reply) == (HOST, stage, LINES)
    if stage not in {Stage.CONNECT, Stage.EHLO}:
        assert (failure.sender, failure.recipient) == (BOB, None if stage is Stage.MAIL else ALICE)


def test_only_the_recipients_that_were_refused_have_failed(shop, overheard):
    shop.on_rcpt("carl@*").reply(UNKNOWN)

    text = overheard(ALICE, CARL)

    assert found(text) == [Failure(recipient=CARL, sender=BOB, host=HOST, stage=Stage.RCPT, reply=LINES)]


def test_what_is_refused_after_the_dot_has_failed_for_each_recipient(shop, overheard):
    shop.on_message().reply("554 5.7.1 Spam")

    assert [(it.recipient, it.code) for it in found(overheard(ALICE, CARL))] == [(ALICE, 554), (CARL, 554)]


def test_a_mail_that_was_taken_is_no_failure(shop, overheard):
    assert nothing(overheard())


def test_a_server_that_knows_only_helo_has_not_failed(mailnet, shop, overheard):
    mailnet.host(HOST).helo_only = True

    assert nothing(overheard())


@pytest.mark.parametrize(
    "fault", ["closed-at-connect", "reset-at-ehlo", "closed-at-rcpt", "closed-after-dot"]
)
def test_a_connection_that_ends_in_the_middle_is_a_failure(mailnet, shop, overheard, fault):
    mailnet.host(HOST).fail(fault)

    [failure] = found(overheard())

    assert (failure.fault, failure.reply, failure.host) == (fault, (), HOST)


def test_nothing_of_a_log_in_is_kept(shop, overheard):
    shop.host.auth_before_tls = True
    shop.add_mailbox("alice", password="another")

    text = overheard(login=("alice", "secret"))

    [failure] = found(text)
    assert "AGFsaWNlAHNlY3JldA==" in text
    assert (failure.stage, failure.code) == (Stage.AUTH, 535)
    assert not {"secret", "AGFs"} & set(re.findall("secret|AGFs", repr(failure)))


@pytest.mark.parametrize(
    ("client", "host", "address"),
    [
        ("python-2", HOST, None),
        ("prompt", HOST, None),
        ("client-and-server", None, None),
        ("swaks", HOST, None),
        ("telnet", HOST, "192.0.2.8"),
        ("s_client", HOST, None),
        ("curl", HOST, "192.0.2.8"),
        ("msmtp", HOST, None),
    ],
)
def test_a_refused_recipient_is_found_in_what_each_client_shows(client, host, address):
    assert found((SAMPLES / f"{client}.txt").read_text("utf-8")) == [
        Failure(recipient=ALICE, sender=BOB, host=host, address=address, stage=Stage.RCPT, reply=LINES)
    ]


def test_the_conversation_and_the_report_of_this_project_are_read(mailnet, shop, overheard):
    shop.on_rcpt().reply(UNKNOWN)
    overheard()

    [of_session] = found(str(mailnet.sessions[0]))
    [of_report] = found(
        f"     17.5 ms  [1]  203.0.113.7:40321 connects to {HOST} (192.0.2.8:25)\n" + _timeline(mailnet)
    )

    assert (of_session.recipient, of_session.reply) == (ALICE, LINES)
    assert (of_report.recipient, of_report.host, of_report.address) == (ALICE, HOST, "192.0.2.8")


def _timeline(mailnet):
    lines = str(mailnet.sessions[0]).splitlines()
    return "\n".join(f"     17.8 ms  [1] {line[0]}  {line[3:]}" for line in lines)


@pytest.mark.skipif(not SEED.exists(), reason=f"{SEED.name} is not beside the project")
def test_the_three_refusals_of_the_seed_are_found():
    carl, gmail, hotmail = found(SEED.read_text("utf-8"))

    assert (carl.recipient, carl.stage, len(carl.reply)) == ("carl@hotmail.com", Stage.RCPT, 4)
    assert carl.reply[0].startswith("550-5.1.1 The email account")
    assert carl.reply[-1].startswith("550 5.1.1 http:")
    assert (gmail.code, gmail.enhanced, gmail.stage, len(gmail.reply)) == (421, "4.7.0", Stage.MESSAGE, 5)
    assert (hotmail.sender, hotmail.stage, len(hotmail.reply)) == ("alice@gmail.com", Stage.MAIL, 6)
    assert hotmail.reply[0].startswith("550-DY-001 Mail rejected")


@pytest.mark.parametrize(
    "text",
    [
        "Mar  9 10:11:12 mx postfix/smtp[1]: 4F9D195432C: to=<bob@shop.example>, relay=mx.shop.example[192.0.2.8]:25,"
        " delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (host mx.shop.example[192.0.2.8] said: 550 5.1.1 no)",
        "<bob@shop.example>:\nConnected to 192.0.2.8 but sender was rejected.\nRemote host said: 550 5.7.1 no\n",
        "550 5.1.1 <bob@shop.example>: no such user\n",
        "<454 4.7.1 <bob@shop.example>: Relay access denied>",
    ],
    ids=["log", "bounce", "reply", "reply in brackets"],
)
def test_a_log_a_bounce_or_a_reply_by_itself_is_not_taken_for_a_transcript(text):
    assert not any(it.recognises(text) for it in TRANSCRIPTS)


TRACEBACK = (
    'Traceback (most recent call last):\n  File "/usr/lib/python3.12/smtplib.py", line 908, in sendmail\n'
    "    raise SMTPRecipientsRefused(senderrs)\nsmtplib.SMTPRecipientsRefused: {'alice@shop.example': (550, b'5.1.1 No')}\n"
)
EVENT = (
    '{"event_id": "1", "exception": {"values": [{"type": "SMTPDataError", "module": "smtplib",'
    ' "value": "(554, b\'5.7.1 Spam\')"}]}}'
)
DEBUG = "send: 'rcpt TO:<alice@shop.example>\\r\\n'\nreply: b'550 5.1.1 No\\r\\n'\n"


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ((SAMPLES / "swaks.txt").read_text("utf-8"), ["an SMTP session as swaks shows it"]),
        ((SAMPLES / "curl.txt").read_text("utf-8"), ["an SMTP session as curl shows it"]),
        ((SAMPLES / "msmtp.txt").read_text("utf-8"), ["an SMTP session as msmtp shows it"]),
        ((SAMPLES / "client-and-server.txt").read_text("utf-8"), ["an SMTP session as RFCs write it"]),
        ((SAMPLES / "s_client.txt").read_text("utf-8"), ["an SMTP session as openssl shows it"]),
        ((SAMPLES / "telnet.txt").read_text("utf-8"), ["an SMTP session on a terminal"]),
        ((SAMPLES / "prompt.txt").read_text("utf-8"), ["a session at Python's prompt"]),
        ((SAMPLES / "python-2.txt").read_text("utf-8"), ["smtplib's debug output"]),
        (TRACEBACK, ["a traceback of Python"]),
        (TRACEBACK.splitlines()[-1], ["an exception of Python"]),
        (EVENT, ["a Sentry event"]),
        ("Net::SMTPAuthenticationError: 535 5.7.8 No\n", ["an exception of Ruby's net/smtp"]),
        ('{"response": "550 5.1.1 No", "command": "RCPT TO"}', ["an object with a mail server's reply"]),
        (DEBUG + TRACEBACK, ["smtplib's debug output"]),
        (
            DEBUG.replace("<alice@shop.example>", "") + TRACEBACK,
            ["smtplib's debug output", "a traceback of Python"],
        ),
    ],
)
def test_what_a_failure_was_read_as_is_told(text, read_as):
    [failure] = found(text)

    assert list(failure.read_as) == read_as
