"""Sets of message numbers or UIDs as commands and answers write them (RFC 3501, 9: sequence-set)."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["LARGEST", "SequenceSet"]

LARGEST = 4294967295
"""The largest message number or UID (RFC 3501, 9: nz-number)."""

_RANGE = re.compile(r"(?P<first>\*|[1-9][0-9]{0,9})(?::(?P<last>\*|[1-9][0-9]{0,9}))?")
_STAR = 0


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """A set of numbers, of which only those that exist are ever counted.

    Attributes:
        ranges: the first and the last number of each, as written; 0 is "*", the largest that exists.
    """

    ranges: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, text: str) -> SequenceSet:
        """Read a set, "1,3:5,9:*".

        Raises:
            ValueError: if that is none; says what part of it is wrong.
        """
        return cls(tuple(map(_range, text.split(","))))

    @classmethod
    def of(cls, numbers: Iterable[int]) -> SequenceSet:
        """The set of some numbers in ascending order, with neighbours in one range."""
        ranges: list[tuple[int, int]] = []
        for number in numbers:
            if ranges and ranges[-1][1] == number - 1:
                ranges[-1] = ranges[-1][0], number
            else:
                ranges.append((number, number))
        return cls(tuple(ranges))

    def among(self, existing: Sequence[int]) -> list[int]:
        """The numbers of the set that exist, each once, in ascending order.

        Args:
            existing: what exists, in ascending order: UIDs, or `range(1, count + 1)`.
        """
        found: list[int] = []
        if not existing:
            return found
        reached = 0
        for first, last in self._sorted(existing[-1]):
            start = max(reached, bisect_left(existing, first))
            reached = max(start, bisect_right(existing, last))
            found += existing[start:reached]
        return found

    def _sorted(self, largest: int) -> list[tuple[int, int]]:
        """The ranges with the smaller number first and "*" as a number, in ascending order."""
        numbers = ((first or largest, last or largest) for first, last in self.ranges)
        return sorted((min(pair), max(pair)) for pair in numbers)

    def __str__(self) -> str:
        return ",".join(
            _written(first) if first == last else f"{_written(first)}:{_written(last)}"
            for first, last in self.ranges
        )


def _range(text: str) -> tuple[int, int]:
    written = _RANGE.fullmatch(text)
    if written is None:
        raise ValueError(f"{text[:40]!r} is no range of numbers: it takes 7, 7:9 or 7:*")
    first = _number(written["first"])
    return first, _number(written["last"]) if written["last"] else first


def _number(text: str) -> int:
    number = _STAR if text == "*" else int(text)
    if number > LARGEST:
        raise ValueError(f"{text} is too large: a number has 32 bits")
    return number


def _written(number: int) -> str:
    return str(number) if number else "*"
