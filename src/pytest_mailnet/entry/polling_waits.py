"""Compressed time for event loops, selectors and `select`."""

from __future__ import annotations

import asyncio
import select
import selectors
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from pytest_mailnet.entry.ends import End, ends_of
from pytest_mailnet.entry.patches import Patches
from pytest_mailnet.entry.waits import Waits

__all__ = ["compress"]

# The selectors of all systems, and gevent's in place of one. They took their functions from `select` when
# they were imported.
_SELECTORS = (
    "DefaultSelector",
    "SelectSelector",
    "PollSelector",
    "EpollSelector",
    "DevpollSelector",
    "KqueueSelector",
)


def compress(patches: Patches, waits: Waits) -> None:
    """Let selectors, asyncio's loops and `select` wait in the net's time; report `poll`, which cannot.

    Args:
        patches: where the replaced functions are kept.
        waits: waits in the net's time.
    """
    loops = _Loops(patches, waits)
    known = (getattr(selectors, name, None) for name in _SELECTORS)
    for cls in dict.fromkeys(filter(None, known)):
        _compress_selector(patches, waits, loops, cls)
    _compress_select(patches, waits)


class _Loops:
    """asyncio's loops: their clocks, and the work that threads do for them."""

    def __init__(self, patches: Patches, waits: Waits) -> None:
        self._patches, self._waits = patches, waits
        self._at_work: weakref.WeakSet[asyncio.Future[Any]] = weakref.WeakSet()
        self._shutting_down: weakref.WeakSet[asyncio.AbstractEventLoop] = weakref.WeakSet()
        self._clocks: weakref.WeakKeyDictionary[Any, Callable[[], float]] = weakref.WeakKeyDictionary()
        loops: Any = asyncio.BaseEventLoop
        found, shut_down = loops.run_in_executor, loops.shutdown_default_executor

        def run_in_executor(loop: asyncio.BaseEventLoop, *args: Any) -> asyncio.Future[Any]:
            future: asyncio.Future[Any] = found(loop, *args)
            self._at_work.add(future)
            return future

        async def shutdown_default_executor(loop: asyncio.BaseEventLoop, *args: Any, **options: Any) -> None:
            self._shutting_down.add(loop)
            try:
                await shut_down(loop, *args, **options)
            finally:
                self._shutting_down.discard(loop)

        patches.put(loops, "run_in_executor", run_in_executor)
        # A thread of the loop's own joins those of the executor. They may be at work that was cancelled.
        patches.put(loops, "shutdown_default_executor", shutdown_default_executor)

    def waiting(self, selector: Any) -> asyncio.AbstractEventLoop | None:
        """The running loop if it waits by this selector, else None. The loop's clock is patched then."""
        loop = asyncio._get_running_loop()  # noqa: SLF001
        if loop is None or getattr(loop, "_selector", None) is not selector:
            return None
        if loop not in self._clocks or vars(loop).get("time") is not self._clocks[loop]:
            self._set_clock(loop)
        return loop

    def busy(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether a thread is at work for a loop, so that the loop may wait for more than connections."""
        at_work = any(future.get_loop() is loop and not future.done() for future in list(self._at_work))
        return at_work or loop in self._shutting_down or self._waits.awaited()

    def _set_clock(self, loop: asyncio.AbstractEventLoop) -> None:
        # An attribute of the loop, not of its class: freezegun (real_asyncio) and loops of suites may replace
        # the method of a subclass at any time. The clock starts where it is: what this thread has skipped
        # before does not count.
        waits, found = self._waits, vars(loop).get("time")
        if not getattr(loop, "_scheduled", None):
            waits.count_anew()
        before = waits.lapsed

        def lapsed_time() -> float:
            lapsed = waits.lapsed - before  # first: see `lapsed`
            return float(type(loop).time(loop) if found is None else found()) + lapsed

        self._clocks[loop] = lapsed_time
        self._patches.put(loop, "time", lapsed_time, watched=False)


def _compress_selector(patches: Patches, waits: Waits, loops: _Loops, cls: Any) -> None:
    found = cls.select

    def patient_select(selector: Any, timeout: float | None = None) -> Any:
        if waits.patience.own_thread():
            return found(selector, timeout)
        loop = loops.waiting(selector)
        if timeout is not None and timeout <= 0:
            return found(selector, timeout)

        def ends() -> list[End]:
            return [] if loop is not None and loops.busy(loop) else ends_of(list(selector.get_map()))

        who = "a selector" if loop is None else "an asyncio loop (asyncio.sleep, say)"
        return waits.until(
            lambda seconds: found(selector, seconds),
            ends,
            timeout,
            who,
            by_clock=loop is not None or waits.looked,
        )

    patches.put(cls, "select", patient_select)


def _compress_select(patches: Patches, waits: Waits) -> None:
    found = select.select
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
            return found(*asked, timeout)

        def ready(seconds: float) -> tuple[list[Any], list[Any], list[Any]] | None:
            answer = found(*asked, seconds)
            return answer if any(answer) else None

        def ends() -> list[End]:
            return ends_of({it if isinstance(it, int) else it.fileno() for each in asked for it in each})

        return waits.until(ready, ends, timeout, "select.select") or ([], [], [])

    def poll() -> Any:
        # Its waits are methods of a C object, which cannot be patched.
        waits.patience.uncovered("a wait by select.poll")
        assert found_poll is not None
        return found_poll()

    patches.put(select, "select", patient_select)
    if found_poll is not None:
        patches.put(select, "poll", poll)
