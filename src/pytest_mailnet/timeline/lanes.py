"""The record of a net as lanes: who spoke to whom, in order. Only values; `lane_page` draws them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from pytest_mailnet.record.journal import Attempt, ClockMoved, Entry, Incident, Journal, Query, Started
from pytest_mailnet.record.session import Session
from pytest_mailnet.timeline.exchanges import Spoken, spoken_in
from pytest_mailnet.timeline.folding import Alike, alike
from pytest_mailnet.timeline.strands import (
    answer_text,
    asked_text,
    end_text,
    is_cut_short,
    span_text,
    strand_lines,
)
from pytest_mailnet.values import Stage

__all__ = ["APPLICATION", "DNS", "OTHERS", "Arrow", "Kind", "Lane", "Lanes", "Row", "lanes_of"]

APPLICATION, DNS, OTHERS = "application", "DNS", "other hosts"
"""The names of lanes that are no host's; the last is shared by the hosts for which there is no room."""

Kind: TypeAlias = Literal[
    "question",
    "answer",
    "connect",
    "command",
    "reply",
    "refusal",
    "lost",
    "why",
    "end",
    "cut",
    "more",
    "time",
    "incident",
]
"""What an arrow is: "lost" for a connection or a reply that did not come about, "cut" for an end without
QUIT, "more" for a remark on others that went alike."""

_ALL_LINES = 120  # of the timeline as text; a longer one is folded
_MOST = 14  # lanes, besides that of others
_PAUSE = 0.5  # seconds


class Lane(NamedTuple):
    """A column: somebody who speaks.

    Attributes:
        name: the name of a host, or `APPLICATION`, `DNS`, `OTHERS`.
        addresses: the addresses that it was seen with.
    """

    name: str
    addresses: tuple[str, ...]


class Arrow(NamedTuple):
    """What one lane says to another.

    Attributes:
        start: the number of the lane from which it goes, from 0.
        end: that of the lane to which it goes.
        kind: what it is.
        lines: its text, as anybody has said it: not escaped.
    """

    start: int
    end: int
    kind: Kind
    lines: tuple[str, ...]


class Row(NamedTuple):
    """What happened at a time.

    Attributes:
        at: seconds since the net began.
        label: the session's number in brackets; "" for none.
        arrows: what was said, in order.
        tls: whether it was encrypted.
    """

    at: float
    label: str
    arrows: tuple[Arrow, ...]
    tls: bool = False


class Lanes(NamedTuple):
    """A timeline as lanes.

    Attributes:
        lanes: those who speak: the application, the DNS, then hosts in the order in which they were met.
        rows: what they said, in order.
    """

    lanes: tuple[Lane, ...]
    rows: tuple[Row, ...]


def lanes_of(journal: Journal, relays: Mapping[str, str]) -> Lanes:
    """Lay out the record of a net. In a long one, only the first of those that went alike is there.

    Args:
        journal: the record.
        relays: the names of servers that relay mail, by the addresses from which they do.
    """
    entries = [it for it in journal.entries if not isinstance(it, Started)]
    lines = [line for strand, entry in enumerate(entries) for line in strand_lines(entry, strand)]
    groups = [Alike([line], []) for line in lines] if len(lines) <= _ALL_LINES else alike(lines)
    shown = {group.first[0].strand: group for group in groups}
    layout = _Layout([entries[strand] for strand in shown], relays)
    rows = [row for strand, group in shown.items() for row in layout.rows(entries[strand], group)]
    rows.sort(key=lambda row: row.at)
    return Lanes(layout.lanes, tuple(layout.with_pauses(rows)))


