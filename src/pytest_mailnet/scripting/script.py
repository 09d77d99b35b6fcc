"""A test's own answers, in the order in which it wrote them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pytest_mailnet.scripting.expectation import Expectation
from pytest_mailnet.scripting.seen import Seen, seen_at
from pytest_mailnet.values import Reply, Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import HangUp, Step

__all__ = ["Script"]


class Script:
    """The scripted answers of one provider or server, in the order in which the test wrote them.

    Args:
        elapsed: tells how many seconds the net has lasted.
    """

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        # Tuples, replaced as wholes: the servers read while the test writes.
        self._expectations: dict[Stage, tuple[Expectation, ...]] = {}
        self._seen: dict[Stage, list[tuple[Seen, Expectation | None]]] = {}

    def add(self, expectation: Expectation) -> Expectation:
        """Put an answer in line behind the others of its stage, and return it."""
        stage = expectation.stage
        expectation.begin(self._elapsed())
        self._expectations[stage] = (*self._expectations.get(stage, ()), expectation)
        self._seen.setdefault(stage, [])
        return expectation

    def decide(self, stage: Stage, step: Step) -> Reply | HangUp | None:
        """The first answer in line that applies."""
        expectations = self._expectations.get(stage)
        if not expectations:
            return None
        seen = seen_at(stage, step)
        for expectation in expectations:
            answer = expectation.answer(step, seen)
            if answer is not None:
                self._seen[stage].append((seen, expectation))
                return answer
        self._seen[stage].append((seen, None))
        return None

    def seen(self, expectation: Expectation) -> list[tuple[Seen, Expectation | None]]:
        """What has come at an answer's stage since the first answer of it was written, and what answered."""
        return list(self._seen[expectation.stage])

    def __iter__(self) -> Iterator[Expectation]:
        for expectations in self._expectations.values():
            yield from expectations
