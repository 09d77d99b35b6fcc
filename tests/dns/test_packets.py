"""Packets in, packets out: what the name server writes, as dnspython reads it."""

from __future__ import annotations

import struct

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import pytest

from pytest_mailnet.errors import ZoneError

LONG = "v=DKIM1; p=" + "QUJD" * 120


def told(section):
    return [rrset.to_text() for rrset in section]


@pytest.fixture
def shop(zones):
    """A domain with two exchangers and their addresses."""
    zones.add("shop.example", "MX", "10 mx.shop.example", "20 mx2.shop.example")
    zones.add("mx.shop.example", "A", "192.0.2.27")
    zones.add("mx.shop.example", "AAAA", "2001:db8::27")
    zones.add("mx2.shop.example", "A", "192.0.2.28")
    return zones


@pytest.mark.parametrize(
    ("rdtype", "value", "read"),
    [
        ("A", "192.0.2.27", "192.0.2.27"),
        ("AAAA", "2001:db8::27", "2001:db8::27"),
        ("MX", "10 mx.shop.example", "10 mx.shop.example."),
        ("MX", "0 .", "0 ."),
        ("TXT", "v=spf1 -all", '"v=spf1 -all"'),
        ("TXT", LONG, f'"{LONG[:255]}" "{LONG[255:]}"'),
        ("TXT", r'"a \"quote\"" "" "\255"', r'"a \"quote\"" "" "\255"'),
        ("CNAME", "mx.elsewhere.example", "mx.elsewhere.example."),
        ("PTR", "mx.shop.example", "mx.shop.example."),
        ("NS", "ns.shop.example", "ns.shop.example."),
        (
            "SOA",
            r"ns.shop.example first\.last.shop.example 1 7200 3600 1209600 300",
            r"ns.shop.example. first\.last.shop.example. 1 7200 3600 1209600 300",
        ),
        ("SRV", "0 1 587 smtp.shop.example", "0 1 587 smtp.shop.example."),
        ("CAA", '0 issue "ca.example"', '0 issue "ca.example"'),
        ("TLSA", "3 1 1 " + "ab" * 32, "3 1 1 " + "ab" * 32),
        ("OPENPGPKEY", "q80=", "q80="),
        ("TYPE65280", r"\# 4 0A000001", r"\# 4 0a000001"),
    ],
)
def test_a_record_of_any_type_is_read_back(zones, ask, rdtype, value, read):
    zones.add("shop.example", rdtype, value, ttl=77)

    reply = ask("shop.example", rdtype, use_edns=True)

    assert told(reply.answer) == [f"shop.example. 77 IN {rdtype} {read}"]
    assert reply.rcode() == dns.rcode.NOERROR


def test_an_alias_is_followed_in_one_answer(shop, ask):
    shop.add("www.shop.example", "CNAME", "mx.shop.example")

    assert told(ask("www.shop.example", "A").answer) == [
        "www.shop.example. 300 IN CNAME mx.shop.example.",
        "mx.shop.example. 300 IN A 192.0.2.27",
    ]


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [("no.shop.example", "A", dns.rcode.NXDOMAIN), ("mx2.shop.example", "AAAA", dns.rcode.NOERROR)],
    ids=["no such name", "no such record"],
)
def test_what_is_not_there_is_told_with_the_soa(shop, ask, name, rdtype, rcode):
    reply = ask(name, rdtype)

    assert (reply.rcode(), reply.answer) == (rcode, [])
    assert told(reply.authority) == [
        "shop.example. 300 IN SOA ns.mailnet.example. hostmaster.shop.example. 1 7200 3600 1209600 300"
    ]


def test_exchangers_come_with_their_addresses(shop, ask):
    reply = ask("shop.example", "MX")

    assert told(reply.additional) == [
        "mx.shop.example. 300 IN A 192.0.2.27",
        "mx.shop.example. 300 IN AAAA 2001:db8::27",
        "mx2.shop.example. 300 IN A 192.0.2.28",
    ]


