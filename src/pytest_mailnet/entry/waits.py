"""Waits in compressed time: where a connection of the net is silent, the net's clock moves instead.

A wait really waits, but in short steps. After each step the net is asked whether anything can still come on
the connections that are waited for. If nothing can, the net's clock moves to the next event that is due, or
to the end of the wait. Then the wait ends as it would have ended. Each thread counts for itself how many
seconds were skipped.

The time-out of a socket begins with its wait, so the clock moves by exactly that time. The timer of a loop
was set earlier: the loop waits only for what is left of it, because some real time has passed since. There
the clock moves by that real time as well, so that it never shows less than the time-out.
"""

from __future__ import annotations

import errno
import os
import socket
import threading
from collections.abc import Callable, Iterable
from select import POLLIN, POLLOUT
from typing import Any, Protocol, TypeVar

from pytest_mailnet.entry.ends import End, ends_of, poller
from pytest_mailnet.system.realtime import monotonic

__all__ = ["SYN_GIVEN_UP", "Patience", "Waits"]

_T = TypeVar("_T")
_SHORTEST, _LONGEST = 0.0005, 0.01  # of a step, in seconds
_TICK = 2e-6  # the clock counts whole microseconds, and a float of its size half of one
_TOLD = 1.0  # shortest real wait that is reported, in seconds
SYN_GIVEN_UP = 127.0
"""Seconds after which Linux gives up a connect (tcp_syn_retries = 6)."""


class Patience(Protocol):
    """A net's time, as the patched waits see it."""

    def own_thread(self) -> bool:
        """Whether the waits of the calling thread are left alone, as those of the engine's thread are."""
        ...

    def now(self) -> float:
        """The net's time, in seconds since 1970."""
        ...

    def silent(self, ends: Iterable[End]) -> bool:
        """Whether nothing will come to any of these ends unless the net's clock moves."""
        ...

    def let_pass(self, until: float | None) -> bool:
        """Move the net's clock to the next event that is due, but not beyond a time.

        Args:
            until: that time, in seconds since 1970; None for no limit.

        Returns:
            False if nothing is due and there is no limit.
        """
        ...

    def uncovered(self, what: str) -> None:
        """Record that a wait takes real time; `what` names it in a few words."""
        ...

    def hang(self) -> Exception:
        """Record that a wait would never end; return the exception to raise."""
        ...


class _Here(threading.local):
    """A thread's time. Real moments are those of `monotonic`.

    Attributes:
        lapsed: how many seconds of this thread's waits were skipped.
        since: the real moment at which its current timers may have begun; None if it has asked no clock yet.
        looked: whether it has read a clock itself since its last wait, instead of leaving that to a loop.
        over: the last time-out that was skipped, in seconds, and the real moment at which its wait began.
    """

    lapsed = 0.0
    since: float | None = None
    looked = False
    over = (0.0, 0.0)

    def goes_on(self, timeout: float | None) -> bool:
        """Whether a time-out is the rest of the last one, by a clock that knows of no skipped time."""
        before, began = self.over
        if timeout is None or timeout >= before:
            return False
        return -_LONGEST <= monotonic() - began - (before - timeout) <= _TOLD


class _Wait:
    """One wait: how much of it really passes, and how much is skipped.

    Args:
        patience: the time of the net.
        timeout: in seconds; None for ever.
        since: the real moment at which the time-out began; None if it begins now.

    Attributes:
        started: the real moment at which the wait began.
        lapse: the seconds that were skipped; None if none were.
        over: whether the clock has moved to the end of the time-out.
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
        """Move the net's clock to the next event that is due; return whether that is the end of the wait."""
        if not self._patience.let_pass(self._until):
            raise self._patience.hang()
        now = self._patience.now()
        self.lapse = max(0.0, now - self._began - self._lived)
        if self._until is not None and now >= self._until - _TICK:
            # Exactly: the sum of the clock's steps, whose floats are coarse, could fall short of a timer.
            self.lapse, self.over = self._timeout, True
        return self.over

    @property
    def taken_up(self) -> float:
        """The real moment up to which the net's clock has made up for time that really passed."""
        return self.started - max(0.0, self._lived - (self._patience.now() - self._began))


class Waits:
    """Waits in the time of the caller's net.

    Args:
        patience: finds that time.

    Attributes:
        awaited: returns whether threads of a library are at work for a loop, which may be waiting for them.
    """

    def __init__(self, patience: Callable[[], Patience]) -> None:
        self._patience = patience
        self.awaited: Callable[[], bool] = bool
        self._here = _Here()

    @property
    def patience(self) -> Patience:
        """The time of the caller's net. If its clock is not compressed, `own_thread` is true."""
        return self._patience()

    @property
    def lapsed(self) -> float:
        """How many seconds were skipped for the calling thread.

        A patched clock adds them. It has to ask before it reads the real clock, because a time-out may begin
        at this moment.
        """
        here = self._here
        if here.since is None:
            here.since = monotonic()
        return here.lapsed

    def look(self) -> float:
        """Return `lapsed` to a library that reckons its own time-outs, without a loop."""
        self._here.looked = True
        return self.lapsed

    @property
    def looked(self) -> bool:
        """Whether the calling thread has called `look` since its last wait."""
        return self._here.looked

    def count_anew(self) -> None:
        """Note that the calling thread begins to use a new clock: none of its time-outs began before."""
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
        """Wait until a poll finds something, or the time-out is over.

        Args:
            poll: really waits, for the given seconds, and returns what it has found.
            ends: returns the connections that are waited for.
            timeout: in seconds; None for ever.
            who: what waits, for messages: "a socket".
            by_clock: whether the time-out was reckoned by a patched clock, which knows of skipped time.

        Returns:
            What the last poll has found; something false after a time-out.
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
        """Skip the pause of a library between two tries; `seconds` is its length."""
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

        Args:
            sock: the socket.
            timeout: in seconds; None for ever.
            error: the message of the time-out's error.

        Raises:
            TimeoutError: if nothing comes in time.
        """
        if not self._until(sock, POLLIN, timeout):
            raise TimeoutError(error)

    def connected(self, sock: socket.socket, timeout: float | None) -> None:
        """Wait until a connect has succeeded.

        Args:
            sock: the socket that connects.
            timeout: in seconds; None for as long as the kernel tries.

        Raises:
            OSError: if the connect fails, or has not succeeded in time.
        """
        limit = SYN_GIVEN_UP if timeout is None else min(timeout, SYN_GIVEN_UP)
        if not self._until(sock, POLLOUT, limit):
            if timeout is None or timeout > limit:
                raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
            raise TimeoutError("timed out")
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
