"""Content: what ends it, what is kept, and what is refused."""

from __future__ import annotations

import re
import smtplib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


@pytest.fixture
def writing(client):
    """A conversation that is at the content."""
    begin(client)
    return client


def begin(client):
    client.say("MAIL FROM:<a@b.example>")
    client.say("RCPT TO:<sales@shop.example>")
    assert client.say("DATA") == "354 Start mail input; end with <CRLF>.<CRLF>\r\n"


def test_the_content_is_kept_as_it_was_sent(mailnet, writing):
    writing.send(b"Subject: bytes \xff\xfe\r\n\r\nbare \r and \n and \x00 stay\r\n.\r\n")

    assert re.fullmatch(r"250 2\.0\.0 OK queued as [0-9a-f]{12}\r\n", writing.reply())
    assert mailnet.messages[0].content == b"Subject: bytes \xff\xfe\r\n\r\nbare \r and \n and \x00 stay\r\n"


def test_content_can_be_empty(mailnet, writing):
    assert writing.say(".").startswith("250")
    assert mailnet.messages[0].content == b""


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\n.\r"])
def test_only_a_dot_between_line_ends_ends_the_content(mailnet, writing, end):
    smuggled = (
        b"Subject: one\r\n\r\nx" + end + b"MAIL FROM:<evil@b.example>\r\nRCPT TO:<v@shop.example>\r\nDATA\r\n"
    )

    writing.send(smuggled + b"Subject: two\r\n\r\n.\r\n")

    assert writing.reply().startswith("250 2.0.0 OK queued")
    [message] = mailnet.messages
    assert message.envelope.mail_from == "a@b.example"
    assert b"evil@b.example" in message.content


def test_content_may_come_byte_by_byte(mailnet, writing):
    for byte in b"Subject: slow\r\n\r\n..x\r\n.\r\n":
        writing.send(bytes([byte]))

    assert writing.reply().startswith("250")
    assert mailnet.messages[0].content == b"Subject: slow\r\n\r\n.x\r\n"


@pytest.mark.parametrize("length", [999, 1000, 1001, 1002, 20_000])
def test_a_line_has_1001_bytes_at_most(mailnet, writing, length):
    line = b"x" * (length - 2) + b"\r\n"

    writing.send(b"Subject: long\r\n\r\n" + line + b".\r\n")

    fits = length <= 1001
    assert writing.reply().startswith("250" if fits else "500 5.6.0 Line too long\r\n")
    assert len(mailnet.messages) == fits
    begin(writing)


@pytest.mark.parametrize(("size", "taken"), [(100, True), (101, False), (100_000, False)])
def test_a_message_over_the_size_is_refused_and_not_kept(mailnet, client, size, taken):
    mailnet.host("mx.shop.example").extensions.add("SIZE 100")
    begin(client)

    client.send((b"x" * 48 + b"\r\n") * (size // 50) + b"y" * (size % 50 - 2 if size % 50 else 0))
    client.send(b"\r\n.\r\n" if size % 50 else b".\r\n")

    reply = client.reply()
    assert (
        reply.startswith("250")
        if taken
        else reply == ("552 5.3.4 Message size exceeds fixed maximum message size\r\n")
    )
    assert len(mailnet.messages) == taken
    assert client.say("NOOP") == "250 2.0.0 OK\r\n"


def test_without_size_there_is_no_limit(mailnet, client):
    mailnet.host("mx.shop.example").extensions.discard("SIZE")
    begin(client)

    client.send((b"x" * 998 + b"\r\n") * 2_000 + b".\r\n")

    assert client.reply().startswith("250")
    assert len(mailnet.messages[0].content) == 2_000_000


def test_a_client_that_vanishes_in_the_content_leaves_no_message(mailnet, writing):
    writing.send(b"Subject: half\r\n\r\nhalf")

    writing.close()
    with smtplib.SMTP("mx.shop.example", 25) as later:
        later.sendmail("a@b.example", ["sales@shop.example"], "Subject: whole\r\n\r\n")

    assert [message.parsed["subject"] for message in mailnet.messages] == ["whole"]


def test_the_envelope_is_kept_apart_from_the_headers(mailnet, shop):
    with smtplib.SMTP("mx.shop.example", 25) as client:
        client.sendmail(
            "<>",
            ["hidden@shop.example", "sales@shop.example"],
            "To: sales@shop.example\r\nSubject: bcc\r\n\r\n",
        )

    [message] = mailnet.messages
    assert message.envelope.mail_from == ""
    assert message.envelope.rcpt_tos == ("hidden@shop.example", "sales@shop.example")
    assert message.parsed["to"] == "sales@shop.example"
    assert shop.mailbox("hidden").messages == [message]


@settings(max_examples=100)
@given(st.lists(st.text(alphabet=".ab\t \x00é", max_size=30)))
def test_any_lines_that_are_stuffed_arrive_as_they_were(mailnet, client, lines):
    content = b"".join(line.encode() + b"\r\n" for line in lines)
    stuffed = b"".join((b"." if line.startswith(".") else b"") + line.encode() + b"\r\n" for line in lines)
    begin(client)

    client.send(stuffed + b".\r\n")

    assert client.reply().startswith("250")
    assert mailnet.messages[-1].content == content
