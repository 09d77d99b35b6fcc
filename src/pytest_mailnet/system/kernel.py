"""The engine's sockets and event loop, which use the kernel directly and none of Python's patchable classes.

gevent and eventlet put cooperative sockets and selectors into the standard library, which belong to the hub
of one thread. pytest-socket puts a class there that raises when a socket is made.
"""

from __future__ import annotations

import _socket
import _thread
import asyncio
import math
import os
import select
import selectors
from collections.abc import Callable, Mapping
from contextvars import Context
from typing import Any, TypeVarTuple

from pytest_mailnet.system import native
from pytest_mailnet.system.realtime import monotonic

__all__ = ["KernelLoop", "KernelSocket", "new_loop"]

_PATIENCE = 0.002  # seconds
_MASKS = (0, select.POLLIN, select.POLLOUT, select.POLLIN | select.POLLOUT)  # by the events of `selectors`
_Ts = TypeVarTuple("_Ts")


class KernelSocket(_socket.socket):
    """A socket that no patches reach; `accept` returns another of its kind."""

    def accept(self) -> tuple[KernelSocket, Any]:
        """Take a connection, as `socket.socket.accept` does."""
        descriptor, address = self._accept()  # type: ignore[attr-defined]
        return KernelSocket(self.family, self.type, self.proto, descriptor), address


def new_loop() -> KernelLoop:
    """Make a loop that waits by the kernel alone, whatever the application's event loop policy is."""
    if native.patched():  # the patched module `select` has neither
        return _PatchedLoop(_Selector(native.original("select", "poll")(), 1000))
    return KernelLoop(
        _Selector(select.epoll(), 1) if hasattr(select, "epoll") else _Selector(select.poll(), 1000)
    )


class KernelLoop(asyncio.SelectorEventLoop):
    """A loop whose timers run on while a test stops or moves the application's clocks.

    Sockets can be watched without asyncio's handles and transports, which take as long as all else in a
    session of SMTP. Everything else that asyncio has works beside them.

    The loop's thread has the turn whenever it does anything but wait. While it waits, another thread can take
    the turn and do the loop's work in its place, which saves the switch between the threads. So whoever has
    the turn may use everything that is said to belong to the loop's thread.

    Args:
        selector: what it waits by.
    """

    def __init__(self, selector: _Selector) -> None:
        self._watched = selector
        self._turn = selector.turn
        self._process = os.getpid()
        self._holder = 0  # the thread that has taken the turn from the loop's; 0 for none
        self._scheduled_here = False  # whether the holder has given asyncio work that cannot wait
        self._behind: list[Callable[[], object]] = []  # what the holder does at the end of its turn
        super().__init__(selector)

    def run_forever(self) -> None:
        """Run until `stop`, with the turn."""
        with self._turn:
            super().run_forever()

    def take_turn(self) -> bool:
        """Take the turn if the loop's thread only waits; whoever has taken it calls `end_turn`.

        Returns:
            Whether the caller has the turn now; never in a process that was forked off the loop's.
        """
        caller = _thread.get_ident()
        if self._holder == caller or self._process != os.getpid():
            return False
        # The loop's thread may be done but for the interpreter's lock, which the caller has.
        if not self._turn.acquire(timeout=_PATIENCE):
            return False
        self._holder, self._scheduled_here = caller, False
        return True

    def end_turn(self) -> None:
        """Do what was put off, give the turn back, and wake the loop's thread if asyncio has work."""
        try:
            while self._behind:
                self._behind.pop(0)()
        finally:
            scheduled, self._holder = self._scheduled_here, 0
            self._turn.release()
            if scheduled:
                self.call_soon_threadsafe(bool)

    @property
    def turn_taken_here(self) -> bool:
        """Whether the calling thread has taken the turn."""
        return self._holder == _thread.get_ident()

    def put_off(self, do: Callable[[], object]) -> None:
        """Call a function when the caller is done: at the end of its turn, or in the loop's next round."""
        if self._holder:
            self._behind.append(do)
        else:
            super().call_soon(do)

    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """As asyncio's; only with the turn."""
        self._scheduled_here = True
        return super().call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """As asyncio's; only with the turn."""
        if when < self._watched.until:
            self._scheduled_here = True
        return super().call_at(when, callback, *args, context=context)

    def time(self) -> float:
        """Seconds on a clock that no test moves."""
        return monotonic()

    def watch(self, descriptor: int, events: int, ready: Callable[[int], object]) -> None:
        """Call a watcher in each round in which a socket is ready. Only with the turn.

        Args:
            descriptor: the socket's, which is not watched yet.
            events: `selectors.EVENT_READ`, `EVENT_WRITE`, both, or 0 for none.
            ready: called with those of the events that are there; it must not raise.
        """
        self._watched.watch(descriptor, events, ready)

    def watch_for(self, descriptor: int, events: int) -> None:
        """Change the events for which a socket is watched. Only with the turn."""
        self._watched.watch_for(descriptor, events)

    def unwatch(self, descriptor: int) -> None:
        """Watch a socket no longer. Only with the turn."""
        self._watched.unwatch(descriptor)


