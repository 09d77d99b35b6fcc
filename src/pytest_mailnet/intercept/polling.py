"""Event loops, and who asks the kernel by hand which sockets are ready, wait with a net's patience."""

from __future__ import annotations

import asyncio
import select
import selectors
import weakref
from collections.abc import Iterable
from typing import Any

from pytest_mailnet.intercept.patches import Patches
from pytest_mailnet.intercept.waits import End, Waits, ends_of

__all__ = ["compress"]


def compress(patches: Patches, waits: Waits) -> None:
    """Let selectors, asyncio's loops and `select` wait on the net's clock; say of `poll` that it does not."""
    _compress_loops(patches, waits)
    _compress_select(patches, waits)


def _compress_loops(patches: Patches, waits: Waits) -> None:
    cls: Any = selectors.DefaultSelector
    loops: Any = asyncio.BaseEventLoop
    found, found_time, found_run_in_executor = cls.select, loops.time, loops.run_in_executor
    at_work: weakref.WeakSet[asyncio.Future[Any]] = weakref.WeakSet()

    def patient_select(selector: Any, timeout: float | None = None) -> Any:
        if (timeout is not None and timeout <= 0) or waits.patience.own_thread():
            return found(selector, timeout)
        loop = asyncio._get_running_loop()  # noqa: SLF001

        def ends() -> list[End]:
            # What another thread does for the loop is no wait on a connection.
            busy = any(future.get_loop() is loop and not future.done() for future in list(at_work))
            return [] if busy else ends_of(list(selector.get_map()))

        return waits.until(lambda seconds: found(selector, seconds), ends, timeout)

    def lapsed_time(loop: asyncio.BaseEventLoop) -> float:
        return float(found_time(loop)) + waits.lapsed

    def run_in_executor(loop: asyncio.BaseEventLoop, *args: Any) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = found_run_in_executor(loop, *args)
        at_work.add(future)
        return future

    patches.put(cls, "select", patient_select)
    patches.put(loops, "time", lapsed_time)
    patches.put(loops, "run_in_executor", run_in_executor)


def _compress_select(patches: Patches, waits: Waits) -> None:
    found_select = select.select
    found_poll = getattr(select, "poll", None)  # eventlet takes it away

    def patient_select(
        reading: Iterable[Any],
        writing: Iterable[Any],
        failing: Iterable[Any],
        timeout: float | None = None,
        /,
    ) -> tuple[list[Any], list[Any], list[Any]]:
        asked = (list(reading), list(writing), list(failing))
        if (timeout is not None and timeout <= 0) or waits.patience.own_thread():
            return found_select(*asked, timeout)

        def ready(seconds: float) -> tuple[list[Any], list[Any], list[Any]] | None:
            found = found_select(*asked, seconds)
            return found if any(found) else None

        def ends() -> list[End]:
            return ends_of({it if isinstance(it, int) else it.fileno() for each in asked for it in each})

        return waits.until(ready, ends, timeout) or ([], [], [])

    def poll() -> Any:
        # Its waits are a C object's, which cannot be patched.
        waits.patience.uncovered("a wait by select.poll")
        assert found_poll is not None
        return found_poll()

    patches.put(select, "select", patient_select)
    if found_poll is not None:
        patches.put(select, "poll", poll)
