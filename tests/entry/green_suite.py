"""A user's suite, run by test_gevent.py and test_eventlet.py in processes that GREEN and PATCHED tell of."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import smtplib
import socket
import ssl
import sys
import threading
import time
from pathlib import Path

import dns.resolver
import pytest

from pytest_mailnet import MailNet
from pytest_mailnet.errors import WouldHang
from pytest_mailnet.faults import FaultSchedule
from pytest_mailnet.net.mailnet import life_of

GREEN = os.environ["GREEN"]
if GREEN == "gevent":
    import gevent as library
    from gevent import socket as green_socket

    def ended(greenlet):
        return greenlet.get(timeout=15)

else:
    import eventlet as library
    from eventlet.green import socket as green_socket

    def ended(greenlet):
        return greenlet.wait()


patched = pytest.mark.skipif(
    os.environ["PATCHED"] == "no", reason="the standard library blocks in this process"
)
LINES = ["HELO app.example", "MAIL FROM:<bob@app.example>", "RCPT TO:<sales@shop.example>", "DATA", "hi\r\n."]


@pytest.fixture
def shop(mailnet):
    return mailnet.add_server("mx.shop.example", domain="shop.example")


@pytest.fixture
def address(shop, mailnet):
    [address] = mailnet.host("mx.shop.example").addresses
    return address


def converse(lines=LINES, **options):
    """Say some lines by a socket of the library; return it and what was said last."""
    sock = green_socket.create_connection(("mx.shop.example", 25), **options)
    try:
        with sock.makefile("rb") as replies:
            said = replies.readline()
            for line in lines:
                sock.sendall(f"{line}\r\n".encode())
                said = replies.readline()
    except BaseException:
        sock.close()
        raise
    return sock, said


def send(to="sales@shop.example", **options):
    with smtplib.SMTP("mx.shop.example", 25, **options) as client:
        client.sendmail("bob@app.example", [to], "Subject: hi\r\n\r\nhello\r\n")
        return client.sock.getpeername(), client.sock.getsockname()[0]


@patched
def test_the_module_socket_has_the_library_s_class():
    assert socket.socket is green_socket.socket


@patched
def test_smtplib_delivers_and_sees_the_virtual_addresses(shop, address, mailnet):
    ends = send()

    assert ends == ((address, 25), mailnet.sender.ip)
    assert [message.parsed["subject"] for message in shop.mailbox("sales").messages] == ["hi"]


@patched
def test_smtplib_delivers_in_ten_greenlets_and_ten_threads(shop):
    threads = [threading.Thread(target=send) for _ in range(10)]
    for thread in threads:
        thread.start()
    for greenlet in [library.spawn(send) for _ in range(10)]:
        ended(greenlet)
    for thread in threads:
        thread.join()

    assert len(shop.mailbox("sales").messages) == 20


@patched
def test_smtplib_is_refused_a_recipient(shop):
    shop.on_rcpt("carl@*").reply("550 5.1.1 no").times(1)

    with pytest.raises(smtplib.SMTPRecipientsRefused):
        send("carl@shop.example")


@patched
def test_smtplib_logs_in_behind_starttls_and_tls(mailnet):
    mailnet.gmail.add_mailbox("alice", password="pw")

    with smtplib.SMTP("smtp.gmail.com", 587, timeout=10) as client:
        client.starttls(context=ssl.create_default_context())
        assert client.login("alice", "pw")[0] == 235
    with smtplib.SMTP_SSL("smtp.gmail.com", 465, timeout=10) as client:
        assert client.login("alice", "pw")[0] == 235


@patched
def test_dnspython_asks_the_net(mailnet, shop):
    answer = dns.resolver.resolve("shop.example", "MX")

    assert [str(record) for record in answer] == ["10 mx.shop.example."]
    assert [query.name for query in mailnet.dns.queries] == ["shop.example"]


@patched
def test_smtplib_meets_its_time_out_in_no_time(shop, mailnet):
    mailnet.clock.compress()
    mailnet.fail("shop.example", "stalled-after-dot")
    began = mailnet.clock.time(), time.monotonic()

    with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
        send(timeout=50)

    assert mailnet.clock.time() - began[0] == pytest.approx(50, abs=0.1)
    assert time.monotonic() - began[1] < 10


@patched
def test_a_handshake_meets_its_time_out_in_no_time(shop, mailnet):
    mailnet.clock.compress()
    mailnet.fail("shop.example", "handshake-stalled-at-starttls")
    began = mailnet.clock.time()

    with smtplib.SMTP("mx.shop.example", 25, timeout=50) as client, pytest.raises(TimeoutError):
        client.starttls(context=ssl.create_default_context())

    assert mailnet.clock.time() - began == pytest.approx(50, abs=0.1)


@patched
def test_dnspython_meets_its_time_out_in_no_time(shop, mailnet):
    mailnet.clock.compress()
    mailnet.fail("shop.example", "dns-time-out")
    began = mailnet.clock.time(), time.monotonic()

    with pytest.raises(dns.resolver.LifetimeTimeout):
        dns.resolver.resolve("shop.example", "MX", lifetime=50)

    assert mailnet.clock.time() - began[0] == pytest.approx(50, abs=5)
    assert time.monotonic() - began[1] < 10


@patched
def test_the_application_s_event_loop_runs_beside_the_net(shop):
    async def banner():
        reader, writer = await asyncio.open_connection("mx.shop.example", 25)
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return line

    assert asyncio.run(banner()) == b"220 mx.shop.example ESMTP\r\n"


@patched
def test_the_event_loop_of_an_application_waits_in_no_time(shop, mailnet):
    mailnet.clock.compress()
    mailnet.fail("shop.example", "stalled-at-connect")
    began = time.monotonic()

    async def banner():
        reader, writer = await asyncio.open_connection("mx.shop.example", 25)
        try:
            return await asyncio.wait_for(reader.readline(), 50)
        finally:
            writer.close()

    with pytest.raises(TimeoutError):
        asyncio.run(banner())

    assert time.monotonic() - began < 10


def test_the_library_s_sockets_deliver_and_see_the_virtual_addresses(shop, address, mailnet):
    sock, said = converse()

    assert said[:4] == b"250 "
    assert (sock.getpeername(), sock.getsockname()[0]) == ((address, 25), mailnet.sender.ip)
    assert len(shop.mailbox("sales").messages) == 1
    sock.close()


def test_ten_greenlets_talk_at_the_same_time(shop, mailnet):
    for greenlet in [library.spawn(converse) for _ in range(10)]:
        ended(greenlet)[0].close()

    assert len(shop.mailbox("sales").messages) == 10
    assert len({session.client for session in mailnet.sessions}) == 10


def test_greenlets_work_while_the_test_waits_for_messages(shop, mailnet):
    greenlets = [library.spawn(converse) for _ in range(3)]

    assert len(mailnet.wait_for_messages(3)) == 3

    for greenlet in greenlets:
        ended(greenlet)[0].close()


def test_every_function_looks_up_in_the_net(mailnet, shop, address):
    assert {info[4] for info in green_socket.getaddrinfo("mx.shop.example", 25)} == {(address, 25)}
    assert green_socket.gethostbyname("mx.shop.example") == address
    assert green_socket.gethostbyname_ex("mx.shop.example") == ("mx.shop.example", [], [address])
    assert green_socket.gethostbyaddr(address) == ("mx.shop.example", [], [address])
    assert green_socket.getnameinfo((address, 25), 0) == ("mx.shop.example", "smtp")
    assert green_socket.getfqdn() == mailnet.sender.helo
    with pytest.raises(socket.gaierror, match=r"did you mean 'mx.shop.example'"):
        green_socket.getaddrinfo("mx.shop.exampl", 25)


def test_the_names_of_this_machine_are_its_own():
    assert ("127.0.0.1", 25) in {info[4] for info in green_socket.getaddrinfo("localhost", 25)}


@pytest.mark.parametrize("timeout", [0, 10, None])
def test_a_connect_by_its_number_succeeds(shop, address, timeout):
    sock = green_socket.socket()
    sock.settimeout(timeout)

    error = sock.connect_ex((address, 25))

    assert error == 0 or timeout == 0
    assert sock.getpeername() == (address, 25)
    sock.close()


def test_a_connection_meets_one_of_the_answers_that_are_drawn(shop, mailnet):
    # gevent and eventlet connect twice, to learn whether they have.
    mailnet.fail("shop.example", FaultSchedule(None, "refused-at-connect"))

    converse([])[0].close()
    with pytest.raises(ConnectionRefusedError):
        converse([])

    assert [session.host for session in mailnet.sessions] == ["mx.shop.example"]


@pytest.mark.mailnet(strict=False)
def test_a_leak_is_stopped_and_remembered(mailnet):
    with pytest.raises(OSError, match=r"ENETUNREACH|unreachable"):
        green_socket.create_connection(("198.51.100.77", 25))

    [leak] = life_of(mailnet).journal.incidents
    assert "198.51.100.77:25" in leak.text


@pytest.mark.parametrize(("timeout", "passed"), [(30, 30), (200, 127), (None, 127)])
def test_a_connect_that_nobody_answers_ends_in_no_time(shop, mailnet, timeout, passed):
    mailnet.clock.compress()
    mailnet.fail("shop.example", "dropped-at-connect")
    began = mailnet.clock.time(), time.monotonic()

    with pytest.raises(TimeoutError):
        green_socket.create_connection(("mx.shop.example", 25), timeout=timeout)

    assert mailnet.clock.time() - began[0] == pytest.approx(passed, abs=0.1)
    assert time.monotonic() - began[1] < 10


def test_a_time_out_of_the_library_ends_a_wait_in_no_time(shop, mailnet):
    class Mine(Exception):
        pass

    mailnet.clock.compress()
    mailnet.fail("shop.example", "stalled-after-dot")
    sock, _ = converse(LINES[:-1], timeout=300)
    began = mailnet.clock.time(), time.monotonic()
    sock.sendall(b"hi\r\n.\r\n")

    with pytest.raises(library.Timeout) as caught, library.Timeout(50) as outer, library.Timeout(70):
        sock.recv(100)
    with pytest.raises(Mine), library.Timeout(50, Mine()):
        sock.recv(100)
    with library.Timeout(50, exception=False):
        sock.recv(100)
    with library.Timeout(900), pytest.raises(TimeoutError):
        sock.recv(100)

    assert caught.value is outer
    assert mailnet.clock.time() - began[0] == pytest.approx(50 + 50 + 50 + 300, abs=0.1)
    assert time.monotonic() - began[1] < 10
    sock.close()


def test_a_wait_without_a_time_out_is_told_as_a_hang():
    net = MailNet()
    net.add_server("mx.shop.example", domain="shop.example")
    net.fail("shop.example", "stalled-at-connect")

    def test():
        with net:
            net.clock.compress()
            converse([])

    with pytest.raises(WouldHang):
        test()


def test_a_silent_connection_waits_while_another_greenlet_talks(shop, mailnet):
    mailnet.clock.compress()
    mailnet.fail("shop.example", "stalled-at-rcpt", times=1)
    silent = library.spawn(lambda: converse(timeout=50))
    while not any("RCPT" in str(session) for session in mailnet.sessions):
        library.sleep(0)

    converse()[0].close()

    with pytest.raises(TimeoutError):
        ended(silent)
    assert len(shop.mailbox("sales").messages) == 1


def test_a_sleep_is_named_once_in_the_record(mailnet, shop):
    mailnet.clock.compress()

    for _ in range(2):
        library.sleep(0.001)
    ended(library.spawn(converse))[0].close()
    mailnet.wait_for_messages(1)

    assert [incident.text for incident in life_of(mailnet).journal.incidents] == [
        f"{GREEN}.sleep takes its time: mailnet.clock.compress() cannot shorten it"
    ]


def test_nets_leave_no_thread_and_no_descriptor():
    def held():
        gc.collect()
        return len([*Path("/dev/fd").iterdir()]), len(threading.enumerate())

    def net_of_its_own():
        with MailNet() as net:
            net.add_server("mx.shop.example", domain="shop.example")
            converse()[0].close()

    net_of_its_own()
    before = held()
    for _ in range(5):
        net_of_its_own()

    assert held() == before


def names():
    """What all names that may be patched stand for: of modules, and of the classes in them."""
    roots = {GREEN, "socket", "_socket", "ssl", "select", "selectors", "time", "dns", "asyncio"}
    modules = {id(it): it for name, it in sys.modules.items() if name.split(".")[0] in roots}
    classes = {
        id(it): it for module in modules.values() for it in vars(module).values() if inspect.isclass(it)
    }
    inner = {id(cls): cls for cls in __import__("_socket").socket.__subclasses__()}
    return {
        (number, name): value
        for number, owner in (modules | classes | inner).items()
        for name, value in vars(owner).items()
        if name not in {"__warningregistry__", "__abstractmethods__", "_abc_impl"}
    }


def test_every_name_is_back_after_the_net():
    def changed():
        now = names()
        return {key[1] for key in before.keys() | now.keys() if before.get(key) is not now.get(key)}

    with MailNet() as net:  # what libraries import and keep at first use
        net.add_server("mx.shop.example", domain="shop.example")
        net.clock.compress()
        converse()[0].close()
    before = names()

    with MailNet() as net:
        net.add_server("mx.shop.example", domain="shop.example")
        net.clock.compress()
        converse()[0].close()
        assert changed() > {"connect_ex", "getaddrinfo", "start"}

    assert changed() == set()
