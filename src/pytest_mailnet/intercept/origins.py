"""Who started what: to which net a thread, a task or a job belongs that connects.

While a net is active, the threads that are started, the tasks that are made and the jobs that are handed to
executors and loops carry its `Origin`. When it has been left, what it started and left running is known by
that, and does not come into the next net. A thread or a task that takes its work from others (a queue, a
condition, an event, a socket that it serves) belongs to nobody as soon as somebody else has given it some.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import queue
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_mailnet.intercept.patches import Patches

if TYPE_CHECKING:
    from pytest_mailnet.intercept.waits import Patience
    from pytest_mailnet.intercept.world import World

__all__ = [
    "Origin",
    "carrying",
    "current",
    "enter",
    "install",
    "leave",
    "left_running",
    "name_of_nobody",
    "notice_work",
    "outlived",
    "stamp_loops",
]

_STAMP = "_mailnet_origin"
_OUTLIVED = "_mailnet_outlived"
# Threads that work for whoever hands them something, by ways that cannot be seen.
_POOLS = {"concurrent.futures.thread", "multiprocessing.pool"}
_OF_TRIO = "trio._core._thread_cache"  # its tasks wait for what they hand over, so that nothing outlives them
_local = threading.local()


@dataclass(slots=True, eq=False)
class Origin:
    """One time that a net is active.

    Attributes:
        title: what messages call it: the test's id, or "a net".
        world: the net; None once it has been left.
        child: makes, before a fork, what the child is to see in place of the net.
        forked: what the child sees.
        patience: how waits on it take no time, where its clock is compressed.
        number: counts them from 1; the later one is the inner one.
    """

    title: str
    world: World | None
    child: Callable[[], World] | None = None
    forked: World | None = None
    patience: Patience | None = None
    number: int = 0

    @property
    def gone(self) -> bool:
        """Whether the net has been left."""
        return self.world is None


_NOBODY = Origin("no net", None)


def enter(origin: Origin) -> None:
    """Note that the calling thread has entered a net."""
    _local.entered = (*getattr(_local, "entered", ()), origin)


def leave() -> None:
    """Forget what the calling thread has entered and somebody has left."""
    _local.entered = tuple(it for it in getattr(_local, "entered", ()) if not it.gone)


def current() -> Origin | None:
    """The net that the caller belongs to, which may be gone; None for a caller of no net that is known.

    A job or a task carries its own. A thread is in the net that it has entered last, else in the one in which
    it was started.
    """
    carried: Origin | None = getattr(_local, "job", None) or _carried_by_task()
    if carried is _NOBODY:
        return None
    if carried is not None and carried.gone:
        return carried
    own: tuple[Origin, ...] = getattr(_local, "entered", ())
    entered = next((it for it in reversed(own) if not it.gone), None)
    if carried is not None and entered is not None:
        return max(carried, entered, key=lambda it: it.number)
    if carried is not None or entered is not None:
        return carried or entered
    thread = _this_thread()
    return None if thread is None else _started_in(thread)


def name_of_nobody() -> str | None:
    """The name of the calling thread, if it belongs to no net that is known."""
    if current() is not None:
        return None
    thread = _this_thread()
    return "?" if thread is None else thread.name


def outlived() -> tuple[Origin, str] | None:
    """Of who has outlived its net, and works for others now: which net, and its name; told once."""
    if getattr(_local, "job", None) is not None:  # a job's net is known
        return None
    task, thread = _this_task(), _this_thread()
    if thread is not None and _work_of(thread) in _POOLS:
        _handed(None)
    for kind, worker in (("task", task), ("thread", thread)):
        origin: Origin | None = getattr(worker, _OUTLIVED, None)
        if worker is not None and origin is not None:
            delattr(worker, _OUTLIVED)
            name = worker.name if isinstance(worker, threading.Thread) else worker.get_name()
            return origin, f"{kind} {name!r}"
    return None


@contextlib.contextmanager
def carrying(origin: Origin | None) -> Iterator[None]:
    """Do something in this thread for a net, whatever the thread itself belongs to; None for no net."""
    before = getattr(_local, "job", None)
    _local.job = origin or _NOBODY
    try:
        yield
    finally:
        _local.job = before


def install(patches: Patches) -> None:
    """Let what is started from now on carry the net of who starts it."""
    _stamp_threads(patches)
    _stamp_jobs(patches)
    stamp_loops(patches, asyncio.BaseEventLoop)


def left_running() -> bool:
    """Whether a thread is alive that belongs to a net that is gone, and has had no work of others since."""
    stamps = ((vars(thread).get(_STAMP), _work_of(thread)) for thread in threading.enumerate())
    return any(it is not None and it.gone and work not in (*_POOLS, _OF_TRIO) for it, work in stamps)


def stamp_loops(patches: Patches, loops: Any, timers: Iterable[str] = ("call_at",)) -> None:
    """Let tasks and callbacks of a class of event loops carry the net of who makes them.

    Args:
        patches: are put there.
        loops: the class.
        timers: its methods that call something back at a time.
    """
    create_task, call_soon_threadsafe = loops.create_task, loops.call_soon_threadsafe

    def stamped_task(loop: Any, coro: Any, **options: Any) -> Any:
        task = create_task(loop, coro, **options)
        origin = current()
        if origin is not None:
            with contextlib.suppress(AttributeError):  # a task of somebody's own class
                setattr(task, _STAMP, origin)
        return task

    def from_another_thread(loop: Any, callback: Any, *args: Any, **options: Any) -> Any:
        return call_soon_threadsafe(loop, _carried_by(current(), callback), *args, **options)

    def stamped(call_back: Any) -> Callable[..., Any]:
        def at_a_time(loop: Any, when: Any, callback: Any, *args: Any, **options: Any) -> Any:
            return call_back(loop, when, _carried_by(current(), callback), *args, **options)

        return at_a_time

    patches.put(loops, "create_task", stamped_task)
    patches.put(loops, "call_soon_threadsafe", from_another_thread)
    for name in timers:
        patches.put(loops, name, stamped(getattr(loops, name)))


def _stamp_threads(patches: Patches) -> None:
    start = threading.Thread.start

    def stamped_start(thread: threading.Thread) -> None:
        origin = current()
        if origin is not None:
            vars(thread)[_STAMP] = origin
        start(thread)

    patches.put(threading.Thread, "start", stamped_start)


def _stamp_jobs(patches: Patches) -> None:
    executors = concurrent.futures.ThreadPoolExecutor
    submit = executors.submit

    def stamped_submit(pool: Any, job: Any, /, *args: Any, **options: Any) -> Any:
        return submit(pool, _carried_by(current(), job), *args, **options)

    patches.put(executors, "submit", stamped_submit)


def notice_work(patches: Patches) -> None:
    """Notice where a thread gets work: from a queue, by a condition (an event, a semaphore), by a call."""
    notify, wait = threading.Condition.notify, threading.Condition.wait
    # Not of a subclass that somebody has put in the class's place.
    sockets: Any = next(cls for cls in socket.socket.__mro__ if "accept" in vars(cls))
    get, accept = queue.Queue.get, sockets.accept
    task_get, event_wait = asyncio.Queue.get, asyncio.Event.wait

    def told_by(condition: threading.Condition, n: int = 1) -> None:
        vars(condition)[_STAMP] = current()
        notify(condition, n)

    def wait_to_be_told(condition: threading.Condition, timeout: float | None = None) -> bool:
        told = wait(condition, timeout)
        if told:
            _handed(vars(condition).get(_STAMP))
        return told

    def take(items: queue.Queue[Any], *args: Any, **options: Any) -> Any:
        item = get(items, *args, **options)
        _handed(vars(items.not_empty).get(_STAMP))
        return item

    def take_call(listening: socket.socket) -> Any:
        call = accept(listening)
        _handed(None)
        return call

    async def take_for_task(items: asyncio.Queue[Any]) -> Any:
        item = await task_get(items)
        _handed(vars(items).get(_STAMP), asyncio.current_task())
        return item

    async def wait_for_event(event: asyncio.Event) -> bool:
        told = await event_wait(event)
        _handed(vars(event).get(_STAMP), asyncio.current_task())
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
        vars(what)[_STAMP] = current()
        return give(what, *args)

    return noted


def _handed(by: Origin | None, task: asyncio.Task[Any] | None = None) -> None:
    """Note that the calling thread, or its task, was given work; by whom, where that is known."""
    if task is None and getattr(_local, "job", None) is not None:
        return  # what it does now was given to it with its net
    worker = task or _this_thread()
    origin: Origin | None = getattr(worker, _STAMP, None)
    if origin is not None and origin.gone and by is not origin:
        delattr(worker, _STAMP)
        setattr(worker, _OUTLIVED, origin)


def _carried_by_task() -> Origin | None:
    """What the task carries that is running in this thread."""
    carried: Origin | None = getattr(_this_task(), _STAMP, None)
    return carried


def _this_task() -> asyncio.Task[Any] | None:
    loop = asyncio._get_running_loop()  # noqa: SLF001  # asyncio.get_running_loop raises where there is none
    return None if loop is None else asyncio.current_task(loop)


def _this_thread() -> threading.Thread | None:
    # threading.current_thread makes something up for a thread that Python has not started, by an Event.
    active: dict[int, threading.Thread] = vars(threading)["_active"]
    return active.get(threading.get_ident())


def _started_in(thread: threading.Thread) -> Origin | None:
    origin: Origin | None = vars(thread).get(_STAMP)
    if origin is None or not origin.gone:
        return origin
    return None if _work_of(thread) in {*_POOLS, _OF_TRIO} else origin


def _work_of(thread: threading.Thread) -> str | None:
    """The module whose function a thread runs."""
    return getattr(getattr(thread, "_target", None), "__module__", None)


def _carried_by(origin: Origin | None, job: Callable[..., Any]) -> Callable[..., Any]:
    if origin is None:
        return job

    def carried(*args: Any, **options: Any) -> Any:
        with carrying(origin):
            return job(*args, **options)

    return carried
