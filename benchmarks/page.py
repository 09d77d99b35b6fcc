"""docs/reference/speed.md: written by the run that measured it, read by the runs after it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from benchmarks.race import Row
from benchmarks.table import TITLES, cells

__all__ = ["PAGE", "page_of", "ratios_in"]

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "speed.md"

_INTRODUCTION = """\
# Speed

This page is written by the run that measured it: `tox -e bench -- --write`.

Times differ from machine to machine and from hour to hour. Ratios differ much less, on a machine that has
nothing else to do. So each row compares two things that were measured in one run, and only the ratio has a
limit. `1.20 x its time` means that pytest-mailnet takes a fifth longer than what it is compared with;
`4.00 x faster` means that it takes a quarter of the time.

Each contestant runs in a process of its own, and the contestants take turns in every round. The figures of
both are medians of all rounds. The ratio is the median of the rounds' ratios; the two numbers in brackets are
its quartiles.
"""


def page_of(
    groups: Mapping[str, Sequence[Row]], *, day: date, machine: str, versions: str, quick: bool
) -> str:
    """Write the page.

    Args:
        groups: the rows of each group, by the group's name.
        day: when it was measured.
        machine: what it was measured on.
        versions: the versions of what was compared.
        quick: whether it was a quick run, which has fewer rounds and rows.
    """
    facts = f"- Measured: {day.isoformat()}{' by a quick run, of few rounds' if quick else ''}\n"
    facts += f"- Machine: {machine}\n- Versions: {versions}\n"
    return "\n".join([_INTRODUCTION, facts, *(_section(name, rows) for name, rows in groups.items() if rows)])


def ratios_in(page: str) -> dict[str, float]:
    """Read the ratios of a page, by what they are of."""
    found = re.finditer(r"(?m)^\| (?P<what>[^|]+?) \|(?:[^|]*\|){3} (?P<ratio>[\d.]+) x ", page)
    return {row["what"]: float(row["ratio"]) for row in found}


def _section(name: str, rows: Sequence[Row]) -> str:
    table = [TITLES, ("---",) * len(TITLES), *map(cells, rows)]
    return f"## {name}\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in table)
