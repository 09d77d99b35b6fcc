"""Waits on connections of the net take no time where nothing comes: the net's clock moves instead.

A wait is let through to where it really waits, in short steps. When the net says that nothing comes on the
connections that are waited for, its clock moves to what is due next, or to the end of the wait, which then
ends as it would have ended. Each thread has its own idea of how much later it is by that.
"""

from __future__ import annotations

import _socket
import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from select import POLLIN, POLLOUT
from typing import Any, NamedTuple, Protocol, TypeVar

from pytest_mailnet.model import Endpoint
from pytest_mailnet.native import original
from pytest_mailnet.wire.silence import unsent

__all__ = ["SYN_GIVEN_UP", "End", "Patience", "Waits", "ends_of", "poller"]

_T = TypeVar("_T")
_poll = original("select", "poll")  # the kernel's, whoever patches the module
_SHORTEST, _LONGEST = 0.0005, 0.01  # steps in which a wait really waits, in seconds
_TICK = 2e-6  # the clock counts whole microseconds, and a float of its size half of one
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


class Waits:
    """Waits with the patience of the caller's net.

    Args:
        patience: finds it.
    """

    def __init__(self, patience: Callable[[], Patience]) -> None:
        self._patience = patience
        self._local = threading.local()

    @property
    def patience(self) -> Patience:
        """Of the caller's net; where that takes its time, `own_thread` is true and nothing else is asked."""
        return self._patience()

    @property
    def lapsed(self) -> float:
        """How many seconds have passed for the calling thread without having been lived through."""
        return float(getattr(self._local, "lapsed", 0.0))

    def until(
        self, poll: Callable[[float], _T], ends: Callable[[], Iterable[End]], timeout: float | None
    ) -> _T:
        """Wait for something; return what the last poll has found, which is false after a time-out.

        Args:
            poll: waits really, for so many seconds.
            ends: what is waited for.
            timeout: in seconds; None for ever.
        """
        ready = poll(0)
        if ready:
            return ready
        patience = self.patience
        began = patience.now()
        until = None if timeout is None else began + timeout
        really = None if timeout is None else time.monotonic() + timeout
        step, lapsing = _SHORTEST, False
        while not (ready := poll(step)):
            if really is not None and time.monotonic() >= really:
                break
            if patience.silent(ends()):
                lapsing = True
                if ready := poll(0):
                    break
                if not patience.let_pass(until):
                    raise patience.hang()
                if until is not None and patience.now() >= until - _TICK:
                    break
            step = min(step * 2, _LONGEST)
        if lapsing:
            self._local.lapsed = self.lapsed + patience.now() - began
        return ready

    def sleep(self, seconds: float) -> None:
        """Let time pass for a library that pauses between two tries on the net."""
        until = self.patience.now() + seconds
        while self.patience.now() < until - _TICK:
            self.patience.let_pass(until)
        self._local.lapsed = self.lapsed + seconds

    def readable(self, sock: socket.socket, timeout: float | None, error: str = "timed out") -> None:
        """Wait until a socket has something to read.

        Raises:
            TimeoutError: if nothing comes in that many seconds; says `error`.
        """
        if not self.until(poller(sock.fileno(), POLLIN), lambda: ends_of([sock.fileno()]), timeout):
            raise TimeoutError(error)

    def connected(self, sock: socket.socket, timeout: float | None) -> None:
        """Wait until a connect has succeeded.

        Raises:
            OSError: if it fails, or has not succeeded in that many seconds.
        """
        limit = SYN_GIVEN_UP if timeout is None else min(timeout, SYN_GIVEN_UP)
        if not self.until(poller(sock.fileno(), POLLOUT), lambda: ends_of([sock.fileno()]), limit):
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


def poller(descriptor: int, event: int) -> Callable[[float], list[tuple[int, int]]]:
    """What waits for a file descriptor by the kernel, for so many seconds."""
    polled = _poll()
    polled.register(descriptor, event)
    return lambda seconds: polled.poll(seconds * 1000)


def _peer(sock: Any) -> Endpoint | None:
    try:
        ip, port, *_ = sock.getpeername()
    except OSError:
        return None
    return Endpoint(ip.removeprefix("::ffff:"), port)
