"""Leaving a net puts every name back, however it is left."""

from __future__ import annotations

import _socket
import gc
import smtplib
import socket
import subprocess
import sys
import threading
from pathlib import Path

import dns.asyncbackend
import dns.asyncresolver
import dns.query
import dns.resolver
import pycares
import pytest
import trio
import uvloop

from pytest_mailnet import MailNet
from pytest_mailnet.server.engine import Engine

OWNERS = [
    _socket,
    socket,
    socket.socket,
    dns.asyncbackend,
    dns.asyncresolver,
    dns.query,
    dns.resolver,
    dns.resolver.BaseResolver,
    dns.resolver.Resolver,
    pycares.Channel,
    trio.socket,
    trio._socket,
    trio._socket._SocketType,
    uvloop,
    uvloop.Loop,
]


class Names:
    """What every name that may be patched stood for at one moment."""

    def __init__(self):
        self._names = {(owner, name): value for owner in OWNERS for name, value in vars(owner).items()}
        self._finders = list(sys.meta_path)

    def changed(self):
        """The names that are not as they were."""
        now = Names()
        keys = self._names.keys() | now._names.keys()
        found = {
            f"{owner.__name__}.{name}"
            for owner, name in keys
            if self._names.get((owner, name), self) is not now._names.get((owner, name), self)
            and name != "__warningregistry__"
        }
        if self._finders != now._finders:
            found.add("sys.meta_path")
        return found


@pytest.fixture
def before():
    return Names()


def send():
    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.sendmail("bob@app.example", ["sales@shop.example"], "Subject: hi\r\n\r\nhello\r\n")


def use(net):
    net.add_server("mx.shop.example", domain="shop.example")
    assert dns.resolver.resolve("shop.example", "MX")
    send()


def test_every_name_is_back_after_the_net(before):
    with MailNet() as net:
        use(net)
        assert before.changed() > {"socket.connect", "Loop.create_connection", "sys.meta_path"}

    assert before.changed() == set()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_every_name_is_back_after_an_exception(before, error):
    def test():
        with MailNet() as net:
            use(net)
            raise error

    with pytest.raises(error):
        test()

    assert before.changed() == set()


def test_every_name_is_back_after_a_net_that_fails_the_test(before):
    with pytest.raises(AssertionError), MailNet() as net:
        net.gmail.on_rcpt().reply("550 no").times(1)

    assert before.changed() == set()


def test_every_name_is_back_after_nets_in_nets(before):
    with MailNet() as outer:
        within = Names()
        with MailNet() as inner:
            use(inner)
        assert within.changed() == set()
        use(outer)

    assert before.changed() == set()
    assert len(inner.sessions) == len(outer.sessions) == 1


def test_every_name_is_back_after_an_exception_in_a_net_in_a_net(before):
    def test():
        with MailNet(), MailNet() as inner:
            use(inner)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        test()

    assert before.changed() == set()


def test_every_name_is_back_after_a_library_was_imported_in_the_net():
    code = """
import socket, sys
from pytest_mailnet import MailNet
with MailNet() as net:
    net.add_server("mx.shop.example", domain="shop.example")
    import dns.asyncresolver, dns.resolver, pycares, trio, uvloop
    assert str(dns.resolver.resolve("shop.example", "MX")[0]) == "10 mx.shop.example."
    assert len(net.dns.queries) == 1
classes = (socket.socket, dns.resolver.BaseResolver, pycares.Channel, trio._socket._SocketType, uvloop.Loop)
for owner in (socket, *classes):
    for name, value in vars(owner).items():
        code = getattr(getattr(value, "fset", None) or value, "__code__", None)
        assert "mailnet" not in getattr(code, "co_filename", ""), (owner, name)
"""

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=25, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_what_was_replaced_between_two_nets_is_what_the_second_one_leaves_to_the_machine(monkeypatch):
    with MailNet():
        pass
    asked = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: asked.append(address))

    with MailNet(), socket.socket() as sock:
        sock.connect(("127.0.0.1", 8080))

    assert asked == [("127.0.0.1", 8080)]


def test_a_test_may_replace_what_only_notes_who_starts_what(pytester):
    pytester.makepyfile(
        """
        import threading
        import pytest

        before = threading.Thread.start

        @pytest.mark.parametrize("number", range(3))
        def test_start(monkeypatch, mailnet, number):
            monkeypatch.setattr(threading.Thread, "start", lambda thread: thread.run())

        def test_what_stays(make_mailnet):
            with make_mailnet():
                pass
            assert threading.Thread.start is before
        """
    )

    pytester.runpytest_subprocess("-p", "no:randomly").assert_outcomes(passed=4)


def test_a_socket_of_the_net_can_be_closed_and_shown_after_it(before):
    with MailNet() as net:
        net.add_server("mx.shop.example", domain="shop.example")
        sock = socket.create_connection(("mx.shop.example", 25), timeout=10)

    assert "socket" in repr(sock)
    sock.close()
    assert before.changed() == set()


def test_the_background_thread_ends_with_its_net(before):
    threads = set(threading.enumerate())

    with MailNet():
        assert any(thread.name == "mailnet" for thread in set(threading.enumerate()) - threads)

    assert set(threading.enumerate()) <= threads


def test_the_descriptors_of_a_net_are_closed_with_it():
    with MailNet() as first:
        use(first)
    closed = descriptors()

    with MailNet() as net:
        use(net)
        assert descriptors() > closed

    assert descriptors() == closed


@pytest.fixture
def engine():
    engine = Engine()
    yield engine
    engine.close()


def descriptors():
    return len(list(Path("/dev/fd").iterdir()))


def held():
    """Threads, open descriptors, and blocks of Python's memory."""
    gc.collect()
    return set(threading.enumerate()), descriptors(), sys.getallocatedblocks()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("nets", "alone"), [(1000, False), (100, True)], ids=["of one engine", "of their own engines"]
)
def test_a_thousand_nets_leave_no_thread_descriptor_or_memory(engine, nets, alone):
    def several(count):
        for _ in range(count):
            with MailNet(engine=None if alone else engine) as net:
                use(net)

    several(50)  # what is read and kept once a process
    threads, open_before, blocks = held()

    several(nets)

    threads_after, open_after, blocks_after = held()
    # Less is no leak: idle threads of a test before, trio's for one, end by themselves meanwhile.
    assert threads_after <= threads
    assert open_after <= open_before
    if sys.gettrace() is None:  # a tracer keeps what it has seen
        assert blocks_after - blocks < 500  # what caches and threads come and go by
