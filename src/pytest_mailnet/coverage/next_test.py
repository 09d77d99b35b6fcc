"""The most useful next test: an order of importance, and a line of code for each thing that was not met."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from pytest_mailnet.coverage.cells import CONTENT, TABLES, Cell, Met
from pytest_mailnet.errors import UnknownName
from pytest_mailnet.providers import Catalogue, Facts, Phrase
from pytest_mailnet.values import Stage

__all__ = ["ORDER", "NextTest", "next_test", "suggestion"]

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

_WHAT: Mapping[str, str] = MappingProxyType(
    {
        "2yz": "a yes",
        "4yz": "a refusal for now",
        "5yz": "a refusal",
        "cut": "the end of the connection",
        "silent": "silence",
        "unreadable": "bytes that are no reply",
    }
)
_WHERE: Mapping[str, str] = MappingProxyType(
    {
        Stage.CONNECT: "in place of the greeting",
        CONTENT: "amid the content",
        Stage.MESSAGE: "after the dot",
        "MX": "for MX records",
        "A/AAAA": "for a host's addresses",
        "done": "that is done",
        "refused": "that the server refuses",
        "cut": "that the server breaks off",
        "silent": "that is not answered",
        "broken": "with a broken record",
        "version": "with a server of TLS 1.1",
        "untrusted": "with a certificate that it does not trust",
        "accepted": "that is accepted",
        "not now": "that is refused for now",
    }
)
_ALICE = '{provider}.add_mailbox("alice")'
_CODE: Mapping[Cell, str] = MappingProxyType(
    {
        Cell("lookups", "MX", "answer"): _ALICE,
        Cell("lookups", "A/AAAA", "answer"): _ALICE,
        Cell("stages", CONTENT, "cut"): 'mailnet.fail("{host}", "closed-in-content")',
        Cell("stages", CONTENT, "silent"): 'mailnet.fail("{host}", "stalled-in-content")',
        Cell("tls", "handshake", "done"): 'mailnet.host("{host}").tls.valid()',
        Cell("tls", "handshake", "refused"): 'mailnet.host("{host}").tls.refuse_handshake()',
        Cell("tls", "handshake", "version"): 'mailnet.host("{host}").tls.old_protocol()',
        Cell("tls", "handshake", "untrusted"): 'mailnet.host("{host}").tls.self_signed()',
        Cell("tls", "handshake", "cut"): 'mailnet.fail("{host}", "handshake-closed-at-starttls")',
        Cell("tls", "handshake", "silent"): 'mailnet.fail("{host}", "handshake-stalled-at-starttls")',
        Cell("tls", "handshake", "broken"): 'mailnet.fail("{host}", "broken-record-at-starttls")',
        Cell("logins", "log-in", "accepted"): '{provider}.add_mailbox("alice", password="open sesame")',
        Cell("logins", "log-in", "not now"): "{provider}.on_auth().reply({4yz})",
        Cell("logins", "log-in", "refused"): "{provider}.on_auth().reply({5yz})",
        **{
            Cell("lookups", row, column): f'mailnet.dns.fail("{name}", "{fault}")'
            for row, name in (("MX", "{domain}"), ("A/AAAA", "{host}"))
            for column, fault in (
                ("NXDOMAIN", "NXDOMAIN"),
                ("NODATA", "dns-nodata"),
                ("SERVFAIL", "SERVFAIL"),
                ("time-out", "dns-time-out"),
            )
        },
    }
)
_OF_A_STAGE: Mapping[str, str] = MappingProxyType(
    {
        "2yz": _ALICE,
        "4yz": "{provider}.{on}.reply({4yz})",
        "5yz": "{provider}.{on}.reply({5yz})",
        "cut": "{provider}.{on}.disconnect()",
        "silent": 'mailnet.fail("{host}", "stalled-{at}")',
        "unreadable": 'mailnet.fail("{host}", "rubbish-{at}")',
    }
)
# RFC 5321, 4.2.3 and RFC 4954, 6 have the codes.
_TEXTS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (Stage.CONNECT, "4yz"): "421 4.3.2 Service not available",
        (Stage.CONNECT, "5yz"): "554 5.7.1 No service for you",
        (Stage.STARTTLS, "4yz"): "454 4.7.0 TLS not available",
        (Stage.AUTH, "4yz"): "454 4.7.0 Temporary authentication failure",
        (Stage.AUTH, "5yz"): "535 5.7.8 Authentication credentials invalid",
        ("", "4yz"): "451 4.3.0 Try again later",
        ("", "5yz"): "550 5.7.1 Not today",
    }
)
_ERA = re.compile(r"(.+)-(\d{4}|\d+\.\d+)")
_USUAL = "gmail"


class NextTest(NamedTuple):
    """A test that is missing.

    Attributes:
        cell: what no test meets.
        told: the same in words.
        code: the line that lets it happen in a test.
    """

    cell: Cell
    told: str
    code: str

    def __str__(self) -> str:
        return f"no test meets {self.told}: {self.code}"


def next_test(met: Met, catalogue: Catalogue) -> NextTest | None:
    """The most useful next test of a run; None where all that counts was met.

    Args:
        met: what the run has met.
        catalogue: where the providers' replies are.
    """
    cell = next((it for it in ORDER if not met[it]), None)
    return None if cell is None else suggestion(cell, met, catalogue)


def suggestion(cell: Cell, met: Met, catalogue: Catalogue) -> NextTest:
    """The test that meets a cell, at the provider that the run has used most.

    Args:
        cell: one that counts.
        met: what the run has met.
        catalogue: where the providers' replies are.
    """
    name, host = _used_most(met)
    facts = _facts(name, catalogue)
    logs_in = cell.table == "logins" or cell.row == Stage.AUTH
    if logs_in and facts is not None:
        if facts.submission is None:
            name, facts = _USUAL, catalogue.load(_USUAL)
        assert facts.submission is not None
        host = facts.submission.hosts[0]
    stage = Stage.AUTH if cell.table == "logins" else cell.row
    provider = _written(name, facts)
    of_stage = cell.table == "stages" and cell.row != CONTENT
    code = _OF_A_STAGE[cell.column] if of_stage else _CODE[cell]
    if cell == Cell("stages", Stage.AUTH, "2yz"):
        code = _CODE[Cell("logins", "log-in", "accepted")]
    values = {
        "provider": provider,
        "host": host,
        "domain": _domain(met, facts),
        "on": f'on_command("{stage.upper()}")' if stage == Stage.QUIT else f"on_{stage}()",
        "at": "after-dot" if stage == Stage.MESSAGE else f"at-{stage}",
        **{it: _reply(it, stage, provider, facts) for it in ("4yz", "5yz")},
    }
    return NextTest(cell, _told(cell), re.sub(r"\{(\w+)\}", lambda it: values[it[1]], code))


def _used_most(met: Met) -> tuple[str, str]:
    used = {cell: count for cell, count in met.items() if cell.table == "hosts"}
    if not used:
        return _USUAL, "gmail-smtp-in.l.google.com"
    most = max(used, key=lambda it: (used[it], it))
    return most.row, most.column


def _domain(met: Met, facts: Facts | None) -> str:
    asked = {cell.column: count for cell, count in met.items() if cell.table == "domains"}
    own = [it for it in asked if facts is not None and it in facts.domains]
    if own or not asked:
        return next(iter(own or (facts.domains if facts is not None else ())), "gmail.com")
    return max(asked, key=lambda it: (asked[it], it))


def _facts(name: str, catalogue: Catalogue) -> Facts | None:
    """The facts about a provider; None for a test's own server."""
    try:
        return catalogue.load_stem(name)
    except UnknownName:
        return None


