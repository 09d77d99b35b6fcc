"""Compressed time adds up: at least the time-out, and no more than that plus what was lived."""

from __future__ import annotations

import asyncio
import select
import selectors
import smtplib
import socket
import threading
import time
from datetime import timedelta

import pytest

from pytest_mailnet.entry import waits
from pytest_mailnet.net.mailnet import life_of

HOST = "mx.shop.example"
SELECTORS = [
    getattr(selectors, name)
    for name in ("SelectSelector", "PollSelector", "EpollSelector", "KqueueSelector")
    if hasattr(selectors, name)
]


def live(seconds):
    """Stand for a CPU that somebody else has."""
    threading.Event().wait(seconds)


def told(mailnet):
    """Of which waits the record says that they really waited."""
    return [it.text.partition(" takes its time")[0] for it in life_of(mailnet).journal.incidents]


@pytest.fixture
def at_once_told(monkeypatch):
    """A real wait of a tenth of a second is as long as one of a second."""
    monkeypatch.setattr(waits, "_TOLD", 0.1)


def test_a_socket_s_time_out_is_exact(mailnet, shop):
    mailnet.fail("shop.example", "stalled-at-connect")
    began = mailnet.clock.now()
    live(0.05)

    with pytest.raises(smtplib.SMTPServerDisconnected):
        smtplib.SMTP(HOST, timeout=60)

    assert mailnet.clock.now() - began == timedelta(seconds=60)


def test_what_a_loop_lives_before_it_waits_is_part_of_the_time_out(mailnet, passed, lived):
    mailnet.fail("shop.example", "dropped-at-connect")

    async def meet():
        asyncio.get_running_loop().call_soon(live, 0.3)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.open_connection("192.0.2.10", 25), 50)

    asyncio.run(meet())

    assert 50 <= passed() <= 50 + lived()


def test_what_was_lived_before_a_loop_is_no_part_of_its_time_outs(mailnet, shop):
    mailnet.fail("shop.example", "dropped-at-connect")

    async def meet():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.open_connection("192.0.2.10", 25), 50)

    asyncio.run(meet())
    live(0.3)
    began, really = mailnet.clock.now(), time.monotonic()
    asyncio.run(meet())

    assert 50 <= (mailnet.clock.now() - began).total_seconds() <= 50 + time.monotonic() - really


def test_what_trio_lives_before_it_waits_is_part_of_the_time_out(mailnet, passed, lived):
    trio = pytest.importorskip("trio")
    mailnet.fail("shop.example", "stalled-at-connect")

    async def meet():
        with trio.fail_after(35):
            live(0.3)
            async with await trio.open_tcp_stream(HOST, 25) as stream:
                await stream.receive_some()

    with pytest.raises(trio.TooSlowError):
        trio.run(meet)

    assert 35 <= passed() <= 35 + lived()


def test_a_late_reply_is_heard_by_a_loop_that_has_lived_meanwhile(mailnet, passed, lived):
    mailnet.fail("shop.example", "late-at-connect")

    async def meet():
        reader, writer = await asyncio.open_connection(HOST, 25)
        asyncio.get_running_loop().call_soon(live, 0.3)
        try:
            return await asyncio.wait_for(reader.readline(), 30.1)
        finally:
            writer.close()

    assert asyncio.run(meet()).startswith(b"220 ")
    assert passed() == 30


def test_what_has_lapsed_in_a_thread_does_not_hurry_a_loop_that_it_runs_later(mailnet, passed):
    mailnet.fail("shop.example", "stalled-at-connect", times=1)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        smtplib.SMTP(HOST, timeout=60)
    early = []

    async def meet():
        reader, writer = await asyncio.open_connection(HOST, 25)
        await reader.readline()
        writer.close()

    with asyncio.Runner() as runner:
        runner.get_loop().call_later(50, early.append, "fired")
        runner.run(meet())

    assert not early
    assert passed() == 60


def test_a_blocking_wait_in_a_loop_s_thread_is_time_for_the_loop_too(mailnet, passed, lived):
    mailnet.fail("shop.example", "stalled-at-connect")

    async def meet():
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(smtplib.SMTPServerDisconnected):
            smtplib.SMTP(HOST, timeout=60)
        return loop.time() - began

    assert 60 <= asyncio.run(meet()) <= 60 + lived()
    assert passed() == 60


@pytest.mark.parametrize("cls", SELECTORS)
def test_a_selector_used_by_hand_waits_on_the_net_s_clock(mailnet, passed, cls):
    mailnet.fail("shop.example", "late-at-connect")

    with socket.create_connection((HOST, 25)) as sock, cls() as selector:
        selector.register(sock, selectors.EVENT_READ)

        assert selector.select(20) == []
        assert passed() == 20
        assert [key.fileobj for key, _ in selector.select(20)] == [sock]
        assert passed() == 30


def test_who_reckons_with_a_clock_that_knows_of_no_lapse_is_let_wait_and_told(mailnet, passed, lived):
    mailnet.fail("shop.example", "stalled-at-connect")

    with socket.create_connection((HOST, 25)) as sock, selectors.DefaultSelector() as selector:
        selector.register(sock, selectors.EVENT_READ)
        deadline = time.monotonic() + 0.3
        while (left := deadline - time.monotonic()) > 0:
            assert selector.select(left) == []

    assert 0.29 <= passed() <= 0.3
    assert lived() >= 0.3
    assert told(mailnet) == ["a wait of a selector for a caller who looks at another clock"]


def test_time_outs_of_the_same_length_lapse_as_often_as_they_are_waited_for(mailnet, passed):
    mailnet.fail("shop.example", "stalled-at-connect")

    with socket.create_connection((HOST, 25)) as sock:
        for _ in range(3):
            assert select.select([sock], [], [], 20) == ([], [], [])

    assert passed() == 60


@pytest.mark.usefixtures("at_once_told")
def test_a_pause_of_a_loop_that_no_fault_causes_really_waits_and_is_told(mailnet, shop):
    began = time.monotonic()

    asyncio.run(asyncio.sleep(0.15))

    assert time.monotonic() - began >= 0.15
    assert told(mailnet) == ["a wait of an asyncio loop (asyncio.sleep, say) that no fault has caused"]


@pytest.mark.usefixtures("at_once_told")
def test_a_pause_of_trio_that_no_fault_causes_really_waits_and_is_told(mailnet, shop):
    trio = pytest.importorskip("trio")

    trio.run(trio.sleep, 0.15)

    assert told(mailnet) == ["a wait of trio (trio.sleep, say) that no fault has caused"]


@pytest.mark.usefixtures("at_once_told")
def test_a_wait_for_a_server_that_has_nothing_to_say_is_told(mailnet, shop):
    with socket.create_connection((HOST, 25), timeout=0.15) as sock:
        assert sock.recv(1000).startswith(b"220 ")
        with pytest.raises(TimeoutError):
            sock.recv(1)

    assert told(mailnet) == ["a wait of a socket that no fault has caused"]


def test_a_loop_that_outlives_its_net_has_its_own_clock_again(make_mailnet):
    async def nothing():
        pass

    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        with make_mailnet() as net:
            net.clock.compress()
            runner.run(nothing())
            during = vars(loop).get("time")

        assert during is not None
        assert "time" not in vars(loop)
