"""A test's own answers to commands that belong to no step of a delivery, and answers that come late."""

from __future__ import annotations

import contextlib
import smtplib
import time

import pytest

from pytest_mailnet import Reply
from pytest_mailnet.errors import ExpectationFailed, InvalidReply, InvalidSetting, UnknownAttribute

HOST = "mx.shop.example"
MAIL = "Subject: hi\r\n\r\nhi\r\n"


@pytest.fixture
def shop(mailnet):
    return mailnet.add_server(HOST, domain="shop.example")


@pytest.fixture
def client(shop):
    with smtplib.SMTP(HOST, timeout=5) as connected:
        connected.ehlo()
        yield connected


@pytest.mark.parametrize("verb", ["NOOP", "RSET", "VRFY", "EXPN", "HELP", "QUIT", "XCLIENT"])
def test_every_other_command_can_be_answered(shop, client, verb):
    shop.on_command(verb.lower()).reply("451 4.3.0 Not now").times(1)

    assert client.docmd(verb) == (451, b"4.3.0 Not now")


def test_a_probe_of_a_pooled_connection_meets_a_421(shop, client):
    shop.on_command("NOOP").reply("421 4.4.2 timeout exceeded")

    assert client.noop() == (421, b"4.4.2 timeout exceeded")
    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.noop()


def test_a_server_can_hang_up_at_quit(mailnet, shop, client):
    shop.on_command("QUIT").disconnect()

    with pytest.raises(smtplib.SMTPServerDisconnected):
        client.quit()
    assert mailnet.sessions[0].ended == "the server hung up"


def test_a_rset_that_is_refused_keeps_the_mail(shop, client):
    shop.on_command("RSET").reply("451 4.3.0 Not now").times(1)
    client.mail("bob@sender.example")
    client.rset()

    assert client.rcpt("sales@shop.example")[0] == 250


def test_a_quit_that_is_refused_goes_on(shop, client):
    shop.on_command("QUIT").reply("502 5.5.1 Stay").times(1)
    client.docmd("QUIT")

    assert client.noop()[0] == 250


def test_an_answer_to_a_command_is_not_one_to_another(shop, client):
    shop.on_command("VRFY").reply("550 5.7.1 No")

    assert client.docmd("HELP")[0] == 214
    assert client.verify("alice") == (550, b"5.7.1 No")


def test_a_command_of_the_test_s_own_is_not_counted_as_a_bad_one(shop, client):
    shop.on_command("XFOO").reply("250 OK")

    assert [client.docmd("XFOO")[0] for _ in range(10)] == [250] * 10


def test_an_answer_is_for_one_sender_if_the_test_says_so(mailnet, shop, client):
    shop.on_command("NOOP", sender="198.51.100.1").reply("421 4.3.2 Not you")

    assert client.noop()[0] == 250


def test_a_handler_s_server_is_answered_for_too(mailnet):
    class Handler:
        pass

    app = mailnet.add_server("mx.app.example", domain="app.example", handler=Handler())
    app.on_command("NOOP").reply("421 4.4.2 timeout exceeded")
    app.on_command("XFOO").reply("250 fine")

    with smtplib.SMTP("mx.app.example", timeout=5) as client:
        assert client.docmd("XFOO") == (250, b"fine")
        assert client.noop() == (421, b"4.4.2 timeout exceeded")


def test_an_answer_that_nothing_meets_fails_the_test(make_mailnet):
    net = make_mailnet()
    shop = net.add_server(HOST, domain="shop.example")
    shop.on_command("RSET").reply("250 OK").times(1)

    with (
        pytest.raises(
            ExpectationFailed, match=r"on_command\('RSET'\).reply\('250 OK'\).times\(1\) was given 0"
        ),
        net,
    ):
        pass


@pytest.mark.parametrize(
    ("write", "error", "text"),
    [
        (lambda it: it.on_command("RCPT"), InvalidSetting, "RCPT is answered by .on_rcpt(...)"),
        (lambda it: it.on_command("helo"), InvalidSetting, "HELO is answered by .on_ehlo(...)"),
        (lambda it: it.on_command("BDAT"), InvalidSetting, "by .on_data(...) for the first chunk"),
        (
            lambda it: it.on_command("NOOP now"),
            InvalidSetting,
            "takes the first word of a command, as in 'NOOP'",
        ),
        (lambda it: it.on_command(None), InvalidSetting, "takes the first word of a command"),
        (lambda it: it.on_noop(), UnknownAttribute, ".on_command('NOOP') answers it"),
        (lambda it: it.on_command("NOOP").reply("354 Go"), InvalidReply, "understands 250 as yes"),
        (lambda it: it.on_rcpt().reply(Reply.raw(b"\r\n354 Go\r\n")), InvalidReply, "makes no sense at RCPT"),
        (lambda it: it.on_rcpt().reply_raw(b"x"), UnknownAttribute, r".reply(Reply.raw(b'\r\n250 OK\r\n'))"),
        (lambda it: it.on_command("NOOP").delayed(90), InvalidSetting, "90): of what?"),
        (lambda it: it.on_command("NOOP").delayed(), InvalidSetting, "As in .delayed(seconds=90)"),
        (
            lambda it: it.on_command("NOOP").delayed(seconds=-1),
            InvalidSetting,
            "delayed(seconds=-1): by how much?",
        ),
        (
            lambda it: it.on_command("NOOP").delay(seconds=1),
            UnknownAttribute,
            ".delayed(seconds=90) lets wait",
        ),
    ],
)
@pytest.mark.mailnet(strict=False)
def test_a_mistake_is_told_where_it_is_written(shop, write, error, text):
    with pytest.raises(error) as told:
        write(shop)

    assert text in str(told.value)


