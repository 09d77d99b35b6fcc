"""Work in processes of its own, which share nothing with each other and can be killed."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from pytest_mailnet.system.realtime import monotonic

__all__ = ["Fork", "in_forks"]

_T = TypeVar("_T")
_LENGTH = 8  # bytes, before the result


class Fork(Generic[_T]):
    """Work that is under way in a fork of this process. What it prints goes nowhere.

    Args:
        work: the work; its result is pickled.
        limit: after how many real seconds it is killed, with all processes that it has started.
    """

    def __init__(self, work: Callable[[], _T], limit: float) -> None:
        self._until = monotonic() + limit
        self._reading, writing = os.pipe()
        with warnings.catch_warnings():
            # The application may have threads; what they hold now is a risk that its own forks take too.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._child = os.fork()
        if self._child == 0:
            _do(work, self._reading, writing)
        os.close(writing)

    def outcome(self) -> _T | Exception | None:
        """Wait for the result, or the exception that it has raised.

        Returns:
            That; an `EOFError` if it has ended without one; None if it was killed.
        """
        try:
            written = self._read()
        except EOFError as ended:
            return ended
        finally:
            self.end()
        if written is None:
            return None
        result: _T | Exception = pickle.loads(written)  # noqa: S301  # of our own fork
        return result

    def end(self) -> None:
        """Kill it, and what it has started."""
        os.close(self._reading)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(self._child, signal.SIGKILL)
            os.killpg(self._child, signal.SIGKILL)
        os.waitpid(self._child, 0)

    def _read(self) -> bytes | None:
        # Not up to the end of the pipe: what the work has started may hold it open.
        found = b""
        while len(found) < _LENGTH or len(found) < _LENGTH + int.from_bytes(found[:_LENGTH], "big"):
            ready, _, _ = select.select([self._reading], [], [], max(0.0, self._until - monotonic()))
            if not ready:
                return None
            more = os.read(self._reading, 65536)
            if not more:
                raise EOFError("the process has ended")
            found += more
        return found[_LENGTH:]


def in_forks(works: Iterable[Callable[[], _T]], limit: float, most: int) -> Iterator[_T | Exception | None]:
    """Do work in several forks at once, and return the results in order.

    Args:
        works: the works.
        limit: after how many real seconds each is killed.
        most: how many there are at once.

    Returns:
        For each what `Fork.outcome` has.
    """
    under_way: deque[Fork[_T]] = deque()
    try:
        for work in works:
            under_way.append(Fork(work, limit))
            if len(under_way) >= most:
                yield under_way.popleft().outcome()
        while under_way:
            yield under_way.popleft().outcome()
    finally:
        for fork in under_way:
            fork.end()


def _do(work: Callable[[], object], reading: int, writing: int) -> None:
    try:
        os.setpgid(0, 0)
        os.close(reading)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        try:
            result = work()
        except Exception as error:  # noqa: BLE001  # the parent's to judge
            result = error
        try:
            written = pickle.dumps(result)
        except Exception:  # noqa: BLE001  # an exception of the application's own may not be made for it
            written = pickle.dumps(RuntimeError(repr(result)))
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(len(written).to_bytes(_LENGTH, "big") + written)
    finally:
        os._exit(0)
