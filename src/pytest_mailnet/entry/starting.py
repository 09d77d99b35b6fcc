"""Marks threads, tasks, timers and jobs with the net of the code that starts them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Callable, Iterable
from typing import Any

from pytest_mailnet.entry.origins import STAMP, Origin, carrying, current, done_for
from pytest_mailnet.entry.patches import Patches

__all__ = ["install", "stamp_loops"]

_INTERPRETERS = "concurrent.futures.interpreter"


def install(patches: Patches) -> None:
    """Mark whatever is started from now on."""
    _stamp_threads(patches)
    _stamp_jobs(patches)
    stamp_loops(patches, asyncio.BaseEventLoop)


def stamp_loops(patches: Patches, loops: Any, timers: Iterable[str] = ("call_at",)) -> None:
    """Mark the tasks and callbacks of a class of event loops.

    Args:
        patches: where the replaced methods are kept.
        loops: the class.
        timers: the names of its methods that call something back at a given time.
    """
    create_task, call_soon_threadsafe = loops.create_task, loops.call_soon_threadsafe

    def stamped_task(loop: Any, coro: Any, **options: Any) -> Any:
        task = create_task(loop, coro, **options)
        origin = current()
        if origin is not None:
            with contextlib.suppress(AttributeError):  # a task of an application's own class
                setattr(task, STAMP, origin)
        return task

    def from_another_thread(loop: Any, callback: Any, *args: Any, **options: Any) -> Any:
        return call_soon_threadsafe(loop, _carried_by(current(), callback), *args, **options)

    def stamped(call_back: Any) -> Callable[..., Any]:
        def at_a_time(loop: Any, when: Any, callback: Any, *args: Any, **options: Any) -> Any:
            return call_back(loop, when, _carried_by(current(), callback), *args, **options)

        return at_a_time

    patches.put_note(loops, "create_task", stamped_task)
    patches.put_note(loops, "call_soon_threadsafe", from_another_thread)
    for name in timers:
        patches.put_note(loops, name, stamped(getattr(loops, name)))


def _stamp_threads(patches: Patches) -> None:
    start = threading.Thread.start

    def stamped_start(thread: threading.Thread) -> None:
        origin = current()
        if origin is not None:
            vars(thread)[STAMP] = origin
        with carrying(origin):  # start() waits for an event of the new thread, which is no work
            start(thread)

    patches.put_note(threading.Thread, "start", stamped_start)


def _stamp_jobs(patches: Patches) -> None:
    executors = concurrent.futures.ThreadPoolExecutor
    submit = executors.submit

    def stamped_submit(pool: Any, job: Any, /, *args: Any, **options: Any) -> Any:
        if type(pool).__module__ == _INTERPRETERS:  # to which nothing can be sent but what can be pickled
            return submit(pool, job, *args, **options)  # pragma: no cover  # from Python 3.14 on
        return submit(pool, _carried_by(current(), job, done_for), *args, **options)

    patches.put_note(executors, "submit", stamped_submit)


def _carried_by(
    origin: Origin | None, job: Callable[..., Any], first: Callable[[Origin], object] = bool
) -> Callable[..., Any]:
    if origin is None:
        return job

    def carried(*args: Any, **options: Any) -> Any:
        first(origin)
        with carrying(origin):
            return job(*args, **options)

    return carried
