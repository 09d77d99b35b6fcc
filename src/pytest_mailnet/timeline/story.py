"""The timeline of a net as text: DNS questions, SMTP sessions line by line, and everything else in order."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pytest_mailnet.printable import printable
from pytest_mailnet.record.journal import ClockMoved, Entry, Journal, Started
from pytest_mailnet.timeline.absence import causes
from pytest_mailnet.timeline.colours import colour_of, painted
from pytest_mailnet.timeline.folding import Line, shortened
from pytest_mailnet.timeline.strands import strand_lines

__all__ = ["Story", "in_colours", "story", "timeline"]

_TOLD = re.compile(r"(?m)^( *[\d.]+ ms  (?:\[\d+\] )?)(C|S|dns|tcp|!!)(  )(.*)$")


class Story(NamedTuple):
    """The timeline of a net as text.

    Attributes:
        full: all lines.
        short: the lines shortened to a limit; the same as `full` if that is within the limit.
    """

    full: str
    short: str


def timeline(journal: Journal, waiting: Iterable[object] = ()) -> str:
    """The full timeline of a net, in order; times are milliseconds since the net began.

    Args:
        journal: the record of the net.
        waiting: the mails that are still in the queue.
    """
    return story(journal, waiting).full


def story(journal: Journal, waiting: Iterable[object] = (), limit: int = 0) -> Story:
    """The timeline of a net, in full and shortened.

    Args:
        journal: the record of the net.
        waiting: the mails that are still in the queue.
        limit: how many lines the short form has at most, without the lines above the timeline; 0 for all.
    """
    entries = journal.entries
    lines = [line for strand, entry in enumerate(entries) for line in strand_lines(entry, strand)]
    lines.sort(key=lambda line: line.at)
    lines += _queue(waiting, len(entries))
    head = list(_nothing(entries))
    full, short = ("\n".join([*head, *map(_written, told)]) for told in (lines, shortened(lines, limit)))
    return Story(full, short)


def in_colours(told: str) -> str:
    """A timeline with ANSI colours for clients, servers, the DNS, and errors."""
    return _TOLD.sub(lambda it: it[1] + it[2] + it[3] + painted(it[4], colour_of(it[2], it[4])), told)


def _written(line: Line) -> str:
    # Every line passes here: a client's control characters must not reach a terminal.
    text = printable(f"{line.label} {line.text}" if line.label else line.text)
    return f"      {text}" if line.at == math.inf else f"{line.at * 1000:9.1f} ms  {text}"


def _nothing(entries: Sequence[Entry]) -> Iterator[str]:
    """A note for a net that nothing came to, with the likely causes; nothing for any other net."""
    if all(isinstance(entry, ClockMoved | Started) for entry in entries):
        yield "nothing was looked up, and nobody connected"
        started = [entry.command for entry in entries if isinstance(entry, Started)]
        yield from (f"  - {cause}" for cause in causes(started))


def _queue(waiting: Iterable[object], strand: int) -> Iterator[Line]:
    number = strand
    for number, mail in enumerate(waiting, start=strand + 1):
        yield Line(math.inf, number, "in the queue", f" {mail}")
    if number > strand:
        until = " until mailnet.deliver_all(), or (days=5) with all its tries, lets the servers deliver it"
        yield Line(math.inf, strand, "in the queue", until)
