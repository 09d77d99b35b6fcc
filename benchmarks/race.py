"""Races between contestants, each in a process of its own, and the rows of ratios that come out of them.

A process each: a peer does not run under this package's patches and audit hook, and what one keeps in
memory does not slow the other's garbage collector. They take turns, so that other load on the machine
meets all of them.
"""

from __future__ import annotations

import enum
import multiprocessing
import statistics
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TypeAlias

__all__ = ["Contestant", "Row", "Way", "compared", "faster_of", "race"]

Contestant: TypeAlias = Callable[[], AbstractContextManager[Callable[[], float]]]
"""Sets something up, gives the function that measures one round, and tears down."""


class Way(enum.Enum):
    """How a ratio is read, and which side of the limit is the good one."""

    TIME = ("<=", "x its time")
    SIZE = ("<=", "x its size")
    NUMBER = ("<=", "x its number")
    FASTER = (">=", "x faster")
    MORE = (">=", "x as many")

    def __init__(self, sign: str, words: str) -> None:
        self.sign = sign
        self.words = words

    @property
    def at_most(self) -> bool:
        """Whether the limit is the highest ratio that is good; otherwise it is the lowest."""
        return self.sign == "<="


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        what: what is measured; no two rows have the same text.
        beside: what it is compared with.
        ours: this package's median, with its unit.
        theirs: the other's median, with its unit.
        ratios: how the two compare, one ratio for each round.
        wanted: the limit for the median of the ratios; None if it is told, and nothing more.
        way: how a ratio is read.
    """

    what: str
    beside: str
    ours: str
    theirs: str
    ratios: tuple[float, ...]
    wanted: float | None
    way: Way

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios: load that lasts for a round or more falls out of it."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The lower and the upper quartile of the ratios."""
        if len(self.ratios) == 1:
            return self.ratio, self.ratio
        lower, _, upper = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return lower, upper

    @property
    def passed(self) -> bool:
        """Whether the ratio is as wanted."""
        if self.wanted is None:
            return True
        return self.ratio <= self.wanted if self.way.at_most else self.ratio >= self.wanted


def compared(
    what: str,
    beside: str,
    figures: Sequence[Sequence[float]],
    shown: Callable[[float], str],
    wanted: float | None,
    *,
    way: Way = Way.TIME,
) -> Row:
    """Make a row of two contestants' figures.

    Args:
        what: what is measured.
        beside: what it is compared with.
        figures: this package's figures and the other's, in the order of the rounds.
        shown: writes a figure with its unit.
        wanted: the limit for the ratio; None for none.
        way: how the ratio is read. It is ours divided by theirs, or for `Way.FASTER` theirs by ours.
    """
    ours, theirs = figures
    pairs = zip(theirs, ours, strict=True) if way is Way.FASTER else zip(ours, theirs, strict=True)
    return Row(
        what,
        beside,
        shown(statistics.median(ours)),
        shown(statistics.median(theirs)),
        tuple(one / other for one, other in pairs),
        wanted,
        way,
    )


def faster_of(figures: dict[str, list[float]]) -> str:
    """The name of the contestant with the lowest median."""
    return min(figures, key=lambda name: statistics.median(figures[name]))


def race(contestants: Sequence[Contestant], rounds: int) -> list[list[float]]:
    """Let the contestants measure in turn. One more round at the start is not counted: imports, first use.

    Args:
        contestants: what to run. Each gets a process of its own.
        rounds: how often each of them measures.

    Returns:
        The figures of each contestant, in the order of the rounds.
    """
    with ExitStack() as running:
        turns = [running.enter_context(_started(contestant)) for contestant in contestants]
        for turn in turns:
            turn()
        figures: list[list[float]] = [[] for _ in turns]
        for number in range(rounds):
            order = list(zip(turns, figures, strict=True))
            for turn, mine in order if number % 2 else reversed(order):
                mine.append(turn())
    return figures


@contextmanager
def _started(contestant: Contestant) -> Iterator[Callable[[], float]]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_take_turns, args=(contestant, there))
    process.start()
    there.close()

    def turn() -> float:
        here.send(True)  # noqa: FBT003
        figure = here.recv()
        if isinstance(figure, str):
            raise RuntimeError(f"a contestant failed:\n{figure}")  # noqa: TRY004
        return float(figure)

    try:
        yield turn
    finally:
        here.close()
        process.join()


def _take_turns(contestant: Contestant, turns: Connection) -> None:
    try:
        with contestant() as measure:
            while True:
                try:
                    turns.recv()
                except EOFError:
                    return
                turns.send(measure())
    except Exception:  # noqa: BLE001  # reported to the process that asked
        turns.send(traceback.format_exc())
