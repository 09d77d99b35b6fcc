"""Who started what: to which net a thread, a task or a job belongs that connects.

While a net is active, what is started carries its `Origin` (`starting`). When it has been left, what it
started and left running is known by that, and does not come into the next net. A thread or a task that takes
its work from others belongs to nobody as soon as somebody else has given it some (`handing`).
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_mailnet.entry.network import Network
    from pytest_mailnet.entry.waits import Patience

__all__ = [
    "STAMP",
    "Origin",
    "carrying",
    "current",
    "done_for",
    "enter",
    "handed",
    "leave",
    "left_running",
    "name_of_nobody",
    "outlived",
    "told_by",
]

STAMP = "_mailnet_origin"
"""The attribute under which threads, tasks and what they are woken by carry an origin."""
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
    world: Network | None
    child: Callable[[], Network] | None = None
    forked: Network | None = None
    patience: Patience | None = None
    number: int = 0

    @property
    def gone(self) -> bool:
        """Whether the net has been left."""
        return self.world is None


_NOBODY = Origin("no net", None)


def enter(origin: Origin) -> None:
    """Note that the calling thread has entered a net."""
    leave()
    _local.entered = (*_local.entered, origin)


def leave() -> None:
    """Forget what the calling thread has entered and somebody has left."""
    _local.entered = tuple(it for it in getattr(_local, "entered", ()) if not it.gone)


def current() -> Origin | None:
    """The net that the caller belongs to, which may be gone; None for a caller of no net that is known.

    A job or a task carries its own. A thread is in the net that it has entered last, else in the one in which
    it was started.
    """
    carried = _carried()
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
        handed(None)
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
    _local.job = (origin or _NOBODY, _this_task())
    try:
        yield
    finally:
        _local.job = before


def left_running() -> bool:
    """Whether a thread is alive that belongs to a net that is gone, and has had no work of others since."""
    stamps = ((vars(thread).get(STAMP), _work_of(thread)) for thread in threading.enumerate())
    return any(it is not None and it.gone and work not in (*_POOLS, _OF_TRIO) for it, work in stamps)


def handed(by: Origin | None, task: asyncio.Task[Any] | None = None) -> None:
    """Note that the calling thread, or its task, was given work; by whom, where that is known."""
    if task is None and getattr(_local, "job", None) is not None:
        return  # what it does now was given to it with its net
    worker = task or _this_thread()
    origin: Origin | None = getattr(worker, STAMP, None)
    if origin is not None and origin.gone and by is not origin:
        delattr(worker, STAMP)
        setattr(worker, _OUTLIVED, origin)


def told_by() -> Origin | None:
    """Who tells others that something is done; the thread of a pool tells it when the job itself is over."""
    return current() or getattr(_local, "done", None)


def done_for(origin: Origin) -> None:
    """Note for whom the calling thread does a job."""
    _local.done = origin


def _carried() -> Origin | None:
    """What the inner one of job and task carries: a job may run a loop, and a task begin a job."""
    job, within = getattr(_local, "job", None) or (None, None)
    task = _this_task()
    of_task: Origin | None = None if task is None or task is within else getattr(task, STAMP, None)
    return of_task or job


def _this_task() -> asyncio.Task[Any] | None:
    loop = asyncio._get_running_loop()  # noqa: SLF001  # asyncio.get_running_loop raises where there is none
    return None if loop is None else asyncio.current_task(loop)


def _this_thread() -> threading.Thread | None:
    # threading.current_thread makes something up for a thread that Python has not started, by an Event.
    active: dict[int, threading.Thread] = vars(threading)["_active"]
    return active.get(threading.get_ident())


def _started_in(thread: threading.Thread) -> Origin | None:
    origin: Origin | None = vars(thread).get(STAMP)
    if origin is None or not origin.gone:
        return origin
    return None if _work_of(thread) in {*_POOLS, _OF_TRIO} else origin


def _work_of(thread: threading.Thread) -> str | None:
    """The module whose function a thread runs."""
    return getattr(getattr(thread, "_target", None), "__module__", None)
