"""The name server over real sockets: datagrams, streams, and the names of addresses."""

from __future__ import annotations

import socket
import struct
from datetime import UTC, datetime

import dns.flags
import dns.message
import dns.rcode
import dns.reversename
import pytest

from pytest_mailnet.net.mailnet import life_of

GOOGLE = ("8.8.8.8", 53)
GMAIL_2009 = datetime(2009, 7, 17, 22, 55, 58, tzinfo=UTC)
LONG = "v=DKIM1; p=" + "QUJD" * 1000


def question(name, rdtype="TXT", number=1, **options):
    return dns.message.make_query(name, rdtype, id=number, **options).to_wire()


def texts(packet):
    return [rdata.to_text() for rrset in dns.message.from_wire(packet).answer for rdata in rrset]


def framed(packet):
    return struct.pack("!H", len(packet)) + packet


@pytest.fixture
def numbered(mailnet):
    """Ten names, each with its number as its text."""
    for number in range(10):
        mailnet.dns.add(f"n{number}.shop.example", "TXT", f"number {number}")
    return mailnet


@pytest.fixture
def recorded(mailnet):
    """The questions that were asked, as name and transport."""
    return lambda: [(query.name, query.via) for query in mailnet.dns.queries]


@pytest.fixture
def standing(mailnet):
    """The connections that the engine has not let go of."""
    return lambda: set(life_of(mailnet).engine.calls.standing)


@pytest.fixture
def name_of(datagrams):
    """The name of an address as it is asked for over the wire, None for one without."""

    def ask(ip):
        name = dns.reversename.from_address(ip).to_text()
        datagrams.send(question(name, "PTR"))
        return next(iter(texts(datagrams.recv(4096))), None)

    return ask


def test_a_datagram_is_answered_by_a_datagram(numbered, datagrams, recorded):
    datagrams.send(question("n7.shop.example"))

    assert texts(datagrams.recv(4096)) == ['"number 7"']
    assert recorded() == [("n7.shop.example", "udp")]


def test_more_datagrams_than_are_read_at_once_are_all_answered(numbered, datagrams, recorded):
    for number in range(100):
        datagrams.send(question(f"n{number % 10}.shop.example", number=number))

    replies = [datagrams.recv(4096) for _ in range(100)]

    assert [(dns.message.from_wire(reply).id, *texts(reply)) for reply in replies] == [
        (number, f'"number {number % 10}"') for number in range(100)
    ]
    assert len(recorded()) == 100


def test_a_datagram_that_is_no_question_is_passed_over(numbered, datagrams, recorded):
    answer = bytearray(question("n1.shop.example"))
    answer[2] |= 0x80

    for packet in (b"", b"\0\1", bytes(answer), question("n2.shop.example", number=2)):
        datagrams.send(packet)

    assert dns.message.from_wire(datagrams.recv(4096)).id == 2
    assert recorded() == [("n2.shop.example", "udp")]


def test_what_is_cut_short_in_a_datagram_is_whole_in_a_stream(mailnet, datagrams, stream, recorded):
    mailnet.dns.add("key._domainkey.shop.example", "TXT", LONG)
    packet = question("key._domainkey.shop.example")

    datagrams.send(packet)
    cut = dns.message.from_wire(datagrams.recv(4096))
    stream.send(packet)
    whole = dns.message.from_wire(stream.receive())

    assert (bool(cut.flags & dns.flags.TC), cut.rcode(), cut.answer) == (True, dns.rcode.NOERROR, [])
    assert not whole.flags & dns.flags.TC
    assert b"".join(whole.answer[0][0].strings) == LONG.encode()
    assert recorded() == [("key._domainkey.shop.example", via) for via in ("udp", "tcp")]


def test_questions_in_one_segment_are_answered_in_order(numbered, stream, recorded):
    stream.send(*[question(f"n{number}.shop.example", number=number) for number in range(10)])

    replies = [stream.receive() for _ in range(10)]

    assert [dns.message.from_wire(reply).id for reply in replies] == list(range(10))
    assert [texts(reply) for reply in replies] == [[f'"number {number}"'] for number in range(10)]
    assert recorded() == [(f"n{number}.shop.example", "tcp") for number in range(10)]


def test_a_question_that_comes_byte_by_byte_is_answered_once(numbered, stream, recorded):
    for byte in framed(question("n3.shop.example")):
        stream.send_raw(bytes([byte]))

    assert texts(stream.receive()) == ['"number 3"']
    assert recorded() == [("n3.shop.example", "tcp")]


def test_a_segment_may_end_within_the_next_question(numbered, stream):
    first, second = (framed(question(f"n{number}.shop.example")) for number in (1, 2))

    stream.send_raw(first + second[:1])
    before = texts(stream.receive())
    stream.send_raw(second[1:])

    assert (before, texts(stream.receive())) == (['"number 1"'], ['"number 2"'])


