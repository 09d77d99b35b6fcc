"""What of a piece of evidence was not read is told, with a failure and without one."""

from __future__ import annotations

import base64
import io
import json

import pytest

from pytest_mailnet.evidence import NoFailure
from pytest_mailnet.evidence.detect import outcomes_of
from pytest_mailnet.evidence.plain import forwarded, unquoted
from pytest_mailnet.evidence.sources import EvidenceSource

HEADER = "From: MAILER-DAEMON@relay.example\nTo: bob@sender.example\nSubject: Undelivered Mail Returned to Sender\n"
WORDS = (
    "This is the mail system at host relay.example.\n\n"
    "I'm sorry to have to inform you that your message could not be delivered.\n\n"
    "<alice@shop.example>: host mx.shop.example[192.0.2.8] said: 550 5.1.1\n"
    "    <alice@shop.example>: No such user (in reply to RCPT TO command)\n"
)
LINE = (
    "Mar  9 10:11:13 relay postfix/smtp[9]: ABCDEF12: to=<alice@shop.example>, relay=none, delay=1, "
    "dsn=4.4.1, status=deferred (connect to mx.shop.example[192.0.2.9]:25: Connection refused)\n"
)


def left_out(content: str) -> tuple[str, ...]:
    """What was left out on the way to the one outcome."""
    encoded = content.encode()
    [outcome] = outcomes_of(EvidenceSource("evidence", len(encoded), lambda: io.BytesIO(encoded)))
    return outcome.left_out


def of_person(*parts: str) -> str:
    head = 'From: Bob <bob@sender.example>\nSubject: Fwd: Undelivered\nContent-Type: multipart/mixed; boundary="zz"\n'
    return head + "".join(f"\n--zz\n{it}" for it in parts) + "\n--zz--\n"


@pytest.mark.parametrize("content", [f"{HEADER}\n{WORDS}", WORDS, LINE])
def test_of_what_is_read_whole_nothing_is_left_out(content):
    assert left_out(content) == ()


def test_lines_between_those_that_are_quoted_are_told():
    quoted = "".join(f"> {line}".rstrip() + "\n" for line in WORDS.splitlines())

    assert left_out(f"look at that:\n{quoted}\nand now?\n") == ("2 lines not quoted",)


def test_a_quoted_line_without_words_is_no_other_line():
    assert unquoted("> one\n>\n> two\n").left_out == ()


def test_fences_and_links_that_were_taken_away_are_told():
    linked = WORDS.replace("<alice@shop.example>:", "<[alice@shop.example](mailto:alice@shop.example)>:")

    assert left_out(f"```\n{linked}```\n") == ("2 lines of fences", "2 targets of links")


def test_what_stands_above_a_forwarded_mail_is_told():
    text = "Why?\n\n---------- Forwarded message ---------\nFrom: a@b.example\n"

    assert forwarded(text).left_out == ("1 line above what is forwarded",)


def test_an_attachment_is_told():
    pdf = f"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n{base64.b64encode(b'x').decode()}\n"
    png = pdf.replace("application/pdf", "image/png")

    assert left_out(of_person(f"Content-Type: text/plain\n\n{WORDS}", pdf, png)) == (
        "2 attachments (application/pdf, image/png)",
    )


def test_what_is_cut_of_a_long_part_is_told():
    data = base64.encodebytes(b"x" * 1_500_000).decode()
    long = f"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n{data}"

    assert left_out(of_person(f"Content-Type: text/plain\n\n{WORDS}", long)) == (
        "1.8 MiB of parts longer than 128 KiB",
        "1 attachment (application/pdf)",
    )


def test_a_mail_s_text_is_told_to_be_too_long():
    assert "text behind its first 64 KiB" in left_out(
        "From: carl@shop.example\nSubject: Hi\n\n" + "How?\n" * 20_000
    )


def test_mails_that_are_attached_too_deep_are_told():
    mail = f"{HEADER}\n{WORDS}"
    for _ in range(5):
        mail = of_person(f"Content-Type: message/rfc822\n\n{mail}").replace("zz", f"z{len(mail)}")

    assert left_out(mail) == ("mails attached to each other more than 3 deep",)


def test_the_end_of_a_long_line_is_told():
    assert left_out(LINE.replace("relay=none", f"relay={'x' * 70_000}")) == (
        "1 end of lines longer than 64 KiB",
    )


def test_a_long_line_of_json_is_read_whole():
    event = {"padding": "x" * 70_000, "event": "bounce", "email": "a@b.example", "reason": "550 5.1.1 No"}

    assert left_out(json.dumps(event | {"sg_event_id": "1"})) == ()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("How are you?\n" * 20_000, ("lines behind the first 10,000",)),
        (f"{'How are you? ' * 300}\n" * 500, ("text behind 1 MiB",)),
        ("How are you?\n", ()),
    ],
)
def test_a_text_of_no_format_is_told_to_be_too_long(text, told):
    assert left_out(text) == told


def test_it_is_told_to_people_in_the_line_about_a_file_without_a_failure():
    nothing = NoFailure("hello.txt", "a mail", "it tells nothing", left_out=("1 line not quoted", "2 MiB"))

    assert str(nothing) == "hello.txt: a mail; it tells nothing; left out: 1 line not quoted; 2 MiB"
