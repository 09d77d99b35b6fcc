"""A test's own answers, in the order in which it wrote them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from pytest_mailnet.scripting.scripted_answer import ScriptedAnswer
    from pytest_mailnet.scripting.seen import Seen
    from pytest_mailnet.scripting.turns import AnswerTurns
    from pytest_mailnet.smtp.state import HangUp, Step, UsualYes
    from pytest_mailnet.values import Stage

__all__ = ["Script"]

_Reply = TypeVar("_Reply")


class Script(Generic[_Reply]):
    """The scripted answers of one provider or server, in the order in which the test wrote them.

    Args:
        elapsed: returns how many seconds the net has lasted.
    """

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        # Tuples, replaced as wholes: the servers read while the test writes.
        self._answers: dict[Stage, tuple[ScriptedAnswer[_Reply], ...]] = {}
        self._seen: dict[Stage, list[tuple[Seen, ScriptedAnswer[_Reply] | None]]] = {}

    def add(self, expectation: AnswerTurns[_Reply]) -> None:
        """Put an answer in line behind the others of its stage."""
        from pytest_mailnet.scripting.turns import scripted_by  # noqa: PLC0415  # many tests script nothing

        scripted = scripted_by(expectation)
        stage = scripted.stage
        scripted.at = self._elapsed()
        self._answers[stage] = (*self._answers.get(stage, ()), scripted)
        self._seen.setdefault(stage, [])

    def decide(self, stage: Stage, step: Step) -> _Reply | HangUp | UsualYes | None:
        """The first answer in line that applies; None if none does.

        Args:
            stage: the stage of the session.
            step: the session, and the command that is to be answered.
        """
        in_line = self._answers.get(stage)
        if not in_line:
            return None
        from pytest_mailnet.scripting.seen import seen_at  # noqa: PLC0415  # as in `add`

        seen = seen_at(stage, step)
        for scripted in in_line:
            answer = scripted.answer(step, seen)
            if answer is not None:
                self._seen[stage].append((seen, scripted))
                return answer
        self._seen[stage].append((seen, None))
        return None

    def seen(self, scripted: ScriptedAnswer[_Reply]) -> list[tuple[Seen, ScriptedAnswer[_Reply] | None]]:
        """What came at the stage of an answer since the test first scripted that stage.

        Returns:
            Each with the answer that it was given; None if it was given none.
        """
        return list(self._seen[scripted.stage])

    def __iter__(self) -> Iterator[ScriptedAnswer[_Reply]]:
        for in_line in self._answers.values():
            yield from in_line
