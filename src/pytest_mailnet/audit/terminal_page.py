"""The findings of an audit as a page for a terminal: first what is wrong, then what is right in few lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pytest_mailnet.audit.findings import Audit, Mistake, calls_of, taken_of
from pytest_mailnet.audit.trial import Trial
from pytest_mailnet.audit.verdicts import Verdict
from pytest_mailnet.printable import printable
from pytest_mailnet.timeline.colours import BAD, BOLD, GOOD, painted

__all__ = ["on_terminal"]

_NAMED = 6  # further cases
_MAYBE = "33"  # yellow


def on_terminal(audit: Audit, *, colour: bool) -> Iterator[str]:
    """The lines of the page.

    Args:
        audit: the findings.
        colour: whether they have ANSI colours.
    """

    def paint(text: str, code: str) -> str:
        return painted(text, code) if colour else text

    mistakes, undecided = audit.mistakes, audit.of(Verdict.UNDECIDED)
    tried = _cases(len(audit.trials)) + (f" and {audit.searched} schedules" if audit.searched else "")
    yield paint(f"{printable(audit.application)}: {tried} in {audit.seconds:.1f} s", BOLD)
    for mistake in mistakes:
        yield ""
        yield from _mistake(audit, mistake, lambda it: paint(it, BAD))
    for trial in undecided[:1]:
        yield ""
        yield f"{paint('undecided', _MAYBE)}  {_named(undecided)}"
        yield f"  {printable(trial.judgement.why)}"
    if len(audit.trials) == 1 and not mistakes:
        yield ""
        yield from _details(audit, audit.trials[0])
    yield ""
    if possible := audit.of(Verdict.DUPLICATES_POSSIBLE):
        title = paint("duplicates possible", _MAYBE)
        yield f"{title}  {_cases(len(possible))}; nobody can rule that out (RFC 1047):"
        yield f"  {_named(possible)}"
    right = len(audit.of(Verdict.RIGHT))
    yield f"{paint('right', GOOD)}  {_cases(right)} of {len(audit.trials)}"
    if by_stage := ", ".join(f"{stage} {good} of {all_}" for stage, good, all_ in audit.right_by_stage()):
        yield f"  {by_stage}"
    if audit.unsaid:
        yield f"not tried: it does not come to {', '.join(map(str.upper, audit.unsaid))}"
    for without in audit.without:
        yield f"not tried: {without}"


def _mistake(audit: Audit, mistake: Mistake, paint: Callable[[str], str]) -> Iterator[str]:
    trial = mistake.smallest
    yield f"{paint(trial.judgement.verdict)}  {trial.case.id}"
    yield f"  {'wrong':13}{printable(trial.judgement.why)}"
    yield from _details(audit, trial)
    if mistake.others:
        yield f"  {'also':13}{_named(mistake.others)}"


def _details(audit: Audit, trial: Trial) -> Iterator[str]:
    yield f"  {'what happens':13}{trial.case.does}"
    for label, lines in (("it said", calls_of(trial)), ("servers took", taken_of(trial) or ["nothing"])):
        for number, line in enumerate(lines):
            yield f"  {'' if number else label:13}{printable(line)}"
    yield f"  {'again':13}{audit.again(trial)}"


def _named(trials: Sequence[Trial]) -> str:
    names = ", ".join(it.case.id for it in trials[:_NAMED])
    more = len(trials) - _NAMED
    return f"{names} and {more} more" if more > 0 else names


def _cases(count: int) -> str:
    return "1 case" if count == 1 else f"{count} cases"
