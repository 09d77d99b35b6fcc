"""Twisted's reactors wait on the net's clock."""

from __future__ import annotations

import asyncio
import importlib
import threading
import time

import pytest

from pytest_mailnet.entry import waits
from pytest_mailnet.net.mailnet import life_of

pytest.importorskip("twisted")

from twisted.internet import asyncioreactor, epollreactor, pollreactor, selectreactor
from twisted.internet.error import TimeoutError as GivenUp
from twisted.internet.protocol import Factory, Protocol

importlib.import_module("twisted.internet.reactor")  # as an application does

KINDS = {
    "epoll": epollreactor.EPollReactor,
    "poll": pollreactor.PollReactor,
    "select": selectreactor.SelectReactor,
    "asyncio": lambda: asyncioreactor.AsyncioSelectorReactor(asyncio.SelectorEventLoop()),
}


class Meeting:
    """Connects, waits a minute for a word, hangs up."""

    def __init__(self, reactor, then):
        self.reactor = reactor
        self.heard = b""
        self.why = None
        self.then = then

    def begin(self):
        endpoint = importlib.import_module("twisted.internet.endpoints").TCP4ClientEndpoint
        made = endpoint(self.reactor, "192.0.2.10", 25, timeout=30).connect(Factory.forProtocol(Protocol))
        made.addCallbacks(self.connected, self.failed)

    def connected(self, protocol):
        wait = self.reactor.callLater(60, self.reactor.stop)

        def received(data):
            self.heard += data
            wait.cancel()
            self.reactor.stop()

        protocol.dataReceived = received
        self.then(self.reactor)

    def failed(self, why):
        self.why = why
        self.reactor.stop()


def run(own):
    """Run a reactor until it is stopped, and close what it has opened."""
    own.run(installSignalHandlers=False)
    own.disconnectAll()
    own.waker.connectionLost(None)
    if isinstance(own, asyncioreactor.AsyncioSelectorReactor):
        own._asyncioEventloop.close()


@pytest.fixture(params=KINDS)
def meet(request, shop):
    """Runs a reactor of each kind until a meeting is over."""

    def meet(then=str):
        own = KINDS[request.param]()
        meeting = Meeting(own, then)
        own.callWhenRunning(meeting.begin)
        run(own)
        return meeting

    return meet


def test_a_connect_that_is_never_answered_times_out(mailnet, meet, passed, lived):
    mailnet.fail("shop.example", "dropped-at-connect")

    assert meet().why.check(GivenUp)

    assert 30 <= passed() <= 30 + lived()


def test_a_delayed_call_comes_when_the_net_s_clock_has_moved_on(mailnet, meet, passed, lived):
    mailnet.fail("shop.example", "stalled-at-connect")

    assert meet().heard == b""

    assert 60 <= passed() <= 60 + lived()


def test_a_late_reply_is_heard(mailnet, meet, passed):
    mailnet.fail("shop.example", "late-at-connect")

    assert meet().heard.startswith(b"220 ")

    assert passed() == 30


def test_what_a_thread_does_for_the_reactor_is_not_cut_short(mailnet, meet, passed):
    mailnet.fail("shop.example", "stalled-at-connect")
    done = []

    def work():
        threading.Event().wait(0.2)
        done.append(passed())

    meet(lambda own: own.callInThread(work))

    assert done == [0]


def test_a_reactor_that_waits_for_a_timer_alone_really_waits_and_is_told(mailnet, shop, monkeypatch):
    monkeypatch.setattr(waits, "_TOLD", 0.1)
    own, began = epollreactor.EPollReactor(), time.monotonic()

    own.callLater(0.15, own.stop)
    run(own)

    assert time.monotonic() - began >= 0.15
    assert [it.text.partition(" takes its time")[0] for it in life_of(mailnet).journal.incidents] == [
        "a wait of Twisted's reactor (reactor.callLater, say) that no fault has caused"
    ]