def test_addresses_that_do_not_fit_are_left_out_and_the_answer_is_whole(zones, ask):
    for number in range(8):
        zones.add("shop.example", "MX", f"10 mx{number}.shop.example")
        zones.add(f"mx{number}.shop.example", "AAAA", "2001:db8::1", "2001:db8::2")

    reply = ask("shop.example", "MX", use_edns=False)

    assert dns.flags.to_text(reply.flags) == "QR RD RA"
    assert (len(reply.answer[0]), reply.additional) == (8, [])


def test_a_dot_within_a_label_is_read_back(zones, ask):
    zones.add(r"First\.Last.shop.example", "A", "192.0.2.27")
    zones.add("www.shop.example", "CNAME", r"first\.last.shop.example")

    assert told(ask(r"first\.last.shop.example", "A").answer) == [
        r"first\.last.shop.example. 300 IN A 192.0.2.27"
    ]
    assert told(ask("www.shop.example", "A").answer) == [
        r"www.shop.example. 300 IN CNAME first\.last.shop.example.",
        r"first\.last.shop.example. 300 IN A 192.0.2.27",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [("shop.example", "x" * 65281), ("shop.example\\", "x"), (r"shop.example\300", "x")],
    ids=["rdata of more than 65535 octets", "half an escape", "no octet"],
)
def test_a_record_that_no_packet_can_hold_is_told_where_it_is_added(zones, name, value):
    with pytest.raises(ZoneError):
        zones.add(name, "TXT", value)


def test_a_wildcard_answers_with_the_name_that_was_asked_for(shop, ask):
    shop.add("*.shop.example", "TXT", "anything")

    assert told(ask("Any.Thing.shop.example", "TXT").answer) == [
        'Any.Thing.shop.example. 300 IN TXT "anything"'
    ]


@pytest.mark.parametrize("recursion", [True, False])
def test_the_header_is_that_of_a_recursive_resolver(shop, reply_to, recursion):
    question = dns.message.make_query("shop.example", "MX", id=4711, use_edns=False)
    question.flags = dns.flags.RD if recursion else 0

    reply = dns.message.from_wire(reply_to(question.to_wire()))

    assert reply.id == 4711
    assert dns.flags.to_text(reply.flags) == ("QR RD RA" if recursion else "QR RA")
    assert reply.question == question.question


def test_an_answer_that_was_packed_before_gets_the_id_and_letters_of_its_own_question(shop, reply_to):
    questions = [
        dns.message.make_query(name, "MX", id=number)
        for number, name in enumerate(["shop.example", "sHoP.eXample", "SHOP.example", "shop.example"], 1)
    ]

    replies = [dns.message.from_wire(reply_to(question.to_wire())) for question in questions]

    assert [reply.id for reply in replies] == [1, 2, 3, 4]
    for question, reply in zip(questions, replies, strict=True):
        [asked] = question.question
        assert reply.question[0].name.to_text() == asked.name.to_text()
        assert reply.answer[0].name.to_text() == asked.name.to_text()


def test_the_questions_letters_are_kept_where_it_is_an_alias(shop, ask):
    shop.add("www.shop.example", "CNAME", "mx.shop.example")

    reply = ask("wWw.Shop.example", "A")

    assert [rrset.name.to_text() for rrset in reply.answer] == ["wWw.Shop.example.", "mx.shop.example."]


@pytest.mark.parametrize(
    ("options", "edns", "payload"),
    [
        ({"use_edns": False}, -1, 0),
        ({"use_edns": 0}, 0, 1232),
        ({"use_edns": 0, "want_dnssec": True}, 0, 1232),
        ({"use_edns": 0, "options": [dns.edns.GenericOption(65001, b"x")]}, 0, 1232),
    ],
    ids=["none", "plain", "DO", "unknown option"],
)
def test_an_opt_record_answers_an_opt_record(shop, ask, options, edns, payload):
    reply = ask("shop.example", "MX", **options)

    assert (reply.edns, reply.payload, reply.rcode()) == (edns, payload, dns.rcode.NOERROR)
    assert len(reply.answer[0]) == 2


