"""The census of a run: counts what the applications in its nets have met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias
from weakref import WeakKeyDictionary

from pytest_mailnet.coverage.cells import CONTENT, Cell, Met
from pytest_mailnet.coverage.met_phrases import MetPhrases
from pytest_mailnet.coverage.outcomes import (
    fault_of_dial,
    faults_of_session,
    handshake_of,
    outcome_of,
    told_fault,
)
from pytest_mailnet.faults import FAULTS, Manner
from pytest_mailnet.providers import Facts
from pytest_mailnet.record.journal import Attempt, Journal, Query
from pytest_mailnet.record.session import Exchange, Session
from pytest_mailnet.values import Stage

__all__ = ["NETS", "Census", "Providers"]

Providers: TypeAlias = Mapping[str, tuple[str, Facts]]

NETS = Cell("nets", "", "")
"""Counts the nets."""

_ADDRESS_TYPES = ("A", "AAAA")
_UNHEARD = frozenset(
    f"dns-{it}" for it in ("time-out", "wrong-address", "wrong-id", "truncated", "one-server-down")
)


class Census:
    """Counts the records of nets, each once, whatever test they are of.

    Attributes:
        met: how many times each thing was met so far.
    """

    def __init__(self) -> None:
        self.met: Met = Counter()
        self._phrases: dict[str, MetPhrases] = {}
        self._counted: WeakKeyDictionary[Journal, int] = WeakKeyDictionary()

    def count(
        self, journal: Journal, providers: Providers, relays: Collection[str], own: Collection[str] = ()
    ) -> None:
        """Count what has come to a net since the last call.

        Args:
            journal: the record of the net.
            providers: the facts about its providers, each with the name that it has in the report,
                "hotmail-2009", by the names that sessions have.
            relays: the addresses from which servers relay mail: what they meet, the application does not.
            own: the hosts at which the application itself answers.
        """
        before = self._counted.get(journal, 0)
        self.met[NETS] += journal not in self._counted
        entries = journal.entries
        self._counted[journal] = len(entries)
        found = {it.name for it in entries if isinstance(it, Query) and it.answers and _kind(it) == "A/AAAA"}
        for entry in entries[before:]:
            if isinstance(entry, Session):
                if entry.protocol == "SMTP" and entry.client.ip not in relays and entry.host not in own:
                    self._session(entry, providers.get(entry.provider))
            elif isinstance(entry, Query):
                if entry.client not in relays:
                    self._query(entry, found)
            elif isinstance(entry, Attempt) and entry.client not in relays:
                self._attempt(entry)

    def _add(self, table: str, row: str, column: str) -> None:
        self.met[Cell(table, row, column)] += 1

    def _session(self, session: Session, provider: tuple[str, Facts] | None) -> None:
        exchanges = session.exchanges
        self._add("hosts", session.provider if provider is None else provider[0], session.host)
        for exchange in exchanges:
            self._exchange(exchange, session, last=exchange is exchanges[-1])
        handshake = handshake_of(session, exchanges)
        if handshake is not None:
            self._add("tls", "handshake", handshake)
        for fault in faults_of_session(session, exchanges):
            self._add("faults", "", fault)
        if provider is not None and provider[1].phrases:
            self._replies(session.host, exchanges, *provider)

    def _exchange(self, exchange: Exchange, session: Session, *, last: bool) -> None:
        stage, finding = exchange.stage, exchange.finding
        if stage is None or (finding is not None and finding.rule == "crash"):  # nobody heard it
            return
        outcome = outcome_of(exchange, session, last=last)
        self._add("stages", stage, outcome)
        fault = told_fault(exchange)
        if fault is not None and fault.in_content:
            self._add("stages", CONTENT, "silent" if fault.manner is Manner.STALLED else "cut")
        if stage is Stage.STARTTLS and outcome in {"4yz", "5yz"}:
            self._add("tls", "handshake", "refused")
        if stage is Stage.AUTH and exchange.code != 334:
            column = {"2yz": "accepted", "4yz": "not now", "5yz": "refused"}.get(outcome)
            if column is not None:
                self._add("logins", "log-in", column)

    def _replies(self, host: str, exchanges: Sequence[Exchange], title: str, facts: Facts) -> None:
        phrases = self._phrases.get(title)
        if phrases is None:
            phrases = self._phrases[title] = MetPhrases(facts.phrases)
            self.met.update(dict.fromkeys((Cell("replies", title, it) for it in phrases.names), 0))
        submission = facts.submission is not None and host in facts.submission.hosts
        role = "submission" if submission else "mx"
        for exchange in exchanges:
            for name in phrases.of(exchange.reply, exchange.stage or "", role):
                self._add("replies", title, name)

    def _query(self, query: Query, found: Collection[str]) -> None:
        if query.fault in FAULTS:
            self._add("faults", "", query.fault)
        kind = _kind(query)
        if query.fault in _UNHEARD or query.rcode.startswith("fault "):
            self._add("lookups", kind, "time-out")
        elif query.answers:
            self._add("lookups", kind, "answer")
            if kind == "MX":
                self._add("domains", "", query.name)
        elif query.rcode == "NOERROR":
            # A host that has an IPv4 address alone lacks nothing.
            if kind != "A/AAAA" or query.name not in found:
                self._add("lookups", kind, "NODATA")
        else:
            self._add("lookups", kind, "NXDOMAIN" if query.rcode == "NXDOMAIN" else "SERVFAIL")

    def _attempt(self, attempt: Attempt) -> None:
        self._add("stages", Stage.CONNECT, "silent" if attempt.error == "no answer" else "cut")
        fault = fault_of_dial(attempt.why)
        if fault is not None:
            self._add("faults", "", fault)


def _kind(query: Query) -> str:
    if query.rdtype == "MX":
        return "MX"
    return "A/AAAA" if query.rdtype in _ADDRESS_TYPES else "other"
