"""Notices when a thread or task is given work, so that it is not mistaken for a leftover of an old net."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from collections.abc import Callable
from typing import Any

from pytest_mailnet.entry.origins import STAMP, current, handed, told_by
from pytest_mailnet.entry.patches import Patches

__all__ = ["notice_work"]


def notice_work(patches: Patches) -> None:
    """Patch queues, conditions (so events and semaphores too), asyncio's queues and events, and `accept`."""
    _notice_threads(patches)
    _notice_tasks(patches)
    # The class itself, even if a plugin has put a subclass in its place.
    for cls in [cls for cls in socket.socket.__mro__ if "accept" in vars(cls)][:1]:
        _notice_calls(patches, cls)


def _notice_threads(patches: Patches) -> None:
    notify, wait, get = threading.Condition.notify, threading.Condition.wait, queue.Queue.get

    def tell(condition: threading.Condition, n: int = 1) -> None:
        vars(condition)[STAMP] = told_by()
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

    patches.put_note(threading.Condition, "notify", tell)
    patches.put_note(threading.Condition, "wait", wait_to_be_told)
    if queue.Queue.__module__ == "queue":  # gevent's in its place is of C; the threads are its greenlets then
        patches.put_note(queue.Queue, "get", take)


def _notice_tasks(patches: Patches) -> None:
    get, wait = asyncio.Queue.get, asyncio.Event.wait

    async def take(items: asyncio.Queue[Any]) -> Any:
        item = await get(items)
        handed(vars(items).get(STAMP), asyncio.current_task())
        return item

    async def wait_to_be_told(event: asyncio.Event) -> bool:
        told = await wait(event)
        handed(vars(event).get(STAMP), asyncio.current_task())
        return told

    for cls, name in ((asyncio.Queue, "put_nowait"), (asyncio.Event, "set")):
        patches.put_note(cls, name, _noted(getattr(cls, name)))
    patches.put_note(asyncio.Queue, "get", take)
    patches.put_note(asyncio.Event, "wait", wait_to_be_told)


def _notice_calls(patches: Patches, sockets: Any) -> None:
    accept = sockets.accept

    def take(listening: socket.socket) -> Any:
        call = accept(listening)
        handed(None)
        return call

    patches.put_note(sockets, "accept", take)


def _noted(give: Callable[..., Any]) -> Callable[..., Any]:
    def noted(what: Any, *args: Any) -> Any:
        vars(what)[STAMP] = current()
        return give(what, *args)

    return noted
