"""The record of a net as lanes: who stands where, and what goes from whom to whom."""

from __future__ import annotations

import smtplib

import pytest

from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.record.journal import ClockMoved, Incident, Journal, Query, Started
from pytest_mailnet.record.session import Exchange, Finding, note
from pytest_mailnet.timeline.lanes import APPLICATION, DNS, OTHERS, Arrow, lanes_of
from pytest_mailnet.values import Endpoint, Stage

CLIENT = Endpoint("203.0.113.7", 40000)
BANNER = (Stage.CONNECT, b"", b"220 mx.shop.example ESMTP\r\n")


def session(journal, *exchanges, at=0.0, host="mx.shop.example", ip="192.0.2.10", client=CLIENT, **ends):
    made = journal.open_session(client, Endpoint(ip, 25), host, "shop")
    object.__setattr__(made, "at", at)
    for stage, request, reply, *finding in exchanges:
        made.exchanges.append(Exchange(at, stage, request, reply, *finding))
    note(made, **{"ended": "client quit", **ends})
    return made


def arrows(lanes):
    """All arrows, as text: who says what to whom."""
    names = [lane.name for lane in lanes.lanes]
    return [
        f"{names[it.start]} -> {names[it.end]}: {it.kind}: {' / '.join(it.lines)}"
        for row in lanes.rows
        for it in row.arrows
    ]


def test_the_application_is_first_then_the_dns_then_hosts_as_they_were_met(journal):
    session(journal, BANNER, at=0.1)
    session(journal, BANNER, at=0.2, host="mx.other.example", ip="192.0.2.11")
    journal.add(Query(0.3, "shop.example", "MX", "NOERROR", (), "udp", None, "203.0.113.7"))

    lanes = lanes_of(journal, {}).lanes

    assert [(it.name, it.addresses) for it in lanes] == [
        (APPLICATION, ("203.0.113.7",)),
        (DNS, ()),
        ("mx.shop.example", ("192.0.2.10",)),
        ("mx.other.example", ("192.0.2.11",)),
    ]


def test_a_net_that_nobody_asked_has_no_lane_for_the_dns(journal):
    session(journal, BANNER)

    assert [it.name for it in lanes_of(journal, {}).lanes] == [APPLICATION, "mx.shop.example"]


def test_a_session_goes_to_and_fro(journal):
    session(
        journal,
        BANNER,
        (
            Stage.RCPT,
            b"RCPT TO:<a@shop.example>\r\n",
            b"550 5.1.1 No\r\n",
            Finding("recipients", "no mailbox"),
        ),
        (Stage.MESSAGE, b"Subject: hi\r\n\r\nhi\r\n", b""),
        ended="server closed",
    )

    assert arrows(lanes_of(journal, {})) == [
        "application -> mx.shop.example: connect: 203.0.113.7:40000 connects to 192.0.2.10:25",
        "mx.shop.example -> application: reply: 220 mx.shop.example ESMTP",
        "application -> mx.shop.example: command: RCPT TO:<a@shop.example>",
        "mx.shop.example -> application: refusal: 550 5.1.1 No",
        "mx.shop.example -> application: why: recipients: no mailbox",
        "application -> mx.shop.example: command: Subject: hi /  / hi / .",
        "mx.shop.example -> application: lost: no reply",
        "application -> mx.shop.example: cut: server closed",
    ]


def test_a_question_has_its_answer(journal):
    journal.add(
        Query(0, "shop.example", "MX", "NOERROR", ("shop.example 300 MX 10 mx.shop.example.",), "udp")
    )
    journal.add(Query(0, "gone.example", "A", "NXDOMAIN", (), "getaddrinfo", fault="dns-nxdomain"))

    assert arrows(lanes_of(journal, {})) == [
        "application -> DNS: question: shop.example MX?  (udp)",
        "DNS -> application: answer: MX 10 mx.shop.example.",
        "application -> DNS: question: gone.example A?  (getaddrinfo)",
        "DNS -> application: refusal: NXDOMAIN",
        "DNS -> application: why: fault: dns-nxdomain",
    ]


def test_a_connection_that_did_not_come_about_is_lost(journal):
    journal.not_connected("203.0.113.7", Endpoint("192.0.2.10", 25), "mx.shop.example", 111, "it is refused")
    journal.not_connected("203.0.113.7", Endpoint("192.0.2.99", 25), "", 113, "nobody is there")

    assert arrows(lanes_of(journal, {})) == [
        "application -> mx.shop.example: lost: 203.0.113.7 cannot connect to 192.0.2.10:25: connection refused",
        "application -> mx.shop.example: why: it is refused",
        "application -> 192.0.2.99: lost: 203.0.113.7 cannot connect to 192.0.2.99:25: no route to host",
        "application -> 192.0.2.99: why: nobody is there",
    ]


