"""Pauses of an application between two tries, which take no time in an audit."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from pytest_mailnet.clock import Clock
from pytest_mailnet.errors import WouldHang

__all__ = ["no_time_sleeping"]

_LONGEST = 10 * 24 * 3600.0
"""How long an application may sleep in one case, by the net's clock: twice as long as servers keep a mail."""


@contextlib.contextmanager
def no_time_sleeping(clock: Clock) -> Iterator[None]:
    """Let `time.sleep` of the calling thread move a clock, and take no time."""
    sleep, caller, began = time.sleep, threading.get_ident(), clock.time()

    def skip(seconds: float) -> None:
        if threading.get_ident() != caller or seconds <= 0:
            sleep(seconds)
        elif clock.time() + seconds - began > _LONGEST:
            raise WouldHang(
                f"the application has slept for more than {_LONGEST / 86400:.0f} days by the net's clock"
            )
        else:
            clock.advance(seconds=seconds)

    time.sleep = skip  # type: ignore[assignment]  # typeshed has it take an index too
    try:
        yield
    finally:
        time.sleep = sleep
