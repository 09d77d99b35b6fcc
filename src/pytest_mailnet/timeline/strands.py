"""The lines of each entry of a net's record: DNS questions, sessions line by line, and everything else."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mailnet.record.journal import Attempt, ClockMoved, Entry, Incident, Query
from pytest_mailnet.record.session import Session
from pytest_mailnet.timeline.exchanges import spoken_in
from pytest_mailnet.timeline.folding import Line

__all__ = ["answer_text", "asked_text", "end_text", "is_cut_short", "span_text", "strand_lines"]


def strand_lines(entry: Entry, strand: int) -> Iterator[Line]:
    """The lines of an entry; none for a process that was started.

    Args:
        entry: the entry.
        strand: the number that its lines share.
    """
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
            yield Line(entry.at, strand, "clock", f" {span_text(entry.seconds)} on, to {entry.now} UTC")
        case Incident():
            for text in f"{entry.kind}: {entry.text}".split("\n"):
                yield Line(entry.at, strand, "!!", f" {text}", matters=True)


def asked_text(query: Query) -> str:
    """How a question was asked: "udp", "tcp to 192.0.2.53:53", "getaddrinfo"."""
    return f"{query.via} to {query.server}" if query.server else query.via


def answer_text(query: Query) -> str:
    """The answer to a question: its records without name and TTL, or why there are none."""
    if query.answers:
        return ", ".join(answer.split(" ", 2)[2] for answer in query.answers)
    return "no such record" if query.rcode == "NOERROR" else query.rcode


def is_cut_short(session: Session) -> bool:
    """Whether a session did not end by the client's QUIT, or has not ended."""
    return session.ended != "client quit"


def end_text(session: Session) -> str:
    """How a session ended, with its version of TLS and its user: "client quit (TLSv1.3)"."""
    known = [it for it in (session.tls, session.user and f"logged in as {session.user}") if it]
    told = f" ({', '.join(known)})" if known else ""
    return f"{session.ended or 'still open'}{told}"


def span_text(seconds: float) -> str:
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


def _query(query: Query) -> str:
    return f"{query.name} {query.rdtype}? {answer_text(query)}  ({asked_text(query)})"


def _session(session: Session, strand: int) -> Iterator[Line]:
    label, cut_short, exchanges = f"[{session.number}]", is_cut_short(session), list(spoken_in(session))
    failed = cut_short or any(said.wrong for said in exchanges)
    text = f" {session.client} connects to {session.host} ({session.server})"
    yield Line(session.at, strand, label, text, matters=failed)
    last = session.at
    for said in exchanges:
        last, finding = said.exchange.at, said.exchange.finding
        for line in said.request:
            wrong = said.wrong and not said.is_content
            yield Line(last, strand, label, f"C  {line}", wrong, not said.is_content)
        for line in said.reply:
            yield Line(last, strand, label, f"S  {line}", said.wrong)
        if finding is not None and finding.why:
            yield Line(last, strand, label, f"-> {finding.rule}: {finding.why}", said.wrong)
    yield Line(last, strand, label, f" {end_text(session)}", cut_short)
