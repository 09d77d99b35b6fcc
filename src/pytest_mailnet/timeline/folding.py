"""A long story made short: what went alike is told once, and what went wrong before what went well."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["Line", "shortened"]

# Codes are what sessions are compared by; other words with digits in them, and addresses, differ in each.
_VARIES = re.compile(r"(?P<enhanced>(?<!\S)[245]\.\d{1,3}\.\d{1,3}(?!\S))|\S*[@\d]\S*")
_CODE = len("S  250")
_RANGES = 8


class Line(NamedTuple):
    """One line of a story.

    Attributes:
        at: seconds since the net began; `math.inf` for what has no time of its own, at the end.
        strand: a number that it shares with the other lines of the same session or event.
        label: the session's number in brackets, "dns", "!!"; "" for none.
        text: what follows the label.
        matters: whether it tells of something that went wrong.
        compared: whether strands that differ in it are not alike.
    """

    at: float
    strand: int
    label: str
    text: str
    matters: bool = False
    compared: bool = True


def shortened(lines: Sequence[Line], limit: int) -> list[Line]:
    """At most so many lines of a story, in order; all of them where they are no more, or the limit is 0."""
    if not limit or len(lines) <= limit:
        return list(lines)
    return _cut(_folded(lines), limit)


def _folded(lines: Iterable[Line]) -> list[Line]:
    strands: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        strands[line.strand].append(line)
    alike: dict[tuple[str, ...], list[list[Line]]] = defaultdict(list)
    for strand in strands.values():
        alike[tuple(_shape(line) for line in strand if line.compared)].append(strand)
    kept: list[Line] = []
    for first, *others in alike.values():
        kept += first
        if not others:
            continue
        if first[0].label.startswith("["):
            text = f" went the same way as {first[0].label}"
            kept.append(others[0][0]._replace(label=_ranges([it[0].label for it in others]), text=text))
        else:
            kept[-1] = first[-1]._replace(text=f"{first[-1].text}  [and {len(others):,} more like it]")
    return sorted(kept, key=lambda line: line.at)


def _shape(line: Line) -> str:
    """What has to be the same in another strand that is alike."""
    label = "" if line.label.startswith("[") else line.label
    code = _CODE if line.text.startswith("S ") else 0
    return label + line.text[:code] + _VARIES.sub(lambda it: it["enhanced"] or "#", line.text[code:])


def _ranges(labels: Sequence[str]) -> str:
    """The numbers of sessions, "[2] to [7], [9]"."""
    ranges: list[list[int]] = []
    for number in sorted(int(label[1:-1]) for label in labels):
        if ranges and ranges[-1][-1] == number - 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    told = ", ".join(" to ".join(f"[{it}]" for it in each) for each in ranges[:_RANGES])
    return f"{told} and others, {len(labels):,} in all," if len(ranges) > _RANGES else told


def _cut(lines: Sequence[Line], limit: int) -> list[Line]:
    """What went wrong, then what is near to the beginning or the end; a line for each gap counts too."""
    last = len(lines) - 1
    ranked = sorted(range(len(lines)), key=lambda it: (not lines[it].matters, min(it, last - it)))
    size = min(limit, len(lines))
    while (over := len(told := _with_gaps(lines, ranked[:size])) - limit) > 0:
        size -= (over + 1) // 2
    return told


def _with_gaps(lines: Sequence[Line], kept: Iterable[int]) -> list[Line]:
    told: list[Line] = []
    following = 0
    for number in [*sorted(kept), len(lines)]:
        if number > following:
            gap = f"... {number - following:,} lines" if number - following > 1 else "... 1 line"
            told.append(lines[following]._replace(at=math.inf, label="", text=gap))
        told += lines[number : number + 1]
        following = number + 1
    return told
