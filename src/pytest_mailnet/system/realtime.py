"""The machine's own clock, which runs on while a test has stopped or moved the others.

Tools that freeze time (freezegun, time-machine) replace `time.monotonic`, `time.perf_counter` and
`datetime.now` in every imported module. The servers' loop, waits, and the record of a net read this clock
instead.
"""

from __future__ import annotations

from time import CLOCK_MONOTONIC, clock_gettime

__all__ = ["monotonic"]


def monotonic() -> float:
    """The seconds of `time.monotonic`, which no tool freezes."""
    return clock_gettime(CLOCK_MONOTONIC)
