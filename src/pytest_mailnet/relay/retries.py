"""When a mail is tried again after a failed attempt, and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.handles.attributes import steady

__all__ = ["RetrySchedule"]

_NEW = "mailnet.queue.schedule = RetrySchedule(retries=..., warn_after=..., give_up_after=...) sets another"
_INSTEAD: Mapping[str, str] = MappingProxyType(
    dict.fromkeys(("retries", "warn_after", "give_up_after"), _NEW)
)


@steady("a schedule", _INSTEAD)
@dataclass(frozen=True, slots=True, kw_only=True)
class RetrySchedule:
    """When a queue tries again: twice in the first hour and then every few hours (RFC 5321, 4.5.4.1).

    Attributes:
        retries: the waits after the first attempt, the second, …; the last one is repeated.
        warn_after: after how long the sender gets a report of the delay; None for never.
        give_up_after: after how long a mail is returned to its sender.

    Raises:
        InvalidSetting: if there is no retry, or a time is not positive.
    """

    retries: tuple[timedelta, ...] = (timedelta(minutes=30), timedelta(minutes=30), timedelta(hours=3))
    warn_after: timedelta | None = timedelta(hours=4)
    give_up_after: timedelta = timedelta(days=5)

    def __post_init__(self) -> None:
        retries = self.retries if isinstance(self.retries, tuple | list) else ()
        times = [*retries, self.give_up_after, *([] if self.warn_after is None else [self.warn_after])]
        if not retries or not all(isinstance(it, timedelta) and it > timedelta() for it in times):
            raise InvalidSetting(
                f"{self}: it takes at least one time to wait, as in retries=(timedelta(minutes=30),), "
                "and all times are longer than 0"
            )

    def wait(self, attempts: int) -> timedelta:
        """The wait after a number of attempts."""
        return self.retries[min(attempts, len(self.retries)) - 1]
