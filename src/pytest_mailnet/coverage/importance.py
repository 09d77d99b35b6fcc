"""What an application had best be tested with first: all that it can meet, in an order of importance."""

from __future__ import annotations

from pytest_mailnet.coverage.cells import TABLES, Cell
from pytest_mailnet.values import Stage

__all__ = ["OPTIONAL", "ORDER"]

# By what it costs an application that has not thought of it: first mails that are lost or sent twice, then
# mails given up too early, then a sender that hangs, then what seldom happens.
_FIRST = (
    ("stages", "message", "4yz"),
    ("stages", "message", "cut"),
    ("stages", "rcpt", "5yz"),
    ("stages", "rcpt", "4yz"),
    ("lookups", "MX", "SERVFAIL"),
    ("stages", "message", "5yz"),
    ("stages", "message", "silent"),
    ("stages", "connect", "cut"),
    ("stages", "connect", "4yz"),
    ("lookups", "MX", "NXDOMAIN"),
    ("logins", "log-in", "refused"),
    ("logins", "log-in", "not now"),
    ("stages", "quit", "cut"),
    ("stages", "connect", "silent"),
    ("lookups", "MX", "time-out"),
    ("stages", "mail", "4yz"),
    ("stages", "mail", "5yz"),
    ("stages", "rcpt", "cut"),
    ("tls", "handshake", "untrusted"),
    ("stages", "starttls", "4yz"),
    ("tls", "handshake", "refused"),
    ("stages", "content", "cut"),
    ("stages", "connect", "5yz"),
    ("lookups", "A/AAAA", "SERVFAIL"),
    ("lookups", "MX", "NODATA"),
    ("stages", "data", "4yz"),
    ("stages", "data", "5yz"),
)
_LATER = ("2yz", "answer", "done", "accepted", "4yz", "cut", "5yz", "silent", "unreadable")


def _ranked() -> list[Cell]:
    first = [Cell(*it) for it in _FIRST]
    rest = [it for table in TABLES for it in table.cells(counted=True) if it not in first]
    rank = {it: number for number, it in enumerate(_LATER)}
    return [*first, *sorted(rest, key=lambda it: rank.get(it.column, len(rank)))]


ORDER: tuple[Cell, ...] = tuple(_ranked())
"""All cells that count, the most important first."""

OPTIONAL: frozenset[str] = frozenset({"MX", Stage.STARTTLS, "handshake", Stage.AUTH, "log-in"})
"""The rows that an application may have no use for."""
