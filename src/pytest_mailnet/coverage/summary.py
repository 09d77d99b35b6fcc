"""What a run has met, as its reports tell it: the share, the tables, providers, faults, and the next test."""

from __future__ import annotations

import math
from typing import NamedTuple

from pytest_mailnet.coverage.cells import COUNTED, Cell, CellTable, Met
from pytest_mailnet.coverage.census import NETS
from pytest_mailnet.faults import FAULTS

__all__ = ["NO_NET", "Share", "Summary"]

NO_NET = "no test of this run had a net"
"""What is told of such a run."""


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
    def cells(self) -> int:
        """How many cells count."""
        return len(COUNTED)

    @property
    def percent(self) -> float:
        """How much of what an application can meet was met: of the cells that count, in percent."""
        return 100 * self.cells_met / self.cells

    @property
    def percent_text(self) -> str:
        """The same as a text, rounded down: 100% is all."""
        return f"{math.floor(self.percent * 100) / 100:.2f}%"

    def rows(self, table: CellTable) -> list[str]:
        """The rows of a table that are worth a line: those that count, and others where something was met."""
        return [
            row
            for row in table.rows
            if row not in table.uncounted or any(self.met[Cell(table.name, row, it)] for it in table.columns)
        ]

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