class _Layout:
    """The places of those who speak in some entries, and the rows of each entry."""

    def __init__(self, entries: Sequence[Entry], relays: Mapping[str, str]) -> None:
        self._relays = relays
        seen: dict[str, dict[str, None]] = {APPLICATION: {}}
        if any(isinstance(entry, Query) for entry in entries):
            seen[DNS] = {}
        for entry in entries:
            for name, address in self._speakers(entry):
                full = name not in seen and len(seen) >= _MOST
                seen.setdefault(OTHERS if full else name, {})[address] = None
        self.lanes = tuple(Lane(name, tuple(filter(None, it))) for name, it in seen.items())
        self._numbers = {name: number for number, name in enumerate(seen)}

    def rows(self, entry: Entry, group: Alike) -> Iterator[Row]:
        """The rows of an entry, with a remark on others that went alike."""
        rows = list(self._rows(entry))
        yield from rows
        here = rows[-1].arrows[0]
        if group.remark is not None:
            told = f"{group.remark.label} {group.remark.text.strip()}"
            yield Row(group.remark.at, "", (here._replace(kind="more", lines=(told,)),))
        elif group.counted:
            yield Row(rows[-1].at, "", (here._replace(kind="more", lines=(group.counted.strip(),)),))

    def with_pauses(self, rows: Sequence[Row]) -> Iterator[Row]:
        """Tell between two rows of a long time in which nothing happened."""
        before = 0.0
        for row in rows:
            if row.at - before >= _PAUSE:
                yield self._across(row.at, "time", f"{span_text(row.at - before)} later")
            yield row
            before = row.at

    def _speakers(self, entry: Entry) -> Iterator[tuple[str, str]]:
        if isinstance(entry, Query | Session | Attempt):
            ip = entry.client.ip if isinstance(entry, Session) else entry.client
            yield self._relays.get(ip, APPLICATION), ip
        if isinstance(entry, Session | Attempt):
            yield entry.host or entry.server.ip, entry.server.ip

    def _lane(self, name: str) -> int:
        return self._numbers.get(name, self._numbers.get(OTHERS, 0))

    def _ends(self, entry: Query | Session | Attempt) -> tuple[int, int]:
        """The lanes of those between whom an entry is."""
        lanes = [self._lane(name) for name, _ in self._speakers(entry)]
        return lanes[0], self._lane(DNS) if isinstance(entry, Query) else lanes[1]

    def _rows(self, entry: Entry) -> Iterator[Row]:
        match entry:
            case Query():
                start, end = self._ends(entry)
                asked = f"{entry.name} {entry.rdtype}?  ({asked_text(entry)})"
                arrows = [Arrow(start, end, "question", (asked,))]
                kind: Kind = "answer" if entry.rcode == "NOERROR" else "refusal"
                arrows.append(Arrow(end, start, kind, (answer_text(entry),)))
                if entry.fault:
                    arrows.append(Arrow(end, start, "why", (f"fault: {entry.fault}",)))
                yield Row(entry.at, "", tuple(arrows))
            case Session():
                yield from self._session(entry)
            case Attempt():
                start, end = self._ends(entry)
                told = f"{entry.client} cannot connect to {self._named(entry)}: {entry.error}"
                arrow = Arrow(start, end, "lost", (told,))
                yield Row(entry.at, "", (arrow, arrow._replace(kind="why", lines=(entry.why,))))
            case ClockMoved():
                told = f"clock: {span_text(entry.seconds)} on, to {entry.now} UTC"
                yield self._across(entry.at, "time", told)
            case Incident():
                yield self._across(entry.at, "incident", *f"{entry.kind}: {entry.text}".split("\n"))

    def _session(self, session: Session) -> Iterator[Row]:
        start, end = self._ends(session)
        label, exchanges = f"[{session.number}]", list(spoken_in(session))
        told = f"{session.client} connects to {self._named(session)}"
        yield Row(session.at, label, (Arrow(start, end, "connect", (told,)),))
        encrypted = session.tls is not None and not any(map(_encrypts, exchanges))
        last = session.at
        for said in exchanges:
            last = said.exchange.at
            yield Row(last, label, tuple(_arrows(said, start, end)), encrypted)
            encrypted = encrypted or (session.tls is not None and _encrypts(said))
        kind: Kind = "cut" if is_cut_short(session) else "end"
        yield Row(last, label, (Arrow(start, end, kind, (end_text(session),)),), encrypted)

    def _named(self, entry: Session | Attempt) -> str:
        """The server of a connection: with its name only where its lane does not say it."""
        shared = entry.host and entry.host not in self._numbers
        return f"{entry.host} ({entry.server})" if shared else str(entry.server)

    def _across(self, at: float, kind: Kind, *lines: str) -> Row:
        return Row(at, "", (Arrow(0, len(self.lanes) - 1, kind, lines),))


def _arrows(said: Spoken, client: int, server: int) -> Iterator[Arrow]:
    if said.request:
        yield Arrow(client, server, "command", tuple(said.request))
    if said.reply:
        yield Arrow(server, client, "refusal" if said.wrong else "reply", tuple(said.reply))
    else:
        yield Arrow(server, client, "lost", ("no reply",))
    finding = said.exchange.finding
    if finding is not None and finding.why:
        yield Arrow(server, client, "why", (f"{finding.rule}: {finding.why}",))


def _encrypts(said: Spoken) -> bool:
    return said.exchange.stage is Stage.STARTTLS and not said.wrong
