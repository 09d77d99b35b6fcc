"""What was typed at Python's prompt, and tracebacks: where a session was, and what was answered."""

from __future__ import annotations

import io

import pytest

from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.sources import EvidenceSource
from pytest_mailnet.values import Stage

ALICE, CARL = "alice@shop.example", "carl@shop.example"
CONNECTED = ">>> s = smtplib.SMTP('mx.shop.example')\n"
TAKEN = f"{CONNECTED}>>> s.mail('bob@app.example')\n(250, b'OK')\n>>> s.rcpt('{ALICE}')\n(250, b'OK')\n"


def failures(text):
    """Of each failure: whose it is, where, and the reply or the fault."""
    outcomes = outcomes_of(EvidenceSource("", 0, lambda: io.BytesIO(text.encode())))
    return [
        (it.recipient, it.stage, "\n".join(it.reply) or it.fault or it.words)
        for it in outcomes
        if isinstance(it, Failure)
    ]


def trace(function, code, raised):
    """A traceback that ends in a function of smtplib."""
    return (
        'Traceback (most recent call last):\n  File "app.py", line 1, in <module>\n'
        f'  File "/usr/lib/python3.11/smtplib.py", line 580, in {function}\n    {code}\n{raised}\n'
    )


def test_a_command_that_is_written_out_is_a_command():
    typed = f"{CONNECTED}>>> s.docmd('MAIL', 'FROM:<bob@app.example>')\n(550, b'5.7.1 No')\n"

    assert failures(typed) == [(None, Stage.MAIL, "550 5.7.1 No")]


def test_what_data_returns_is_the_reply_to_the_content():
    typed = f"{TAKEN}>>> s.data('hi')\n(554, b'5.7.1 Spam')\n"

    assert failures(typed) == [(ALICE, Stage.MESSAGE, "554 5.7.1 Spam")]


def test_an_answer_at_the_very_end_is_read():
    typed = (
        f"{CONNECTED}>>> s.mail('bob@app.example')\n(250, b'OK')\n>>> s.rcpt('{ALICE}')\n(550, b'5.1.1 No'"
    )

    assert failures(f"{typed})") == [(ALICE, Stage.RCPT, "550 5.1.1 No")]


@pytest.mark.parametrize("recipients", [f"['{ALICE}', '{CARL}']", f"('{ALICE}', '{CARL}')"])
def test_the_recipients_of_a_call_have_failed_with_it(recipients):
    typed = f"{CONNECTED}>>> s.sendmail('bob@app.example', {recipients}, 'hi')\n"
    typed += trace(
        "sendmail", "raise SMTPDataError(code, resp)", "smtplib.SMTPDataError: (554, b'5.7.1 Spam')"
    )

    assert failures(typed) == [
        (ALICE, Stage.MESSAGE, "554 5.7.1 Spam"),
        (CARL, Stage.MESSAGE, "554 5.7.1 Spam"),
    ]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"b'5.1.1 f\xc3\xbcr Bob'", "550 5.1.1 für Bob"),
        (r"b'5.1.1 f\xfcr Bob'", "550 5.1.1 für Bob"),
        (r"b'5.1.1 \101\x42'", "550 5.1.1 AB"),
        (r"'5.1.1 \u00fc\U0001f600'", "550 5.1.1 ü😀"),
        (r"'5.1.1 \ud800'", "550 5.1.1 \ufffd"),
    ],
)
def test_escapes_in_a_reply_are_read(written, read):
    text = f"smtplib.SMTPRecipientsRefused: {{'{ALICE}': (550, {written})}}"

    assert failures(text) == [(ALICE, Stage.RCPT, read)]


CLOSED = "smtplib.SMTPServerDisconnected: Connection unexpectedly closed"
RESET = "ConnectionResetError: [Errno 104] Connection reset by peer"


@pytest.mark.parametrize(
    ("function", "code", "raised", "told"),
    [
        ("auth_login", "(code, resp) = self.docmd(...)", CLOSED, (None, Stage.AUTH, "closed-at-auth")),
        ("data", "self.send(q)", RESET, (None, Stage.MESSAGE, "reset-in-content")),
        ("data", "q = _quote_periods(msg)", CLOSED, (None, Stage.DATA, "closed-at-data")),
        (
            "_get_socket",
            "new_socket = super()._get_socket(host, port, timeout)",
            "ssl.SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1129)",
            (
                None,
                Stage.STARTTLS,
                "SSLError: [SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1129)",
            ),
        ),
    ],
    ids=["log-in", "in content", "at data", "TLS"],
)
def test_the_innermost_function_tells_the_stage(function, code, raised, told):
    assert failures(trace(function, code, raised)) == [told]


def test_a_session_that_ends_badly_after_its_mail_is_no_failure():
    assert failures(trace("quit", 'res = self.docmd("quit")', CLOSED)) == []


def test_an_answer_that_is_not_whole_at_the_very_end_is_read_as_far_as_it_goes():
    typed = f"{TAKEN}>>> s.rcpt('{CARL}')\n(550, b'5.1.1 No'"

    assert failures(typed) == [(CARL, Stage.RCPT, "550 5.1.1 No")]


def test_an_answer_to_no_command_is_passed_over():
    typed = f"{CONNECTED}>>> s.sock.getsockname()\n(550, '5.1.1')\n>>> s.mail('bob@app.example')\n(550, b'5.7.1 No')\n"

    assert failures(typed) == [(None, Stage.MAIL, "550 5.7.1 No")]


def test_a_call_that_raises_was_said():
    typed = f"{TAKEN}>>> s.rcpt('{CARL}')\n" + trace("getreply", "raise SMTPServerDisconnected(...)", CLOSED)

    assert (CARL, Stage.RCPT, "closed-at-rcpt") in failures(typed)
