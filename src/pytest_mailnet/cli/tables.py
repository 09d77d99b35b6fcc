"""Markdown tables in the form that the documentation uses."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["heading", "row"]


def heading(*columns: str) -> Iterator[str]:
    """The first two lines of a table."""
    yield row(*columns)
    yield row(*["---"] * len(columns))


def row(*cells: str) -> str:
    """A line of a table; bars in cells are escaped."""
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