def test_a_version_of_edns_that_nobody_has_is_told_so(shop, ask):
    reply = ask("shop.example", "MX", use_edns=1)

    assert (reply.rcode(), reply.edns, reply.answer) == (dns.rcode.BADVERS, 0, [])


@pytest.mark.parametrize(
    ("options", "fits"),
    [
        ({"use_edns": False}, 512),
        ({"use_edns": 0, "payload": 100}, 512),
        ({"use_edns": 0, "payload": 700}, 700),
        ({"use_edns": 0, "payload": 65535}, 1232),
    ],
)
def test_over_udp_an_answer_has_the_size_that_the_client_takes_and_no_more(zones, reply_to, options, fits):
    sizes = {}
    for count in range(60, 1300, 4):
        name = f"n{count}.example"
        zones.add(name, "TXT", "x" * count)
        packet = reply_to(dns.message.make_query(name, "TXT", **options).to_wire())
        truncated = bool(dns.message.from_wire(packet).flags & dns.flags.TC)
        sizes.setdefault(truncated, []).append((count, len(packet)))

    assert fits - 8 < max(size for _, size in sizes[False]) <= fits
    assert max(count for count, _ in sizes[False]) < min(count for count, _ in sizes[True])
    assert max(size for _, size in sizes[True]) < 100


def test_over_tcp_an_answer_is_whole(zones, ask):
    zones.add("shop.example", "TXT", *[f"{number} " + "x" * 200 for number in range(100)])

    reply = ask("shop.example", "TXT", tcp=True, use_edns=False)

    assert not reply.flags & dns.flags.TC
    assert len(reply.answer[0]) == 100


def test_names_far_behind_are_read_back(zones, ask):
    # A name that begins behind octet 16,383 cannot be pointed to (RFC 1035, 4.1.4).
    hosts = [f"{number} mx{number % 800}.exchange{number % 800}.example." for number in range(1600)]
    zones.add("shop.example", "MX", *hosts)

    reply = ask("shop.example", "MX", tcp=True)

    assert sorted(map(str, reply.answer[0])) == sorted(hosts)


def test_what_is_too_large_for_tcp_too_is_a_failure(zones, ask):
    zones.add("shop.example", "TXT", *[f"{number} " + "x" * 250 for number in range(300)])

    reply = ask("shop.example", "TXT", tcp=True)

    assert (reply.rcode(), reply.answer) == (dns.rcode.SERVFAIL, [])
    assert not reply.flags & dns.flags.TC


@pytest.mark.parametrize(
    ("rdtype", "rdclass", "rcode"),
    [
        ("TXT", "CH", dns.rcode.REFUSED),
        ("MX", "HS", dns.rcode.REFUSED),
        ("MX", "ANY", dns.rcode.FORMERR),
        ("AXFR", "IN", dns.rcode.NOTAUTH),
        ("IXFR", "IN", dns.rcode.NOTAUTH),
        ("MAILA", "IN", dns.rcode.NOTIMP),
        ("OPT", "IN", dns.rcode.FORMERR),
        ("TSIG", "IN", dns.rcode.FORMERR),
        ("TYPE128", "IN", dns.rcode.FORMERR),
    ],
)
def test_what_is_no_question_for_a_resolver_is_refused(shop, reply_to, rdtype, rdclass, rcode):
    question = dns.message.make_query("shop.example", rdtype, rdclass)

    reply = dns.message.from_wire(reply_to(question.to_wire()), ignore_trailing=True)

    assert (reply.rcode(), reply.answer) == (rcode, [])


