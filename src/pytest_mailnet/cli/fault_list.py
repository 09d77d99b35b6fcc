"""The list of faults as text, as JSON and as Markdown tables."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from pytest_mailnet.cli.tables import heading, row
from pytest_mailnet.faults import DnsFault, Fault

__all__ = ["as_json", "as_markdown", "as_text"]

_INDENT = " " * 4


def as_text(listed: Sequence[Fault | DnsFault], width: int | None = None) -> Iterator[str]:
    """A line for each fault: its id, stage, kind, and what it does.

    Args:
        listed: the faults, in order.
        width: the width of the terminal in columns. If a line is wider, what the fault does stands in lines
            of its own. None for any width.
    """
    lines = {f"{it.id:<30} {it.stage:<8} {it.kind:<10}": it.does for it in listed}
    if width is None or all(len(f"{head} {does}") <= width for head, does in lines.items()):
        yield from (f"{head} {does}" for head, does in lines.items())
        return
    for head, does in lines.items():
        yield head.rstrip()
        yield from textwrap.wrap(does, width, initial_indent=_INDENT, subsequent_indent=_INDENT)


def as_json(listed: Iterable[Fault | DnsFault]) -> str:
    """A JSON list with an object for each fault; `taken` is null if the mail's fate is up to the client."""
    return json.dumps(
        [
            {
                "id": fault.id,
                "stage": fault.stage,
                "kind": fault.kind,
                "does": fault.does,
                "taken": fault.taken,
            }
            for fault in listed
        ],
        indent=1,
    )


def as_markdown(listed: Iterable[Fault | DnsFault]) -> Iterator[str]:
    """A Markdown table for each stage."""
    stage = ""
    for fault in listed:
        if fault.stage != stage:
            stage = fault.stage
            yield f"\n## {stage}\n"
            yield from heading("fault", "kind", "what it does")
        yield row(f"`{fault.id}`", fault.kind, fault.does)
