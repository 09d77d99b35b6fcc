"""A bell that any thread rings and one task hears, on asyncio and on trio."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from typing import Any, Protocol

__all__ = ["Alarm", "alarm", "loop_here"]


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


def loop_here() -> str:
    """What runs the coroutine in which this is called, in words; "" outside of coroutines."""
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
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it the task that waited
            self._loop.call_soon_threadsafe(self._event.set)

    async def wait_until(self, condition: Callable[[], bool], timeout: float) -> None:  # noqa: ASYNC109
        try:
            async with asyncio.timeout(timeout):
                while not condition():
                    await self._event.wait()
                    self._event.clear()
        except TimeoutError:
            return


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
        with self._trio.move_on_after(timeout):
            while not condition():
                await self._event.wait()
                self._event = self._trio.Event()
