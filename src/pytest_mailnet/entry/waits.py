"""Waits on connections of the net take no time where nothing comes: the net's clock moves instead.

A wait is let through to where it really waits, in short steps. When the net says that nothing comes on the
connections that are waited for, its clock moves to what is due next, or to the end of the wait, which then
ends as it would have ended. Each thread has its own idea of how much later it is by that.

A socket's time-out begins with its wait, and the clock moves by just that. A loop's timer was set earlier,
and what has been lived since then is lacking from the time that it waits at last. There the clock takes up
what was lived as well, so that it never shows less than the time-out.
"""

from __future__ import annotations

import _socket
import errno
import os
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from select import POLLIN, POLLOUT
from typing import Any, NamedTuple, Protocol, TypeVar

from pytest_mailnet.server.silence import unsent
from pytest_mailnet.system.native import original
from pytest_mailnet.system.realtime import monotonic
from pytest_mailnet.values import Endpoint

__all__ = ["SYN_GIVEN_UP", "End", "Patience", "Waits", "ends_of", "poller"]

_T = TypeVar("_T")
_poll = original("select", "poll")  # the kernel's, whoever patches the module
_SHORTEST, _LONGEST = 0.0005, 0.01  # steps in which a wait really waits, in seconds
_TICK = 2e-6  # the clock counts whole microseconds, and a float of its size half of one
_TOLD = 1.0  # seconds that a wait really takes before it is worth a word
SYN_GIVEN_UP = 127.0  # seconds after which Linux gives a connect up (tcp_syn_retries = 6)


class End(NamedTuple):
    """The application's end of a connection that somebody waits for.

    Attributes:
        kind: `socket.SOCK_STREAM` or `SOCK_DGRAM`.
        port: on loopback.
        peer: whom it is connected to in truth; None for nobody.
        sending: whether something that was written is not on its way yet.
    """

    kind: int
    port: int
    peer: Endpoint | None
    sending: bool = False


class Patience(Protocol):
    """A net's time, as those who wait see it."""

    def own_thread(self) -> bool:
        """Whether the calling thread is the net's own, whose waits are left alone."""

    def now(self) -> float:
        """The net's time, in seconds since 1970."""

    def silent(self, ends: Iterable[End]) -> bool:
        """Whether nothing will come to any of these ends unless time passes."""

    def let_pass(self, until: float | None) -> bool:
        """Move the net's clock to what is due next, or to a time; whether there was either."""

    def uncovered(self, what: str) -> None:
        """Say of a wait that it really waits."""

    def hang(self) -> Exception:
        """What to raise where a wait would never end."""


class _Here(threading.local):
    """A thread's time.

    Attributes:
        lapsed: how many seconds have passed for it without having been lived through.
        since: from when on what it lives may be part of a time-out; None where no clock was asked.
        looked: whether it has looked at a clock by hand since its last wait.
        over: its last time-out that has lapsed, in seconds, and when it had begun to wait.
    """

    lapsed = 0.0
    since: float | None = None
    looked = False
    over = (0.0, 0.0)

    def goes_on(self, timeout: float | None) -> bool:
        """Whether a wait is what another clock, which knows of no lapse, has left of the last time-out."""
        before, began = self.over
        if timeout is None or timeout >= before:
            return False
        return -_LONGEST <= monotonic() - began - (before - timeout) <= _TOLD


class _Wait:
    """One wait: what of it is lived, and what lapses.

    Args:
        patience: of whose net.
        timeout: in seconds; None for ever.
        since: from when on what was lived is part of the time-out; None for from now on.

    Attributes:
        lapse: seconds that have passed for who waits without having been lived; None where none has lapsed.
        over: whether the time-out has lapsed.
    """

    def __init__(self, patience: Patience, timeout: float | None, since: float | None) -> None:
        self._patience, self._timeout = patience, timeout
        self.started, self._began = monotonic(), patience.now()
        self._lived = 0.0 if since is None else self.started - since + _TICK
        self._until = None if timeout is None else self._began + timeout + self._lived
        self.lapse: float | None = None
        self.over = False

    @property
    def lived_through(self) -> bool:
        return self._timeout is not None and monotonic() - self.started + (self.lapse or 0) >= self._timeout

    def let_pass(self) -> bool:
        """Move the net's clock to what is due next; whether that is the end of the wait."""
        if not self._patience.let_pass(self._until):
            raise self._patience.hang()
        now = self._patience.now()
        self.lapse = max(0.0, now - self._began - self._lived)
        if self._until is not None and now >= self._until - _TICK:
            # Of the clock's own steps, whose floats are coarse, the sum could fall short of a timer.
            self.lapse, self.over = self._timeout, True
        return self.over

    @property
    def taken_up(self) -> float:
        """Up to which real moment the net's clock has taken up what was lived."""
        return self.started - max(0.0, self._lived - (self._patience.now() - self._began))


