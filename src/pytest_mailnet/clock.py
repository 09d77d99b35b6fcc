"""The only clock that rules look at: it stands still until the test moves it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pytest_mailnet.errors import InvalidSetting

__all__ = ["Clock"]


class Clock:
    """A net's time, in UTC. Greylisting, throttle windows and time stamps in replies go by it.

    Args:
        start: an aware datetime; by default the moment at which the net was made.
        on_move: called with the step after every move.

    Raises:
        InvalidSetting: if the start is naive.
    """

    def __init__(
        self, start: datetime | None = None, on_move: Callable[[timedelta], None] | None = None
    ) -> None:
        self._now = datetime.now(UTC) if start is None else _aware(start, "MailNet.start")
        self._on_move = on_move
        self._lock = threading.Lock()  # the test and tarpits move it while servers read it

    def now(self) -> datetime:
        """The time as an aware datetime in UTC."""
        return self._now

    def time(self) -> float:
        """The time in seconds since 1970, as `time.time` counts them."""
        return self._now.timestamp()

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> datetime:
        """Move the clock forward and return the new time.

        Raises:
            InvalidSetting: if the sum is not positive; mail servers never see time run backwards.
        """
        return self._move(timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds))

    def set(self, moment: datetime) -> datetime:
        """Move the clock forward to an aware datetime.

        Raises:
            InvalidSetting: if the moment is naive or lies before the clock's own time.
        """
        return self._move(_aware(moment, "clock.set") - self._now)

    def _move(self, step: timedelta) -> datetime:
        if step <= timedelta():
            raise InvalidSetting(
                f"the clock stands at {self._now:%Y-%m-%d %H:%M:%S} UTC and moves only forward; "
                f"a step of {step.total_seconds():g} s was asked for. "
                "A net that starts earlier is made by MailNet(start=...) or make_mailnet(start=...)"
            )
        with self._lock:
            self._now += step
            now = self._now
        if self._on_move:
            self._on_move(step)
        return now

    def __repr__(self) -> str:
        return f"<Clock {self._now:%Y-%m-%d %H:%M:%S} UTC>"


def _aware(moment: datetime, where: str) -> datetime:
    if moment.tzinfo is None:
        raise InvalidSetting(
            f"{where}({moment!r}): a naive datetime could be any moment; give it a tzinfo, "
            "for example datetime(2026, 1, 31, 12, 0, tzinfo=UTC)"
        )
    return moment
