"""Figures as text, with their units."""

from __future__ import annotations

__all__ = ["a_second", "mebibytes", "milliseconds", "octets", "plain", "seconds"]


def milliseconds(figure: float) -> str:
    """Write seconds as milliseconds."""
    return f"{figure * 1e3:.2f} ms"


def seconds(figure: float) -> str:
    """Write seconds."""
    return f"{figure:.2f} s"


def a_second(figure: float) -> str:
    """Write a rate."""
    return f"{figure:,.0f}/s"


def octets(figure: float) -> str:
    """Write a size of some kilobytes."""
    return f"{figure:,.0f} B"


def mebibytes(figure: float) -> str:
    """Write bytes as mebibytes."""
    return f"{figure / (1 << 20):,.0f} MiB"


def plain(figure: float) -> str:
    """Write a number of things."""
    return f"{figure:,.0f}"