def _written(name: str, facts: Facts | None) -> str:
    """A provider as a test writes it."""
    era = None if facts is None else _ERA.fullmatch(name)
    if era is not None:
        year = era[2] if era[2].isdigit() else f'"{era[2]}"'
        return f'mailnet.provider("{era[1]}", era={year})'
    return f"mailnet.{name}" if facts is not None and name.isidentifier() else f'mailnet.provider("{name}")'


def _reply(kind: str, stage: str, provider: str, facts: Facts | None) -> str:
    """A reply of a provider that fits, by its name in the catalogue; a text where there is none."""
    role = "submission" if stage == Stage.AUTH else "mx"
    fitting: list[Phrase] = [] if facts is None else [it for it in facts.phrases.values() if it.role == role]
    for phrase in fitting:
        if phrase.stage == stage and str(phrase.reply.code)[0] == kind[0]:
            return f"{provider}.replies.{phrase.name}"
    return f'"{_TEXTS.get((stage, kind)) or _TEXTS["", kind]}"'


def _told(cell: Cell) -> str:
    if cell.table == "tls":
        return f"a TLS handshake {_WHERE[cell.column]}"
    if cell.table == "logins":
        return f"a log-in {_WHERE[cell.column]}"
    where = _WHERE.get(cell.row) or f"at {cell.row.upper()}"
    if cell.table == "lookups":
        what = {"answer": "an answer", "time-out": "no answer"}.get(cell.column, cell.column)
        return f"{what} {where}"
    return f"{_WHAT[cell.column]} {where}"
