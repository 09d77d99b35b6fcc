"""The turn of the engine's loop, which another thread can take while the loop waits."""

from __future__ import annotations

import selectors
import socket
import threading

import pytest

from pytest_mailnet.system.kernel import new_loop


@pytest.fixture
def loop():
    """A loop that runs in a thread of its own."""
    running = new_loop()
    thread = threading.Thread(target=running.run_forever)
    thread.start()
    yield running
    running.call_soon_threadsafe(running.stop)
    thread.join()
    running.close()


def take(loop):
    """Take the turn as soon as the loop waits."""
    while not loop.take_turn():
        settled = threading.Event()
        loop.call_soon_threadsafe(settled.set)
        settled.wait(10)


def test_the_turn_can_be_taken_while_the_loop_waits(loop):
    take(loop)

    assert loop.turn_taken_here
    assert not loop.take_turn()
    loop.end_turn()
    assert not loop.turn_taken_here


def test_the_loop_does_nothing_while_another_thread_has_the_turn(loop):
    done = threading.Event()

    take(loop)
    loop.call_soon_threadsafe(done.set)

    assert not done.wait(0.05)
    loop.end_turn()
    assert done.wait(10)


def test_a_timer_set_by_another_thread_goes_off_in_time(loop):
    done = threading.Event()

    take(loop)
    loop.call_later(0.01, done.set)
    loop.end_turn()

    assert done.wait(10)


def test_a_callback_of_another_thread_runs_in_the_loop_s(loop):
    done, where = threading.Event(), []

    take(loop)
    loop.call_soon(lambda: where.append(threading.current_thread()) or done.set())
    loop.end_turn()

    assert done.wait(10)
    assert where != [threading.current_thread()]


def test_what_is_put_off_is_done_at_the_end_of_the_turn(loop):
    done = []

    take(loop)
    loop.put_off(lambda: done.append(threading.current_thread()))
    assert done == []
    loop.end_turn()

    assert done == [threading.current_thread()]


def test_the_turn_is_given_back_although_what_was_put_off_has_failed(loop):
    take(loop)
    loop.put_off(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        loop.end_turn()

    take(loop)
    loop.end_turn()


def test_a_socket_watched_by_another_thread_wakes_the_loop(loop):
    ready = threading.Event()
    here, there = socket.socketpair()

    def read(_events):
        there.recv(1)
        ready.set()

    with here, there:
        take(loop)
        loop.watch(there.fileno(), selectors.EVENT_READ, read)
        loop.end_turn()
        here.send(b".")

        assert ready.wait(10)
        take(loop)
        loop.unwatch(there.fileno())
        loop.end_turn()
