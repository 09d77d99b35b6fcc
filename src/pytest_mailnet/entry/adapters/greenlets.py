"""How a greenlet waits with a net's patience, while its hub lets the others go on; what ends its waits."""

from __future__ import annotations

import errno
import os
import weakref
from collections.abc import Callable
from select import POLLIN, POLLOUT
from typing import Any

from pytest_mailnet.entry.waits import SYN_GIVEN_UP, Waits, ends_of, poller

__all__ = ["Deadlines"]


class Deadlines:
    """When the time-outs of greenlets (`gevent.Timeout`, `eventlet.Timeout`) are due on the net's clock.

    Args:
        waits: by whose clock.
        current: the greenlet that asks; it sees only its own.
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
            step: waits for it in the hub, for so many seconds; returns something true when it is ready.
            timeout: in seconds; None for ever.
            writing: whether it shall be written to, or connected, and not read from.

        Raises:
            TimeoutError: if it connects, and the kernel would give that up before the time-out.
            BaseException: what a time-out of the greenlet raises that is due before.
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
