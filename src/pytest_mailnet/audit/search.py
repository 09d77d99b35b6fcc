"""The search for schedules of several steps that an application is wrong about, shrunk to the smallest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random

from pytest_mailnet.audit.cases import Case, Rejection, Step, case_of
from pytest_mailnet.audit.trial import Trial
from pytest_mailnet.audit.verdicts import MISTAKES, Verdict
from pytest_mailnet.errors import MissingExtra
from pytest_mailnet.values import Stage

__all__ = ["search"]

_STEPS = 3


def search(
    run: Callable[[Case], Trial | None],
    stages: frozenset[Stage],
    refusals: Iterable[Rejection],
    known: Iterable[Verdict],
    *,
    seed: int,
    examples: int,
    home: Path,
) -> Iterator[Trial]:
    """Find the smallest schedule of steps for each mistake that cases of one step have not shown.

    Args:
        run: runs a case.
        stages: the stages that the application comes to.
        refusals: the refusals that there are.
        known: the mistakes that cases of one step have shown.
        seed: of what is drawn.
        examples: how many schedules are drawn.
        home: a folder for what hypothesis keeps.

    Raises:
        MissingExtra: without hypothesis.
    """
    try:
        from hypothesis import Phase, find, settings  # noqa: PLC0415  # it may be missing
        from hypothesis import strategies as st  # noqa: PLC0415
        from hypothesis.configuration import set_hypothesis_home_dir  # noqa: PLC0415
        from hypothesis.errors import NoSuchExample  # noqa: PLC0415

        from pytest_mailnet.strategies import faults  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("the search over schedules", "hypothesis", "hypothesis") from error
    set_hypothesis_home_dir(home)
    wanted = set(MISTAKES) - set(known)
    trials: dict[str, Trial | None] = {}

    def of(steps: list[Step]) -> Trial | None:
        case = case_of(steps)
        if case.id not in trials:
            trials[case.id] = run(case) if case.steps else None
        return trials[case.id]

    def shows(steps: list[Step]) -> bool:
        trial = of(steps)
        return trial is not None and trial.judgement.verdict in wanted

    in_order = [it for it in Stage if it in stages]
    fault = st.one_of([faults(stage=it) for it in in_order])
    refusal = st.sampled_from([it for it in refusals if it.stage in stages])
    drawn = st.lists(st.none() | refusal | fault, min_size=1, max_size=_STEPS)
    chosen = settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
    )
    while wanted:
        try:
            smallest = find(drawn, shows, settings=chosen, random=Random(seed))  # noqa: S311
        except NoSuchExample:
            return
        trial = of(smallest)
        assert trial is not None
        yield trial
        wanted.discard(trial.judgement.verdict)
