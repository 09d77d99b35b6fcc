"""The timeline of a net as text: DNS questions, SMTP sessions line by line, and everything else in order."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from pytest_mailnet.printable import printable
from pytest_mailnet.record.journal import Attempt, ClockMoved, Entry, Incident, Journal, Query, Started
from pytest_mailnet.record.session import Session
from pytest_mailnet.timeline.absence import causes
from pytest_mailnet.timeline.colours import colour_of, painted
from pytest_mailnet.timeline.exchanges import spoken_by
from pytest_mailnet.timeline.folding import Line, shortened
from pytest_mailnet.values import Stage

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
    lines = [line for strand, entry in enumerate(entries) for line in _lines(entry, strand)]
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


def _lines(entry: Entry, strand: int) -> Iterator[Line]:
    match entry:
        case Query():
            yield Line(entry.at, strand, "dns", f" {_query(entry)}", matters=entry.rcode != "NOERROR")
        case Session():
            yield from _session(entry, strand)
        case Attempt():
            where = f"{entry.host} ({entry.server})" if entry.host else f"{entry.server}"
            text = f" {entry.client} cannot connect to {where}: {entry.error}"
            yield Line(entry.at, strand, "tcp", text, matters=True)
            yield Line(entry.at, strand, "tcp", f" -> {entry.why}", matters=True)
        case ClockMoved():
            yield Line(entry.at, strand, "clock", f" {_span(entry.seconds)} on, to {entry.now} UTC")
        case Incident():
            for text in f"{entry.kind}: {entry.text}".split("\n"):
                yield Line(entry.at, strand, "!!", f" {text}", matters=True)


def _queue(waiting: Iterable[object], strand: int) -> Iterator[Line]:
    number = strand
    for number, mail in enumerate(waiting, start=strand + 1):
        yield Line(math.inf, number, "in the queue", f" {mail}")
    if number > strand:
        until = " until mailnet.deliver_all(), or (days=5) with all its tries, lets the servers deliver it"
        yield Line(math.inf, strand, "in the queue", until)


def _query(query: Query) -> str:
    if query.answers:
        told = ", ".join(answer.split(" ", 2)[2] for answer in query.answers)
    else:
        told = "no such record" if query.rcode == "NOERROR" else query.rcode
    asked = f"{query.via} to {query.server}" if query.server else query.via
    return f"{query.name} {query.rdtype}? {told}  ({asked})"


def _session(session: Session, strand: int) -> Iterator[Line]:
    label, exchanges = f"[{session.number}]", tuple(session.exchanges)
    cut_short = session.ended != "client quit"
    said = spoken_by(session.protocol)
    failed = cut_short or any(map(said.went_wrong, exchanges))
    text = f" {session.client} connects to {session.host} ({session.server})"
    yield Line(session.at, strand, label, text, matters=failed)
    last, stage = session.at, None
    for exchange in exchanges:
        last, wrong = exchange.at, said.went_wrong(exchange)
        is_content = exchange.stage is Stage.MESSAGE
        # LMTP's further replies after the dot have no request of their own.
        for line in () if is_content and stage is Stage.MESSAGE else said.request(exchange):
            yield Line(last, strand, label, f"C  {line}", wrong and not is_content, not is_content)
        stage = exchange.stage
        for line in said.reply(exchange):
            yield Line(last, strand, label, f"S  {line}", wrong)
        if exchange.finding is not None and exchange.finding.why:
            text = f"-> {exchange.finding.rule}: {exchange.finding.why}"
            yield Line(last, strand, label, text, wrong)
    known = [it for it in (session.tls, session.user and f"logged in as {session.user}") if it]
    told = f" ({', '.join(known)})" if known else ""
    yield Line(last, strand, label, f" {session.ended or 'still open'}{told}", cut_short)


def _span(seconds: float) -> str:
    """A span of time in words, to the millisecond."""
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [
        f"{value:g} {unit}"
        for value, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
        if value
    ]
    return " ".join(parts) or "0 s"
