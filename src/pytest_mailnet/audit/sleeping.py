"""Pauses of an application between two tries, which take no time in an audit."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator

from pytest_mailnet.clock import Clock

__all__ = ["no_time_sleeping"]

_LONGEST = 10 * 24 * 3600.0
"""How long an application may sleep in one case, by the net's clock: twice as long as servers keep a mail."""


@contextlib.contextmanager
def no_time_sleeping(clock: Clock, hang: Callable[[str], Exception]) -> Iterator[None]:
    """Let `time.sleep` of the calling thread move a clock, and take no time.

    Args:
        clock: the net's.
        hang: notes that the application hangs, and why; returns the exception to raise then.
    """
    sleep, caller, began = time.sleep, threading.get_ident(), clock.time()

    def skip(seconds: float) -> None:
        if threading.get_ident() != caller or seconds <= 0:
            sleep(seconds)
        elif clock.time() + seconds - began > _LONGEST:
            raise hang(f"it has slept for more than {_LONGEST / 86400:.0f} days by the net's clock")
        else:
            clock.advance(seconds=seconds)

    time.sleep = skip  # type: ignore[assignment]  # typeshed has it take an index too
    try:
        yield
    finally:
        time.sleep = sleep
