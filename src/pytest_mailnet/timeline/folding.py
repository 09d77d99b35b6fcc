"""Shortens a long timeline: groups sessions that went alike, and keeps errors before successes."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["Alike", "Line", "alike", "shortened"]

# Sessions are compared by their codes; other words with digits in them, and addresses, differ in each.
# A word is tried from its begin only: tried from each letter, it would take the square of its length.
_VARIES = re.compile(r"(?<!\S)(?:(?P<enhanced>[245]\.\d{1,3}\.\d{1,3}(?!\S))|\S*[@\d]\S*)")
_CODE = len("S  250")
_RANGES = 8


class Line(NamedTuple):
    """One line of a timeline.

    Attributes:
        at: seconds since the net began; `math.inf` for a line without a time, at the end.
        strand: a number that all lines of the same session or event share.
        label: the session's number in brackets, "dns", "!!"; "" for none.
        text: the text behind the label.
        matters: whether the line is about something that went wrong.
        compared: whether strands have to agree in this line to count as alike.
    """

    at: float
    strand: int
    label: str
    text: str
    matters: bool = False
    compared: bool = True


class Alike(NamedTuple):
    """Strands that went alike.

    Attributes:
        first: the lines of the first one.
        others: those of each other one, in order.
    """

    first: list[Line]
    others: list[list[Line]]

    @property
    def remark(self) -> Line | None:
        """A line about the others, where they are sessions; None where they are not, or there are none."""
        if not self.others or not self.first[0].label.startswith("["):
            return None
        text = f" went the same way as {self.first[0].label}"
        label = _ranges([it[0].label for it in self.others])
        return self.others[0][0]._replace(label=label, text=text)

    @property
    def counted(self) -> str:
        """The number of the others in words, where they are look-ups or the like; "" for none."""
        if not self.others or self.remark is not None:
            return ""
        return f"  [and {len(self.others):,} more like it]"


def alike(lines: Iterable[Line]) -> list[Alike]:
    """Group the strands of a timeline that went alike.

    Args:
        lines: the lines of the timeline, in order.
    """
    strands: dict[int, list[Line]] = defaultdict(list)
    for line in lines:
        strands[line.strand].append(line)
    groups: dict[tuple[str, ...], list[list[Line]]] = defaultdict(list)
    for strand in strands.values():
        groups[tuple(_shape(line) for line in strand if line.compared)].append(strand)
    return [Alike(first, others) for first, *others in groups.values()]


def shortened(lines: Sequence[Line], limit: int) -> list[Line]:
    """Shorten a timeline to a number of lines, in order.

    Strands that went alike become one. Then errors are kept first, and lines near the begin and the end.

    Args:
        lines: the lines of the timeline, in order.
        limit: how many lines to keep at most; 0 for all.
    """
    if not limit or len(lines) <= limit:
        return list(lines)
    return _cut(_folded(lines), limit)


def _folded(lines: Iterable[Line]) -> list[Line]:
    kept: list[Line] = []
    for group in alike(lines):
        kept += group.first
        if group.remark is not None:
            kept.append(group.remark)
        elif group.counted:
            kept[-1] = group.first[-1]._replace(text=group.first[-1].text + group.counted)
    return sorted(kept, key=lambda line: line.at)


def _shape(line: Line) -> str:
    """The part of a line that has to be the same in strands that are alike."""
    label = "" if line.label.startswith("[") else line.label
    code = _CODE if line.text.startswith("S ") else 0
    return label + line.text[:code] + _VARIES.sub(lambda it: it["enhanced"] or "#", line.text[code:])


def _ranges(labels: Sequence[str]) -> str:
    """The numbers of sessions, joined into ranges: "[2] to [7], [9]"."""
    ranges: list[list[int]] = []
    for number in sorted(int(label[1:-1]) for label in labels):
        if ranges and ranges[-1][-1] == number - 1:
            ranges[-1][1:] = [number]
        else:
            ranges.append([number])
    told = ", ".join(" to ".join(f"[{it}]" for it in each) for each in ranges[:_RANGES])
    return f"{told} and others, {len(labels):,} in all," if len(ranges) > _RANGES else told


def _cut(lines: Sequence[Line], limit: int) -> list[Line]:
    """Keep the lines that matter, then those near the begin or the end; the line for a gap counts too."""
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
