"""The machine's own clock, which runs on while a test has stopped or moved the others.

Tools that freeze time (freezegun, time-machine) replace `time.monotonic`, `time.perf_counter` and
`datetime.now` in every module that there is. What times itself, as the servers' loop, waits and the record of
a net do, reads this one.
"""

from __future__ import annotations

from time import CLOCK_MONOTONIC, clock_gettime

__all__ = ["monotonic"]


def monotonic() -> float:
    """Seconds since some moment, which only grow; the clock of `time.monotonic`, frozen by nobody."""
    return clock_gettime(CLOCK_MONOTONIC)
