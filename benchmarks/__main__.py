"""`python -m benchmarks [group ...] [--quick] [--write]`: exit status 1 if a row misses what is wanted."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from benchmarks.machine import machine, versions
from benchmarks.page import PAGE, page_of, ratios_in
from benchmarks.race import Row
from benchmarks.table import TITLES, cells, lines, worse

__all__ = ["main"]

_GROUPS = (
    "first",
    "fixtures",
    "mails",
    "names",
    "tls",
    "rules",
    "namespace",
    "reading",
    "relaying",
    "growth",
    "evidence",
    "endurance",
)


def main() -> int:
    """Measure the groups that were asked for, all by default; print the table at the end."""
    asked = _arguments()
    facts = {"machine": machine(), "versions": versions()}
    groups: dict[str, list[Row]] = {}
    for name in asked.groups or _GROUPS:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        # Each contestant's process imports this module too, and must not import what it does not measure.
        groups[name] = list(importlib.import_module(f"benchmarks.{name}").rows(quick=asked.quick))
    landed = ratios_in(PAGE.read_text("utf-8")) if PAGE.exists() else {}
    _print(groups, landed)
    if asked.write:
        PAGE.write_text(page_of(groups, day=datetime.now(UTC).date(), quick=asked.quick, **facts), "utf-8")
    return 0 if all(row.passed for rows in groups.values() for row in rows) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=f"of {', '.join(_GROUPS)}; default: all")
    parser.add_argument("--quick", action="store_true", help="a minute: few rounds, what users feel")
    parser.add_argument("--write", action="store_true", help="write docs/reference/speed.md; with all groups")
    asked = parser.parse_args()
    for name in asked.groups:
        if name not in _GROUPS:
            parser.error(f"no group {name!r}; there are {', '.join(_GROUPS)}")
    if asked.write and asked.groups:
        parser.error("--write writes the whole page: it takes no groups")
    return asked


def _print(groups: Mapping[str, Sequence[Row]], landed: Mapping[str, float]) -> None:
    rows = [row for each in groups.values() for row in each]
    slipped = worse(rows, landed)
    if slipped:
        print("worse by a tenth than in docs/reference/speed.md:")
        print(*lines([(*cells(row), f"was {before:g} x") for row, before in slipped]), sep="\n", end="\n\n")
    print(*lines([TITLES, *map(cells, rows)]), sep="\n")


if __name__ == "__main__":
    sys.exit(main())
