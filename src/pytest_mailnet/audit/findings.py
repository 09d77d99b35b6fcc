"""The findings of an audit, in the order in which a page tells them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_mailnet.audit.trial import Trial
from pytest_mailnet.audit.verdicts import MISTAKES, Verdict
from pytest_mailnet.values import DELIVERY, Stage

__all__ = ["Audit", "Mistake", "calls_of", "taken_of"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake with the cases that show it.

    Attributes:
        smallest: the trial of the smallest case, the first of those with the fewest steps.
        others: the trials of the other cases.
    """

    smallest: Trial
    others: tuple[Trial, ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit has found.

    Attributes:
        application: how the command line names it.
        trials: the trials, in the order of the cases; of the search, those that show a mistake.
        searched: how many schedules the search has tried.
        unsaid: the stages that the application does not come to, whose cases were left out.
        without: what could not be tried, and why.
        seconds: how long it took.
    """

    application: str
    trials: tuple[Trial, ...]
    searched: int = 0
    unsaid: tuple[Stage, ...] = ()
    without: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def mistakes(self) -> list[Mistake]:
        """The mistakes, the worst first; each with all cases that show it."""
        found: dict[tuple[Verdict, str], list[Trial]] = {}
        for trial in self.trials:
            if trial.judgement.verdict in MISTAKES:
                found.setdefault((trial.judgement.verdict, trial.judgement.mistake), []).append(trial)
        told = [
            Mistake(first, tuple(others))
            for first, *others in (sorted(it, key=_size) for it in found.values())
        ]
        return sorted(told, key=lambda it: MISTAKES.index(it.smallest.judgement.verdict))

    def of(self, verdict: Verdict) -> list[Trial]:
        """The trials with a verdict."""
        return [it for it in self.trials if it.judgement.verdict is verdict]

    def again(self, trial: Trial) -> str:
        """The command that plays a case again."""
        case = f"--case {shlex.quote(trial.case.id)}"
        app, dashes, words = self.application.partition("-- ")
        return f"mailnet audit {case} {dashes}{words}" if dashes else f"mailnet audit {app} {case}"

    def right_by_stage(self) -> Iterator[tuple[str, int, int]]:
        """For each stage: how many cases of one step went right, and how many there were."""
        for stage in ("lookup", *DELIVERY, Stage.RSET, Stage.NOOP, Stage.QUIT):
            own = [it for it in self.trials if len(it.case.steps) == 1 and _stage(it) == stage]
            if own:
                yield str(stage), sum(it.judgement.verdict not in MISTAKES for it in own), len(own)


def calls_of(trial: Trial) -> list[str]:
    """What was said after each call, the same in a row told once."""
    told: list[str] = []
    times: list[int] = []
    for said in trial.said:
        if told and told[-1] == said.text:
            times[-1] += 1
        else:
            told.append(said.text)
            times.append(1)
    return [
        text if count == 1 else f"{text} ({count} times)" for text, count in zip(told, times, strict=True)
    ]


def taken_of(trial: Trial) -> list[str]:
    """The mails that servers took, in words."""
    return [
        f"a mail to {' and '.join(it.recipients)} in call {it.call + 1}"
        + ("" if it.heard else ", whose yes was lost")
        for it in trial.taken
    ]


def _size(trial: Trial) -> int:
    return max(1, len(trial.case.steps))


def _stage(trial: Trial) -> str:
    step = trial.case.steps[0]
    return "" if step is None else str(step.stage)