@pytest.mark.parametrize(
    "opcode", [dns.opcode.IQUERY, dns.opcode.STATUS, dns.opcode.NOTIFY, dns.opcode.UPDATE]
)
def test_other_operations_are_not_implemented(shop, reply_to, journal, opcode):
    question = bytearray(dns.message.make_query("shop.example", "SOA", id=9).to_wire())
    question[2:4] = struct.pack("!H", opcode << 11)

    reply = reply_to(bytes(question))

    assert struct.unpack("!6H", reply) == (9, 0x8000 | opcode << 11 | dns.rcode.NOTIMP, 0, 0, 0, 0)
    assert journal.queries == []


def test_the_target_of_a_dname_is_whole_and_others_point_to_it(zones, reply_to):
    zones.add("old.example", "DNAME", "new.example")
    question = dns.message.make_query("x.old.example", "A", use_edns=False).to_wire()

    reply = reply_to(question)

    answers = reply[len(question) :]
    assert answers[:12] == b"\xc0\x0e" + struct.pack("!HHIH", 39, 1, 300, 13)[:10]
    assert answers[12:25] == b"\3new\7example\0"
    assert answers[25:41] == b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 300, 4) + b"\1x\xc0" + bytes(
        [len(question) + 12]
    )


@pytest.mark.parametrize(
    ("flags", "dnssec_ok", "told"),
    [
        ("RD", False, "QR RD RA"),
        ("RD AD", False, "QR RD RA AD"),
        ("RD", True, "QR RD RA AD"),
        ("RD CD", False, "QR RD RA CD"),
        ("AD CD", True, "QR RA AD CD"),
    ],
)
def test_a_client_that_asks_for_it_is_told_that_an_answer_is_signed(shop, reply_to, flags, dnssec_ok, told):
    shop.sign("shop.example")
    question = dns.message.make_query("shop.example", "MX", want_dnssec=dnssec_ok)
    question.flags = dns.flags.from_text(flags)

    reply = dns.message.from_wire(reply_to(question.to_wire()))

    assert dns.flags.to_text(reply.flags) == told
    assert reply.edns == (0 if dnssec_ok else -1)
    assert reply.ednsflags == (dns.flags.DO if dnssec_ok else 0)


def test_an_answer_of_a_zone_that_is_not_signed_has_the_flags_of_its_question_without_ad(shop, reply_to):
    question = dns.message.make_query("shop.example", "MX", want_dnssec=True)
    question.flags = dns.flags.from_text("RD AD CD")

    reply = dns.message.from_wire(reply_to(question.to_wire()))

    assert (dns.flags.to_text(reply.flags), reply.ednsflags) == ("QR RD RA CD", dns.flags.DO)


def test_answers_follow_what_the_test_changes_at_once(shop, ask):
    def found():
        return [str(it) for rrset in ask("shop.example", "TXT").answer for it in rrset]

    before = found()
    shop.add("shop.example", "TXT", "one")
    added = found()
    shop.remove("shop.example", "TXT")
    removed = found()

    assert (before, added, removed) == ([], ['"one"'], [])


def test_a_failure_is_told_so_many_times(shop, ask):
    shop.fail("shop.example", "SERVFAIL", times=2)

    rcodes = [ask("shop.example", "MX").rcode() for _ in range(3)]

    assert rcodes == [dns.rcode.SERVFAIL, dns.rcode.SERVFAIL, dns.rcode.NOERROR]


def test_every_question_is_recorded_once_as_it_was_asked(shop, ask, journal):
    ask("Shop.example", "MX")
    ask("no.shop.example", "A", tcp=True)
    ask("shop.example", "AXFR")

    assert [(it.name, it.rdtype, it.rcode, it.via, it.client) for it in journal.queries] == [
        ("Shop.example", "MX", "NOERROR", "udp", "203.0.113.7"),
        ("no.shop.example", "A", "NXDOMAIN", "tcp", "203.0.113.7"),
        ("shop.example", "AXFR", "NOTAUTH", "udp", "203.0.113.7"),
    ]
    assert journal.queries[0].answers == (
        "shop.example 300 MX 10 mx.shop.example.",
        "shop.example 300 MX 20 mx2.shop.example.",
    )
