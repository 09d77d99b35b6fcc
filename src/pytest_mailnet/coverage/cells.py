"""The tables of what an application can meet, as data: their rows, their columns, and which cells count."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple, TypeAlias

from pytest_mailnet.values import DELIVERY, Stage

__all__ = ["CONTENT", "COUNTED", "TABLES", "Cell", "CellTable", "Met"]

CONTENT = "content"
"""The row between DATA and the final dot, where a connection can end and nothing is replied."""

_REPLIES = ("2yz", "4yz", "5yz", "cut", "silent", "unreadable")
_AMID_CONTENT = ("cut", "silent")


class Cell(NamedTuple):
    """One thing that an application can meet.

    Attributes:
        table: "stages", "lookups", "tls" or "logins"; or "replies", "faults", "hosts" or "domains", which are
            lists and no tables.
        row: a stage, the type of a look-up, or a provider; "" in a list that has none.
        column: what is met there, such as "4yz".
    """

    table: str
    row: str
    column: str


Met: TypeAlias = Counter[Cell]
"""How many times each cell was met. A reply of a provider that was used stands in it with 0, too."""


class CellTable(NamedTuple):
    """A table of the report.

    Attributes:
        name: its name in cells.
        title: what stands above it.
        columns: each with what it means.
        rows: the rows.
        uncounted: those of them that not every application has a use for; they do not count.
    """

    name: str
    title: str
    columns: dict[str, str]
    rows: tuple[str, ...]
    uncounted: tuple[str, ...] = ()

    def has(self, row: str, column: str) -> bool:
        """Whether it can happen: amid the content there are no replies."""
        return row != CONTENT or column in _AMID_CONTENT

    def cells(self, *, counted: bool = False) -> list[Cell]:
        """What can be met of it; with `counted` only what counts."""
        rows = [it for it in self.rows if not (counted and it in self.uncounted)]
        return [Cell(self.name, row, it) for row in rows for it in self.columns if self.has(row, it)]


_ASIDE = (Stage.RSET, Stage.NOOP, Stage.OTHER)
TABLES: tuple[CellTable, ...] = (
    CellTable(
        "stages",
        "Replies",
        {
            "2yz": "yes; 354 and 334 are among them",
            "4yz": "not now",
            "5yz": "no",
            "cut": "the connection ended in place of the reply, or there was none",
            "silent": "no reply came",
            "unreadable": "what came is no reply",
        },
        (*DELIVERY[:-1], CONTENT, Stage.MESSAGE, Stage.QUIT, *_ASIDE),
        _ASIDE,
    ),
    CellTable(
        "lookups",
        "Look-ups",
        {
            "answer": "records",
            "NXDOMAIN": "there is no such name",
            "NODATA": "the name has no such records",
            "SERVFAIL": "the resolver could not say; REFUSED, NOTIMP and FORMERR are among them",
            "time-out": "no answer came",
        },
        ("MX", "A/AAAA", "other"),
        ("other",),
    ),
    CellTable(
        "tls",
        "TLS handshakes",
        {
            "done": "encrypted from there on",
            "refused": "the server refused STARTTLS, or the handshake",
            "cut": "the connection ended in the handshake, or right behind it",
            "silent": "the server did not answer it",
            "broken": "what came is no TLS",
            "version": "no version of TLS that both speak",
            "untrusted": "the client does not trust the certificate",
        },
        ("handshake",),
    ),
    CellTable(
        "logins",
        "Log-ins",
        {"accepted": "235", "not now": "4yz", "refused": "5yz"},
        ("log-in",),
    ),
)
"""The tables, in the order of the report."""

COUNTED: frozenset[Cell] = frozenset(cell for table in TABLES for cell in table.cells(counted=True))
"""The cells of which `--mailnet-cov-fail-under` asks for a share."""
