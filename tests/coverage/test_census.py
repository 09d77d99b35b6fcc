"""The census of a net: each reply, connection, look-up, handshake and log-in in its cell, as its client met it."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from collections import Counter

import dns.exception
import dns.resolver
import pytest

from pytest_mailnet import FAULTS, Crasher, Fault, FaultSchedule, Reply
from pytest_mailnet.coverage import Cell, Census
from pytest_mailnet.coverage.outcomes import told_fault
from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.plugin.coverage_run import count_net
from pytest_mailnet.record.session import Exchange, Finding
from pytest_mailnet.values import DELIVERY

MAIL = "Subject: x\r\n\r\nx\r\n"


def send(host="mx.shop.example", to="sales@shop.example", *, encrypt=False, timeout=10):
    """Send a mail, and be content with whatever comes."""
    with contextlib.suppress(OSError), smtplib.SMTP(host, timeout=timeout) as client:
        if encrypt:
            client.starttls(context=ssl.create_default_context())
        client.sendmail("bob@sender.example", [to], MAIL)


def test_a_mail_that_is_taken_is_a_yes_at_each_stage(met):
    send()

    assert {cell[1:]: count for cell, count in met().items() if cell.table == "stages"} == {
        (stage, "2yz"): 1 for stage in ("connect", "ehlo", "mail", "rcpt", "data", "message", "quit")
    }


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt", "data", "message"])
@pytest.mark.parametrize(("reply", "kind"), [("451 4.3.0 Later", "4yz"), ("554 5.7.1 No", "5yz")])
def test_a_refusal_stands_at_its_stage(net, column, stage, reply, kind):
    shop = net.provider("mx.shop.example")
    getattr(shop, f"on_{stage}")().reply(reply)

    send()

    assert column("stages", stage)[kind] >= 1  # smtplib says HELO after an EHLO that is refused


def test_a_server_that_hangs_up_has_cut_the_connection(net, column):
    net.provider("mx.shop.example").on_rcpt().disconnect()

    send()

    assert column("stages", "rcpt") == {"cut": 1}


CAME_OUT = {
    "closed": "cut",
    "reset": "cut",
    "cut": "cut",
    "stalled": "silent",
    "unended": "silent",
    "late": "silent",
    "rubbish": "unreadable",
    "overlong": "unreadable",
    "miscontinued": "unreadable",
    "trickling": "2yz",
    "half-open": "2yz",
}


@pytest.mark.parametrize("manner", CAME_OUT)
@pytest.mark.parametrize(
    ("stage", "at"), [("connect", "at-connect"), ("rcpt", "at-rcpt"), ("message", "after-dot")]
)
def test_a_fault_stands_where_its_client_met_it(net, met, manner, stage, at):
    net.fail("shop.example", f"{manner}-{at}", times=1)

    send()

    counted = met()
    assert {cell.column for cell in counted if cell[:2] == ("stages", stage)} == {CAME_OUT[manner]}
    assert counted[Cell("faults", "", f"{manner}-{at}")] == 1


@pytest.mark.parametrize(("manner", "kind"), [("closed", "cut"), ("reset", "cut"), ("stalled", "silent")])
def test_amid_the_content_a_connection_ends_or_falls_silent(net, met, manner, kind):
    net.fail("shop.example", f"{manner}-in-content", times=1)

    send()

    counted = met()
    assert counted[Cell("stages", "content", kind)] == 1
    assert counted[Cell("stages", "data", "2yz")] == 1
    assert not [cell for cell in counted if cell[:2] == ("stages", "message")]


def test_a_client_that_waits_for_a_late_reply_has_it(net, column):
    net.fail("shop.example", "late-at-rcpt", times=1)

    send(timeout=60)

    assert column("stages", "rcpt") == {"2yz": 1}


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("refused", "cut"), ("unreachable", "cut"), ("no-route", "cut"), ("dropped", "silent")],
)
def test_a_connection_that_is_not_made_has_no_greeting(net, met, fault, kind):
    net.fail("shop.example", f"{fault}-at-connect")

    send()

    counted = met()
    assert counted[Cell("stages", "connect", kind)] >= 1
    assert counted[Cell("faults", "", f"{fault}-at-connect")] >= 1


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (b"\r\n250 2.1.5 OK\r\n", "unreadable"),
        (b"250 2.1.5 OK\r\n250 2.1.5 OK\r\n", "2yz"),  # the second is taken for the next command's
        (b"250-2.1.5 OK\r\n251 2.1.5 OK\r\n", "unreadable"),
        (b"250\r\n", "2yz"),
    ],
)
def test_a_raw_reply_is_read_as_a_client_reads_it(net, column, raw, kind):
    net.provider("mx.shop.example").on_rcpt().reply(Reply.raw(raw))

    send()

    assert kind in column("stages", "rcpt")


def resolve(name, rdtype):
    with contextlib.suppress(dns.exception.DNSException):
        dns.resolver.resolve(name, rdtype, lifetime=5)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("dns-servfail", "SERVFAIL"),
        ("dns-refused", "SERVFAIL"),
        ("dns-lame", "SERVFAIL"),
        ("dns-nxdomain", "NXDOMAIN"),
        ("dns-nodata", "NODATA"),
        ("dns-time-out", "time-out"),
        ("dns-wrong-id", "time-out"),
        ("dns-truncated", "time-out"),
        ("dns-mx-dangling", "answer"),
    ],
)
@pytest.mark.parametrize("rdtype", ["MX", "A"])
def test_a_look_up_stands_under_its_type(net, met, fault, kind, rdtype):
    if fault == "dns-mx-dangling" and rdtype == "A":
        pytest.skip("it happens to MX records alone")
    name = "shop.example" if rdtype == "MX" else "mx.shop.example"
    net.dns.fail(name, fault)

    resolve(name, rdtype)

    counted = met()
    row = "MX" if rdtype == "MX" else "A/AAAA"
    assert {cell.column for cell in counted if cell[:2] == ("lookups", row)} == {kind}
    assert counted[Cell("faults", "", fault)] >= 1


def test_a_time_out_of_getaddrinfo_is_one(net, met):
    net.dns.fail("mx.shop.example", "dns-time-out")

    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("mx.shop.example", 25)

    counted = met()
    assert counted[Cell("lookups", "A/AAAA", "time-out")] == 1
    assert counted[Cell("faults", "", "dns-time-out")] == 1


def test_a_host_without_ipv6_lacks_nothing(column):
    socket.getaddrinfo("mx.shop.example", 25)

    assert column("lookups", "A/AAAA") == {"answer": 1}


def test_a_name_without_any_address_is_nodata(net, column):
    net.dns.add("parked.example", "TXT", "for sale")

    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("parked.example", 25)

    assert set(column("lookups", "A/AAAA")) == {"NODATA"}


def test_other_types_have_a_row_that_does_not_count(column):
    resolve("shop.example", "TXT")

    assert column("lookups", "other") == {"NODATA": 1}


@pytest.mark.parametrize(
    ("fault", "column_of"),
    [
        ("handshake-stalled", "silent"),
        ("handshake-closed", "cut"),
        ("broken-record", "broken"),
        ("clear-again", "broken"),
        ("no-close-notify", "cut"),
        ("expired", "untrusted"),
        ("wrong-name", "untrusted"),
        ("self-signed", "untrusted"),
        ("old-protocol", "version"),
        ("handshake-refused", "refused"),
    ],
)
def test_a_handshake_comes_out_as_its_client_met_it(net, met, fault, column_of):
    net.fail("shop.example", f"{fault}-at-starttls")

    send(encrypt=True)

    counted = met()
    assert {cell.column: count for cell, count in counted.items() if cell.table == "tls"} == {column_of: 1}
    assert counted[Cell("faults", "", f"{fault}-at-starttls")] == 1


def test_a_handshake_that_is_done_and_one_that_is_refused(net, column):
    net.provider("mx.shop.example").on_starttls().reply("454 4.7.0 TLS not available").times(1)

    send(encrypt=True)
    send(encrypt=True)

    assert column("tls", "handshake") == {"refused": 1, "done": 1}


def test_a_starttls_without_an_answer_is_no_handshake(net, met):
    net.fail("shop.example", "stalled-at-starttls")

    send(encrypt=True)

    assert not [cell for cell in met() if cell.table == "tls"]


def test_log_ins_are_accepted_put_off_and_refused(net, column):
    net.gmail.add_mailbox("alice", password="open sesame")
    net.gmail.submission.on_auth().reply("454 4.7.0 Temporary authentication failure").times(2)

    for password in ("open sesame", "open sesame", "wrong"):
        with smtplib.SMTP("smtp.gmail.com", 587) as client:
            client.starttls(context=ssl.create_default_context())
            with contextlib.suppress(smtplib.SMTPAuthenticationError):
                client.login("alice@gmail.com", password)

    # smtplib tries another mechanism after each refusal.
    assert column("logins", "log-in") == {"not now": 2, "accepted": 1, "refused": 2}


def test_the_replies_of_a_provider_are_met_or_not(net, met):
    net.gmail.add_mailbox("alice")

    send("gmail-smtp-in.l.google.com", "alice@gmail.com")
    send("gmail-smtp-in.l.google.com", "carl@gmail.com")

    counted = met()
    assert counted[Cell("replies", "gmail", "ok_queued")] == 1
    assert counted[Cell("replies", "gmail", "user_unknown")] == 1
    assert counted[Cell("replies", "gmail", "ok_ehlo")] == 2
    assert Cell("replies", "gmail", "mailbox_full") in counted
    assert not counted[Cell("replies", "gmail", "mailbox_full")]
    assert not [cell for cell in counted if cell.row == "hotmail"]


def test_an_era_has_replies_of_its_own(net, met):
    net.provider("hotmail", era=2009)
    net.sender.dynamic = True

    send("mx1.hotmail.com", "bob@hotmail.com")

    rows = {cell.row for cell in met() if cell.table == "replies"}
    assert rows == {"hotmail-2009"}


def test_a_server_of_one_s_own_has_no_catalogue(met):
    send()

    assert not [cell for cell in met() if cell.table == "replies"]


def test_what_a_relay_meets_is_not_the_application_s(net, column):
    net.gmail.add_mailbox("alice", password="open sesame")
    net.provider("mx.shop.example").on_rcpt().reply("550 5.1.1 No such user")
    with smtplib.SMTP("smtp.gmail.com", 587) as client:
        client.starttls(context=ssl.create_default_context())
        client.login("alice@gmail.com", "open sesame")
        client.sendmail("alice@gmail.com", ["sales@shop.example"], MAIL)
    net.deliver_all()

    assert column("stages", "rcpt") == {"2yz": 1}


def test_what_the_application_s_own_server_says_it_does_not_meet(net, met):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        net.add_server("mx.app.example", domain="app.example", at=listener.getsockname())

        def refuse():
            with listener.accept()[0] as client:
                client.sendall(b"554 5.7.1 No service\r\n")

        thread = threading.Thread(target=refuse)
        thread.start()
        send("mx.app.example", "support@app.example")
        thread.join()

    assert not [cell for cell in met() if cell.table == "stages"]


def test_a_reply_before_which_the_application_died_was_not_met(net, column):
    places = Crasher(net)
    places.call(send)
    dot = next(it.number for it in places.places if it.what == "250 to content")

    Crasher(net, at=dot).call(send)

    assert column("stages", "message") == {"2yz": 2}  # of three that the server gave


def test_a_net_that_is_entered_again_is_counted_once(make_mailnet):
    census, net = Census(), make_mailnet()
    net.add_server("mx.shop.example")

    for _ in range(2):
        with net:
            send()
        count_net(census, life_of(net))

    assert census.met[Cell("nets", "", "")] == 1
    assert census.met[Cell("stages", "message", "2yz")] == 2


@pytest.mark.parametrize("fault", [it for it in FAULTS.values() if isinstance(it, Fault)], ids=str)
def test_a_fault_is_told_by_what_the_record_says_of_it(fault):
    assert told_fault(Exchange(0.0, fault.stage, b"", b"", Finding("fault", fault.does))) == fault


def test_a_schedule_and_a_late_reply_of_one_s_own_are_faults_too(net, met):
    net.fail("shop.example", FaultSchedule("dns-servfail", "closed-at-mail"))
    net.host("mx.shop.example").fail("late-at-rcpt", seconds=2)

    resolve("shop.example", "MX")
    send()
    send()

    counted = met()
    found = {cell.column for cell in counted if cell.table == "faults"}
    assert found == {"dns-servfail", "closed-at-mail", "late-at-rcpt"}


def test_the_counts_of_two_runs_add_up():
    cell = Cell("stages", DELIVERY[0], "2yz")
    first, second = Counter({cell: 1}), Counter({Cell("stages", "connect", "2yz"): 2})

    first.update(second)

    assert first == {cell: 3}