class _Selector(selectors.BaseSelector):
    """What a loop waits by: gives the turn away while it waits, and calls the watchers itself.

    Args:
        kernel: the kernel's `epoll` or `poll`.
        second: its unit of time-outs, in parts of a second.
    """

    def __init__(self, kernel: Any, second: int) -> None:
        self._kernel, self._second = kernel, second
        self._keys: dict[int, selectors.SelectorKey] = {}  # asyncio's
        self._watchers: dict[int, Callable[[int], object]] = {}
        self.turn = native.lock()
        self.until = math.inf  # when it ends to wait

    def watch(self, descriptor: int, events: int, ready: Callable[[int], object]) -> None:
        self._watchers[descriptor] = ready
        self._kernel.register(descriptor, _MASKS[events])

    def watch_for(self, descriptor: int, events: int) -> None:
        self._kernel.modify(descriptor, _MASKS[events])

    def unwatch(self, descriptor: int) -> None:
        del self._watchers[descriptor]
        self._kernel.unregister(descriptor)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        descriptor = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = self._keys[descriptor] = selectors.SelectorKey(fileobj, descriptor, events, data)
        self._kernel.register(descriptor, _MASKS[events])
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        descriptor = fileobj if isinstance(fileobj, int) else fileobj.fileno()
        key = self._keys.pop(descriptor)
        self._kernel.unregister(descriptor)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            self.until, units = math.inf, None
        else:
            self.until = monotonic() + timeout
            # Rounded up to what the kernel counts by, or the last part would be waited for in a circle.
            units = math.ceil(max(timeout, 0) * 1000) / 1000 * self._second
        self.turn.release()
        try:
            found = self._kernel.poll(units)
        finally:
            self.turn.acquire()
        others = []
        for descriptor, told in found:
            # An error or a hang-up counts as both, so that readers and writers notice it.
            events = selectors.EVENT_READ if told & ~select.POLLOUT else 0
            events |= selectors.EVENT_WRITE if told & ~select.POLLIN else 0
            ready = self._watchers.get(descriptor)
            if ready is not None:
                ready(events)
            elif (key := self._keys.get(descriptor)) is not None:
                others.append((key, events & key.events))
        return others

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys

    def close(self) -> None:
        self._keys.clear()
        if hasattr(self._kernel, "close"):
            self._kernel.close()


class _PatchedLoop(KernelLoop):
    _ssock: Any
    _csock: Any
    _internal_fds: int
    _add_reader: Any
    _read_from_self: Any

    def take_turn(self) -> bool:
        """Never: the thread is the hub of all greenlets, and a predicate may switch to another."""
        return False

    def _make_self_pipe(self) -> None:  # pragma: no cover  # in a thread that coverage cannot follow
        # Like asyncio's own method. That one calls `socket.socketpair`, which makes a hub when patched.
        self._ssock, self._csock = _socket.socketpair()
        self._ssock.setblocking(False)  # noqa: FBT003
        self._csock.setblocking(False)  # noqa: FBT003
        self._internal_fds += 1
        self._add_reader(self._ssock.fileno(), self._read_from_self)
