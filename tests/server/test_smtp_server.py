"""The mail server on a real socket: pieces, limits, time-outs, endings."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import tracemalloc

import pytest

from pytest_mailnet.server.connection import Connection
from pytest_mailnet.server.faulty import Mishaps
from pytest_mailnet.server.mail_server import MailServer
from pytest_mailnet.smtp.commands import OwnDialogue
from pytest_mailnet.smtp.state import HANG_UP, Step
from pytest_mailnet.values import DELIVERY, Endpoint, Reply, Stage

CLIENT = Endpoint("203.0.113.7", 40000)
SERVER = Endpoint("192.0.2.27", 25)
EHLO = "250-mx.shop.example\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
QUEUED = "250 2.0.0 OK queued as 4Xy\r\n"
BYE = "221 2.0.0 mx.shop.example Service closing transmission channel\r\n"
IN_THE_CLEAR = [stage for stage in DELIVERY if stage not in {Stage.STARTTLS, Stage.AUTH}]
TO_DATA = ("EHLO app.example", "MAIL FROM:<bob@b.example>", "RCPT TO:<alice@shop.example>", "DATA")


@pytest.fixture
def shop(decider):
    return decider


@pytest.fixture
def connect(running, converse):
    return lambda: converse("127.0.0.1", running.port)


@pytest.fixture
def client(connect):
    return connect()


@pytest.fixture
def writing(client):
    """A client that is at the content."""
    for line in TO_DATA:
        reply = client.say(line)
    assert reply.startswith("354 ")
    return client


def test_smtplib_delivers(running, shop):
    content = b"Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n\r\n"

    with smtplib.SMTP("127.0.0.1", running.port, local_hostname="app.example") as client:
        client.sendmail("bob@b.example", ["alice@shop.example", "carl@shop.example"], content)
        client.sendmail("bob@b.example", ["alice@shop.example"], b"Subject: two\r\n", ["BODY=8BITMIME"])

    assert [kept for _, kept in shop.delivered] == [content, b"Subject: two\r\n"]
    assert shop.delivered[0][0].rcpt_tos == ("alice@shop.example", "carl@shop.example")
    assert shop.delivered[1][0].mail_options == ("size=14", "BODY=8BITMIME")


def test_a_whole_session_in_one_packet_is_answered_in_order(client, shop):
    client.send("\r\n".join([*TO_DATA, "Subject: one", ".", *TO_DATA[1:], ".", "QUIT", "NOOP", ""]).encode())

    said = client.rest().decode()

    transaction = "250 2.1.0 OK\r\n250 2.1.5 OK\r\n354 Start mail input; end with <CRLF>.<CRLF>\r\n" + QUEUED
    assert said == EHLO + transaction + transaction + BYE
    assert [content for _, content in shop.delivered] == [b"Subject: one\r\n", b""]


def test_a_whole_session_byte_by_byte_is_the_same(client, shop):
    said = []
    for line in [*TO_DATA, "Subject: one\r\n.", "QUIT"]:
        for byte in f"{line}\r\n".encode():
            client.send(bytes([byte]))
        said.append(client.reply())

    assert said[0] == EHLO
    assert said[-2:] == [QUEUED, BYE]
    assert client.rest() == b""
    assert shop.delivered[0][1] == b"Subject: one\r\n"


def test_ten_thousand_commands_in_one_go_are_all_answered(client):
    client.send(b"NOOP\r\n" * 10_000 + b"QUIT\r\n")

    assert client.rest() == b"250 2.0.0 OK\r\n" * 10_000 + BYE.encode()


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r.\r\n", b"\r\n.\n", b"\r\n.\r", b"\n.\r", b"\r\n\x00.\r\n"]
)
def test_a_second_mail_cannot_be_smuggled_in(writing, shop, end):
    second = b"MAIL FROM:<root@shop.example>\r\nRCPT TO:<all@shop.example>\r\nDATA\r\n"

    writing.send(b"Subject: one\r\n\r\nx" + end + second + b"Subject: two\r\n.\r\nQUIT\r\n")

    assert writing.rest().decode() == QUEUED + BYE
    assert len(shop.delivered) == 1
    assert second in shop.delivered[0][1]


def test_bare_line_ends_are_kept(writing, shop):
    writing.send(b"a\rb\nc\n\rd\r\r\ne\r\n.\r\n")

    assert writing.reply() == QUEUED
    assert shop.delivered[0][1] == b"a\rb\nc\n\rd\r\r\ne\r\n"


@pytest.mark.parametrize(
    ("content", "reply"),
    [
        (b"x" * 998 + b"\r\n", QUEUED),
        (
            b"x" * 499 + b"\r\n" + b"x" * 498 + b"\r\n",
            "552 5.3.4 Message size exceeds fixed maximum message size\r\n",
        ),
        ((b"x" * 998 + b"\r\n") * 1000, "552 5.3.4 Message size exceeds fixed maximum message size\r\n"),
        (b"." + b"." * 998 + b"\r\n", QUEUED),
    ],
)
def test_content_over_the_size_is_refused_and_the_session_goes_on(writing, shop, content, reply):
    writing.send(content + b".\r\n")

    assert writing.reply() == reply
    assert len(shop.delivered) == (reply == QUEUED)
    assert writing.say("MAIL FROM:<bob@b.example>") == "250 2.1.0 OK\r\n"


def test_content_with_a_long_line_is_refused_and_the_session_goes_on(shop, connect):
    shop.extensions = ("8BITMIME",)
    writing = connect()
    for line in TO_DATA:
        writing.say(line)

    writing.send(b"x" * 300_000 + b"\r\n.\r\n")

    assert writing.reply() == "500 5.6.0 Line too long\r\n"
    assert writing.say("MAIL FROM:<bob@b.example>") == "250 2.1.0 OK\r\n"
    assert shop.delivered == []


@pytest.mark.parametrize("length", [513, 1000, 1001, 1002, 1003, 300_000])
def test_an_overlong_command_gets_one_reply_when_its_end_has_come(client, running, journal, length):
    client.send(b"NOOP ".ljust(length - 2, b"x"))
    running.call(lambda: None)
    client.send(b"\r\nNOOP\r\nQUIT\r\n")

    assert client.rest().decode() == "500 5.5.2 Line too long\r\n250 2.0.0 OK\r\n" + BYE
    assert len(journal.sessions[0].exchanges[1].request) == 512


@pytest.mark.parametrize("stage", IN_THE_CLEAR)
def test_after_a_421_the_connection_is_closed_and_the_rest_dropped(shop, connect, stage):
    shop.answers[stage] = Reply.parse("421 4.3.2 Closing\nGood bye")
    client = connect()
    lines = [*TO_DATA, "Subject: one", "."]

    if stage is not Stage.CONNECT:
        client.send("\r\n".join([*lines, "NOOP", ""]).encode())

    said = client.banner + client.rest().decode()
    assert said.endswith("421-4.3.2 Closing\r\n421 4.3.2 Good bye\r\n")
    assert said.count("\r\n421 ") == 1
    assert shop.delivered == []


@pytest.mark.parametrize("stage", IN_THE_CLEAR)
def test_hanging_up_closes_without_a_word(shop, connect, journal, stage):
    shop.answers[stage] = HANG_UP
    client = connect()

    with contextlib.suppress(ConnectionError):
        client.send("\r\n".join([*TO_DATA, "Subject: one", ".", ""]).encode())
        said = client.rest().decode()
        assert said.count("250 ") == max(0, min(IN_THE_CLEAR.index(stage) - 1, 3))

    assert journal.sessions[0].ended == "the server hung up"
    assert journal.sessions[0].exchanges[-1].reply == b""


def test_a_client_that_vanishes_in_the_content_leaves_no_message(writing, shop, journal, departures):
    writing.send(b"Subject: half\r\n\r\nha")

    writing.close()
    departures.wait()

    [session] = journal.sessions
    assert shop.delivered == []
    assert session.exchanges[-1][1:4] == (None, b"Subject: half\r\n\r\nha", b"")
    assert session.ended == "client closed the connection"


def test_a_client_that_vanishes_in_a_command_is_recorded(client, journal, departures):
    client.send(b"MAIL FRO")

    client.close()
    departures.wait()

    assert journal.sessions[0].exchanges[-1][1:4] == (None, b"MAIL FRO", b"")


def test_a_client_that_resets_the_connection_is_recorded(client, journal, departures):
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    client.close()
    departures.wait()

    assert journal.sessions[0].ended == "connection reset"


def test_a_client_that_only_stops_sending_hears_its_replies(client, journal, departures):
    client.send(b"NOOP\r\nNOOP\r\n")
    client.socket.shutdown(socket.SHUT_WR)

    assert client.rest() == b"250 2.0.0 OK\r\n" * 2
    departures.wait()
    assert journal.sessions[0].ended == "client closed the connection"


def test_quitting_is_recorded(client, journal, departures):
    assert client.say("QUIT") == BYE
    assert client.rest() == b""
    departures.wait()

    assert journal.sessions[0].ended == "client quit"


def test_a_reset_breaks_the_connection_off(client, running, journal, departures):
    running.call(lambda: running.servers[0].reset("reset: its net was left"))

    with pytest.raises(ConnectionResetError):
        client.reply()
    departures.wait()
    assert journal.sessions[0].ended == "reset: its net was left"


class SteppedLoop(asyncio.SelectorEventLoop):
    """A loop whose clock the test moves."""

    now = 1000.0

    def time(self):
        return self.now


@pytest.fixture
def within_a_loop(shop, journal):
    """Run a scenario with the loop, a connected client's socket, the server, and a future that it is gone."""

    async def run(scenario):
        loop = asyncio.get_running_loop()
        client, accepted = socket.socketpair()
        client.setblocking(False)  # noqa: FBT003
        step = Step(
            journal.open_session(CLIENT, SERVER, shop.hostname, "shop"), CLIENT, SERVER, shop.hostname
        )
        gone = loop.create_future()
        dialogue = OwnDialogue(shop, step, journal)
        server = MailServer(dialogue, step, loop, shop, lambda: gone.set_result(None))
        server.mishaps = Mishaps(shop.faults, Connection(None, CLIENT, SERVER, None), step, server)
        await loop.connect_accepted_socket(lambda: server, accepted)
        with client:
            await scenario(loop, client, server, gone)

    with asyncio.Runner(loop_factory=SteppedLoop) as runner:
        yield lambda scenario: runner.run(run(scenario))


