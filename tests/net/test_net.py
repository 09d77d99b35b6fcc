"""The net: its senders, hosts and mailboxes, its clock, waiting, and how it is left."""

from __future__ import annotations

import asyncio
import gc
import smtplib
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta

import pytest
import trio
import uvloop

from pytest_mailnet import MailNet
from pytest_mailnet.config import MailNetConfig
from pytest_mailnet.errors import (
    AddressInUse,
    ExpectationFailed,
    InvalidAddress,
    InvalidSetting,
    NothingArrived,
    UnknownName,
)
from pytest_mailnet.net.mailnet import life_of


def send(host="mx.shop.example", to="sales@shop.example", sender="bob@hotmail.com", **options):
    with smtplib.SMTP(host, 25, **options) as client:
        client.sendmail(sender, [to], "Subject: hi\r\n\r\nhello")


def test_servers_answer_without_delay(mailnet):
    """Else what follows a small write, as a reply follows the tickets of TLS, waits 40 ms for the kernel's ACK."""
    mailnet.add_server("mx.shop.example")

    with socket.create_connection(("mx.shop.example", 25)) as client:
        client.recv(100)
        [call] = life_of(mailnet).engine.calls.standing
        server = call.transport.get_extra_info("socket")

        assert server.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_it_works_without_pytest():
    with MailNet() as net:
        shop = net.add_server("mx.shop.example", domain="shop.example")
        send()

    assert len(shop.mailbox("sales").messages) == 1


def test_without_pytest_it_takes_settings():
    with MailNet(strict=False, addresses="public") as net:
        net.gmail.on_rcpt().reply("550 no").times(1)

    assert net.config == MailNetConfig(strict=False, addresses="public")


def test_a_setting_that_there_is_not_is_told():
    with pytest.raises(InvalidSetting, match=r"no setting 'strct' \(did you mean 'strict'"):
        MailNet(strct=False)


def test_a_start_without_a_time_zone_is_told():
    with pytest.raises(InvalidSetting, match="give it a tzinfo"):
        MailNet(start=datetime(2009, 7, 17))  # noqa: DTZ001


def test_left_without_an_exception_it_checks(monkeypatch):
    with pytest.raises(ExpectationFailed, match="was given 0 of 1 time"), MailNet() as net:
        net.gmail.on_rcpt().reply("550 no").times(1)


def test_left_by_an_exception_it_keeps_quiet():
    with pytest.raises(KeyboardInterrupt), MailNet() as net:  # noqa: PT012  # leaving is what is tested
        net.gmail.on_rcpt().reply("550 no").times(1)
        raise KeyboardInterrupt


def test_a_mail_reaches_the_mailbox_that_the_test_added(mailnet):
    alice = mailnet.gmail.add_mailbox("alice")

    send("gmail-smtp-in.l.google.com", "Alice@Gmail.com")

    [message] = alice.messages
    assert message is mailnet.messages[0]
    assert message.provider == "gmail"
    assert message.received == mailnet.clock.now()
    assert message.parsed["subject"] == "hi"
    assert message.session is mailnet.gmail.sessions[0]


def test_a_mailbox_that_is_not_there_names_the_near_misses(mailnet):
    mailnet.gmail.add_mailbox("alice")

    with pytest.raises(UnknownName) as error:
        mailnet.gmail.mailbox("alise")

    assert str(error.value) == (
        "no mailbox at gmail 'alise@gmail.com' (did you mean 'alice@gmail.com'? There is: alice@gmail.com). "
        "A provider knows the mailboxes that the test adds: .add_mailbox('alise')."
    )


