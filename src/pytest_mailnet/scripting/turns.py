"""How often and how late a scripted answer is given; what all of a test's own answers have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Never, Self, TypeVar

from pytest_mailnet.clock import span
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.handles.attributes import is_whole
from pytest_mailnet.handles.written import Written
from pytest_mailnet.smtp.state import HANG_UP

if TYPE_CHECKING:
    from pytest_mailnet.scripting.scripted_answer import ScriptedAnswer

__all__ = ["AnswerTurns", "scripted_by"]

_Reply = TypeVar("_Reply")


class AnswerTurns(Generic[_Reply]):
    """The part of an answer's handle that says when it is given. Each method returns the handle again.

    Args:
        scripted: the answer.
    """

    def __init__(self, scripted: ScriptedAnswer[_Reply]) -> None:
        self._scripted = scripted

    def disconnect(self) -> Self:
        """Say nothing and close the connection."""
        self._scripted.say(HANG_UP)
        return self

    def times(self, count: int) -> Self:
        """Limit how often the answer is given. In a strict net, fewer times fail the test at its end.

        Args:
            count: how often, 1 or more.

        Raises:
            InvalidSetting: if `count` is no whole number, or less than 1.
        """
        if not is_whole(count) or count < 1:
            said = (
                "it takes a number, as in .times(2)"
                if not is_whole(count)
                else "an answer can be given 1 time or more; leave the line out if it is not to be given"
            )
            raise InvalidSetting(f"{self}.times({count!r}): {said}")
        self._scripted.tally.times = count
        return self

    def after(self, count: int) -> Self:
        """Let some matches pass first.

        Args:
            count: how many, 0 or more.

        Raises:
            InvalidSetting: if `count` is no whole number, or negative.
        """
        if not is_whole(count) or count < 0:
            raise InvalidSetting(
                f"{self}.after({count!r}): it takes the number of matches to let pass, 0 or more"
            )
        self._scripted.tally.after = count
        return self

    def delayed(self, *of_what: Never, hours: float = 0, minutes: float = 0, seconds: float = 0) -> Self:
        """Let the answer come late.

        It comes after so much time of the net's clock where that is compressed, else of real time.

        Args:
            of_what: nothing; an amount without a name is an error.
            hours: how many hours, added to the other amounts.
            minutes: how many minutes.
            seconds: how many seconds.

        Raises:
            InvalidSetting: for an amount without a name, one that is no number, or a sum that is not
                positive.
        """
        __tracebackhide__ = True
        late = span(f"{self}.delayed", of_what, hours=hours, minutes=minutes, seconds=seconds).total_seconds()
        if late <= 0:
            amounts = {"hours": hours, "minutes": minutes, "seconds": seconds}
            given = ", ".join(f"{unit}={amount!r}" for unit, amount in amounts.items() if amount)
            raise InvalidSetting(f"{self}.delayed({given}): by how much? As in .delayed(seconds=90)")
        self._scripted.delay = late
        return self

    @property
    def written(self) -> Written:
        """The line of the test that wrote it."""
        return self._scripted.written

    def __str__(self) -> str:
        return str(self._scripted)

    __repr__ = __str__


def scripted_by(handle: AnswerTurns[_Reply]) -> ScriptedAnswer[_Reply]:
    """The answer behind a handle, for the servers and the checks at the end of a test."""
    return handle._scripted  # noqa: SLF001  # out of the test's sight