def test_a_reply_comes_as_late_as_the_test_says(mailnet, shop, client):
    mailnet.clock.compress()
    shop.on_message().reply("250 2.0.0 At last").delayed(minutes=1, seconds=30)
    client.sock.settimeout(100)
    before, really = mailnet.clock.time(), time.monotonic()

    client.sendmail("bob@sender.example", ["sales@shop.example"], MAIL)

    assert mailnet.clock.time() - before == 90
    assert time.monotonic() - really < 30


def test_who_waits_for_less_has_a_mail_that_was_taken(mailnet, shop, client):
    mailnet.clock.compress()
    shop.on_message().reply("250 2.0.0 At last").delayed(seconds=90)
    client.sock.settimeout(60)

    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        client.sendmail("bob@sender.example", ["sales@shop.example"], MAIL)
    assert len(shop.messages) == 1


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data"])
def test_an_answer_is_late_at_any_stage(mailnet, shop, stage):
    mailnet.clock.compress()
    getattr(shop, f"on_{stage}")().reply("451 4.3.0 Later").delayed(seconds=40).times(1)
    before = mailnet.clock.time()

    with contextlib.suppress(smtplib.SMTPException), smtplib.SMTP(HOST, timeout=60) as client:
        client.helo()
        client.sendmail("bob@sender.example", ["sales@shop.example"], MAIL)

    assert mailnet.clock.time() - before == 40


def test_a_server_can_hang_up_late(mailnet, shop, client):
    mailnet.clock.compress()
    shop.on_command("NOOP").disconnect().delayed(seconds=40)
    client.sock.settimeout(60)
    before = mailnet.clock.time()

    with pytest.raises(smtplib.SMTPServerDisconnected, match="unexpectedly closed"):
        client.noop()
    assert mailnet.clock.time() - before == 40


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        (b"\r\n250 OK id=1dKauY\r\n", [b"\r\n", b"250 OK id=1dKauY\r\n"]),
        (
            b"Warning: date(): no time zone\r\n250 OK\r\n",
            [b"Warning: date(): no time zone\r\n", b"250 OK\r\n"],
        ),
        (b"250 OK\r\n250 OK again\r\n", [b"250 OK\r\n", b"250 OK again\r\n"]),
    ],
)
def test_a_reply_can_go_out_as_any_bytes(mailnet, shop, client, sent, heard):
    shop.on_message().reply(Reply.raw(sent))
    client.mail("bob@sender.example")
    client.rcpt("sales@shop.example")
    client.docmd("DATA")

    client.send(b"Subject: hi\r\n\r\nhi\r\n.\r\n")

    assert [client.file.readline() for _ in heard] == heard
    assert len(shop.messages) == 1
    assert mailnet.sessions[0].exchanges[-1].reply == sent


def test_the_server_goes_on_by_the_first_reply_in_the_bytes(shop, client):
    shop.on_message().reply(Reply.raw(b"\r\n554 5.7.1 No\r\n250 OK\r\n"))
    client.mail("bob@sender.example")
    client.rcpt("sales@shop.example")
    client.docmd("DATA")
    client.send(b"Subject: hi\r\n\r\nhi\r\n.\r\n")

    assert [client.file.readline() for _ in range(3)][1] == b"554 5.7.1 No\r\n"
    assert shop.messages == []


def test_bytes_are_sent_before_the_server_hangs_up(shop, client):
    shop.on_command("NOOP").reply(Reply.raw(b"\r\n250 OK\r\n"), close=True)
    client.putcmd("NOOP")

    assert client.file.read() == b"\r\n250 OK\r\n"


@pytest.mark.parametrize("content", [b"", b"hello\r\n", b"25 OK\r\n", "250 OK\r\n"])
def test_bytes_without_a_reply_are_refused(content):
    with pytest.raises(InvalidReply, match="it takes bytes of which a line is a reply"):
        Reply.raw(content)
