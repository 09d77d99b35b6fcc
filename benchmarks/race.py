"""Runs contestants side by side, each in a process of its own, and compares them.

A process each: a peer does not run under this package's patches and audit hook, and what one keeps in
memory does not slow the other's garbage collector. They take turns, so that other load on the machine
meets all of them.
"""

from __future__ import annotations

import multiprocessing
import statistics
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import TypeAlias

__all__ = ["Contestant", "Row", "medians", "race", "ratio"]

Contestant: TypeAlias = Callable[[], AbstractContextManager[Callable[[], float]]]
"""Sets something up, gives the function that measures one round, and tears down."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        what: is measured.
        ours: this package's median, with its unit.
        against: whom it is compared with.
        theirs: their median.
        measured: how they compare.
        wanted: what is promised.
        passed: whether the promise is kept.
    """

    what: str
    ours: str
    against: str
    theirs: str
    measured: str
    wanted: str
    passed: bool


def race(contestants: Sequence[Contestant], rounds: int) -> list[list[float]]:
    """Let each measure so many rounds, in turn; return each one's figures, in the order of the rounds.

    One round before that is not counted: imports, caches, first use.
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


def ratio(figures: Sequence[float], others: Sequence[float]) -> float:
    """The median of each round's ratio: load that lasts for a round or more falls out of it."""
    return statistics.median(one / other for one, other in zip(figures, others, strict=True))


def medians(figures: Sequence[Sequence[float]]) -> list[float]:
    """Each contestant's median."""
    return [statistics.median(each) for each in figures]


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
    except Exception:  # noqa: BLE001  # told to the process that asked
        turns.send(traceback.format_exc())
