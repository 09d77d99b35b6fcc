"""Events of error trackers, and structured logs with an exception in them."""

from __future__ import annotations

import io
import json
import smtplib
import sys
import traceback

import pytest

from pytest_mailnet.evidence import Failure, NoFailure
from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.sources import EvidenceSource
from pytest_mailnet.evidence.transcripts import EVENTS
from pytest_mailnet.values import Stage

[EVENT] = EVENTS
ALICE = "alice@shop.example"
LINES = ("550-5.1.1 No such user", "550 5.1.1 here")
EXPECTED = Failure(recipient=ALICE, stage=Stage.RCPT, reply=LINES)
VALUE = {
    "type": "SMTPRecipientsRefused",
    "value": r"{'alice@shop.example': (550, b'5.1.1 No such user\n5.1.1 here')}",
    "module": "smtplib",
}


def found(document):
    assert EVENT.recognises(document)
    return list(EVENT.failures(document))


def outcomes(text):
    return list(outcomes_of(EvidenceSource("event.json", 0, lambda: io.BytesIO(text.encode()))))


@pytest.mark.parametrize(
    "document",
    [
        {"event_id": "1", "exception": {"values": [VALUE]}},
        {"event_id": "1", "exception": [VALUE]},
        {"event_id": "1", "exception": VALUE | {"stacktrace": {"frames": []}}},
        {"eventID": "1", "entries": [{"type": "exception", "data": {"values": [VALUE]}}]},
        {"action": "triggered", "data": {"event": {"exception": {"values": [VALUE]}}}},
        [{"event_id": "1", "exception": {"values": [VALUE]}}],
        {"event_id": "1", "exception": {"values": [VALUE, {"type": "MailError", "value": "not sent"}]}},
        {"event_id": "1", "logentry": {"formatted": f"Mail failed: {VALUE['value']}"}},
        {"event_id": "1", "message": f"SMTPRecipientsRefused: {VALUE['value']}"},
        {"event_id": "1", "exception": {"values": [VALUE]}, "message": f"Mail failed: {VALUE['value']}"},
    ],
    ids=[
        "values",
        "list",
        "object",
        "entries",
        "web hook",
        "several",
        "chain",
        "logentry",
        "message",
        "twice",
    ],
)
def test_an_exception_is_found_where_trackers_put_it(document):
    assert found(document) == [EXPECTED]


def test_frames_tell_the_stage_and_whom_the_mail_was_for():
    frames = [
        {
            "filename": "app.py",
            "function": "send",
            "context_line": "    with smtplib.SMTP('mx.shop.example') as it:",
        },
        {
            "abs_path": "/usr/lib/python3.12/smtplib.py",
            "function": "sendmail",
            "context_line": "            raise SMTPDataError(code, resp)",
            "vars": {"from_addr": "'bob@app.example'", "to_addrs": ["'alice@shop.example'"]},
        },
    ]
    value = {"type": "SMTPDataError", "value": "(554, b'5.7.1 Spam')", "stacktrace": {"frames": frames}}

    assert found({"exception": {"values": [value]}}) == [
        Failure(
            recipient=ALICE,
            sender="bob@app.example",
            host="mx.shop.example",
            stage=Stage.MESSAGE,
            reply=("554 5.7.1 Spam",),
        )
    ]


def test_a_connection_that_breaks_off_is_told_by_its_frames():
    frames = [
        {
            "module": "smtplib",
            "filename": "smtplib.py",
            "function": "rcpt",
            "context_line": "return self.getreply()",
        },
        {"module": "smtplib", "filename": "smtplib.py", "function": "getreply", "context_line": "raise"},
    ]
    value = {
        "type": "SMTPServerDisconnected",
        "value": "Connection unexpectedly closed",
        "stacktrace": {"frames": frames},
    }

    [failure] = found({"exception": {"values": [value]}})

    assert (failure.fault, failure.stage) == ("closed-at-rcpt", Stage.RCPT)


def traceback_of(shop):
    shop.on_rcpt().reply("550-5.1.1 No such user\r\n550 5.1.1 here")
    try:
        with smtplib.SMTP("mx.shop.example", 25) as client:
            client.sendmail("bob@app.example", [ALICE], "")
    except smtplib.SMTPException:
        return "".join(traceback.format_exception(*sys.exc_info()))
    pytest.fail("the mail was taken")


