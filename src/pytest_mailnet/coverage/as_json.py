"""A summary as JSON; docs/reference/json.md tells its keys."""

from __future__ import annotations

import json

from pytest_mailnet.coverage.cells import TABLES, Cell
from pytest_mailnet.coverage.next_test import NextTest
from pytest_mailnet.coverage.summary import Share, Summary

__all__ = ["json_text"]

_FORMAT = 1


def json_text(summary: Summary, following: NextTest | None) -> str:
    """The report of a run as JSON.

    Args:
        summary: what it has met.
        following: the most useful next test; None for none.
    """
    told = {
        "format": _FORMAT,
        "nets": summary.nets,
        "percent": summary.percent,
        "met": summary.cells_met,
        "cells": summary.cells,
        "tables": {
            table.name: {
                row: {
                    column: summary.met[Cell(table.name, row, column)]
                    for column in table.columns
                    if table.has(row, column)
                }
                for row in table.rows
            }
            for table in TABLES
        },
        "providers": {name: _share(share) for name, share in summary.providers.items()},
        "faults": _share(summary.faults),
        "next": following and {"told": following.told, "code": following.code},
    }
    return json.dumps(told, indent=2) + "\n"


def _share(share: Share) -> dict[str, object]:
    return {"met": share.met, "unmet": share.unmet}
