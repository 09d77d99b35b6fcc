"""Bells that any thread can ring, to wake one task (asyncio or trio), one thread or one greenlet."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from pytest_mailnet.system.realtime import monotonic

__all__ = ["Alarm", "Bell", "alarm", "bell", "loop_here"]

_PAUSE = 0.002  # seconds between two polls of a greenlet


class Alarm(Protocol):
    """A bell that wakes one task of the event loop in which it was made."""

    def ring(self) -> None:
        """Wake the task; from any thread."""
        ...

    async def wait_until(self, condition: Callable[[], bool], timeout: float) -> None:  # noqa: ASYNC109
        """Wait for a condition, which is checked at each ring, or for the time-out.

        Args:
            condition: checked before the wait, too.
            timeout: in real seconds.
        """
        ...


class Bell(Protocol):
    """A bell that wakes the thread or greenlet that waits for it."""

    def ring(self) -> None:
        """Wake the waiting thread or greenlet; from any thread."""
        ...

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> None:
        """Block until a condition holds, which is checked at each ring, or until the time-out.

        Args:
            condition: checked before the wait, too.
            timeout: in real seconds.
        """
        ...


def alarm() -> Alarm:
    """An alarm for the event loop that is running: trio's where trio runs, else asyncio's."""
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            return _TrioAlarm(trio)
        except RuntimeError:
            pass  # trio is imported, but this task is not one of its
    return _AsyncioAlarm()


def bell() -> Bell:
    """A bell for the calling thread. Under gevent or eventlet, its other greenlets go on while one waits."""
    pause = _pause()
    return _ThreadBell() if pause is None else _GreenBell(pause)


def _pause() -> Callable[[float], object] | None:
    """A function that lets other greenlets of this thread run for some seconds; None without a hub."""
    gevent, eventlet = sys.modules.get("gevent._hub_local"), sys.modules.get("eventlet.hubs")
    if gevent is not None and gevent.get_hub_if_exists() is not None:
        library = "gevent"
    elif eventlet is not None and hasattr(eventlet._threadlocal, "hub"):  # noqa: SLF001
        library = "eventlet"
    else:
        return None
    # Not `sleep`: where time is compressed, calls of it count as the application's sleeps.
    pause: Callable[[float], object] = importlib.import_module(f"{library}.event").Event().wait
    return pause


class _ThreadBell:
    def __init__(self) -> None:
        self._event = threading.Event()
        self.ring = self._event.set

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> None:
        until = monotonic() + timeout
        while not condition() and self._event.wait(until - monotonic()):
            self._event.clear()


class _GreenBell:
    """A bell that polls: not in all versions and hubs can another thread wake a greenlet."""

    def __init__(self, pause: Callable[[float], object]) -> None:
        self._pause = pause

    def ring(self) -> None:
        pass

    def wait_until(self, condition: Callable[[], bool], timeout: float) -> None:
        until = monotonic() + timeout
        while not condition() and monotonic() < until:
            self._pause(_PAUSE)


def loop_here() -> str:
    """The name of the event loop that runs in this thread, for messages; "" if none does."""
    with contextlib.suppress(RuntimeError):
        asyncio.get_running_loop()
        return "the event loop"
    trio = sys.modules.get("trio")
    if trio is not None:
        with contextlib.suppress(RuntimeError):
            trio.lowlevel.current_trio_token()
            return "trio"
    return ""


class _AsyncioAlarm:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and the waiting task with it
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait_until(self, condition: Callable[[], bool], timeout: float) -> None:  # noqa: ASYNC109
        with contextlib.suppress(TimeoutError), _rung_after(timeout, self.ring) as over:
            async with asyncio.timeout(timeout):
                while not (condition() or over()):
                    await self._event.wait()
                    self._event.clear()


class _TrioAlarm:
    def __init__(self, trio: Any) -> None:
        self._trio = trio
        self._token = trio.lowlevel.current_trio_token()
        self._event = trio.Event()

    def ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # the run has ended, and the waiting task with it
            self._token.run_sync_soon(self._set)

    def _set(self) -> None:
        self._event.set()

    async def wait_until(self, condition: Callable[[], bool], timeout: float) -> None:  # noqa: ASYNC109
        with self._trio.move_on_after(timeout), _rung_after(timeout, self.ring) as over:
            while not (condition() or over()):
                await self._event.wait()
                self._event = self._trio.Event()


@contextlib.contextmanager
def _rung_after(seconds: float, ring: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Ring after so many real seconds: where a test freezes time, the loop's timers stand still too."""
    over = threading.Event()

    def end() -> None:
        over.set()
        ring()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield over.is_set
    finally:
        timer.cancel()
        timer.join()
