"""A summary as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mailnet.coverage.cells import COUNTED, TABLES, Cell, CellTable
from pytest_mailnet.coverage.next_test import NextTest
from pytest_mailnet.coverage.summary import NO_NET, Share, Summary

__all__ = ["terminal_lines"]

_FIRST = 16
_WIDTH = 6  # of a column, at least, without the two spaces before it
_SHOWN = 6  # names of what was not met; html and json have them all


def terminal_lines(summary: Summary, following: NextTest | None) -> Iterator[str]:
    """The report of a run, line by line.

    Args:
        summary: what it has met.
        following: the most useful next test; None for none.
    """
    if not summary.nets:
        yield NO_NET
        return
    for table in TABLES:
        yield from _table(table, summary)
        yield ""
    yield from (_share(name, share) for name, share in summary.providers.items())
    yield _share("faults", summary.faults)
    yield f"mailnet coverage: {summary.percent_text}, {summary.cells_met} of {summary.cells} cells"
    if following is not None:
        yield str(following)


def _table(table: CellTable, summary: Summary) -> Iterator[str]:
    widths = {it: max(len(it), _WIDTH) + 2 for it in table.columns}
    yield table.title.ljust(_FIRST) + "".join(it.rjust(width) for it, width in widths.items())
    for row in summary.rows(table):
        told = (_count(Cell(table.name, row, it), summary).rjust(width) for it, width in widths.items())
        yield row.ljust(_FIRST) + "".join(told)


def _count(cell: Cell, summary: Summary) -> str:
    """How often a cell was met: "." for what cannot be met or does not count."""
    count = summary.met[cell]
    return str(count) if count or cell in COUNTED else "."


def _share(name: str, share: Share) -> str:
    if not share.unmet:
        return f"{name}: {share}"
    more = f", and {len(share.unmet) - _SHOWN} more" if len(share.unmet) > _SHOWN else ""
    return f"{name}: {share}; not {', '.join(share.unmet[:_SHOWN])}{more}"