class Waits:
    """Waits with the patience of the caller's net.

    Args:
        patience: finds it.

    Attributes:
        awaited: whether threads of a library do something that a loop may wait for.
    """

    def __init__(self, patience: Callable[[], Patience]) -> None:
        self._patience = patience
        self.awaited: Callable[[], bool] = bool
        self._here = _Here()

    @property
    def patience(self) -> Patience:
        """Of the caller's net; where that takes its time, `own_thread` is true and nothing else is asked."""
        return self._patience()

    @property
    def lapsed(self) -> float:
        """How many seconds have passed for the calling thread without having been lived through.

        Asked by clocks, before they look at the real one: a time-out may be counted from then on.
        """
        here = self._here
        if here.since is None:
            here.since = monotonic()
        return here.lapsed

    def look(self) -> float:
        """Return the same to who reckons by hand how long to wait, and not in a loop that does it for him."""
        self._here.looked = True
        return self.lapsed

    @property
    def looked(self) -> bool:
        """Whether the calling thread has looked since its last wait."""
        return self._here.looked

    def count_anew(self) -> None:
        """Note that the calling thread begins to look at another clock: no time-out is older than that."""
        self._here.since = None

    def until(
        self,
        poll: Callable[[float], _T],
        ends: Callable[[], Iterable[End]],
        timeout: float | None,
        who: str,
        *,
        by_clock: bool = False,
    ) -> _T:
        """Wait for something; return what the last poll has found, which is false after a time-out.

        Args:
            poll: waits really, for so many seconds.
            ends: what is waited for.
            timeout: in seconds; None for ever.
            who: waits, in words.
            by_clock: whether the time-out is what is left of one by a clock that knows what has lapsed.
        """
        ready = poll(0)
        if ready:
            return ready
        patience, here = self.patience, self._here
        if not by_clock and here.goes_on(timeout):
            patience.uncovered(f"a wait of {who} for a caller who looks at another clock")
            return poll(timeout or 0)
        wait, step = _Wait(patience, timeout, here.since if by_clock else None), _SHORTEST
        while not (ready := poll(step)) and not wait.lived_through:
            if patience.silent(ends()) and ((ready := poll(0)) or wait.let_pass()):
                break
            step = min(step * 2, _LONGEST)
        here.looked = False
        if wait.lapse is not None:
            self._lapse(wait.lapse)
            if by_clock:
                here.since = wait.taken_up
        elif not ready and (timeout or 0) >= _TOLD:
            patience.uncovered(f"a wait of {who} that no fault has caused")
        if wait.over:
            here.over = (timeout or 0, wait.started)
        return ready

    def sleep(self, seconds: float) -> None:
        """Let time pass for a library that pauses between two tries on the net."""
        wait = _Wait(self.patience, seconds, self._here.since)
        while not wait.let_pass():
            pass
        self._here.since = wait.taken_up
        self._lapse(seconds)

    def _until(self, sock: socket.socket, event: int, timeout: float | None) -> Any:
        descriptor = sock.fileno()
        return self.until(poller({descriptor: event}), lambda: ends_of([descriptor]), timeout, "a socket")

    def _lapse(self, seconds: float) -> None:
        self._here.lapsed += seconds + _TICK

    def readable(self, sock: socket.socket, timeout: float | None, error: str = "timed out") -> None:
        """Wait until a socket has something to read.

        Raises:
            TimeoutError: if nothing comes in that many seconds; says `error`.
        """
        if not self._until(sock, POLLIN, timeout):
            raise TimeoutError(error)

    def connected(self, sock: socket.socket, timeout: float | None) -> None:
        """Wait until a connect has succeeded.

        Raises:
            OSError: if it fails, or has not succeeded in that many seconds.
        """
        limit = SYN_GIVEN_UP if timeout is None else min(timeout, SYN_GIVEN_UP)
        if not self._until(sock, POLLOUT, limit):
            if timeout is None or timeout > limit:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            raise TimeoutError("timed out")
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))


def ends_of(descriptors: Iterable[int]) -> list[End]:
    """The internet sockets among file descriptors."""
    found = []
    for descriptor in descriptors:
        try:
            sock = _socket.socket(fileno=descriptor)  # the kernel's, without anybody's patches
        except OSError:  # a pipe, say
            continue
        try:
            if sock.family in (socket.AF_INET, socket.AF_INET6):
                found.append(End(sock.type, sock.getsockname()[1], _peer(sock), unsent(descriptor)))
        finally:
            sock.detach()
    return found


def poller(events: Mapping[int, int]) -> Callable[[float], list[tuple[int, int]]]:
    """What waits, for so many seconds, until one of some file descriptors is ready for what is asked of it.

    Args:
        events: for each, `POLLIN`, `POLLOUT` or both.
    """
    polled = _poll()
    for descriptor, event in events.items():
        polled.register(descriptor, event)
    return lambda seconds: polled.poll(seconds * 1000)


def _peer(sock: Any) -> Endpoint | None:
    try:
        ip, port, *_ = sock.getpeername()
    except OSError:
        return None
    return Endpoint(ip.removeprefix("::ffff:"), port)
