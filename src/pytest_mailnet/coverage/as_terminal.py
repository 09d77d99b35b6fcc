"""A summary as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mailnet.coverage.cells import COUNTED, TABLES, Cell, Table
from pytest_mailnet.coverage.summary import Share, Summary

__all__ = ["terminal_lines"]

_WIDTH = 11
_FIRST = 10
_NONE = "no test of this run had a net"
_SHOWN = 6  # names of what was not met; html and json have them all


def terminal_lines(summary: Summary) -> Iterator[str]:
    """The report of a run, line by line.

    Args:
        summary: what it has met.
    """
    if not summary.nets:
        yield _NONE
        return
    for table in TABLES:
        yield from _table(table, summary)
        yield ""
    yield from (_share(name, share) for name, share in summary.providers.items())
    yield _share("faults", summary.faults)


def _table(table: Table, summary: Summary) -> Iterator[str]:
    yield "".join((table.title.ljust(_FIRST), *(f"{it:>{_WIDTH}}" for it in table.columns))).rstrip()
    for row in table.rows:
        cells = [Cell(table.name, row, it) for it in table.columns]
        if row in table.uncounted and not any(summary.met[it] for it in cells):
            continue
        told = (_count(it, summary) for it in cells)
        yield row.ljust(_FIRST) + "".join(f"{it:>{_WIDTH}}" for it in told)


def _count(cell: Cell, summary: Summary) -> str:
    """How often a cell was met: "." for what cannot be met or does not count."""
    count = summary.met[cell]
    return str(count) if count or cell in COUNTED else "."


def _share(name: str, share: Share) -> str:
    if not share.unmet:
        return f"{name}: {share}"
    more = f", and {len(share.unmet) - _SHOWN} more" if len(share.unmet) > _SHOWN else ""
    return f"{name}: {share}; not {', '.join(share.unmet[:_SHOWN])}{more}"
