"""The messages of a net in order of arrival, and waiting for them without polling."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence

from pytest_mailnet.errors import InvalidSetting, NothingArrived, WouldHang
from pytest_mailnet.handles.attributes import is_number, is_whole
from pytest_mailnet.record.session import Message
from pytest_mailnet.system.native import lock

__all__ = ["Arrivals"]


class Arrivals:
    """The messages that a net's servers took, and the callbacks that wake waiting tests.

    Who has the engine's turn appends; tests wait in threads of their own. One lock guards the callbacks.
    """

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._lock = lock()
        self._waiters: list[Callable[[], None]] = []

    def append(self, message: Message) -> None:
        """Append a message, and wake the tests that wait."""
        with self._lock:
            self.messages.append(message)
            waiters = tuple(self._waiters)
        for wake in waiters:
            wake()

    def wait(self, count: int, timeout: float, there: Sequence[Message] | None = None) -> list[Message]:
        """Block until so many messages have come; return them all.

        Args:
            count: how many messages, 1 or more.
            timeout: how long to wait, in real seconds.
            there: where they come; None for all servers of the net, since it began.

        Raises:
            NothingArrived: if they have not come by then.
            WouldHang: if an event loop runs in this thread.
            InvalidSetting: for another count or time-out.
        """
        # Imported where it is used, as below.
        from pytest_mailnet.mailboxes.waiting import bell, loop_here  # noqa: PLC0415

        __tracebackhide__ = True
        whose = _whose(there)
        _check_wait(whose, "wait_for_messages", count, timeout)
        if loop := loop_here():
            raise WouldHang(
                f"{whose}.wait_for_messages() holds up {loop}, and with it what would send the messages: "
                f"await {whose}.wait_for_messages_async()"
            )
        messages = self.messages if there is None else there
        rung = bell()
        with self._waiting(rung.ring):
            rung.wait_until(lambda: len(messages) >= count, timeout)
        return _enough(messages, count, timeout)

    async def wait_async(
        self,
        count: int,
        timeout: float,  # noqa: ASYNC109
        there: Sequence[Message] | None = None,
    ) -> list[Message]:
        """Do what `wait` does, in a task of asyncio (uvloop too) or trio.

        Args:
            count: how many messages, 1 or more.
            timeout: how long to wait, in real seconds.
            there: as in `wait`.

        Raises:
            NothingArrived: if they have not come by then.
            InvalidSetting: for another count or time-out.
        """
        # trio's users have trio; asyncio's need not.
        from pytest_mailnet.mailboxes.waiting import alarm  # noqa: PLC0415

        __tracebackhide__ = True
        _check_wait(_whose(there), "wait_for_messages_async", count, timeout)
        messages = self.messages if there is None else there
        rung = alarm()
        with self._waiting(rung.ring):
            await rung.wait_until(lambda: len(messages) >= count, timeout)
        return _enough(messages, count, timeout)

    @contextlib.contextmanager
    def _waiting(self, wake: Callable[[], None]) -> Iterator[None]:
        with self._lock:
            self._waiters.append(wake)
        try:
            yield
        finally:
            with self._lock:
                self._waiters.remove(wake)


def _whose(there: Sequence[Message] | None) -> str:
    """Whose method a test has called, as messages name it."""
    return "mailnet" if there is None else "mailbox"


def _enough(messages: Sequence[Message], count: int, timeout: float) -> list[Message]:
    __tracebackhide__ = True
    found = list(messages)
    if len(found) < count:
        raise NothingArrived(
            f"waited {timeout:g} s for {_counted(count)}, and {_counted(len(found))} came. "
            "str(session) of each in mailnet.sessions tells what was said; wait longer with timeout=..."
        )
    return found


def _check_wait(whose: str, call: str, count: object, timeout: object) -> None:
    if not (is_whole(count) and count >= 1):
        raise InvalidSetting(
            f"{whose}.{call}({count!r}): it waits for 1 message or more; that there is none is told by "
            f"{whose}.messages == []"
        )
    if not is_number(timeout) or timeout < 0:
        raise InvalidSetting(f"{whose}.{call}(timeout={timeout!r}): it takes a number of seconds, 0 or more")


def _counted(count: int) -> str:
    return f"{count} message" if count == 1 else f"{count} messages"
