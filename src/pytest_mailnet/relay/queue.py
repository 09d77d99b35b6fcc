"""The mails that wait to be relayed as a test holds them: `mailnet.queue`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, overload

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.handles.attributes import steady
from pytest_mailnet.relay.queue_entry import QueuedMail
from pytest_mailnet.relay.retries import RetrySchedule

if TYPE_CHECKING:
    from pytest_mailnet.relay.spool import Spool

__all__ = ["Queue"]

_DELIVER = "mailnet.deliver_all() works through it"
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("clear", "pop", "run_all", "flush", "deliver", "deliver_all"), _DELIVER),
        **dict.fromkeys(
            ("retries", "warn_after", "give_up_after"),
            ".schedule = RetrySchedule(retries=(timedelta(minutes=5),)) sets another schedule",
        ),
        "messages": "the queue itself is a sequence of mails, oldest first",
    }
)


@steady("a mailnet's queue", _INSTEAD)
class Queue(Sequence[QueuedMail]):
    """The mails that the servers of a net have taken for others, oldest first: `mailnet.queue`.

    Nothing leaves the queue by itself; `mailnet.deliver_all()` works through it.

    Args:
        spool: keeps the mails.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    @property
    def schedule(self) -> RetrySchedule:
        """When mails are tried again, and how long; a test can set another schedule.

        Raises:
            InvalidSetting: when set to anything else.
        """
        return self._spool.schedule

    @schedule.setter
    def schedule(self, schedule: RetrySchedule) -> None:
        if not isinstance(schedule, RetrySchedule):
            raise InvalidSetting(
                f"mailnet.queue.schedule: {schedule!r} is none; it takes one as in "
                "RetrySchedule(retries=(timedelta(minutes=30),))"
            )
        self._spool.schedule = schedule

    @overload
    def __getitem__(self, number: int) -> QueuedMail: ...

    @overload
    def __getitem__(self, number: slice) -> list[QueuedMail]: ...

    def __getitem__(self, number: int | slice) -> QueuedMail | list[QueuedMail]:
        return self._spool.mails[number]

    def __iter__(self) -> Iterator[QueuedMail]:
        return iter(self._spool.mails)

    def __len__(self) -> int:
        return len(self._spool.mails)

    def __str__(self) -> str:
        return "\n".join(map(str, self)) or "empty"

    def __repr__(self) -> str:
        return f"<Queue: {len(self)} waiting>"
