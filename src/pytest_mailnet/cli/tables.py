"""Tables in Markdown, as the documentation has them."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["heading", "row"]


def heading(*columns: str) -> Iterator[str]:
    """The two lines with which a table begins."""
    yield row(*columns)
    yield row(*["---"] * len(columns))


def row(*cells: str) -> str:
    """A line of a table; a bar in a cell ends none."""
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
