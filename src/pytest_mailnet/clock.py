"""The clock of a net: it stands still until the test moves it, and rules look at no other."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Never

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.handles.attributes import is_number, steady
from pytest_mailnet.system.native import lock

__all__ = ["Clock", "Timekeeper", "span", "timekeeper_of"]


_AHEAD = "mailnet.clock.advance(hours=1) and mailnet.clock.set(moment) move the clock"
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("now", "time", "today", "tick", "sleep", "move", "speed"), _AHEAD),
        "compressed": "mailnet.clock.compress() lets waits take no time",
        "start": "a net that starts at another time is made by make_mailnet(start=...)",
    }
)


class Timekeeper:
    """The time of a net, and the calls that are due at a later time. A test holds the `Clock` in front of it.

    One lock: the test, tarpits and waiting clients move the time while servers read it.

    Args:
        start: the first time, an aware datetime.
        on_move: called after every move, with the step.
    """

    def __init__(self, start: datetime, on_move: Callable[[timedelta], None] | None) -> None:
        self.now: datetime = start
        self._on_move = on_move
        self._due: list[tuple[datetime, int, Callable[[], object]]] = []
        self._numbers = itertools.count()
        self._lock = lock()

    def move(self, step: timedelta) -> datetime:
        """Move the time forward, and make the calls that are due.

        Raises:
            InvalidSetting: if the step is not positive.
        """
        if step <= timedelta():
            raise InvalidSetting(
                f"the clock stands at {self.now:%Y-%m-%d %H:%M:%S} UTC and moves only forward; "
                f"a step of {step.total_seconds():g} s was asked for. "
                "A net that starts earlier is made by MailNet(start=...) or make_mailnet(start=...)"
            )
        with self._lock:
            self.now += step
            now = self.now
        if self._on_move:
            self._on_move(step)
        while (do := self._taken()) is not None:
            do()
        return now

    def later(self, seconds: float, do: Callable[[], object]) -> None:
        """Call a function when the clock reaches a time, in the thread that moves the clock.

        Args:
            seconds: how far the time lies ahead, by this clock.
            do: the function; its result is ignored.
        """
        with self._lock:
            heapq.heappush(self._due, (self.now + timedelta(seconds=seconds), next(self._numbers), do))

    def let_pass(self, until: float | None) -> bool:
        """Move the clock to the next call of `later`, or to a given time if that comes first.

        Args:
            until: the time, in seconds since 1970; None for no such time.

        Returns:
            Whether there was a call or a time to move to.
        """
        with self._lock:
            moments = [self._due[0][0]] if self._due else []
            if until is not None:
                moments.append(datetime.fromtimestamp(until, UTC))
            step = min(moments) - self.now if moments else None
        if step is not None and step > timedelta():
            self.move(step)
        return step is not None

    def _taken(self) -> Callable[[], object] | None:
        """Remove and return the next function that is due; None if none is."""
        with self._lock:
            return heapq.heappop(self._due)[2] if self._due and self._due[0][0] <= self.now else None


@steady("a mailnet's clock", _INSTEAD)
class Clock:
    """A net's time, in UTC. Greylisting, throttle windows and time stamps in replies go by it.

    Args:
        start: the first time, an aware datetime; None for the moment at which the net is made.
        on_move: called after every move, with the step.
        on_compress: called by `compress`.

    Raises:
        InvalidSetting: if the start is naive.
    """

    _compressed = False

    def __init__(
        self,
        start: datetime | None = None,
        on_move: Callable[[timedelta], None] | None = None,
        on_compress: Callable[[], None] | None = None,
    ) -> None:
        first = datetime.now(UTC) if start is None else _aware(start, "MailNet(start=...)")
        self._keeper = Timekeeper(first, on_move)
        self._on_compress = on_compress

    @property
    def compressed(self) -> bool:
        """Whether `compress` was called."""
        return self._compressed

    def now(self) -> datetime:
        """The time as an aware datetime in UTC."""
        return self._keeper.now

    def time(self) -> float:
        """The time in seconds since 1970, as `time.time` counts them."""
        return self._keeper.now.timestamp()

    def advance(
        self, *of_what: Never, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> datetime:
        """Move the clock forward.

        Args:
            of_what: nothing; an amount without a name is an error.
            days: how many days, added to the other amounts.
            hours: how many hours.
            minutes: how many minutes.
            seconds: how many seconds.

        Returns:
            The new time, in UTC.

        Raises:
            InvalidSetting: for an amount without a name or one that is not a number, or if the sum is not
                positive: mail servers never see time run backwards.
        """
        __tracebackhide__ = True
        call = "mailnet.clock.advance"
        return self._keeper.move(
            span(call, of_what, days=days, hours=hours, minutes=minutes, seconds=seconds)
        )

    def set(self, moment: datetime) -> datetime:
        """Move the clock forward to an aware datetime, and return the new time in UTC.

        Raises:
            InvalidSetting: if the moment is naive, or not after the clock's time.
        """
        return self._keeper.move(_aware(moment, "mailnet.clock.set") - self._keeper.now)

    def compress(self) -> None:
        """Let waits for silent connections of the net take no time, until the net is left.

        A client that waits 60 s for a silent server meets its time-out at once, and the clock moves on by
        60 s. This works for blocking sockets, with and without TLS, for `select`, `selectors`, asyncio, trio,
        Twisted and dnspython, and for sockets of gevent and eventlet. With an event loop, the clock moves by
        up to the real time since the timer was set in addition.

        All other waits take their real time, and the journal notes them: those of uvloop, pycares, child
        processes and clients of `listen`, `select.poll`, `gevent.sleep`, `eventlet.sleep`, waits for
        something outside the net, and waits without a fault (`asyncio.sleep`). The journal does not note
        `time.sleep`, or an `epoll` object used directly.

        Raises:
            InvalidSetting: if the net is not active.
        """
        if self._on_compress is not None:
            self._on_compress()
        self._compressed = True

    def __repr__(self) -> str:
        return f"<Clock {self.now():%Y-%m-%d %H:%M:%S} UTC>"


def timekeeper_of(clock: Clock) -> Timekeeper:
    """The machinery of a clock, for servers and clients that wait by it."""
    return clock._keeper  # noqa: SLF001


def span(call: str, of_what: Sequence[object], **amounts: float) -> timedelta:
    """A span of time from amounts of days, hours, minutes and seconds.

    Args:
        call: the method that was given the amounts, for messages: "mailnet.clock.advance".
        of_what: the amounts that were given without a name.
        amounts: the other amounts, by unit.

    Raises:
        InvalidSetting: for an amount without a name, or one that is not a number.
    """
    __tracebackhide__ = True
    if of_what:
        raise InvalidSetting(
            f"{call}({of_what[0]!r}): of what? It takes days=, hours=, minutes= and seconds="
        )
    for unit, amount in amounts.items():
        if not is_number(amount):
            raise InvalidSetting(f"{call}({unit}={amount!r}): it takes a number")
    return timedelta(**amounts)


def _aware(moment: datetime, where: str) -> datetime:
    if not isinstance(moment, datetime):
        raise InvalidSetting(
            f"{where}: {moment!r} is no datetime; it takes one as in datetime(2026, 1, 31, 12, 0, tzinfo=UTC)"
        )
    if moment.tzinfo is None:
        raise InvalidSetting(
            f"{where}: {moment!r} is naive and could be any moment; give it a tzinfo, "
            "as in datetime(2026, 1, 31, 12, 0, tzinfo=UTC)"
        )
    return moment
