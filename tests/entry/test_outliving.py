"""What was started in a net and is still at work when it is gone does not come into the next one."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import multiprocessing.pool
import queue
import smtplib
import socket
import subprocess
import sys
import threading

import pytest
import trio
import uvloop

from pytest_mailnet import MailNet
from pytest_mailnet.entry import INTERCEPTION
from pytest_mailnet.net.mailnet import life_of

WHY = (
    "it comes from what was started in the first test, whose net is gone. End threads, timers, tasks and "
    "executors in the test that starts them, or start what serves several tests before the first net"
)


def net_of(title):
    net = MailNet(title=title)
    net.add_server("mx.shop.example", domain="shop.example", ip="192.0.2.10")
    return net


def send():
    with smtplib.SMTP("mx.shop.example", 25, timeout=10) as client:
        client.sendmail("bob@app.example", ["sales@shop.example"], "Subject: hi\r\n\r\nhello\r\n")


def connect():
    with socket.socket() as sock:
        sock.connect(("192.0.2.10", 25))


class Late:
    """Work that waits until it is let go, and what has come of it."""

    def __init__(self, work=send):
        self.outcome = None
        self._work = work
        # A lock: whoever waits for an event has been given work by who sets it.
        self._held = threading.Lock()
        self._held.acquire()
        self._done = threading.Event()

    def hold(self):
        """Wait here for being let go, and not in the work."""
        self._held.acquire()
        self._held.release()

    def __call__(self):
        self._held.acquire()
        try:
            self._work()
        except OSError as error:
            self.outcome = error
        finally:
            self._done.set()

    def let_go(self):
        self._held.release()
        assert self._done.wait(20)


@pytest.fixture(autouse=True)
def outlived():
    """What the run would warn of; emptied, since this file does on purpose what a suite should not."""
    found = INTERCEPTION.nets.outlived
    yield found
    found.clear()


def by_thread(late):
    threading.Thread(target=late, daemon=True).start()


def by_thread_of_a_thread(late):
    threading.Thread(target=by_thread, args=(late,)).start()


def by_executor(late):
    concurrent.futures.ThreadPoolExecutor(1).submit(late)


def by_thread_that_waits_for_threads_and_jobs_of_its_own(late):
    def work():
        late.hold()
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            pool.submit(int).result()
        late()

    threading.Thread(target=work, daemon=True).start()


@pytest.mark.parametrize(
    "start",
    [by_thread, by_thread_of_a_thread, by_executor, by_thread_that_waits_for_threads_and_jobs_of_its_own],
)
def test_it_is_refused_in_the_next_net_by_the_name_of_its_own(start, outlived):
    late = Late()
    with net_of("the first test"):
        start(late)

    with net_of("the second test") as second:
        late.let_go()

    text = f"a look-up of 'mx.shop.example' by getaddrinfo was stopped: {WHY}"
    assert str(late.outcome) == f"[Errno -2] {text}"
    assert second.messages == second.sessions == second.dns.queries == []
    assert [(it.kind, it.text, it.fails) for it in life_of(second).journal.incidents] == [
        ("not of this test", text, False)
    ]
    assert list(outlived) == [("the first test", text)]


def test_a_connection_without_a_look_up_is_refused_too():
    late = Late(connect)
    with net_of("the first test"):
        by_thread(late)

    with net_of("the second test") as second:
        late.let_go()

    assert str(late.outcome) == (
        f"[Errno 101] Network is unreachable: a connection to 192.0.2.10:25 was stopped: {WHY}"
    )
    assert second.sessions == []


def test_a_reverse_look_up_is_stopped_too(outlived):
    late = Late(lambda: socket.gethostbyaddr("198.51.100.77"))
    with net_of("the first test"):
        by_thread(late)

    with net_of("the second test") as second:
        late.let_go()

    assert isinstance(late.outcome, socket.herror)
    assert second.dns.queries == []
    text = f"a look-up of the name of 198.51.100.77 by gethostbyaddr was stopped: {WHY}"
    assert list(outlived) == [("the first test", text)]


def test_where_there_is_no_next_net_it_does_not_reach_the_machine_s_network(outlived):
    late = Late()
    with net_of("the first test"):
        by_thread(late)

    late.let_go()

    text = f"socket.getaddrinfo to mx.shop.example was stopped: {WHY}"
    assert str(late.outcome) == f"[Errno -2] {text}"
    assert list(outlived) == [("the first test", text)]


def test_its_other_connections_are_the_machine_s(echo):
    def other():
        with socket.create_connection(echo, timeout=10) as sock:
            sock.sendall(b"hello")
            assert sock.recv(100) == b"hello"

    late = Late(other)
    with net_of("the first test"):
        by_thread(late)

    with net_of("the second test"):
        late.let_go()

    assert late.outcome is None


@pytest.mark.parametrize("loops", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_task_of_a_loop_that_goes_on_is_refused(loops):
    loop = loops()
    go = loop.create_future()  # not an event: see `Late`

    async def late():
        await go
        await asyncio.open_connection("192.0.2.10", 25)

    async def start():
        return asyncio.ensure_future(late())

    async def end(task):
        go.set_result(None)
        with pytest.raises(OSError, match="whose net is gone"):
            await task

    with net_of("the first test"):
        task = loop.run_until_complete(start())
    with net_of("the second test") as second:
        loop.run_until_complete(end(task))
    loop.close()

    assert second.sessions == []


@pytest.mark.parametrize("loops", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_task_that_takes_its_work_from_a_queue_serves_the_next_net_and_the_run_is_told(loops, outlived):
    loop, work, done = loops(), asyncio.Queue(), asyncio.Queue()

    async def mailer():
        while await work.get():
            _, writer = await asyncio.open_connection("192.0.2.10", 25)
            writer.close()
            await writer.wait_closed()
            await done.put("done")

    async def start():
        return asyncio.create_task(mailer(), name="mailer")

    async def give():
        await work.put("a mail")
        await asyncio.wait_for(done.get(), 20)

    with net_of("the first test"):
        task = loop.run_until_complete(start())
        loop.run_until_complete(give())
    with net_of("the second test") as second:
        loop.run_until_complete(give())
        loop.run_until_complete(give())
    work.put_nowait(None)
    loop.run_until_complete(task)
    loop.close()

    assert life_of(second).journal.incidents == []
    assert list(outlived) == [
        ("the first test", "task 'mailer', which was started in the first test, goes on in the second test")
    ]


def test_a_task_that_waits_for_its_own_test_s_event_is_refused():
    loop = asyncio.new_event_loop()

    async def late(go):
        await go.wait()
        await asyncio.open_connection("192.0.2.10", 25)

    async def start():
        go = asyncio.Event()
        asyncio.get_running_loop().call_later(0, go.set)
        return asyncio.create_task(late(go))

    async def end(task):
        with pytest.raises(OSError, match="whose net is gone"):
            await task

    with net_of("the first test"):
        task = loop.run_until_complete(start())
    with net_of("the second test"):
        loop.run_until_complete(end(task))
    loop.close()


def test_a_callback_at_a_time_is_refused():
    loop, called, outcome = asyncio.new_event_loop(), asyncio.Event(), []

    def late():
        with socket.socket() as sock:
            outcome.append(sock.connect_ex(("192.0.2.10", 25)))
        called.set()

    with net_of("the first test"):
        loop.call_later(0, late)
    with net_of("the second test") as second:
        loop.run_until_complete(called.wait())
    loop.close()

    assert (outcome, second.sessions) == ([101], [])


class Worker(threading.Thread):
    """A thread that is started once, and sends a mail for each piece of work that it is given."""

    def __init__(self):
        super().__init__(daemon=True, name="mailer")
        self.work = queue.Queue()
        self.start()

    def run(self):
        while (done := self.work.get()) is not None:
            send()
            done.set()

    def send(self):
        done = threading.Event()
        self.work.put(done)
        assert done.wait(20)


def test_a_thread_that_takes_its_work_from_a_queue_serves_the_next_net_and_the_run_is_told(outlived):
    with net_of("the first test") as first:
        worker = Worker()
        worker.send()

    with net_of("the second test") as second:
        worker.send()
        worker.send()
    worker.work.put(None)

    assert (len(first.messages), len(second.messages)) == (1, 2)
    assert life_of(second).journal.incidents == []
    assert list(outlived) == [
        ("the first test", "thread 'mailer', which was started in the first test, goes on in the second test")
    ]


def test_an_idle_worker_is_no_matter(outlived):
    with net_of("the first test"):
        worker = Worker()
        worker.send()

    with net_of("the second test"):
        send()
    worker.work.put(None)
    worker.join(20)

    assert list(outlived) == []


def test_an_executor_that_both_use_sends_for_the_net_that_has_given_it_the_work(outlived):
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with net_of("the first test") as first:
            pool.submit(send).result(20)
        with net_of("the second test") as second:
            pool.submit(send).result(20)

    assert (len(first.messages), len(second.messages)) == (1, 1)
    assert list(outlived) == []


def test_work_of_a_pool_that_waits_for_something_is_no_matter(outlived):
    def wait_and_send(told):
        assert told.wait(20)
        send()

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        for title in ("the first test", "the second test"):
            with net_of(title) as net:
                told = threading.Event()
                jobs = [pool.submit(wait_and_send, told) for _ in range(2)]
                told.set()
                concurrent.futures.wait(jobs, 20)
                assert len(net.messages) == 2

    assert list(outlived) == []


def test_a_mail_of_nobody_s_thread_that_is_cut_off_by_the_end_of_the_net_is_told(outlived):
    begun, go = threading.Event(), threading.Event()

    def work():
        go.wait(20)
        with contextlib.suppress(OSError), socket.create_connection(("192.0.2.10", 25), timeout=20) as sock:
            for command in (b"EHLO app.example", b"MAIL FROM:<bob@app.example>"):
                sock.recv(1000)
                sock.sendall(command + b"\r\n")
            assert sock.recv(1000).startswith(b"250")
            begun.set()
            sock.recv(1000)

    thread = threading.Thread(target=work, name="worker")
    thread.start()
    with net_of("the first test"):
        go.set()
        assert begun.wait(20)
    thread.join(20)

    assert list(outlived) == [
        (
            "the first test",
            "thread 'worker', which is none of this test's, was amid a mail to mx.shop.example when the net was "
            "left: tried again, it comes into another test's net",
        )
    ]


def test_a_connection_of_nobody_s_thread_that_is_idle_is_no_matter(outlived):
    connected, go, done = threading.Event(), threading.Event(), threading.Event()

    def work():
        go.wait(20)
        with socket.create_connection(("192.0.2.10", 25), timeout=20) as sock:
            sock.recv(1000)
            connected.set()
            done.wait(20)

    thread = threading.Thread(target=work)
    thread.start()
    with net_of("the first test"):
        go.set()
        assert connected.wait(20)
    done.set()
    thread.join(20)

    assert list(outlived) == []


def test_a_pool_of_threads_that_both_use_serves_both(outlived):
    with net_of("the first test") as first:
        pool = multiprocessing.pool.ThreadPool(1)
        pool.apply(send)
    with pool, net_of("the second test") as second:
        pool.apply(send)

    assert (len(first.messages), len(second.messages)) == (1, 1)
    [(title, text)] = outlived
    assert title == "the first test"
    assert text.endswith(", which was started in the first test, goes on in the second test")


def test_a_thread_of_trio_s_cache_is_no_matter(outlived):
    for title in ("the first test", "the second test"):
        with net_of(title) as net:
            trio.run(trio.to_thread.run_sync, send)
            assert len(net.messages) == 1

    assert list(outlived) == []


async def greeted():
    reader, writer = await asyncio.open_connection("192.0.2.10", 25)
    assert (await reader.readline()).startswith(b"220")
    writer.close()
    await writer.wait_closed()


def test_a_loop_in_a_thread_that_both_use_sends_for_the_net_that_has_given_it_the_work():
    loop = asyncio.new_event_loop()

    with net_of("the first test") as first:
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        asyncio.run_coroutine_threadsafe(greeted(), loop).result(20)
    with net_of("the second test") as second:
        asyncio.run_coroutine_threadsafe(greeted(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)
    loop.close()

    assert (len(first.sessions), len(second.sessions)) == (1, 1)


def test_a_loop_that_an_executor_runs_sends_for_the_net_that_has_given_it_the_work():
    loop = asyncio.new_event_loop()

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        with net_of("the first test") as first:
            pool.submit(loop.run_forever)
            asyncio.run_coroutine_threadsafe(greeted(), loop).result(20)
        with net_of("the second test") as second:
            asyncio.run_coroutine_threadsafe(greeted(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
    loop.close()

    assert (len(first.sessions), len(second.sessions)) == (1, 1)


def test_a_server_s_thread_serves_the_next_net(outlived):
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            for _ in range(2):
                call, _ = listening.accept()
                with call:
                    send()
                    call.sendall(b"sent")

        def ask():
            with socket.create_connection(listening.getsockname(), timeout=20) as sock:
                assert sock.recv(100) == b"sent"

        with net_of("the first test") as first:
            threading.Thread(target=serve, name="server", daemon=True).start()
            ask()
        with net_of("the second test") as second:
            ask()

    assert (len(first.messages), len(second.messages)) == (1, 1)


NOTICING = """
import queue, socket, threading
from pytest_mailnet import MailNet
from pytest_mailnet.entry import INTERCEPTION

def now():
    return queue.Queue.get, threading.Condition.wait, threading.Condition.notify, socket.socket.accept

before, held = now(), threading.Lock()
held.acquire()
with MailNet():
    thread = threading.Thread(target=held.acquire)
    thread.start()
assert now() != before
held.release()
thread.join()
INTERCEPTION.tidy()
assert now() == before
"""


def test_nothing_notices_who_gives_work_once_what_was_left_running_has_ended():
    done = subprocess.run(
        [sys.executable, "-c", NOTICING], capture_output=True, text=True, timeout=25, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_threads_of_before_the_first_net_serve_all():
    worker = Worker()

    with net_of("the first test") as first:
        worker.send()
    with net_of("the second test") as second:
        worker.send()
    worker.work.put(None)

    assert (len(first.messages), len(second.messages)) == (1, 1)
