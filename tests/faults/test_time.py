"""Waits that a fault causes: the client's own time-out, at once, and the net's clock that much later."""

from __future__ import annotations

import asyncio
import select
import selectors
import smtplib
import socket
import ssl
import threading
import time

import dns.asyncresolver
import dns.exception
import dns.resolver
import pytest

from pytest_mailnet import MailNet
from pytest_mailnet.errors import ExpectationFailed, InvalidSetting, WouldHang
from pytest_mailnet.net.mailnet import life_of

aiosmtplib = pytest.importorskip("aiosmtplib")
trio = pytest.importorskip("trio")

HOST = "mx.shop.example"
MAIL = "Subject: hi\r\n\r\nhello\r\n"


@pytest.fixture(autouse=True)
def at_once():
    """No test here waits: a time-out of a minute is met in less than fifteen seconds."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < 15


def test_a_stalled_server_costs_a_client_its_time_out_and_the_test_nothing(mailnet, passed):
    mailnet.fail("shop.example", "stalled-at-rcpt")

    with (
        pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"),
        smtplib.SMTP(HOST, timeout=60) as client,
    ):
        client.sendmail("a@sender.example", ["b@shop.example"], MAIL)

    assert passed() == 60


def test_a_connect_that_is_never_answered_times_out(mailnet, passed):
    mailnet.fail("shop.example", "dropped-at-connect")

    with pytest.raises(TimeoutError, match="timed out"):
        smtplib.SMTP(HOST, timeout=30)

    assert passed() == 30


def test_a_connect_without_a_time_out_ends_as_the_kernel_ends_it(mailnet, passed):
    mailnet.fail("shop.example", "dropped-at-connect")

    with pytest.raises(TimeoutError, match="Connection timed out"):
        smtplib.SMTP(HOST)

    assert passed() == 127


def test_a_connect_that_is_never_answered_really_waits_where_time_is_not_compressed():
    with MailNet() as net:
        net.add_server(HOST, domain="shop.example")
        net.fail("shop.example", "dropped-at-connect")
        began = time.monotonic()

        with pytest.raises(TimeoutError):
            socket.create_connection((HOST, 25), timeout=0.1)

        assert time.monotonic() - began >= 0.1


def test_a_late_banner_is_heard_by_who_waits_long_enough(mailnet, passed):
    mailnet.fail("shop.example", "late-at-connect")

    with smtplib.SMTP(HOST, timeout=60) as client:
        assert client.noop()[0] == 250

    assert passed() == 30


def test_a_late_banner_is_not_heard_by_who_hangs_up_before(mailnet, passed):
    mailnet.fail("shop.example", "late-at-connect")

    with pytest.raises(smtplib.SMTPServerDisconnected):
        smtplib.SMTP(HOST, timeout=20)

    assert passed() == 20


def test_moving_the_clock_brings_a_late_reply(mailnet, shop):
    mailnet.fail("shop.example", "late-at-connect")
    with socket.create_connection((HOST, 25), timeout=60) as sock:
        sock.settimeout(0)
        with pytest.raises(BlockingIOError):
            sock.recv(100)
        sock.settimeout(60)

        mailnet.clock.advance(seconds=30)

        assert sock.recv(100).startswith(b"220 ")


def test_a_slow_link_takes_as_long_as_its_bytes(mailnet, passed):
    mailnet.fail("shop.example", "slow-at-connect")

    with smtplib.SMTP(HOST, timeout=5) as client:
        banner_and_ehlo = len(b"220 \r\n") + len(client.ehlo()[1])

    assert passed() >= banner_and_ehlo // 50


def test_a_stalled_handshake_times_out(mailnet, passed):
    mailnet.fail("shop.example", "handshake-stalled-at-starttls")

    with smtplib.SMTP(HOST, timeout=45) as client, pytest.raises(TimeoutError, match="handshake"):
        client.starttls(context=ssl.create_default_context())

    assert passed() == 45


def test_a_server_that_stalls_behind_tls_costs_nothing_either(mailnet, passed):
    mailnet.fail("shop.example", "stalled-at-mail")

    with (
        pytest.raises(smtplib.SMTPServerDisconnected),
        smtplib.SMTP_SSL(HOST, timeout=15) as client,
    ):
        client.sendmail("a@sender.example", ["b@shop.example"], MAIL)

    assert passed() == 15


def test_asyncio_s_time_outs_run_on_the_net_s_clock(mailnet, passed, lived):
    mailnet.fail("shop.example", "stalled-at-ehlo")

    async def meet():
        client = aiosmtplib.SMTP(hostname=HOST, port=25, timeout=40, start_tls=False)
        try:
            with pytest.raises(aiosmtplib.SMTPException):  # noqa: PT012
                await client.connect()
                await client.ehlo()
        finally:
            client.close()

    asyncio.run(meet())

    assert 40 <= passed() <= 40 + lived()


def test_an_asyncio_connect_that_is_never_answered_times_out(mailnet, passed, lived):
    mailnet.fail("shop.example", "dropped-at-connect")

    async def meet():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.open_connection("192.0.2.10", 25), 50)

    asyncio.run(meet())

    assert 50 <= passed() <= 50 + lived()


def test_what_another_thread_does_for_a_loop_is_not_cut_short(mailnet, shop):
    mailnet.fail("shop.example", "stalled-at-connect")
    done = threading.Event()

    async def meet():
        _, writer = await asyncio.open_connection(HOST, 25)
        loop = asyncio.get_running_loop()
        loop.call_later(0.05, done.set)
        try:
            assert await asyncio.wait_for(loop.run_in_executor(None, done.wait, 5), 60)
        finally:
            writer.close()

    asyncio.run(meet())


def test_a_loop_waits_for_the_threads_of_an_executor_that_it_shuts_down(mailnet, shop):
    mailnet.fail("shop.example", "stalled-at-connect")
    at_work, over = threading.Event(), []

    def hold():
        at_work.set()
        over.append(threading.Event().wait(0.2))

    async def meet():
        _, writer = await asyncio.open_connection(HOST, 25)
        loop = asyncio.get_running_loop()
        given = loop.run_in_executor(None, hold)
        at_work.wait(5)
        given.cancel()  # nobody waits for it any more, as for a look-up whose connect has timed out
        try:
            await loop.shutdown_default_executor()
        finally:
            writer.close()

    asyncio.run(meet())

    assert over == [False]


def test_trio_s_time_outs_run_on_the_net_s_clock(mailnet, passed, lived):
    mailnet.fail("shop.example", "stalled-at-connect")

    async def meet():
        with trio.fail_after(35):
            async with await trio.open_tcp_stream(HOST, 25) as stream:
                await stream.receive_some()

    with pytest.raises(trio.TooSlowError):
        trio.run(meet)

    assert 35 <= passed() <= 35 + lived()


def test_a_trio_connect_that_is_never_answered_times_out(mailnet, passed, lived):
    mailnet.fail("shop.example", "dropped-at-connect")

    async def meet():
        with trio.fail_after(50):
            await trio.open_tcp_stream(HOST, 25)

    with pytest.raises(trio.TooSlowError):
        trio.run(meet)

    assert 50 <= passed() <= 50 + lived()


def test_trio_hears_a_late_reply_behind_tls(mailnet, passed):
    mailnet.fail("shop.example", "late-at-connect")

    async def meet():
        context = ssl.create_default_context()
        with trio.fail_after(45):
            stream = await trio.open_ssl_over_tcp_stream(HOST, 465, ssl_context=context)
            banner = await stream.receive_some()
            await trio.aclose_forcefully(stream)
            return banner

    assert trio.run(meet).startswith(b"220 ")
    assert passed() == 30


def test_dnspython_s_resolver_gives_up_when_its_lifetime_is_over(mailnet, passed, lived):
    mailnet.fail("shop.example", "dns-time-out")

    with pytest.raises(dns.resolver.LifetimeTimeout):
        dns.resolver.resolve("shop.example", "MX", lifetime=20)

    assert 20 <= passed() <= 22 + lived()  # the pause before its last try runs over


def test_dnspython_on_asyncio_gives_up_too(mailnet, passed, lived):
    mailnet.fail("shop.example", "dns-time-out")

    with pytest.raises(dns.resolver.LifetimeTimeout):
        asyncio.run(dns.asyncresolver.resolve("shop.example", "MX", lifetime=20))

    assert 20 <= passed() <= 22 + lived()  # the pause before its last try runs over


def test_dnspython_on_trio_gives_up_too(mailnet, passed, lived):
    mailnet.fail("shop.example", "dns-time-out")

    async def resolve():
        await dns.asyncresolver.resolve("shop.example", "MX", lifetime=20)

    with pytest.raises(dns.resolver.LifetimeTimeout):
        trio.run(resolve)

    assert 20 <= passed() <= 22 + lived()  # the pause before its last try runs over


def test_clients_that_wait_at_the_same_time_each_meet_their_time_out(mailnet, passed):
    mailnet.fail("shop.example", "stalled-at-connect")
    met = []

    def meet():
        with socket.create_connection((HOST, 25), timeout=60) as sock:
            try:
                sock.recv(1)
            except TimeoutError:
                met.append(passed())

    threads = [threading.Thread(target=meet) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(met) == 4
    assert 60 <= passed() <= 240


def test_who_waits_for_a_server_that_speaks_loses_no_time(mailnet, passed):
    with smtplib.SMTP(HOST, timeout=60) as client:
        client.sendmail("a@sender.example", ["b@shop.example"], MAIL)

    assert passed() == 0


def test_a_wait_without_a_time_out_is_told_and_fails_the_test():
    with pytest.raises(ExpectationFailed, match="waits without a time-out"), MailNet() as net:  # noqa: PT012
        net.add_server(HOST, domain="shop.example")
        net.clock.compress()
        net.fail("shop.example", "stalled-at-connect")

        with socket.create_connection((HOST, 25)) as sock, pytest.raises(WouldHang):
            sock.recv(1)


def test_an_asyncio_wait_without_a_time_out_is_told_too():
    async def meet():
        reader, writer = await asyncio.open_connection(HOST, 25)
        writers.append(writer)
        await reader.read(1)

    async def hang_up():
        for writer in writers:
            writer.close()

    writers = []
    with pytest.raises(ExpectationFailed, match="waits without a time-out"), MailNet() as net:  # noqa: PT012
        net.add_server(HOST, domain="shop.example")
        net.clock.compress()
        net.fail("shop.example", "stalled-at-connect")

        with asyncio.Runner() as runner:
            with pytest.raises(WouldHang):
                runner.run(meet())
            runner.run(hang_up())


def test_a_handshake_that_may_block_leaves_the_socket_as_it_was(mailnet, shop):
    context = ssl.create_default_context()
    with (
        socket.create_connection((HOST, 465)) as raw,
        context.wrap_socket(raw, server_hostname=HOST, do_handshake_on_connect=False) as sock,
    ):
        sock.setblocking(False)  # noqa: FBT003

        sock.do_handshake(block=True)

        assert sock.version() is not None
        assert sock.gettimeout() == 0


def test_what_is_not_in_the_net_really_waits_and_is_told(mailnet, shop):
    mailnet.fail("shop.example", "stalled-at-connect")

    async def meet():
        writers = []
        server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
        writers.append((await asyncio.open_connection(*server.sockets[0].getsockname()))[1])
        reader, writer = await asyncio.open_connection(HOST, 25)
        try:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.1)
        finally:
            for each in (writer, *writers, server):
                each.close()
            await asyncio.sleep(0)

    began = time.monotonic()
    asyncio.run(meet())

    assert time.monotonic() - began >= 0.1
    assert any("which is not in the net" in it.text for it in life_of(mailnet).journal.incidents)


def test_a_loop_of_uvloop_really_waits_and_is_told(mailnet, shop):
    uvloop = pytest.importorskip("uvloop")

    async def nothing():
        pass

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(nothing())

    assert [it.text for it in life_of(mailnet).journal.incidents] == [
        "a wait on a loop of uvloop takes its time: mailnet.clock.compress() cannot shorten it"
    ]


def test_a_query_of_pycares_really_waits_and_is_told(mailnet, shop):
    pycares = pytest.importorskip("pycares")

    pycares.Channel().close()

    assert "a query of pycares" in life_of(mailnet).journal.incidents[0].text


def test_select_called_by_hand_runs_on_the_net_s_clock(mailnet, passed):
    mailnet.fail("shop.example", "late-at-connect")

    with socket.create_connection((HOST, 25)) as sock:
        assert select.select([sock], [], [], 20) == ([], [], [])
        assert passed() == 20
        assert select.select([sock], [], [sock.fileno()], 20) == ([sock], [], [])
        assert passed() == 30
        assert select.select([], [sock], []) == ([], [sock], [])


def test_a_poll_by_hand_really_waits_and_is_told(mailnet, shop):
    mailnet.fail("shop.example", "stalled-at-connect")

    with socket.create_connection((HOST, 25)) as sock:
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        began = time.monotonic()
        assert poll.poll(50) == []

    assert time.monotonic() - began >= 0.05
    assert [it.text for it in life_of(mailnet).journal.incidents] == [
        "a wait by select.poll takes its time: mailnet.clock.compress() cannot shorten it"
    ]


@pytest.mark.parametrize("compressed_before", [True, False])
def test_who_waits_in_another_process_is_told_of(make_mailnet, compressed_before):
    with make_mailnet() as net:
        if compressed_before:
            net.clock.compress()
        net.add_server(HOST)
        net.include_children()
        net.listen(HOST)
        if not compressed_before:
            net.clock.compress()

        assert [it.text.partition(" takes its time")[0] for it in life_of(net).journal.incidents] == [
            "a wait of a child process",
            "a wait of a client of mailnet.listen('mx.shop.example')",
        ]


def test_time_is_as_it_was_when_the_net_is_left():
    def all_that_waits():
        selector, tls = selectors.DefaultSelector, ssl.SSLSocket
        return (selector.select, socket.socket.recv, tls.read, dns.query.time, select.select, select.poll)

    before = all_that_waits()

    with MailNet() as net:
        net.clock.compress()
        assert not any(now is then for now, then in zip(all_that_waits(), before, strict=True))

    assert all_that_waits() == before


def test_compressing_twice_is_compressing_once(mailnet, passed):
    mailnet.clock.compress()
    mailnet.fail("shop.example", "stalled-at-connect")

    with pytest.raises(smtplib.SMTPServerDisconnected):
        smtplib.SMTP(HOST, timeout=60)

    assert passed() == 60


def test_a_net_that_is_not_active_cannot_be_compressed():
    with pytest.raises(InvalidSetting, match="the net is not active; call it inside `with`"):
        MailNet().clock.compress()


def test_tls_can_be_taken_off_a_connection_where_waits_take_no_time(mailnet, shop):
    mailnet.clock.compress()
    with smtplib.SMTP(HOST, timeout=15) as client:
        client.starttls(context=ssl.create_default_context())

        plain = client.sock.unwrap()

        assert client.sock.version() is None
        assert plain.recv(100) == b""


def test_a_handshake_can_be_waited_for_on_a_socket_that_does_not_block(mailnet, shop):
    mailnet.clock.compress()
    with socket.create_connection((HOST, 465), timeout=15) as sock:
        context = ssl.create_default_context()
        with context.wrap_socket(sock, server_hostname=HOST, do_handshake_on_connect=False) as encrypted:
            encrypted.setblocking(False)  # noqa: FBT003

            encrypted.do_handshake(block=True)

            assert encrypted.version() == "TLSv1.3"


def test_a_look_at_what_is_ready_waits_for_nothing(mailnet, shop):
    mailnet.clock.compress()
    with socket.create_connection((HOST, 25), timeout=15) as sock:
        assert sock.recv(100) == b"220 mx.shop.example ESMTP\r\n"
        before = mailnet.clock.now()

        assert select.select([sock], [sock], [], 0) == ([], [sock], [])

        assert mailnet.clock.now() == before
