"""The thread in which a handler's hooks are awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pytest_mailnet.system.kernel import new_loop
from pytest_mailnet.system.native import lock, start

__all__ = ["HandlerLoop"]


class HandlerLoop:
    """A thread with an event loop of its own, as aiosmtpd's controllers have it.

    A hook that blocks, because it sends mail by smtplib or asks a database, holds up only its own server.
    One lock: clients' threads start the thread, the test's thread ends it.
    """

    def __init__(self) -> None:
        self._lock = lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._join: Callable[[], object] = bool

    def start(self) -> asyncio.AbstractEventLoop:
        """Start the thread, if it does not run. It belongs to the net of the thread that calls this."""
        with self._lock:
            if self._loop is None:
                loop = self._loop = new_loop()
                self._join = start(lambda: _run(loop), "mailnet handler")
            return self._loop

    def close(self) -> None:
        """Cancel hooks that still run, and end the thread."""
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)
            self._join()

    def call(self, do: Callable[[], object]) -> None:
        """Run a callback in the thread, in the order of these calls; do nothing if the thread has ended."""
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(do)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
