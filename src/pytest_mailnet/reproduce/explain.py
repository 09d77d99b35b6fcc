"""Explains a failure: from which line of the file each value was read, or by which rule it was inferred."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import NamedTuple

from pytest_mailnet.evidence import Failure
from pytest_mailnet.evidence.passages import Passage, Passages, Wanted
from pytest_mailnet.evidence.stages import words_for
from pytest_mailnet.printable import printable

__all__ = ["Explanation"]

_LONGEST_VALUE = 36
_NARROWEST = 30
# What may stand between two words of a reply: a fold, a mark of quotation, an escape, a literal's quotes.
_BETWEEN = r"(?:[\s>|,-]|\\[nrt]|b?['\"(])++"
_BEGINS = re.compile(rf"^{_BETWEEN}")
_MOST_WORDS = 40
_WITH_CODE = 3  # forms of a reply
_CODE = re.compile(r"\d{3}|[245]\.\d{1,3}\.\d{1,3}")


class _Value(NamedTuple):
    field: str
    value: str
    wanted: Wanted
    otherwise: str  # how it came about if it stands nowhere
    whole: int = 99  # how many of the forms are the value itself, and not only what it was put together from


class Explanation:
    """Explains the failures of one file, in the order in which they are read.

    Args:
        width: how many characters a line may have.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._line = 0

    def of(self, failure: Failure, passages: Passages) -> Iterator[str]:
        """The lines of a table: field, value, number of the line in the file, and the line.

        Args:
            failure: the failure.
            passages: where its values may stand.
        """
        values = list(_values(failure))
        found = passages.of([it.wanted for it in values], self._line)
        self._line = next((it.line for it in found if it is not None), self._line)
        rows = list(zip(values, found, strict=True))
        first = max((len(_short(it.value)) for it in values), default=0)
        second = max((len(str(it.line)) for it in found if it), default=1)
        for one, passage in rows:
            number = passage.line if passage else "-"
            begins = f"  {one.field:<10} {_short(one.value):<{first}}  {number:>{second}}  "
            told = _told(one, passage, max(_NARROWEST, self._width - len(begins)))
            yield f"{begins}{told}".rstrip()


def _values(failure: Failure) -> Iterator[_Value]:
    kind = " and ".join(failure.read_as) or "the evidence"
    nowhere = f"put together from {kind}"
    for field, value in (("recipient", failure.recipient), ("original", failure.original)):
        if value:
            yield _Value(field, value, _name(value), nowhere)
    for line in failure.reply:
        yield _Value("reply", line, _said(line), nowhere, _WITH_CODE)
    if failure.words:
        yield _Value("words", failure.words, _said(failure.words), nowhere)
    for field, value in (("host", failure.host), ("address", failure.address), ("status", failure.status)):
        if value:
            yield _Value(field, value, _name(value), nowhere)
    if failure.stage:
        rule, stage = failure.stage_rule, failure.stage.upper()
        told = f"inferred: {rule}" if rule else f"follows from {kind}"
        yield _Value("stage", stage, () if rule else words_for(failure.stage), told)
    if failure.fault:
        yield _Value("fault", failure.fault, (), "inferred from the words")
    if failure.sender:
        yield _Value("sender", failure.sender, _name(failure.sender), nowhere)


def _name(value: str) -> Wanted:
    """The forms of an address, a host or a code."""
    return (
        re.compile(rf"(?<![\w.@+-]){re.escape(value)}(?![\w@-]|\.\w)", re.IGNORECASE),
        re.compile(re.escape(value), re.IGNORECASE),
    )


def _said(text: str) -> Wanted:
    """The forms of a reply's line, or of words: all of it, how it begins, and what is behind its codes."""
    split = re.split(r"(?<=^\d{3})-|\s+", text.strip())[:_MOST_WORDS]
    words = [word for it in split if (word := _BEGINS.sub("", it))]
    behind = list(itertools.dropwhile(_CODE.fullmatch, words))
    pieces = (words, words[:6], words[:3], words[1:], behind[:6], behind[:3])
    return tuple(
        re.compile(rf"(?:(?<!\w)|(?<=\\n)){_BETWEEN.join(map(re.escape, it))}") for it in pieces if it
    )


def _told(one: _Value, passage: Passage | None, width: int) -> str:
    if passage is None:
        return one.otherwise
    text = printable(passage.text.replace("\t", " "))
    begins = f"({passage.part}) " if passage.part else ""
    if passage.form >= one.whole:
        begins = f"put together, from {begins}"
    return begins + _excerpt(text, passage.at, max(_NARROWEST, width - len(begins)))


def _excerpt(text: str, at: int, room: int) -> str:
    """A text that is cut so that a place in it is seen."""
    start = max(0, at - room // 3)
    if len(text) <= room:
        return text
    if start < 2:  # the mark takes one place itself
        return f"{text[: room - 1]}…"
    if len(text) - start < room:
        return f"…{text[1 - room :]}"
    return f"…{text[start : start + room - 2]}…"


def _short(value: str) -> str:
    line = printable(value.partition("\n")[0])
    return line if len(line) <= _LONGEST_VALUE else f"{line[: _LONGEST_VALUE - 1]}…"
