"""One of a test's own answers, as the servers and the checks at the end of a test see it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Generic, TypeVar

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.handles.written import Written
from pytest_mailnet.scripting.matching import AnswerMatcher
from pytest_mailnet.scripting.seen import Seen
from pytest_mailnet.scripting.tally import Tally
from pytest_mailnet.smtp.state import USUAL_YES, HangUp, UsualYes, agreed
from pytest_mailnet.values import Fate, Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import Step

__all__ = ["ScriptedAnswer"]

_Reply = TypeVar("_Reply")


class ScriptedAnswer(Generic[_Reply]):
    """What the test holds an `Expectation` of.

    Args:
        matcher: what the answer is given to.
        written: the line of the test that wrote it.

    Attributes:
        written: as above.
        at: when it was written, in seconds since the net began.
        tally: how often it is given, and was.
        delay: how late it comes, in seconds of the net's time.
        attempted: whether the test has given it an answer, good or not.
    """

    def __init__(self, matcher: AnswerMatcher, written: Written) -> None:
        self.written: Written = written
        self.at: float = 0.0
        self.tally: Tally = Tally()
        self.delay: float = 0.0
        self.attempted: bool = False
        self._matcher = matcher
        self._answers: tuple[_Reply | HangUp, ...] = ()
        self._fate: Fate | None = None

    @property
    def owner(self) -> str:
        """The name of the provider or server whose answer it is."""
        return self._matcher.owner

    @property
    def stage(self) -> Stage:
        """The stage at which it is given."""
        return self._matcher.stage

    def say(self, *answers: _Reply | HangUp) -> None:
        """Set what is answered, in turn.

        Raises:
            InvalidSetting: if that was set before.
        """
        if self._answers:
            raise InvalidSetting(
                f"{self} has its answer already; a further answer is a further line, "
                f"{str(self._matcher).partition('(')[0]}(...), or several in .reply_in_turn(...)"
            )
        self._answers = answers
        self._check_fate()

    def let(self, fate: Fate) -> None:
        """Set what becomes of the mail.

        Raises:
            InvalidSetting: at another stage than after the dot, if that was set before, or beside a refusal.
        """
        if self.stage is not Stage.MESSAGE:
            raise InvalidSetting(
                f"{self}.{fate.name}(): what becomes of a mail is decided after its final dot, "
                f"{self.owner}.on_message(...).{fate.name}()"
            )
        if self._fate is not None:
            raise InvalidSetting(
                f"{self} has decided already what becomes of the mail; another fate is a further line, "
                f"{self.owner}.on_message(...).{fate.name}()"
            )
        self._fate = fate
        self._check_fate()

    def _check_fate(self) -> None:
        refused = [it for it in self._answers if not agreed(it)]
        if self._fate is not None and refused:
            raise InvalidSetting(
                f"{self}: what is refused or cut off stays with its sender; .{self._fate.name}() takes a yes "
                "beside it, as in .reply('250 2.0.0 OK')"
            )

    def answer(self, step: Step, seen: Seen) -> _Reply | HangUp | UsualYes | None:
        """Answer a command, and count that.

        Args:
            step: the session, and the command that is to be answered.
            seen: the same, as globs are compared with it.

        Returns:
            The answer, or None if it does not apply, or no longer.
        """
        if not self.complete or self.tally.spent or self.mismatches(seen):
            return None
        # Not under the tally's lock: a predicate is the test's code and may ask the net anything.
        if not self._matcher.accepts(step):
            return None
        turn = self.tally.take()
        if turn is None:
            return None
        step.delay = self.delay
        if self._fate is not None:
            step.fate = dataclasses.replace(self._fate, recipients=self._matcher.numbers(seen))
        return self._answers[turn % len(self._answers)] if self._answers else USUAL_YES

    def mismatches(self, seen: Seen) -> list[str]:
        """Why the answer does not apply to what came by; empty if it does."""
        return self._matcher.mismatches(seen)

    @property
    def complete(self) -> bool:
        """Whether the test has said what to answer, or what becomes of the mail."""
        return bool(self._answers) or self._fate is not None

    @property
    def in_turn(self) -> bool:
        """Whether it consists of several answers, each of which is to be given."""
        return len(self._answers) > 1

    @property
    def unused(self) -> str | None:
        """What a strict net fails the test for, in words; None if nothing is missing."""
        if not self.complete:
            if self.attempted:
                return None  # the error in that line is told already
            return f"{self} has no answer: follow it by .reply(...), .reply_in_turn(...) or .disconnect()"
        missing = self.tally.missing
        return f"{self} {missing}" if missing else None

    @property
    def unmet(self) -> str | None:
        """What the report of a failed test says: as `unused`, and also that an answer was never given."""
        if self.complete and self.unused is None and self.tally.times is None and not self.tally.given:
            return f"{self} was not given"
        return self.unused

    @property
    def holds_back(self) -> str:
        """Why the answer is not given to what it matches, as the end of a sentence; "" if it is given."""
        if after := self.tally.after:
            return f", and .after({after}) lets the first {after} pass"
        return ", and its function said no, or failed" if self._matcher.has_predicate else ""

    def __str__(self) -> str:
        said = str(self._matcher)
        if len(self._answers) > 1:
            said += f".reply_in_turn({', '.join(repr(str(answer)) for answer in self._answers)})"
        elif self._answers:
            [answer] = self._answers
            said += ".disconnect()" if isinstance(answer, HangUp) else f".reply({str(answer)!r})"
        if self._fate is not None:
            diagnostic = self._fate.diagnostic
            said += f".{self._fate.name}({'' if diagnostic is None else repr(str(diagnostic))})"
        if not self.in_turn and self.complete and self.tally.times is not None:  # several come once each
            said += f".times({self.tally.times})"
        if self.delay:
            said += f".delayed(seconds={self.delay:g})"
        return said + (f".after({self.tally.after})" if self.tally.after else "")
