"""What a file is found to be, whatever it holds, and how little of it is enough to harm."""

from __future__ import annotations

import errno
import io
import json
import mailbox
import os
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.evidence import Failure, NoFailure
from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.sources import EvidenceSource, sources_at

BOUNCE = (
    "From: MAILER-DAEMON@relay.example\nTo: bob@sender.example\nSubject: failure notice\n\n"
    "Hi. This is the qmail-send program at relay.example.\n"
    "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
    "This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
    "<alice@shop.example>:\n192.0.2.8 does not like recipient.\n"
    "Remote host said: 550 5.1.1 No such user\nGiving up on 192.0.2.8.\n\n"
    "--- Below this line is a copy of the message.\n\nReturn-Path: <bob@sender.example>\nSubject: hi\n\nhello\n"
)


def read(content, name="evidence"):
    if isinstance(content, str):
        content = content.encode()
    return list(outcomes_of(EvidenceSource(name, len(content), lambda: io.BytesIO(content))))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig"])
def test_a_mail_is_read_with_any_line_ends(end, codec):
    [failure] = read(BOUNCE.replace("\n", end).encode(codec))

    assert (failure.recipient, failure.reply, failure.sender) == (
        "alice@shop.example",
        ("550 5.1.1 No such user",),
        "bob@sender.example",
    )


def test_a_mailbox_is_read_mail_by_mail():
    other = "From: a@b.example\nSubject: Hello\n\nFrom here on\n\n"
    text = "".join(f"From x Thu Apr 29 23:45:10 2010\n{it}\n" for it in (BOUNCE, other, BOUNCE))

    outcomes = read(text)

    assert [type(it) for it in outcomes] == [Failure, NoFailure, Failure]
    assert str(outcomes[1]).startswith("evidence, mail 2: a mail with the subject 'Hello'; neither")


def test_a_maildir_is_read_mail_by_mail(tmp_path):
    box = mailbox.Maildir(tmp_path / "box")
    for _ in range(3):
        box.add(BOUNCE.encode())

    sources = list(sources_at([tmp_path / "box"]))

    assert len(sources) == 3
    assert [outcome.code for it in sources for outcome in outcomes_of(it)] == [550] * 3


def test_a_folder_is_read_file_by_file_and_nothing_hidden(tmp_path):
    for name in ("b.eml", "a.eml", ".hidden", ".git/c.eml", "deep/d.eml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(BOUNCE)

    assert [it.name.removeprefix(f"{tmp_path}/") for it in sources_at([tmp_path])] == [
        "a.eml",
        "b.eml",
        "deep/d.eml",
    ]


def test_what_in_a_folder_is_no_file_is_told_and_the_files_are_read(tmp_path):
    folder = tmp_path / "box"
    (folder / "deep").mkdir(parents=True)
    (folder / "b.eml").write_text(BOUNCE)
    os.mkfifo(folder / "a.pipe")
    (folder / "c.eml").symlink_to("nothing")
    (folder / "deep" / "d.eml").symlink_to("d.eml")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(folder / "e.socket"))

        outcomes = [outcome for it in sources_at([folder]) for outcome in outcomes_of(it)]

    assert [str(it).removeprefix(f"{folder}/") for it in outcomes if isinstance(it, NoFailure)] == [
        "a.pipe: it could not be read; it is a pipe",
        "c.eml: it could not be read; it is a link to where nothing is",
        "deep/d.eml: it could not be read; Too many levels of symbolic links",
        "e.socket: it could not be read; it is a socket",
    ]
    assert [it.code for it in outcomes if isinstance(it, Failure)] == [550]


def test_what_has_gone_since_the_folder_was_looked_at_is_told(tmp_path):
    path = tmp_path / "a.eml"
    path.write_text(BOUNCE)
    [source] = sources_at([tmp_path])

    path.unlink()

    [nothing] = outcomes_of(source)
    assert str(nothing) == f"{path}: it could not be read; No such file or directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all")
def test_what_may_not_be_read_is_told(tmp_path):
    closed, locked = tmp_path / "a.eml", tmp_path / "deep"
    closed.write_text(BOUNCE)
    closed.chmod(0)
    locked.mkdir(mode=0)

    paths = [tmp_path, locked, locked / "x"]
    told = [str(it) for source in sources_at(paths) for it in outcomes_of(source)]

    assert told == [
        f"{it}: it could not be read; Permission denied" for it in (closed, locked, locked, locked / "x")
    ]


def test_the_words_of_a_bounce_are_enough():
    [failure] = read(BOUNCE.partition("\n\n")[2])

    assert (failure.recipient, failure.code) == ("alice@shop.example", 550)


def test_a_reply_alone_is_enough():
    [failure] = read("550-5.1.1 No such\n550 5.1.1 user\n")

    assert (failure.reply, failure.recipient) == (("550-5.1.1 No such", "550 5.1.1 user"), None)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "it is empty"),
        ("\ufeff \n\n", "it is empty"),
        ("just some words", "a text of no kind that is known"),
        ("From: a@b.example\nSubject: Hi\n\nhow are you?", "a mail"),
        ('{"a": 1}', "JSON of no kind that is known"),
        ('{"a": ', "it begins like JSON and is none"),
        ("[" * 100_000, "it begins like JSON and is none"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "a text of no kind that is known"),
        ("Mar  9 10:11:12 mx postfix/qmgr[9]: ABCDEF12: removed\n", "a mail log"),
        (
            "From: a@b.example\nContent-Type: multipart/report; report-type=feedback-report; boundary=x\n\n"
            "--x\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n\n--x--\n",
            "a feedback report (RFC 5965): a complaint about a mail that arrived",
        ),
    ],
)
def test_what_has_no_failure_in_it_is_told_with_what_it_is(content, told):
    [nothing] = read(content)

    assert isinstance(nothing, NoFailure)
    assert nothing.found == told
    assert nothing.missing