@pytest.mark.parametrize(
    ("ask", "error", "told"),
    [
        (lambda net: net.provider("gmial"), UnknownName, "no provider 'gmial' (did you mean 'gmail'"),
        (
            lambda net: net.provider("gmail", era=2010),
            UnknownName,
            "no era of gmail '2010' (did you mean '2009'",
        ),
        (lambda net: net.host("mx.gmail.com"), UnknownName, "no host 'mx.gmail.com'"),
        (
            lambda net: net.gmail.add_mailbox("alice@hotmail.com"),
            InvalidAddress,
            "its users' addresses end in @gmail.com",
        ),
        (lambda net: net.gmail.replies.over_qouta, AttributeError, "no reply of gmail 'over_qouta'"),
        (lambda net: net.gmail.trust("10.0.0.1/8"), InvalidAddress, "is no network"),
        (lambda net: net.add_server("mx shop"), InvalidAddress, "'mx shop' cannot be a host or domain name"),
        (
            lambda net: net.add_server("mx.shop.example", domain="@shop"),
            InvalidAddress,
            "'@shop' cannot be a host",
        ),
        (
            lambda net: net.add_server("mx.shop.example", ip="1.2.3"),
            InvalidAddress,
            "'1.2.3' is no IP address",
        ),
        (
            lambda net: net.add_server("a.example", ip=net.sender.ip),
            AddressInUse,
            "belongs to 'app.sender.example'",
        ),
        (lambda net: net.add_sender(ip=net.sender.ip), AddressInUse, "203.0.113.7 was asked for by"),
        (lambda net: setattr(net.sender, "ip", "2001:db8::1"), InvalidAddress, "set sender.ipv6 to it"),
        (lambda net: net.clock.advance(), InvalidSetting, "moves only forward; a step of 0 s was asked for"),
        (lambda net: net.clock.set(datetime(2030, 1, 1)), InvalidSetting, "give it a tzinfo"),  # noqa: DTZ001
        (lambda net: net.listen("gmail-smtp-in.l.google.com", 26), InvalidSetting, "listens on 25"),
        (lambda net: net.gmial, AttributeError, "a mailnet has no attribute 'gmial' (did you mean 'gmail'?)"),
        (lambda net: setattr(net.sender, "dynmic", True), AttributeError, "no attribute 'dynmic'"),
        (
            lambda net: setattr(net.host("gmail-smtp-in.l.google.com"), "helo_onl", True),
            AttributeError,
            "'helo_onl'",
        ),
        (lambda net: net.sending_from("192.0.2.1").__enter__(), InvalidSetting, "mailnet.add_sender"),
        (
            lambda net: net.host("gmail-smtp-in.l.google.com").extensions.add("SIZE ten"),
            InvalidSetting,
            "'SIZE ten': SIZE takes a number of bytes, as in 'SIZE 35651584' (RFC 1870, 3)",
        ),
        (
            lambda net: net.gmail.on_mail(sender=3),
            InvalidSetting,
            "gmail.on_mail(sender=3): sender takes a Sender or a glob as in 'bob@*'",
        ),
        (
            lambda net: net.gmail.on_rcpt(3),
            InvalidSetting,
            "gmail.on_rcpt(3): it matches by a glob as in 'sales@*' or a function of the step",
        ),
    ],
)
def test_a_mistake_is_told_where_it_is_made(mailnet, ask, error, told):
    with pytest.raises(error) as raised:
        ask(mailnet)

    assert told in str(raised.value)


def test_an_era_is_asked_for_before_the_first_use(mailnet):
    assert mailnet.gmail.facts.title == "Gmail"

    with pytest.raises(InvalidSetting, match="is in this net already, as Gmail"):
        mailnet.provider("gmail", era=2009)


def test_a_host_added_twice_is_told(mailnet):
    mailnet.add_server("mx.shop.example")

    with pytest.raises(InvalidAddress, match=r"'MX\.shop\.example' is in this net already"):
        mailnet.add_server("MX.shop.example")


def test_hosts_get_addresses_of_the_documentation_ranges(mailnet):
    for number in range(600):
        mailnet.add_server(f"mx{number}.example")

    addresses = [host.addresses[0] for host in mailnet.hosts]
    assert len(set(addresses)) == 600
    assert addresses[0] == "192.0.2.10"
    assert {ip.rpartition(".")[0] for ip in addresses[:490]} == {"192.0.2", "198.51.100"}


@pytest.mark.mailnet(addresses="public")
def test_hosts_can_get_public_looking_addresses(mailnet):
    import ipaddress

    mailnet.add_server("mx.shop.example", domain="shop.example")

    assert ipaddress.ip_address(mailnet.host("mx.shop.example").addresses[0]).is_global
    send()


def test_without_a_domain_a_server_takes_whatever_it_is_given(mailnet):
    relay = mailnet.add_server("relay.corp.example")

    send("relay.corp.example", "anybody@anywhere.example")

    assert len(relay.mailbox("anybody@anywhere.example").messages) == 1


def test_a_trusted_network_may_relay(mailnet):
    shop = mailnet.add_server("mx.shop.example", domain="shop.example")
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send(to="carl@hotmail.com")

    shop.trust("203.0.113.0/24")
    send(to="carl@hotmail.com")

    assert mailnet.messages[0].envelope.rcpt_tos == ("carl@hotmail.com",)