@pytest.mark.parametrize(
    "place",
    [
        lambda it: {"exc_info": it},
        lambda it: {"event": "mail failed", "exception": it},
        lambda it: {"error": {"stack": it, "message": "mail failed"}},
        lambda it: {"traceback": it.splitlines()},
        lambda it: {"textPayload": it, "severity": "ERROR"},
    ],
)
def test_a_structured_log_has_a_traceback_in_a_field(shop, place):
    line = json.dumps({"level": "error", "msg": "mail failed"} | place(traceback_of(shop)))

    [failure] = outcomes(f'{{"level": "info", "msg": "started"}}\n{line}\n')

    assert (failure.recipient, failure.stage, failure.reply) == (ALICE, Stage.RCPT, LINES)


def test_docker_s_own_files_have_a_line_of_it_in_each_object(shop):
    lines = traceback_of(shop).splitlines(keepends=True)

    [failure] = outcomes(
        "\n".join(json.dumps({"log": it, "stream": "stderr"}, separators=(",", ":")) for it in lines)
    )

    assert (failure.recipient, failure.reply) == (ALICE, LINES)


@pytest.mark.parametrize(
    "document",
    [
        {"event_id": "1", "exception": {"values": [{"type": "ValueError", "value": "(550, 'no')"}]}},
        {"event_id": "1", "exception": {"values": [None, 1, {"type": 1, "value": 2}, []]}},
        {"level": "error", "exc_info": None},
    ],
)
def test_an_event_without_a_failed_mail_is_said_to_be_one(document):
    assert outcomes(json.dumps(document)) == [
        NoFailure("event.json", EVENT.name, "no exception in it tells of a mail that failed")
    ]


@pytest.mark.parametrize(
    "document", [{}, [], 1, None, "text", {"a": [{"b": 1}]}, {"type": "x", "value": "y"}]
)
def test_other_documents_are_of_another_kind(document):
    assert not EVENT.recognises(document)


def test_a_document_that_is_all_depth_ends_in_a_word():
    document = json.loads('{"exception":' * 500 + "1" + "}" * 500)

    assert list(EVENT.failures(document)) == []


def test_a_line_of_code_is_read_where_sentry_s_api_has_it():
    lines = [
        [900, "        (code, resp) = self.data(msg)"],
        [901, "            raise SMTPDataError(code, resp)"],
    ]
    frames = [
        {
            "absPath": "/usr/lib/python3.12/smtplib.py",
            "function": "sendmail",
            "lineNo": 901,
            "context": lines,
        },
        {"absPath": "/app/no_function.py"},
    ]
    value = {"type": "SMTPDataError", "value": "(554, b'5.7.1 Spam')", "stacktrace": {"frames": frames}}

    [failure] = found({"exception": {"values": [value]}})

    assert (failure.stage, failure.reply) == (Stage.MESSAGE, ("554 5.7.1 Spam",))


def test_a_frame_of_which_no_line_is_told_is_a_frame():
    frames = [
        {"absPath": "/usr/lib/python3.12/smtplib.py", "function": "rcpt", "lineNo": 5, "context": [[4, "x"]]}
    ]
    value = {
        "type": "SMTPServerDisconnected",
        "value": "Connection unexpectedly closed",
        "stacktrace": {"frames": frames},
    }

    [failure] = found({"exception": {"values": [value]}})

    assert (failure.stage, failure.fault) == (Stage.RCPT, "closed-at-rcpt")


@pytest.mark.parametrize(
    ("recipients", "told"),
    [
        ("'alice@shop.example'", [ALICE]),
        (ALICE, [ALICE]),
        ("['alice@shop.example']", [ALICE]),
        ("[Filtered]", [None]),
        (["[Filtered]"], [None]),
        (7, [None]),
    ],
)
def test_arguments_of_a_call_are_read_as_trackers_write_them(recipients, told):
    frames = [
        {
            "abs_path": "/usr/lib/python3.12/smtplib.py",
            "function": "sendmail",
            "context_line": "            raise SMTPDataError(code, resp)",
            "vars": {"from_addr": "'bob@app.example'", "to_addrs": recipients},
        }
    ]
    value = {"type": "SMTPDataError", "value": "(554, b'5.7.1 Spam')", "stacktrace": {"frames": frames}}

    assert [it.recipient for it in found({"exception": {"values": [value]}})] == told


def test_an_event_of_more_values_than_anybody_reads_ends():
    values = [{"a": number} for number in range(200_000)]

    assert outcomes(json.dumps({"exception": {"values": values}}))[0].file == "event.json"


def test_an_exception_is_found_wherever_it_stands_in_an_event():
    assert found({"contexts": {"deep": [{"er": {"exc_type": "x", "exception": {"values": [VALUE]}}}]}}) == [
        EXPECTED
    ]
