"""The most useful next test: what it is to meet, in words, and the line of code that lets it happen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from pytest_mailnet.coverage.cells import CONTENT, Cell, Met
from pytest_mailnet.coverage.importance import OPTIONAL, ORDER
from pytest_mailnet.errors import UnknownName
from pytest_mailnet.providers import Catalogue, Facts, Phrase
from pytest_mailnet.values import Stage

__all__ = ["NextTest", "next_test", "suggestion"]

_NEEDED: Mapping[str, str] = MappingProxyType(
    {Stage.STARTTLS: "STARTTLS", "handshake": "STARTTLS", Stage.AUTH: "AUTH", "log-in": "AUTH"}
)
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
        "untrusted": "with a certificate that is not to be trusted",
        "accepted": "that is accepted",
        "not now": "that is refused for now",
    }
)
_ALICE = "{alice}"
_CODE: Mapping[Cell, str] = MappingProxyType(
    {
        Cell("lookups", "MX", "answer"): _ALICE,
        Cell("lookups", "A/AAAA", "answer"): _ALICE,
        Cell("stages", CONTENT, "cut"): '{host}.fail("closed-in-content")',
        Cell("stages", CONTENT, "silent"): '{host}.fail("stalled-in-content")',
        Cell("tls", "handshake", "done"): "{host}.tls.valid()",
        Cell("tls", "handshake", "refused"): "{host}.tls.refuse_handshake()",
        Cell("tls", "handshake", "version"): "{host}.tls.old_protocol()",
        Cell("tls", "handshake", "untrusted"): "{host}.tls.self_signed()",
        Cell("tls", "handshake", "cut"): '{host}.fail("handshake-closed-at-starttls")',
        Cell("tls", "handshake", "silent"): '{host}.fail("handshake-stalled-at-starttls")',
        Cell("tls", "handshake", "broken"): '{host}.fail("broken-record-at-starttls")',
        Cell("logins", "log-in", "accepted"): "{user}",
        Cell("logins", "log-in", "not now"): "{provider}.on_auth().reply({4yz})",
        Cell("logins", "log-in", "refused"): "{provider}.on_auth().reply({5yz})",
        **{
            Cell("lookups", row, column): f'mailnet.dns.fail("{name}", "{fault}")'
            for row, name in (("MX", "{domain}"), ("A/AAAA", "{host_name}"))
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
        "silent": '{host}.fail("stalled-{at}")',
        "unreadable": '{host}.fail("rubbish-{at}")',
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
_EVIDENCE = ("captured", "documented", "source code", "inferred")
_USUAL = "gmail"
_ATTRIBUTES: Mapping[str, str] = MappingProxyType(
    {
        **{it: it for it in ("gmail", "hotmail", "microsoft365", "yahoo", "icloud")},
        "google-workspace": "google_workspace",
    }
)
"""The providers that are attributes of a net."""


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

    What the application may have no use for comes last, unless a test has come there.

    Args:
        met: what the run has met.
        catalogue: where the providers' replies are.
    """
    missing = [it for it in ORDER if not met[it]]
    reached = {(it.table, it.row) for it in met}
    likely = [it for it in missing if it.row not in OPTIONAL or (it.table, it.row) in reached]
    return suggestion((likely or missing)[0], met, catalogue) if missing else None


def suggestion(cell: Cell, met: Met, catalogue: Catalogue) -> NextTest:
    """The test that meets a cell, at the provider that the run has used most.

    Args:
        cell: one that counts.
        met: what the run has met.
        catalogue: where the providers' replies are.
    """
    name, host = _used_most(met)
    facts = _facts(name, catalogue)
    needed = _NEEDED.get(cell.row)
    if needed is not None and facts is not None and not _offers(facts, host, needed):
        if facts.submission is None or not _offers(facts, facts.submission.hosts[0], needed):
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
        "host_name": host,
        "host": f'{provider}.hosts["{host}"]' if "era=" in provider else f'mailnet.host("{host}")',
        "domain": _domain(met, facts),
        "on": f'on_command("{stage.upper()}")' if stage == Stage.QUIT else f"on_{stage}()",
        "at": "after-dot" if stage == Stage.MESSAGE else f"at-{stage}",
        "alice": f"{provider}{_mailbox(facts)})",
        "user": f'{provider}{_mailbox(facts)}, password="open sesame")',
        **{it: _reply(it, stage, provider, facts, met) for it in ("4yz", "5yz")},
    }
    return NextTest(cell, _told(cell), re.sub(r"\{(\w+)\}", lambda it: values[it[1]], code))


def _offers(facts: Facts, host: str, keyword: str) -> bool:
    """Whether a provider's host offers an extension."""
    own = facts.submission
    lines = own.extensions if own is not None and host in own.hosts else facts.extensions
    return any(line.split()[0] == keyword for line in lines)


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
    return f"mailnet.{_ATTRIBUTES[name]}" if name in _ATTRIBUTES else f'mailnet.provider("{name}")'


def _mailbox(facts: Facts | None) -> str:
    """The call that opens a mailbox or an account at a provider, up to its last argument."""
    if facts is None or facts.domains:
        return '.add_mailbox("alice"'
    return '.add_account("alice"'


def _reply(kind: str, stage: str, provider: str, facts: Facts | None, met: Met) -> str:
    """A reply of a provider that fits, by its name in the catalogue; a text where there is none."""
    role = "submission" if stage == Stage.AUTH else "mx"
    fitting: list[Phrase] = (
        []
        if facts is None
        else [
            it
            for it in facts.phrases.values()
            if (it.stage, it.role, str(it.reply.code)[0]) == (stage, role, kind[0]) and it.name.isidentifier()
        ]
    )
    if not fitting:
        return f'"{_TEXTS.get((stage, kind)) or _TEXTS["", kind]}"'
    counted = {it.column: count for it, count in met.items() if it.table == "replies"}
    best = min(fitting, key=lambda it: (counted.get(it.name, 0) > 0, _EVIDENCE.index(it.stage_evidence)))
    return f"{provider}.replies.{best.name}"


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
