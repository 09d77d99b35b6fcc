"""What each fault puts on the wire in place of a reply, byte by byte, and what the net's record says of it."""

from __future__ import annotations

import socket

import pytest

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.faults import FAULTS
from pytest_mailnet.record.session import Exchange

HOST = "mx.shop.example"
OK = b"250 2.1.0 OK\r\n"
MAIL = b"MAIL FROM:<app@sender.example>\r\n"
RCPT = b"RCPT TO:<alice@shop.example>\r\n"
QUIT = b"QUIT\r\n"
BYE = b"221 2.0.0 mx.shop.example Service closing transmission channel\r\n"


@pytest.fixture
def connect(mailnet, shop):
    opened = []

    def connected():
        opened.append(socket.create_connection((HOST, 25), timeout=45))
        return opened[-1]

    yield connected
    for sock in opened:
        sock.close()


def line(sock):
    """A reply of one line, or what there is of it."""
    said = b""
    while not said.endswith(b"\r\n") and (part := sock.recv(1)):
        said += part
    return said


def reply(sock):
    said = line(sock)
    while said.rsplit(b"\r\n", 2)[-2][3:4] == b"-":
        said += line(sock)
    return said


def at_mail(sock):
    """Go on until MAIL is next."""
    reply(sock)
    sock.sendall(b"EHLO app.example\r\n")
    reply(sock)


def rest(sock):
    """All that comes, and how it ends."""
    said = b""
    try:
        while part := sock.recv(4096):
            said += part
    except TimeoutError:
        return said, "nothing more"
    except ConnectionResetError:
        return said, "reset"
    return said, "closed"


@pytest.mark.parametrize(
    ("manner", "said", "ends"),
    [
        ("closed", b"", "closed"),
        ("reset", b"", "reset"),
        ("stalled", b"", "nothing more"),
        ("cut", OK[:7], "closed"),
        ("trickling", OK, "nothing more"),
        ("unended", OK[:-2], "nothing more"),
        ("miscontinued", b"250-2.1.0 OK\r\n251 and more\r\n", "nothing more"),
        ("overlong", b"250 2.1.0 OK" + b"x" * 69_988 + b"\r\n", "nothing more"),
        ("rubbish", b"\x00\xff\xfe\x16\x03\x01\r\n" + OK, "nothing more"),
        ("late", OK, "nothing more"),
        ("half-open", OK, "nothing more"),
    ],
)
def test_a_reply_goes_wrong_like_this(mailnet, connect, manner, said, ends):
    mailnet.host(HOST).fail(f"{manner}-at-mail")
    sock = connect()
    at_mail(sock)

    sock.sendall(MAIL)

    assert rest(sock) == (said, ends)
    [session] = mailnet.sessions
    assert session.exchanges[-1].reply == said
    assert session.exchanges[-1].finding.rule == "fault"
    assert FAULTS[f"{manner}-at-mail"].does == session.exchanges[-1].finding.why


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (b"250 2.1.0 OK\r\n", 250),
        (b"250\r\n", 250),
        (b"250-mx\r\n250 OK\r\n", 250),
        (b"", None),
        (b"\x00\xff\xfe\x16\x03\x01\r\n250 2.1.0 OK\r\n", None),
        (b"25", None),
        (b"2 0 OK\r\n", None),
        (b"-25 OK\r\n", None),
        ("٢٥٠ OK".encode(), None),
    ],
)
def test_only_a_reply_that_begins_with_a_code_has_one(reply, code):
    assert Exchange(0.0, None, b"", reply).code == code


def test_a_half_open_connection_is_reset_at_the_next_word(mailnet, connect):
    mailnet.host(HOST).fail("half-open-at-mail")
    sock = connect()
    at_mail(sock)
    sock.sendall(MAIL)
    assert line(sock) == OK

    sock.sendall(RCPT)

    assert rest(sock) == (b"", "reset")


def test_an_early_reply_comes_before_its_command_and_not_again(mailnet, connect):
    host = mailnet.host(HOST)
    host.fail("early-at-rcpt")
    sock = connect()
    at_mail(sock)

    sock.sendall(MAIL)
    assert (line(sock), line(sock)) == (OK, b"250 OK\r\n")
    sock.sendall(RCPT)
    sock.sendall(QUIT)

    assert rest(sock) == (BYE, "closed")


@pytest.mark.parametrize(
    ("fault", "ends"), [("closed", "closed"), ("reset", "reset"), ("stalled", "nothing more")]
)
@pytest.mark.parametrize(
    ("where", "content", "taken"), [("in-content", b"x", 0), ("after-dot", b"x\r\n.\r\n", 1)]
)
def test_around_the_dot_a_mail_is_taken_or_not(mailnet, shop, connect, fault, ends, where, content, taken):
    mailnet.host(HOST).fail(f"{fault}-{where}")
    sock = connect()
    at_mail(sock)
    for said in (MAIL, RCPT, b"DATA\r\n"):
        sock.sendall(said)
        told = line(sock)
    assert told[:4] == b"354 "

    sock.sendall(content)

    assert rest(sock) == (b"", ends)
    [session] = mailnet.sessions
    assert session.exchanges[-1].finding.why == FAULTS[f"{fault}-{where}"].does
    assert len(mailnet.messages) == taken
    assert FAULTS[f"{fault}-{where}"].taken == bool(taken)


def test_a_slow_link_brings_fifty_bytes_a_second(mailnet, connect):
    mailnet.host(HOST).fail("slow-at-connect")
    sock = connect()
    banner = line(sock)
    began = mailnet.clock.time()

    sock.sendall(b"EHLO app.example\r\n")
    told = reply(sock)

    assert len(banner) < 50 < len(told)
    assert mailnet.clock.time() - began == pytest.approx(len(banner + told) // 50, abs=1)


def test_a_slow_link_brings_all_before_it_closes(mailnet, connect):
    mailnet.host(HOST).fail("slow-at-connect")
    sock = connect()
    line(sock)

    sock.sendall(QUIT)

    assert rest(sock) == (BYE, "closed")


def test_a_slow_link_that_brings_nothing_closes_at_once(mailnet, shop, connect):
    mailnet.host(HOST).fail("slow-at-connect")
    shop.on_mail().disconnect()
    sock = connect()
    at_mail(sock)

    sock.sendall(MAIL)

    assert rest(sock) == (b"", "closed")


def test_what_comes_while_a_reply_is_late_is_answered_after_it(mailnet, connect):
    mailnet.host(HOST).fail("late-at-mail", times=1)
    sock = connect()
    at_mail(sock)
    sock.settimeout(600)

    sock.sendall(MAIL)
    sock.sendall(RCPT)
    sock.sendall(QUIT)

    assert rest(sock)[0].startswith(OK)


def test_handshakes_fail_in_one_way_at_a_time(mailnet, shop):
    mailnet.host(HOST).fail("expired-at-starttls")

    with pytest.raises(InvalidSetting, match="that would never happen, since 'expired-at-starttls'"):
        mailnet.host(HOST).fail("handshake-refused-at-starttls", times=1)