def test_a_client_that_does_not_read_is_not_read_from(within_a_loop):
    commands = b"EHLO app.example\r\n" * 1000

    async def scenario(loop, client, server, gone):
        sent = b""
        while server.transport.is_reading():
            piece = commands[len(sent) % len(commands) :]
            with contextlib.suppress(BlockingIOError):
                sent += piece[: client.send(piece)]
            await asyncio.sleep(0)
        assert server.transport.get_write_buffer_size() > 0

        client.shutdown(socket.SHUT_WR)
        said = b""
        while more := await loop.sock_recv(client, 1 << 20):
            said += more
        await gone
        assert said.count(b"250 SMTPUTF8\r\n") == sent.count(b"\n")

    within_a_loop(scenario)


def test_no_more_of_an_overlong_command_is_held_than_tells_its_length(within_a_loop):
    pieces = [b"x" * 300_000 for _ in range(3)]
    held = []

    async def scenario(_loop, _client, server, _gone):
        tracemalloc.start()
        try:
            for piece in pieces:
                server.data_received(piece)
                held.append(tracemalloc.get_traced_memory()[0])
        finally:
            tracemalloc.stop()

    within_a_loop(scenario)

    assert max(held) < 20_000


def test_of_a_client_that_vanishes_in_an_overlong_command_its_begin_is_recorded(
    client, running, journal, departures
):
    client.send(b"x" * 300_000)
    running.call(lambda: None)

    client.close()
    departures.wait()

    [*_, last] = journal.sessions[0].exchanges
    assert last.request == b"x" * 12_289
