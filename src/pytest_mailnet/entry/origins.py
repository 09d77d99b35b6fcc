"""Which net a thread, a task or a job belongs to.

While a net is active, every thread, task and job that is started is marked with the net's `Origin`
(`starting`). If it still runs when the net has ended, the mark keeps it out of the next net. A thread or task
loses the mark as soon as code of no net, or of another net, gives it work (`handing`).
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
"""The attribute that holds the origin of a thread, a task, or an object that they wait on."""
_OUTLIVED = "_mailnet_outlived"
# Threads of pools, which take work in ways that cannot be seen.
_POOLS = {"concurrent.futures.thread", "multiprocessing.pool"}
_OF_TRIO = "trio._core._thread_cache"  # its tasks wait for their threads, which therefore outlive no net
_local = threading.local()


@dataclass(slots=True, eq=False)
class Origin:
    """One time that a net is active.

    Attributes:
        title: the net's name in messages: the test's id, or "a net".
        world: the net; None once it has been left.
        child: makes, before a fork, the network that the child will see in place of the net.
        forked: that network; None if no fork has been prepared.
        patience: the net's time; None if its clock is not compressed.
        number: the nets are counted from 1 as they are entered; a higher number is an inner net.
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
    """Forget those nets that the calling thread has entered and that have been left since."""
    _local.entered = tuple(it for it in getattr(_local, "entered", ()) if not it.gone)


def current() -> Origin | None:
    """The net that the caller belongs to, which may have ended; None if no net is known.

    A job or a task carries its own net. A thread is in the net that it has entered last. If it has entered
    none, it is in the net in which it was started.
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
    """The name of the calling thread if it belongs to no known net, else None."""
    if current() is not None:
        return None
    thread = _this_thread()
    return "?" if thread is None else thread.name


def outlived() -> tuple[Origin, str] | None:
    """The ended net that the calling thread or task was started in, and a name for the thread or task.

    None if that net has not ended, or if others have given it no work since. Each thread and task is
    returned once.
    """
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
    """Let this thread belong to a net for a `with` block; None for no net."""
    before = getattr(_local, "job", None)
    _local.job = (origin or _NOBODY, _this_task())
    try:
        yield
    finally:
        _local.job = before


def left_running() -> bool:
    """Whether a thread of an ended net still runs and has not been given work by others since."""
    stamps = ((vars(thread).get(STAMP), _work_of(thread)) for thread in threading.enumerate())
    return any(it is not None and it.gone and work not in (*_POOLS, _OF_TRIO) for it, work in stamps)


def handed(by: Origin | None, task: asyncio.Task[Any] | None = None) -> None:
    """Note that the calling thread, or one of its tasks, was given work.

    Args:
        by: the net of the code that gave it; None if it is not known.
        task: the task that took the work; None if the thread itself took it.
    """
    if task is None and getattr(_local, "job", None) is not None:
        return  # what it does now was given to it with its net
    worker = task or _this_thread()
    origin: Origin | None = getattr(worker, STAMP, None)
    if origin is not None and origin.gone and by is not origin:
        delattr(worker, STAMP)
        setattr(worker, _OUTLIVED, origin)


def told_by() -> Origin | None:
    """The net of the caller as it wakes others up. The thread of a pool does so after the job has ended."""
    return current() or getattr(_local, "done", None)


def done_for(origin: Origin) -> None:
    """Note the net of the job that the calling thread does."""
    _local.done = origin


def _carried() -> Origin | None:
    """The net of the running task or job, of the inner one: a job may run a loop, and a task begin a job."""
    job, within = getattr(_local, "job", None) or (None, None)
    task = _this_task()
    of_task: Origin | None = None if task is None or task is within else getattr(task, STAMP, None)
    return of_task or job


def _this_task() -> asyncio.Task[Any] | None:
    loop = asyncio._get_running_loop()  # noqa: SLF001  # asyncio.get_running_loop raises where there is none
    return None if loop is None else asyncio.current_task(loop)


def _this_thread() -> threading.Thread | None:
    # threading.current_thread makes a dummy, with an Event, for a thread that Python has not started.
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
