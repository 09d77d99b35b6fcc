"""The story of a net as text: one timeline of DNS questions and SMTP sessions, each side told apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_mailnet.journal import ClockMoved, Exchange, Incident, Journal, Query, Session
from pytest_mailnet.model import Stage

__all__ = ["timeline"]

_SHOWN_BYTES = 600
_SHOWN_LINES = 12


def timeline(journal: Journal, waiting: Iterable[object] = ()) -> str:
    """Everything that a journal holds, a line each, in order; times are milliseconds since the net began.

    Args:
        journal: what happened.
        waiting: what has not: the mails in the queue.
    """
    lines = sorted(_lines(journal), key=lambda line: line[0])
    if not lines:
        return "nothing was looked up, and nobody connected"
    told = [f"{at * 1000:9.1f} ms  {text}" for at, text in lines]
    return "\n".join([*told, *(f"      in the queue  {mail}" for mail in waiting)])


def _lines(journal: Journal) -> Iterator[tuple[float, str]]:
    for entry in journal.entries:
        match entry:
            case Query():
                yield entry.at, f"dns  {_query(entry)}"
            case Session():
                yield from _session(entry)
            case ClockMoved():
                yield entry.at, f"clock  {_step(entry.seconds)} on, to {entry.now} UTC"
            case Incident():
                yield entry.at, f"!!  {entry.kind}: {entry.text}"


def _query(query: Query) -> str:
    if query.answers:
        told = ", ".join(answer.split(" ", 2)[2] for answer in query.answers)
    else:
        told = "no such record" if query.rcode == "NOERROR" else query.rcode
    asked = f"{query.via} to {query.server}" if query.server else query.via
    return f"{query.name} {query.rdtype}? {told}  ({asked})"


def _session(session: Session) -> Iterator[tuple[float, str]]:
    number = f"[{session.number}]"
    yield session.at, f"{number}  {session.client} connects to {session.host} ({session.server})"
    last = session.at
    for exchange in session.exchanges:
        last = exchange.at
        for line in _request(exchange):
            yield exchange.at, f"{number} C  {line}"
        for line in _text(exchange.reply).splitlines():
            yield exchange.at, f"{number} S  {line}"
        if exchange.finding is not None and exchange.finding.why:
            yield exchange.at, f"{number} -> {exchange.finding.rule}: {exchange.finding.why}"
    known = [it for it in (session.tls, session.user and f"logged in as {session.user}") if it]
    told = f" ({', '.join(known)})" if known else ""
    yield last, f"{number}  {session.ended or 'still open'}{told}"


def _request(exchange: Exchange) -> list[str]:
    if exchange.stage is Stage.AUTH:  # a log is read by more people than a test
        words = _text(exchange.request).split(maxsplit=2)
        command = words[:2] if words and words[0].upper() == "AUTH" else []
        return [" ".join(command if words == command else [*command, "[credentials]"])]
    lines = _text(exchange.request[:_SHOWN_BYTES]).splitlines()
    if exchange.stage is not Stage.MESSAGE:
        return lines
    shown = lines[:_SHOWN_LINES]
    if len(shown) < len(lines) or len(exchange.request) > _SHOWN_BYTES:
        shown.append(f"... ({len(exchange.request):,} bytes in all)")
    return [*shown, "."]


def _text(sent: bytes) -> str:
    return sent.decode("utf-8", "backslashreplace")


def _step(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [
        f"{value:g} {unit}"
        for value, unit in ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
        if value
    ]
    return " ".join(parts)
