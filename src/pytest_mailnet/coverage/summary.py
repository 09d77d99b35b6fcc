"""What a run has met, as its reports tell it: the share, the tables, providers, faults, and the next test."""

from __future__ import annotations

from typing import NamedTuple

from pytest_mailnet.coverage.cells import COUNTED, Cell, Met
from pytest_mailnet.coverage.census import NETS
from pytest_mailnet.faults import FAULTS

__all__ = ["Share", "Summary"]


class Share(NamedTuple):
    """Some things of which each was met or not.

    Attributes:
        met: how many times each was met, of those that were.
        unmet: the others, in their order.
    """

    met: dict[str, int]
    unmet: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many there are."""
        return len(self.met) + len(self.unmet)

    def __str__(self) -> str:
        return f"{len(self.met)} of {self.total} met"


class Summary:
    """What a run has met.

    Args:
        met: how many times each cell was met.
    """

    def __init__(self, met: Met) -> None:
        self.met: Met = met

    @property
    def nets(self) -> int:
        """How many nets the run had."""
        return self.met[NETS]

    @property
    def cells_met(self) -> int:
        """How many cells that count were met."""
        return sum(1 for cell in COUNTED if self.met[cell])

    @property
    def percent(self) -> float:
        """How much of what an application can meet was met: cells of the tables that count, in percent."""
        return 100 * self.cells_met / len(COUNTED)

    @property
    def providers(self) -> dict[str, Share]:
        """The replies of each provider that was used, by its name."""
        names: dict[str, list[str]] = {}
        for cell in self.met:
            if cell.table == "replies":
                names.setdefault(cell.row, []).append(cell.column)
        return {name: self._share("replies", name, names[name]) for name in sorted(names)}

    @property
    def faults(self) -> Share:
        """The faults."""
        return self._share("faults", "", list(map(str, FAULTS)))

    def _share(self, table: str, row: str, columns: list[str]) -> Share:
        counted = {it: self.met[Cell(table, row, it)] for it in columns}
        return Share(
            {it: count for it, count in counted.items() if count},
            tuple(it for it, count in counted.items() if not count),
        )