def test_what_is_nobodys_goes_across_all_lanes(journal):
    session(journal, BANNER)
    journal.add(ClockMoved(0.1, 300, "2026-11-28 13:00:00"))
    journal.add(Incident(0.2, "leak", "two\nlines"))
    journal.add(Started(0.3, "sendmail"))

    rows = lanes_of(journal, {}).rows

    assert [row.arrows for row in rows[-2:]] == [
        (Arrow(0, 1, "time", ("clock: 5 min on, to 2026-11-28 13:00:00 UTC",)),),
        (Arrow(0, 1, "incident", ("leak: two", "lines")),),
    ]


def test_a_long_time_without_anything_is_told(journal):
    session(journal, BANNER, at=0.1)
    session(journal, BANNER, at=2.35)

    told = [it for it in arrows(lanes_of(journal, {})) if ": time: " in it]

    assert told == ["application -> mx.shop.example: time: 2.25 s later"]


@pytest.mark.parametrize(
    ("exchanges", "tls", "marked"),
    [
        ([BANNER, (Stage.STARTTLS, b"STARTTLS\r\n", b"220 Go\r\n"), (Stage.EHLO, b"EHLO a\r\n", b"250 a\r\n")], "TLSv1.3", "0 0 0 1 1"),
        ([BANNER, (Stage.STARTTLS, b"STARTTLS\r\n", b"454 No\r\n")], None, "0 0 0 0"),
        ([BANNER, (Stage.STARTTLS, b"STARTTLS\r\n", b"220 Go\r\n")], None, "0 0 0 0"),
        ([BANNER], "TLSv1.3", "0 1 1"),
    ],
    ids=["STARTTLS", "refused", "failed", "from the begin"],
)  # fmt: skip
def test_what_is_encrypted_is_marked(journal, exchanges, tls, marked):
    session(journal, *exchanges, tls=tls)

    assert " ".join(str(int(row.tls)) for row in lanes_of(journal, {}).rows) == marked


def test_a_relay_has_a_lane_of_its_own(mailnet, shop):
    mailnet.gmail.add_mailbox("bob", password="pw")
    with smtplib.SMTP_SSL("smtp.gmail.com", 465) as client:
        client.login("bob", "pw")
        client.sendmail("bob@gmail.com", ["alice@shop.example"], "Subject: hi\r\n\r\nhi\r\n")
    mailnet.deliver_all()
    life = life_of(mailnet)
    [relay] = life.internet.senders.sources

    lanes = lanes_of(life.journal, {relay.ip: relay.helo})

    assert [it.name for it in lanes.lanes] == [
        APPLICATION,
        DNS,
        "smtp.gmail.com",
        relay.helo,
        "mx.shop.example",
    ]
    assert f"{relay.helo} -> DNS: question: shop.example MX?  (relay)" in [
        it.replace("(tcp)", "(relay)").replace("(udp)", "(relay)") for it in arrows(lanes)
    ]
    assert any(it.startswith(f"{relay.helo} -> mx.shop.example: command: MAIL FROM:") for it in arrows(lanes))


def test_more_hosts_than_there_is_room_for_share_a_lane_and_are_named(journal):
    hosts = [f"mx.{letter}.example" for letter in "abcdefghijklmnop"]
    for host in hosts:
        session(journal, BANNER, host=host)

    lanes = lanes_of(journal, {})

    assert [it.name for it in lanes.lanes] == [APPLICATION, *hosts[:13], OTHERS]
    assert (
        "application -> other hosts: connect: 203.0.113.7:40000 connects to mx.p.example (192.0.2.10:25)"
        in arrows(lanes)
    )


def test_of_many_sessions_that_went_alike_the_first_is_shown(journal):
    for number in range(500):
        code = b"550 5.1.1 No" if number == 7 else b"250 2.1.5 OK"
        session(
            journal,
            BANNER,
            (Stage.RCPT, b"RCPT TO:<user%d@shop.example>\r\n" % number, code + b"\r\n"),
            at=number / 100_000,
        )
    journal.add(Query(1, "a1.example", "A", "NXDOMAIN", (), "udp"))
    journal.add(Query(1, "a2.example", "A", "NXDOMAIN", (), "udp"))

    lanes = lanes_of(journal, {})

    assert [row.label for row in lanes.rows] == ["[1]"] * 4 + [""] + ["[8]"] * 4 + ["", "", ""]
    told = [it for it in arrows(lanes) if ": more: " in it]
    assert told == [
        "application -> mx.shop.example: more: [2] to [7], [9] to [500] went the same way as [1]",
        "application -> DNS: more: [and 1 more like it]",
    ]


def test_a_short_record_is_not_folded(journal):
    for number in range(20):
        session(journal, BANNER, at=number / 1000)

    assert len({row.label for row in lanes_of(journal, {}).rows}) == 20


def test_a_net_that_nothing_came_to_has_no_rows():
    assert lanes_of(Journal(), {}).rows == ()
