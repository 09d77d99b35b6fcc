"""Rows as text, and what has become worse since the last table that was landed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.race import Row

__all__ = ["TITLES", "cells", "lines", "worse"]

TITLES = ("what", "beside", "mailnet", "the other", "measured", "wanted", "")
_A_TENTH = 1.1


def cells(row: Row) -> tuple[str, ...]:
    """Write a row's cells, in the order of `TITLES`."""
    lower, upper = (_number(it, row.wanted) for it in row.spread)
    measured = f"{_number(row.ratio, row.wanted)} {row.way.words} ({lower} to {upper})"
    if row.wanted is None:
        wanted, verdict = "", "told"
    else:
        wanted, verdict = f"{row.way.sign} {row.wanted:g} x", "kept" if row.passed else "MISSED"
    return row.what, row.beside, row.ours, row.theirs, measured, wanted, verdict


def lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """Write rows of cells in columns that are as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def worse(rows: Iterable[Row], landed: Mapping[str, float]) -> list[tuple[Row, float]]:
    """Find the rows whose ratio is worse by a tenth or more.

    Args:
        rows: what was measured now.
        landed: the ratios of the last table, by what they are of. Rows that it does not have are left out.

    Returns:
        The rows, each with its ratio in the last table.
    """
    known = [(row, landed[row.what]) for row in rows if row.what in landed]
    return [
        (row, before)
        for row, before in known
        if (row.ratio >= before * _A_TENTH if row.way.at_most else row.ratio <= before / _A_TENTH)
    ]


def _number(ratio: float, wanted: float | None) -> str:
    """As many decimals as the limit needs to be told from the ratio."""
    if wanted is not None and wanted < 1.1:
        return f"{ratio:.3f}"
    return f"{ratio:.2f}" if ratio < 100 else f"{ratio:.0f}"
