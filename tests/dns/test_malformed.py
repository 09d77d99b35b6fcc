"""Packets that are none: answered FORMERR or not at all, and never with an exception or a word in the log."""

from __future__ import annotations

import dns.edns
import dns.message
import dns.rcode
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mailnet.dns.name_server import NameServer
from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.record.journal import Journal

# The fixtures are not changed by a question, so that one of each does for all examples.
often = settings(max_examples=300)

HEADER = bytes.fromhex("1234 0100 0001 0000 0000 0000".replace(" ", ""))
MX_IN = b"\0\x0f\0\1"
TXT_IN = b"\0\x10\0\1"
OPT = bytes.fromhex("0000290400000000000000")


@pytest.fixture
def reply_to():
    """Hand a packet to a name server that knows a wildcard, so that odd names find something."""
    zones = Resolver()
    zones.add("*.shop.example", "TXT", "anything")
    zones.add("shop.example", "MX", "10 mx.shop.example")
    server = NameServer(zones, Journal())

    def answer(packet, *, tcp=False):
        return server.answer(packet, tcp=tcp, server=None, client="203.0.113.7")

    return answer


def assert_sane(packet, reply):
    if reply is not None:
        read = dns.message.from_wire(reply)
        assert reply[:2] == packet[:2]
        assert read.flags & 0x8000


QUESTIONS = st.builds(
    lambda name, rdtype, edns: dns.message.make_query(name, rdtype, use_edns=edns).to_wire(),
    st.sampled_from(["shop.example", "a.shop.example", "x.example", "."]),
    st.sampled_from(["MX", "TXT", "A", "ANY", "TYPE65280", "OPT"]),
    st.sampled_from([False, 0, 1]),
)
MISTAKEN = st.builds(
    lambda question, at, removed, inserted, end: (question[:at] + inserted + question[at + removed :])[:end],
    QUESTIONS,
    st.integers(0, 60),
    st.integers(0, 4),
    st.binary(max_size=4),
    st.integers(12, 80),
)


@often
@given(packet=st.binary(max_size=600), tcp=st.booleans())
def test_any_bytes_are_answered_sanely_or_not_at_all(reply_to, caplog, packet, tcp):
    assert_sane(packet, reply_to(packet, tcp=tcp))

    assert caplog.records == []


@often
@given(packet=MISTAKEN, tcp=st.booleans())
def test_a_question_with_an_error_is_answered_sanely_or_not_at_all(reply_to, caplog, packet, tcp):
    assert_sane(packet, reply_to(packet, tcp=tcp))

    assert caplog.records == []


LABELS = st.lists(st.binary(min_size=1, max_size=63), max_size=5)


@often
@given(
    labels=LABELS,
    below=st.sampled_from([b"", b"\4shop\7example", b"\4shop\x08example."]),
    tcp=st.booleans(),
)
def test_a_name_of_any_octets_is_asked_for_and_told(reply_to, labels, below, tcp):
    name = b"".join(bytes([len(label)]) + label for label in labels) + below + b"\0"
    packet = HEADER + name + TXT_IN

    reply = reply_to(packet, tcp=tcp)

    if len(name) > 255:
        assert reply is None or dns.message.from_wire(reply).rcode() == dns.rcode.FORMERR
    else:
        assert reply[12 : 12 + len(name)] == name
        assert dns.message.from_wire(reply).rcode() in {dns.rcode.NXDOMAIN, dns.rcode.NOERROR}


@pytest.mark.parametrize(
    "packet",
    [
        HEADER[:4] + b"\0\0" + HEADER[6:],
        HEADER[:4] + b"\0\2" + HEADER[6:] + b"\1a\0" + MX_IN + b"\1b\0" + MX_IN,
        HEADER[:4] + b"\0\2" + HEADER[6:] + b"\1a\0" + MX_IN,
        HEADER,
        HEADER + b"\4shop",
        HEADER + b"\4shop\0\0\x0f",
        HEADER + b"\xc0\x0c" + MX_IN,
        HEADER + b"\1a\xc0\x0c" + MX_IN,
        HEADER + b"\xc0\x0e\xc0\x0c" + MX_IN,
        HEADER + b"\xc0\xff" + MX_IN,
        HEADER + b"\x40" + b"a" * 64 + b"\0" + MX_IN,
        HEADER + b"\x3f" + b"a" * 63 + (b"\x3f" + b"b" * 63) * 3 + b"\0" + MX_IN,
    ],
    ids=[
        "no question",
        "two questions",
        "one question of two",
        "a header alone",
        "half a name",
        "half a type",
        "a pointer to itself",
        "a pointer to the label before it",
        "two pointers in a ring",
        "a pointer past the end",
        "a label of 64 octets",
        "a name of 257 octets",
    ],
)
def test_what_cannot_be_read_is_a_format_error(reply_to, packet):
    reply = reply_to(packet)

    assert reply[:4] == bytes.fromhex("12348101")
    assert reply[4:] == bytes(8)


@pytest.mark.parametrize("records", [b"\0\0\x29\x04", OPT + OPT], ids=["half an OPT record", "two of them"])
def test_what_cannot_be_read_behind_a_question_is_a_format_error_in_that(reply_to, records):
    packet = HEADER[:10] + b"\0" + bytes([len(records) // len(OPT) or 1]) + b"\1a\0" + MX_IN + records

    reply = reply_to(packet)

    assert reply == bytes.fromhex("123481010001000000000000") + b"\1a\0" + MX_IN


@pytest.mark.parametrize(
    "packet",
    [b"", b"\x12", HEADER[:11], HEADER[:2] + b"\x81\x80" + HEADER[4:] + b"\1a\0" + MX_IN],
    ids=["nothing", "one octet", "half a header", "an answer"],
)
def test_what_is_no_question_gets_no_answer(reply_to, packet):
    assert reply_to(packet) is None


def test_labels_and_names_of_the_greatest_length_are_answered(reply_to):
    name = (b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"b" * 61 + b"\0"
    assert len(name) == 255

    reply = reply_to(HEADER + name + MX_IN)

    assert dns.message.from_wire(reply).rcode() == dns.rcode.NXDOMAIN


@pytest.mark.parametrize(
    ("name", "rcode"),
    [
        (b"\3a.b\4shop\7example\0", dns.rcode.NOERROR),
        (b"\4a..b\4shop\7example\0", dns.rcode.NOERROR),
        (b"\1.\4shop\7example\0", dns.rcode.NOERROR),
        (b"\2a\\\4shop\7example\0", dns.rcode.NOERROR),
        (b"\6a.shop\7example\0", dns.rcode.NXDOMAIN),
        (b"\4a..b\4shop\x08example.\0", dns.rcode.NXDOMAIN),
        (b"\x0fshop\\046example\0", dns.rcode.NXDOMAIN),
    ],
)
def test_a_dot_in_a_label_is_not_its_end(reply_to, name, rcode):
    reply = reply_to(HEADER + name + TXT_IN)

    assert dns.message.from_wire(reply).rcode() == rcode
    assert reply[12 : 12 + len(name)] == name


def test_a_question_that_cannot_be_read_is_not_recorded():
    journal = Journal()
    server = NameServer(Resolver(), journal)

    server.answer(HEADER + b"\xc0\x0c" + MX_IN, tcp=False, server=None, client="203.0.113.7")

    assert journal.entries == ()
