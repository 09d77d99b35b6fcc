"""How the stock servers hold a conversation, to the letter: what they bear, and in which words they end it.

tests/oracles holds them against the real ones, where those can be installed; this holds what came of it everywhere.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket

import pytest

HOST = "mail.shop.example"
MAIL = b"MAIL FROM:<bob@sender.example>\r\nRCPT TO:<a@shop.example>\r\nDATA\r\n"


@pytest.fixture
def server(mailnet):
    """A function that puts shop.example on a server, by its name, and perhaps the version."""

    def on(name, era=None):
        provider = mailnet.provider(name, era=era)
        mailnet.add_domain("shop.example", on=provider.name).add_mailbox("a@shop.example")

    return on


@contextlib.contextmanager
def connected():
    """A function that says something, whatever, and returns the next line of what is said to it."""
    with socket.create_connection((HOST, 25), timeout=5) as client, client.makefile("rb") as lines:

        def say(what=b""):
            client.sendall(what)
            return lines.readline()

        say()
        yield say


@pytest.mark.parametrize(
    ("name", "borne", "last"),
    [
        ("postfix", 20, b"421 4.7.0 mail.shop.example Error: too many errors\r\n"),
        ("exim", 3, b"500 Too many unrecognized commands\r\n"),
        ("sendmail", 25, b"421 4.7.0 mail.shop.example Too many bad commands; closing connection\r\n"),
    ],
)
def test_so_many_unknown_commands_are_borne_and_the_next_ends_the_session(server, name, borne, last):
    server(name)
    with connected() as say:
        say(b"HELO client.sender.example\r\n")

        replies = [say(b"FOO\r\n") for _ in range(borne + 1)]

        assert len(set(replies[:-1])) == 1
        assert replies[-1] == last
        assert say() == b""


@pytest.mark.parametrize("name", ["opensmtpd", "qmail"])
def test_unknown_commands_are_borne_without_end(server, name):
    server(name)
    with connected() as say:
        say(b"HELO client.sender.example\r\n")

        assert len({say(b"FOO\r\n") for _ in range(60)}) == 1


@pytest.mark.parametrize("name", ["postfix", "sendmail", "opensmtpd", "qmail"])
def test_a_long_line_of_content_is_taken(server, name):
    server(name)

    with smtplib.SMTP(HOST, timeout=5) as client:
        assert (
            client.sendmail("bob@sender.example", ["a@shop.example"], "Subject: x\r\n\r\n" + "x" * 5000) == {}
        )


def test_exim_takes_lines_of_998_octets_and_names_the_length_of_a_longer_one(server):
    server("exim")

    with smtplib.SMTP(HOST, timeout=5) as client:
        client.sendmail("bob@sender.example", ["a@shop.example"], "Subject: x\r\n\r\n" + "x" * 998)
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("bob@sender.example", ["a@shop.example"], "Subject: x\r\n\r\n" + "x" * 999)

    assert (refused.value.smtp_code, refused.value.smtp_error) == (
        550,
        b"maximum allowed line length is 998 octets, got 999",
    )


def test_web_de_refuses_a_long_line_in_its_own_words(mailnet):
    mailnet.provider("web.de").add_mailbox("a")

    with smtplib.SMTP("mx-ha02.web.de", timeout=5) as client, pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail("bob@sender.example", ["a@web.de"], "Subject: x\r\n\r\n" + "x" * 5000)

    assert (refused.value.smtp_code, refused.value.smtp_error) == (501, b"Syntax error - line too long")


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("postfix", (250, b"mail.shop.example")),
        ("opensmtpd", (250, b"mail.shop.example Hello my_container_1 [203.0.113.7], pleased to meet you")),
    ],
)
def test_a_container_s_name_at_ehlo(server, name, reply):
    server(name)

    with smtplib.SMTP(HOST, local_hostname="my_container_1", timeout=5) as client:
        code, text = client.ehlo()

    assert (code, text.splitlines()[0]) == reply


@pytest.mark.parametrize(
    ("name", "era", "refusal"),
    [
        ("postfix", None, b"554 5.5.0 Error: SMTP protocol synchronization\r\n"),
        ("exim", None, b"554 SMTP synchronization error\r\n"),
        ("opensmtpd", None, b"500 5.5.1 Invalid command: Pipelining not supported\r\n"),
        ("postfix", "3.7", None),
        ("sendmail", None, None),
        ("qmail", None, None),
    ],
)
def test_pipelining_that_nobody_offered(server, name, era, refusal):
    server(name, era)
    with connected() as say:
        say(b"HELO client.sender.example\r\n")

        replies = [say(MAIL), say(), say()]

        if refusal is None:
            assert [it[:3] for it in replies] == [b"250", b"250", b"354"]
        else:
            assert [it for it in replies if it] == [refusal]


@pytest.mark.parametrize("name", ["postfix", "exim", "sendmail", "qmail"])
def test_pipelining_that_was_offered_is_taken(server, name):
    server(name)
    with connected() as say:
        more = say(b"EHLO client.sender.example\r\n")
        while more[3:4] == b"-":
            more = say()

        replies = [say(MAIL), say(), say()]

        assert [it[:3] for it in replies] == [b"250", b"250", b"354"]


def test_qmail_waits_twenty_minutes_for_its_client(mailnet, server):
    server("qmail")

    with smtplib.SMTP(HOST, timeout=5) as client:
        mailnet.clock.advance(minutes=19)
        assert client.noop()[0] == 250
        mailnet.clock.advance(minutes=20)

        assert client.noop() == (451, b"timeout (#4.4.2)")