def test_a_file_that_ends_in_an_error_is_told_and_what_it_told_before_stays():
    line = (
        b"Mar  9 10:11:13 relay postfix/smtp[9]: ABCDEF12: to=<alice@shop.example>, relay=none, delay=1, "
        b"dsn=4.4.1, status=deferred (connect to mx.shop.example[192.0.2.9]:25: Connection refused)\n"
    )

    class Damaged(io.BytesIO):
        def read(self, size=-1):
            if self.tell() == len(self.getvalue()):
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    failure, nothing = outcomes_of(EvidenceSource("mail.log", 0, lambda: Damaged(line)))

    assert failure.recipient == "alice@shop.example"
    assert str(nothing) == "mail.log: it could not be read; Input/output error"
    assert nothing.unread


def test_a_log_in_a_mail_is_read_too():
    line = (
        "Mar  9 10:11:13 relay postfix/smtp[9]: ABCDEF12: to=<alice@shop.example>, relay=none, delay=1, "
        "dsn=4.4.1, status=deferred (connect to mx.shop.example[192.0.2.9]:25: Connection refused)\n"
    )

    [failure] = read(f"From: root@shop.example\nTo: root@shop.example\nSubject: logwatch\n\n{line}")

    assert failure.fault == "refused-at-connect"


def test_events_are_read_line_by_line_too():
    event = {
        "RecordType": "Bounce",
        "ID": 1,
        "MessageID": "1",
        "Type": "HardBounce",
        "TypeCode": 1,
        "Email": "alice@shop.example",
        "From": "bob@sender.example",
        "Details": "smtp;550 5.1.1 No such user",
    }

    outcomes = read(f"{json.dumps(event)}\n" * 3)

    assert [it.code for it in outcomes] == [550] * 3


def nested(depth):
    head = "From: mailer-daemon@b.example\nSubject: Undelivered\n"
    parts = "".join(f'Content-Type: multipart/mixed; boundary="{it}"\n\n--{it}\n' for it in range(depth))
    return head + parts


@pytest.mark.parametrize(
    "content",
    [
        nested(50),
        nested(5_000),
        nested(5).replace("multipart/mixed", "message/rfc822") * 100,
        BOUNCE + "A" * (1 << 24),
        "From: mailer-daemon@b.example\nSubject: Undelivered\n\n" + "<a@b.example>: 550 5.1.1 no\n" * 100_000,
        "From: mailer-daemon@b.example\nSubject: Undelivered\n\n" + "<a@b.example>\n" * 100_000,
        "From: mailer-daemon@b.example\nSubject: Undelivered\n\n" + "550-5.1.1 " * 100_000,
        "From: mailer-daemon@b.example\nSubject: Undelivered\n\n" + "@" * 1_000_000,
        "From: mailer-daemon@b.example\nSubject: Undelivered\n\n" + " " * 1_000_000,
        "From: mailer-daemon@b.example\nSubject: Undelivered\n\n" + "said: " * 200_000,
        "From: mailer-daemon@b.example\nContent-Type: text/html\n\n" + "<" * 1_000_000,
        "From: mailer-daemon@b.example\nContent-Type: text/html\n\n" + "<!--" * 250_000,
        "From: " + "=?utf-8?q?a?=" * 10_000 + "\nSubject: Undelivered\n\n<a@b.example>: 550 no\n",
        "From: mailer-daemon@b.example\nContent-Type: message/delivery-status\n\n"
        + "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n\n" * 10_000,
        "[" + '{"event": "bounce"},' * 100_000 + "{}]",
    ],
    ids=lambda it: it[-30:][:20],
)
def test_hostile_input_ends_in_time(content):
    began = time.process_time()

    outcomes = read(content)

    assert outcomes
    assert time.process_time() - began < 10


@given(st.binary(max_size=2000))
def test_any_bytes_end_in_outcomes(content):
    outcomes = read(content)

    assert outcomes
    assert all(isinstance(it, Failure | NoFailure) for it in outcomes)


@given(st.data())
def test_a_spoilt_bounce_ends_in_outcomes(data):
    content = bytearray(BOUNCE.encode())
    for _ in range(data.draw(st.integers(1, 20))):
        at = data.draw(st.integers(0, len(content)))
        content[at : at + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=20))

    assert read(bytes(content))


def test_a_mailbox_of_many_megabytes_is_read_mail_by_mail(tmp_path):
    box = tmp_path / "box"
    padding = ("x" * 70 + "\n") * 30_000
    box.write_text(
        "".join(f"From MAILER-DAEMON Mon Jan  5 09:00:00 2026\n{BOUNCE}\n{padding}\n" for _ in range(3))
    )

    outcomes = [outcome for it in sources_at([box]) for outcome in outcomes_of(it)]

    assert [it.code for it in outcomes] == [550] * 3


def test_a_document_of_many_megabytes_is_not_read():
    [nothing] = read(b'[{"a":' + b" " * (1 << 26) + b"1}]")

    assert str(nothing).endswith("JSON of more than 64 MiB; split it into its events")
