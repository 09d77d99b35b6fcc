"""A thread with an event loop: others have it do work, and watch sockets for them."""

from __future__ import annotations

import asyncio
import functools
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeAlias, TypeVar

from pytest_mailnet.errors import MailNetError
from pytest_mailnet.system.kernel import KernelLoop, KernelSocket, new_loop
from pytest_mailnet.system.native import lock, original, start

__all__ = ["Begin", "LoopThread"]

_T = TypeVar("_T")

Begin: TypeAlias = Callable[[KernelLoop], Callable[[], Coroutine[Any, Any, None]]]
"""Begins to serve, in the loop's thread, and returns what ends that there."""


class LoopThread(ABC):
    """A thread that runs an event loop, from the first use until `close`.

    A forked child has a copy without the thread. There `run` fails, and `start` begins anew.
    """

    def __init__(self) -> None:
        self._lock = lock()  # for what `_begin_anew` sets: nets may begin in several threads
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._process = os.getpid()
        self._join: Callable[[], object] | None = None
        self._ident = 0
        self._sockets: list[KernelSocket] = []  # the listening ones
        self._loop: KernelLoop | None = None
        self._stop: asyncio.Event | None = None

    @abstractmethod
    def _bind(self) -> tuple[Iterable[KernelSocket], Begin]:
        """Bind the sockets that the thread serves; returns them, and what begins to serve them."""

    def start(self) -> None:
        """Bind the sockets and start the thread, if it does not run.

        Raises:
            MailNetError: if no loopback port could be bound.
        """
        with self._lock:
            if self._forked:
                self._begin_anew()
            if self._join is not None:
                return
            sockets, begin = self._bind()
            self._sockets += sockets
            ready = lock()
            ready.acquire()
            self._join = start(functools.partial(self._run, begin, ready.release), "mailnet")
            ready.acquire()

    def close(self) -> None:
        """Stop the thread and close every socket. `start` works again afterwards."""
        with self._lock:
            join, self._join = self._join, None
            self._sockets = []
        if join is None:
            return
        loop, stop = self._loop, self._stop
        assert loop is not None
        assert stop is not None
        loop.call_soon_threadsafe(stop.set)
        join()

    @property
    def busy_here(self) -> bool:
        """Whether the caller runs in this thread, or does its work for it."""
        return self.is_here or (self._loop is not None and self._loop.turn_taken_here)

    @property
    def is_here(self) -> bool:
        """Whether the caller runs in this thread."""
        return bool(original("_thread", "get_ident")() == self._ident)

    def watch(
        self, sockets: Iterable[KernelSocket], begin: Callable[[KernelLoop], Callable[[], None]]
    ) -> Callable[[], None]:
        """Watch sockets in the loop that somebody else has made.

        Args:
            sockets: these, of which a forked child closes its copies.
            begin: begins to watch them, in the loop's thread; returns what ends that and closes them.

        Returns:
            A function that ends it.
        """
        self.start()
        loop, watched = self._loop, list(sockets)
        assert loop is not None
        self._sockets += watched

        async def start() -> Callable[[], None]:
            return begin(loop)

        async def stop() -> None:
            end()
            self._sockets = [it for it in self._sockets if it not in watched]
            await asyncio.sleep(0)  # in which transports close their sockets

        end = self.run(start())
        return lambda: None if self._forked else self.run(stop())

    def also_watched(self, sockets: Iterable[KernelSocket]) -> None:
        """Remember further sockets that are watched, of which a forked child closes its copies."""
        self._sockets += sockets

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in this thread and wait for its result.

        Raises:
            MailNetError: in a child process that was forked from the thread's.
        """
        if self._forked:
            work.close()
            raise MailNetError(
                "this process was forked off the one in which the net is. Ask the net in that one; what a "
                "child sends is led there after mailnet.include_children()"
            )
        assert self._loop is not None
        # A lock of the system: those of `concurrent.futures` may be gevent's or eventlet's.
        done = lock()
        done.acquire()
        tasks: list[asyncio.Task[_T]] = []

        def begin() -> None:
            tasks.append(asyncio.ensure_future(work))
            tasks[0].add_done_callback(lambda _: done.release())

        self._loop.call_soon_threadsafe(begin)
        done.acquire()
        return tasks[0].result()

    def close_inherited(self) -> None:
        """Close a forked child's copies of the sockets.

        Otherwise a port that the parent has closed would still listen in the child, and its callers would
        wait for ever.
        """
        for sock in self._sockets:
            sock.close()

    @property
    def _forked(self) -> bool:
        """Whether this is the copy in a forked child, which has no thread."""
        return self._process != os.getpid()

    def _run(self, begin: Begin, ready: Callable[[], object]) -> None:
        self._ident = original("_thread", "get_ident")()

        async def serve() -> None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, KernelLoop)
            self._loop = loop
            self._stop = asyncio.Event()
            end = begin(loop)
            ready()
            await self._stop.wait()
            await end()

        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(serve())