def test_a_stream_goes_on_after_a_format_error(numbered, stream):
    stream.send(bytes(12), question("n4.shop.example", number=4))

    broken, answered = stream.receive(), stream.receive()

    assert dns.message.from_wire(broken).rcode() == dns.rcode.FORMERR
    assert texts(answered) == ['"number 4"']


@pytest.mark.parametrize(
    "packet", [b"", b"\0" * 11, b"\0\1\x81\x80" + bytes(8)], ids=["nothing", "half a header", "an answer"]
)
def test_a_stream_ends_with_what_is_no_question(numbered, standing, recorded, packet):
    questions = (question(f"n{number}.shop.example", number=number) for number in (4, 5))

    with socket.create_connection(GOOGLE, timeout=10) as sock, sock.makefile("rb") as read:
        sock.sendall(b"".join(map(framed, (next(questions), packet, next(questions)))))
        replies = read.read()

    assert texts(replies[2:]) == ['"number 4"']
    assert recorded() == [("n4.shop.example", "tcp")]
    assert standing() == set()


def test_what_was_asked_before_the_client_said_its_last_is_answered(numbered):
    with socket.create_connection(GOOGLE, timeout=10) as sock, sock.makefile("rb") as read:
        sock.sendall(framed(question("n5.shop.example")))
        sock.shutdown(socket.SHUT_WR)

        reply = read.read()

    assert texts(reply[2:]) == ['"number 5"']


def test_half_a_question_leaves_nothing_behind(numbered, standing, recorded):
    half = framed(question("n6.shop.example"))[:-1]

    with socket.create_connection(GOOGLE, timeout=10) as sock, sock.makefile("rb") as read:
        sock.sendall(half)
        sock.shutdown(socket.SHUT_WR)
        replies = read.read()

    assert (replies, recorded(), standing()) == (b"", [], set())


def test_streams_do_not_share_what_is_half_read(numbered):
    first, second = (framed(question(f"n{number}.shop.example")) for number in (8, 9))

    with (
        socket.create_connection(GOOGLE, timeout=10) as one,
        socket.create_connection(GOOGLE, timeout=10) as other,
    ):
        one.sendall(first[:20])
        other.sendall(second[:20])
        one.sendall(first[20:])
        from_one = one.recv(4096)
        other.sendall(second[20:])
        from_other = other.recv(4096)

    assert (texts(from_one[2:]), texts(from_other[2:])) == (['"number 8"'], ['"number 9"'])


@pytest.mark.parametrize("ip", ["192.0.2.99", "2001:db8::99"])
def test_the_address_of_a_host_has_its_name(mailnet, name_of, ip):
    mailnet.add_server("mx.shop.example", ip=["192.0.2.99", "2001:db8::99"])

    assert name_of(ip) == "mx.shop.example."


@pytest.mark.parametrize("version", ["ip", "ipv6"])
def test_the_address_of_the_sender_has_its_name_and_the_name_its_address(
    mailnet, name_of, datagrams, version
):
    mailnet.sender.ptr = "out.app.example"
    address = getattr(mailnet.sender, version)

    datagrams.send(question("out.app.example", "A" if version == "ip" else "AAAA"))

    assert texts(datagrams.recv(4096)) == [address]
    assert name_of(address) == "out.app.example."


def test_the_name_of_a_sender_goes_with_its_address(mailnet, name_of):
    mailnet.sender.ptr = "out.app.example"
    before = mailnet.sender.ip
    mailnet.sender.ip = "198.51.100.200"

    assert (name_of(before), name_of("198.51.100.200")) == (None, "out.app.example.")


@pytest.mark.parametrize("ip", ["192.0.2.98", "2001:db8::98"])
def test_an_address_that_nobody_has_has_no_name(mailnet, name_of, ip):
    assert name_of(ip) is None
    assert [query.rcode for query in mailnet.dns.queries] == ["NXDOMAIN"]


def test_gmails_exchangers_of_2009_take_as_many_octets_as_they_took(make_mailnet):
    with (
        make_mailnet(start=GMAIL_2009) as net,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
    ):
        net.provider("gmail", era=2009)
        sock.settimeout(10)
        sock.sendto(question("gmail.com", "MX", 16600, use_edns=False), GOOGLE)

        packet = sock.recv(4096)

    assert struct.unpack_from("!6H", packet) == (16600, 0x8180, 1, 5, 0, 5)
    assert len(packet) == 230


def test_a_test_is_offered_what_changes_names_and_what_was_asked(mailnet):
    names = {name for name in dir(mailnet.dns) if not name.startswith("_")}

    assert names == {"add", "fail", "listen", "load", "names", "queries", "remove", "sign"}