def test_a_host_that_refuses_connections_can_take_them_again(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    mailnet.host("mx.shop.example").refuse_connections()
    with pytest.raises(ConnectionRefusedError, match=r"mx\.shop\.example: the connection is refused"):
        send()

    mailnet.host("mx.shop.example").accept_connections()
    send()

    assert len(mailnet.messages) == 1


def test_the_sender_is_who_the_servers_see(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    mailnet.sender.ip = "198.51.100.77"
    mailnet.sender.ptr = "mail.app.example"

    send()

    assert mailnet.sessions[0].client.ip == "198.51.100.77"
    assert socket.gethostbyaddr("198.51.100.77")[0] == "mail.app.example"


def test_the_reverse_name_of_the_sender_resolves_to_it(mailnet):
    mailnet.sender.ip = "198.51.100.77"
    mailnet.sender.ptr = "mail.app.example"

    assert socket.gethostbyname("mail.app.example") == "198.51.100.77"


def test_a_sender_is_chosen_by_the_address_that_is_bound_or_for_a_block(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    bound = mailnet.add_sender(ip="198.51.100.9")
    chosen = mailnet.add_sender()

    send(source_address=(bound.ip, 0))
    with mailnet.sending_from(chosen):
        send()
    send()

    assert [session.client.ip for session in mailnet.sessions] == [bound.ip, chosen.ip, "203.0.113.7"]


def test_the_clock_stands_still_until_it_is_moved():
    start = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    net = MailNet(start=start)

    assert net.clock.now() == start
    assert net.clock.advance(days=1, minutes=1) == start + timedelta(days=1, minutes=1)
    assert net.clock.set(start + timedelta(days=2)) == start + timedelta(days=2)
    assert net.clock.time() == (start + timedelta(days=2)).timestamp()


def test_waiting_ends_when_the_messages_are_there(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    senders = [threading.Thread(target=send) for _ in range(3)]

    for sender in senders:
        sender.start()
    messages = mailnet.wait_for_messages(3)

    assert len(messages) == 3
    for sender in senders:
        sender.join()


def test_waiting_in_vain_says_how_many_came(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    send()

    with pytest.raises(NothingArrived) as error:
        mailnet.wait_for_messages(2, timeout=0.01)

    assert str(error.value).startswith("waited 0.01 s for 2 messages, and 1 message came.")


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run, lambda coroutine: trio.run(lambda: coroutine)])
def test_waiting_has_an_async_twin(mailnet, run):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    sender = threading.Thread(target=send)

    async def wait():
        sender.start()
        arrived = await mailnet.wait_for_messages_async(1)
        with pytest.raises(NothingArrived):
            await mailnet.wait_for_messages_async(2, timeout=0.01)
        return arrived

    messages = run(wait())

    assert [message.provider for message in messages] == ["mx.shop.example"]
    sender.join()


def test_two_providers_of_one_domain_are_tried_by_preference(mailnet):
    import dns.resolver

    mailnet.add_server("mx1.shop.example", domain="shop.example", preference=10)
    mailnet.add_server("mx2.shop.example", domain="shop.example", preference=20)

    answer = dns.resolver.resolve("shop.example", "MX")

    assert sorted(str(mx) for mx in answer) == ["10 mx1.shop.example.", "20 mx2.shop.example."]


def test_a_net_in_a_net_hides_the_outer_one(make_mailnet):
    with make_mailnet() as outer:
        outer.add_server("mx.shop.example", domain="shop.example")
        with make_mailnet() as inner:
            with pytest.raises(socket.gaierror):
                send()
            inner.add_server("mx.shop.example", domain="shop.example")
            send()
        send()

    assert len(inner.messages) == len(outer.messages) == 1


def test_a_connection_that_outlives_its_net_is_reset(make_mailnet):
    with make_mailnet() as net:
        net.add_server("mx.shop.example", domain="shop.example")
        client = socket.create_connection(("mx.shop.example", 25))
        client.recv(100)

    with client, pytest.raises(ConnectionResetError):
        client.recv(100)

    assert net.sessions[0].ended == "reset: its net was left"


def test_a_connection_that_has_ended_is_let_go_of(mailnet):
    mailnet.add_server("mx.shop.example", domain="shop.example")

    for _ in range(20):
        send()
    life_of(mailnet).engine.settled()
    gc.collect()

    # The last ones may be on their way out in the engine's thread.
    kept = [it for it in gc.get_objects() if issubclass(type(it), asyncio.Transport) and it.is_closing()]
    assert len(kept) < 10


def test_the_errors_survive_a_pickle():
    import pickle

    error = UnknownName("mailbox", "alise", ["alice"], "Add it.")

    again = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert str(again) == str(error)
    assert again.known == ("alice",)


@pytest.mark.parametrize("port", ["587", 0, 65536, 2.5])
def test_a_port_that_is_none_is_told(mailnet, port):
    with pytest.raises(InvalidSetting, match=r"is no port, 1 to 65535"):
        mailnet.add_server("mx.shop.example", ports=[25, port])


def test_a_host_that_is_not_known_is_told_with_its_near_misses(mailnet):
    with pytest.raises(UnknownName, match=r"did you mean 'smtp\.gmail\.com'"):
        mailnet.host("smtp.gmial.com")


def test_a_password_that_is_no_text_is_told(mailnet):
    with pytest.raises(InvalidSetting, match="a password is a text"):
        mailnet.gmail.add_mailbox("alice", password=b"open sesame")


def test_a_net_that_cannot_begin_leaves_nothing_patched():
    code = (
        "import resource, socket\n"
        "from pytest_mailnet import MailNet\n"
        "with MailNet():\n"
        "    pass\n"
        "before = socket.socket.connect\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (4, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))\n"
        "try:\n"
        "    with MailNet():\n"
        "        pass\n"
        "except OSError as error:\n"
        "    print(error.strerror, socket.socket.connect is before)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("Too many open files True\n", "")
