"""The faults that there are, with what each does."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator

from pytest_mailnet.faults import DnsFault, Fault

__all__ = ["as_json", "as_markdown", "as_text"]

_INDENT = " " * 4


def as_text(listed: Iterable[Fault | DnsFault], width: int | None = None) -> Iterator[str]:
    """A line for each: its id, stage, kind, and what it does; in two or more where a width is to be kept."""
    for fault in listed:
        head = f"{fault.id:<30} {fault.stage:<8} {fault.kind:<10}"
        if width is None or len(head) + 1 + len(fault.does) <= width:
            yield f"{head} {fault.does}"
        else:
            yield head.rstrip()
            yield from textwrap.wrap(fault.does, width, initial_indent=_INDENT, subsequent_indent=_INDENT)


def as_json(listed: Iterable[Fault | DnsFault]) -> str:
    """A list with an object for each; `taken` is null where the client decides what becomes of the mail."""
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
    """A table for each stage."""
    stage = ""
    for fault in listed:
        if fault.stage != stage:
            stage = fault.stage
            yield f"\n## {stage}\n"
            yield "| fault | kind | what it does |"
            yield "| --- | --- | --- |"
        yield f"| `{fault.id}` | {fault.kind} | {fault.does} |"
