"""A socket of the engine, whose work a client's own thread can do when it has just sent something there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from selectors import EVENT_READ

from pytest_mailnet.system.kernel import KernelLoop, KernelSocket

__all__ = ["WatchedSocket"]

_NOT_AT_ALL = -1


class WatchedSocket(ABC):
    """A socket that the engine's loop watches. Everything but `hold` and `serve` needs the loop's turn.

    A client that blocks is going to wait for its answer. It calls `hold`, sends, and calls `serve`: then the
    server answers in the client's thread, and the two switches between threads are saved, which take longer
    than the answer.

    Args:
        sock: the socket, not blocking.
        loop: the engine's.
    """

    def __init__(self, sock: KernelSocket, loop: KernelLoop) -> None:
        self._sock, self._loop = sock, loop
        self._descriptor = sock.fileno()
        self._wanted = self._watched = _NOT_AT_ALL  # events; the two differ between `hold` and `serve`

    @abstractmethod
    def ready(self, events: int) -> None:
        """Do what the events call for; it must not raise an `Exception`.

        Args:
            events: of `selectors`, for which the socket is ready.
        """

    def want(self, events: int) -> None:
        """Have `ready` called for these events from now on; 0 for none."""
        self._wanted = events or _NOT_AT_ALL
        self._settle()

    def hold(self) -> bool:
        """Let what comes not wake the loop's thread until `serve` is called.

        Returns:
            Whether `serve` is to be called. Nothing is read until then: the client must not block.
        """
        loop = self._loop
        if self._wanted != EVENT_READ or not loop.take_turn():
            return False
        try:
            if self._wanted != EVENT_READ or self._watched != EVENT_READ:
                return False
            loop.watch_for(self._descriptor, 0)  # with one call of the kernel, where to unwatch takes two
            self._watched = 0
            return True
        finally:
            loop.end_turn()

    def serve(self) -> None:
        """Do in the calling thread what has come since `hold`; leave it to the loop's if that is at work."""
        loop = self._loop
        if not loop.take_turn():
            loop.call_soon_threadsafe(self._settle)
            return
        try:
            if self._wanted != _NOT_AT_ALL and self._wanted & EVENT_READ:
                self.ready(EVENT_READ)
        finally:
            self._settle()
            loop.end_turn()

    def _settle(self) -> None:
        watched, wanted = self._watched, self._wanted
        if watched == wanted:
            return
        self._watched = wanted
        if watched == _NOT_AT_ALL:
            self._loop.watch(self._descriptor, wanted, self.ready)
        elif wanted == _NOT_AT_ALL:
            # Not for no events: the kernel tells of an end all the same, again and again.
            self._loop.unwatch(self._descriptor)
        else:
            self._loop.watch_for(self._descriptor, wanted)
