"""Compressed time for greenlets of gevent and eventlet, whose hub lets other greenlets go on meanwhile."""

from __future__ import annotations

import errno
import os
import weakref
from collections.abc import Callable
from select import POLLIN, POLLOUT
from typing import Any

from pytest_mailnet.entry.ends import ends_of, poller
from pytest_mailnet.entry.waits import SYN_GIVEN_UP, Waits

__all__ = ["Deadlines"]


class Deadlines:
    """When the time-outs of greenlets (`gevent.Timeout`, `eventlet.Timeout`) end by the net's clock.

    Args:
        waits: has the net's time.
        current: returns the running greenlet, which sees only its own time-outs.
    """

    def __init__(self, waits: Waits, current: Callable[[], Any]) -> None:
        self._waits = waits
        self._current = current
        self._begun: weakref.WeakKeyDictionary[Any, list[tuple[float, Any]]] = weakref.WeakKeyDictionary()

    def add(self, timeout: Any) -> None:
        """Keep a time-out that has just begun."""
        if self._waits.patience.own_thread():
            return
        begun = self._begun.setdefault(self._current(), [])
        begun[:] = [it for it in begun if it[1].pending]
        begun.append((self._waits.patience.now() + timeout.seconds, timeout))

    def wait(
        self,
        descriptor: int,
        step: Callable[[float], object],
        timeout: float | None,
        *,
        writing: bool,
    ) -> bool:
        """Wait for a socket; return whether it is ready before its own time-out is over.

        Args:
            descriptor: the socket's.
            step: waits for the socket in the hub, for the given seconds; returns something true if it is
                ready.
            timeout: in seconds; None for ever.
            writing: whether to wait for a write or a connect, and not for something to read.

        Raises:
            TimeoutError: if the socket connects, and the kernel would give up before the time-out.
            BaseException: the exception of a time-out of the greenlet that ends before.
        """
        begun = [it for it in self._begun.get(self._current(), []) if it[1].pending]
        due, first = min(begun, key=lambda it: it[0], default=(0.0, None))
        left = max(0.0, due - self._waits.patience.now())
        if first is None or (timeout is not None and timeout < left):
            return _ready(self._waits, descriptor, step, timeout, writing=writing)
        if _ready(self._waits, descriptor, step, left, writing=writing):
            return True
        first.cancel()
        raise first if isinstance(first.exception, bool | str | None) else first.exception


def _ready(
    waits: Waits, descriptor: int, step: Callable[[float], object], timeout: float | None, *, writing: bool
) -> bool:
    ready = poller({descriptor: POLLOUT if writing else POLLIN})
    limit = timeout
    if writing and any(end.peer is None for end in ends_of([descriptor])):
        limit = SYN_GIVEN_UP if timeout is None else min(timeout, SYN_GIVEN_UP)

    def poll(seconds: float) -> bool:
        return bool(ready(0) or (seconds and step(seconds)))

    if waits.until(poll, lambda: ends_of([descriptor]), limit, "a greenlet"):
        return True
    if limit != timeout:
        raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    return False
