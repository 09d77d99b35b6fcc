"""Notices who gives work to threads and tasks, so that none is taken for what a net has left behind."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from collections.abc import Callable
from typing import Any

from pytest_mailnet.intercept.origins import STAMP, current, handed
from pytest_mailnet.intercept.patches import Patches

__all__ = ["notice_work"]


def notice_work(patches: Patches) -> None:
    """Notice it at queues, at conditions (events, semaphores) and events, and where calls are accepted."""
    notify, wait = threading.Condition.notify, threading.Condition.wait
    # Not of a subclass that somebody has put in the class's place.
    sockets: Any = next(cls for cls in socket.socket.__mro__ if "accept" in vars(cls))
    get, accept = queue.Queue.get, sockets.accept
    task_get, event_wait = asyncio.Queue.get, asyncio.Event.wait

    def told_by(condition: threading.Condition, n: int = 1) -> None:
        vars(condition)[STAMP] = current()
        notify(condition, n)

    def wait_to_be_told(condition: threading.Condition, timeout: float | None = None) -> bool:
        told = wait(condition, timeout)
        if told:
            handed(vars(condition).get(STAMP))
        return told

    def take(items: queue.Queue[Any], *args: Any, **options: Any) -> Any:
        item = get(items, *args, **options)
        handed(vars(items.not_empty).get(STAMP))
        return item

    def take_call(listening: socket.socket) -> Any:
        call = accept(listening)
        handed(None)
        return call

    async def take_for_task(items: asyncio.Queue[Any]) -> Any:
        item = await task_get(items)
        handed(vars(items).get(STAMP), asyncio.current_task())
        return item

    async def wait_for_event(event: asyncio.Event) -> bool:
        told = await event_wait(event)
        handed(vars(event).get(STAMP), asyncio.current_task())
        return told

    for cls, name in ((asyncio.Queue, "put_nowait"), (asyncio.Event, "set")):
        patches.put(cls, name, _noted(getattr(cls, name)))
    patches.put(asyncio.Queue, "get", take_for_task)
    patches.put(asyncio.Event, "wait", wait_for_event)
    patches.put(threading.Condition, "notify", told_by)
    patches.put(threading.Condition, "wait", wait_to_be_told)
    if queue.Queue.__module__ == "queue":  # gevent's in its place is of C; the threads are its greenlets then
        patches.put(queue.Queue, "get", take)
    patches.put(sockets, "accept", take_call)


def _noted(give: Callable[..., Any]) -> Callable[..., Any]:
    def noted(what: Any, *args: Any) -> Any:
        vars(what)[STAMP] = current()
        return give(what, *args)

    return noted
