"""A bell that any thread rings and one task hears, on asyncio and on trio."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

__all__ = ["Alarm", "alarm"]


class Alarm(Protocol):
    """Wakes one task of the event loop in which it was made."""

    def ring(self) -> None:
        """Wake the task; from any thread."""

    async def wait_until(self, condition: Callable[[], bool], timeout: float) -> None:  # noqa: ASYNC109
        """Return when the condition holds at a ring, or after `timeout` seconds."""


def alarm() -> Alarm:
    """An alarm for the event loop that is running: trio's where trio runs, else asyncio's."""
    trio = sys.modules.get("trio")
    if trio is not None:
        try:
            return _TrioAlarm(trio)
        except RuntimeError:
            pass  # trio is imported, but this task is not one of its
    return _AsyncioAlarm()


class _AsyncioAlarm:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def ring(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it the task that waited
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
        with contextlib.suppress(RuntimeError):  # likewise
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
    """Ring after so many real seconds: a test that freezes time stops its loop's timers too."""
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
