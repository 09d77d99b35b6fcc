"""Nets that overlap, in one thread or in several: each has its own mail, and the last one leaves nothing behind."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
import threading

import pytest

from pytest_mailnet import MailNet
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.net.mailnet import life_of
from pytest_mailnet.record.journal import ClockMoved

BEFORE = (socket.socket.connect, ssl.SSLContext.load_default_certs, socket.getfqdn, threading.Thread.start)


def now():
    return (socket.socket.connect, ssl.SSLContext.load_default_certs, socket.getfqdn, threading.Thread.start)


def send(subject):
    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.sendmail("bob@app.example", ["sales@shop.example"], f"Subject: {subject}\r\n\r\nhello\r\n")


def subjects(net):
    return [message.parsed["Subject"] for message in net.messages]


def shop():
    net = MailNet()
    net.add_server("mx.shop.example", domain="shop.example")
    return net


def test_nets_that_are_left_in_the_order_of_their_begin_leave_no_patch():
    first, second = MailNet(), MailNet()
    first.__enter__()
    second.__enter__()

    first.__exit__(None, None, None)
    second.__exit__(None, None, None)

    assert now() == BEFORE


def test_mail_goes_to_the_inner_net_after_the_outer_one_was_left():
    outer, inner = shop(), shop()
    outer.__enter__()
    inner.__enter__()
    outer.__exit__(None, None, None)

    send("inner")
    inner.__exit__(None, None, None)

    assert (subjects(outer), subjects(inner)) == ([], ["inner"])


def test_nets_of_several_threads_have_their_own_mail_and_leave_no_patch():
    errors, nets = [], [shop() for _ in range(4)]
    all_active, all_sent = threading.Barrier(len(nets), timeout=20), threading.Barrier(len(nets), timeout=20)

    def work(number, net):
        try:
            with net:
                all_active.wait()
                send(str(number))
                all_sent.wait()
        except Exception as error:  # noqa: BLE001  # told below
            errors.append(error)

    threads = [threading.Thread(target=work, args=each) for each in enumerate(nets)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert errors == []
    assert [subjects(net) for net in nets] == [["0"], ["1"], ["2"], ["3"]]
    assert now() == BEFORE


def test_a_thread_stays_in_the_net_in_which_it_was_started():
    inner_is_active = threading.Event()

    def work():
        inner_is_active.wait(20)
        send("from the outer net's thread")

    with shop() as outer:
        thread = threading.Thread(target=work)
        thread.start()
        with shop() as inner:
            inner_is_active.set()
            thread.join(20)

    assert (subjects(outer), subjects(inner)) == (["from the outer net's thread"], [])


def test_a_thread_of_before_is_in_whatever_net_there_is():
    active = threading.Event()

    def work():
        active.wait(20)
        send("from a thread of before")

    thread = threading.Thread(target=work)
    thread.start()
    with shop() as net:
        active.set()
        thread.join(20)

    assert subjects(net) == ["from a thread of before"]


def test_a_net_inside_a_task_is_the_task_s():
    async def work():
        with shop() as inner:
            await asyncio.to_thread(send, "inner")
        return inner

    with shop() as outer:
        inner = asyncio.run(work())
        send("outer")

    assert (subjects(outer), subjects(inner)) == (["outer"], ["inner"])


def test_only_the_net_whose_clock_is_compressed_waits_in_no_time():
    with shop() as outer:
        outer.clock.compress()
        with shop() as inner:
            inner.fail("shop.example", "stalled-at-connect", times=1)
            with pytest.raises(smtplib.SMTPServerDisconnected, match="timed out"):
                smtplib.SMTP("mx.shop.example", 25, timeout=0.2)
        assert not [
            entry
            for net in (outer, inner)
            for entry in life_of(net).journal.entries
            if isinstance(entry, ClockMoved)
        ]


def test_a_net_that_is_active_cannot_be_entered_again(mailnet):
    patched = now()

    with pytest.raises(InvalidSetting) as error, mailnet:
        pass

    assert str(error.value) == (
        "this net is active already: the fixture mailnet is entered for its test, and is left after it. "
        "Use it as it is, or make another one: with make_mailnet() as net"
    )
    assert now() == patched


def test_nobody_is_accused_of_tampering_for_another_net():
    first, second = MailNet(), MailNet()
    first.__enter__()
    second.__enter__()

    life_of(first).settle()
    first.__exit__(None, None, None)
    life_of(second).settle()
    second.__exit__(None, None, None)

    assert life_of(first).journal.incidents == life_of(second).journal.incidents == []
