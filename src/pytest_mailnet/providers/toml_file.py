"""The reader of a provider's TOML file; its errors name file and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from typing import Any

from pytest_mailnet.errors import ProviderFileError, amongst
from pytest_mailnet.mailboxes.addressing import LITERAL, Addressing
from pytest_mailnet.providers.facts import UNSEALED, Facts, Submission
from pytest_mailnet.providers.phrasebook import Phrase
from pytest_mailnet.providers.ruleset import Ruleset
from pytest_mailnet.providers.toml_phrases import read_phrases
from pytest_mailnet.providers.toml_rules import check_conditions, read_rules
from pytest_mailnet.providers.toml_table import Table
from pytest_mailnet.providers.unread_phrases import UnreadPhrases, without_replies
from pytest_mailnet.providers.wording import STOCK
from pytest_mailnet.smtp.manners import USUAL

__all__ = ["parse_facts", "with_changes"]

_OPTIONAL = frozenset(
    {
        "addressing",
        "aliases",
        "arc",
        "bounces",
        "customer",
        "dmarc",
        "domains",
        "ehlo",
        "era",
        "like",
        "manners",
        "ports",
        "queue_id",
        "rules",
        "shared",
        "sources",
        "submission",
        "suppression",
        "tls_ports",
        "zone",
    }
)
_OF_SUBMISSION = frozenset(
    {"also", "auth_before_tls", "challenges_tokens", "original_from", "rules", "tls_ports"}
)
_DMARC_RFCS = (7489, 9989)
_ERA = re.compile(r"-(\d{4})\.toml$")


def parse_facts(
    text: str,
    file: str,
    others: Callable[[Facts], Mapping[str, Phrase]] | None = None,
    today: str = "",
    *,
    checked: bool = False,
    reader: Callable[[str, Mapping[str, Any]], Table] = Table,
) -> Facts:
    """Read the TOML of a provider.

    Args:
        text: the TOML.
        file: the file's name, for messages.
        others: finds the phrases that the rules may use besides the file's own; None to leave the rules
            unchecked until they are asked for.
        today: the TOML of the provider as it is today, which an era's file may be `like`.
        checked: whether the file is known to be in order, so that a reply is read when it is asked for.
        reader: reads a file's table, by the file's name and what is in it.

    Raises:
        ProviderFileError: with file and key, for anything that is missing, misspelt or of the wrong type.
    """
    unread: Mapping[str, str] = {}
    if checked and "\nlike = " not in text:
        text, unread = without_replies(text)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProviderFileError(f"{file}: no valid TOML: {error}") from error
    if "like" in values:
        values = with_changes(tomllib.loads(today), values)
    if unread:
        values["replies"] = {}
    top = reader(file, values)
    facts = _facts(top, file, unread)
    if others is not None:
        known = {**others(facts), **facts.phrases}
        check_conditions(top.tables("rules"), facts.rules, known)
        if facts.submission is not None:
            check_conditions(top.table("submission").tables("rules"), facts.submission.rules, known)
    return facts


def with_changes(today: dict[str, Any], era: dict[str, Any]) -> dict[str, Any]:
    """Today's table with an era's keys in it: tables are changed key by key, all else is replaced.

    Args:
        today: the table.
        era: the keys that differ.
    """
    changed = {key: value for key, value in today.items() if key != "era"}
    for key, value in era.items():
        known = changed.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            changed[key] = with_changes(known, value)
        else:
            changed[key] = value
    return changed


def _facts(top: Table, file: str, unread: Mapping[str, str]) -> Facts:
    top.check_keys(required={"name", "title", "replies"}, optional=_OPTIONAL)
    sources = top.table("sources")
    shared = top.table("shared")
    if "shared" in top:
        shared.check_keys(required={"from"}, optional={"replies"})
    known = {name: sources.text(name) for name in sources}
    phrases = UnreadPhrases(file, unread, known) if unread else read_phrases(top.table("replies"), known)
    ports = top.numbers("ports", [25])
    return Facts(
        name=top.text("name"),
        title=top.text("title"),
        aliases=top.texts("aliases"),
        domains=top.texts("domains"),
        ports=ports,
        tls_ports=_tls_ports(top, ports),
        queue_id=top.text("queue_id", "%" * 12),
        zone=top.sourced("zone", required=["text"]).text("text"),
        customer=top.sourced("customer", required=["text"]).text("text"),
        shared_from=shared.text("from"),
        shared=shared.texts("replies"),
        extensions=top.sourced("ehlo", required=["lines"]).texts("lines"),
        ruleset=_ruleset(top),
        phrases=phrases,
        submission=_submission(top, phrases) if "submission" in top else None,
        wording=top.values("bounces", STOCK),
        dmarc_rfc=_dmarc_rfc(top, file),
        manners=top.values("manners", USUAL),
        suppresses="source" in top.sourced("suppression"),
        addressing=_addressing(top),
        arc=top.values("arc", UNSEALED),
        era=top.text("era"),
        like=_like(top, file),
    )


def _submission(top: Table, phrases: Mapping[str, Phrase]) -> Submission:
    table = top.sourced("submission", required=["hosts", "ports", "ehlo"], optional=_OF_SUBMISSION)
    ports = table.numbers("ports")
    return Submission(
        name=f"{top.text('name')}.submission",
        hosts=table.texts("hosts"),
        ports=ports,
        tls_ports=_tls_ports(table, ports),
        extensions=table.sourced("ehlo", required=["lines"]).texts("lines"),
        ruleset=_ruleset(table),
        phrases=phrases,
        auth_before_tls=table.flag("auth_before_tls"),
        challenges_tokens=table.flag("challenges_tokens", usual=True),
        also=table.texts("also"),
        original_from=table.text("original_from"),
    )


def _ruleset(table: Table) -> Ruleset:
    rules = table.tables("rules")
    return Ruleset(lambda: read_rules(rules))


def _tls_ports(table: Table, ports: tuple[int, ...]) -> tuple[int, ...] | None:
    chosen = table.numbers("tls_ports")
    if missing := [port for port in chosen if port not in ports]:
        raise table.error("tls_ports", f"{missing[0]} is not among the ports, {list(ports)}")
    return chosen if "tls_ports" in table else None


def _addressing(top: Table) -> Addressing:
    addressing, domains = top.values("addressing", LITERAL), top.texts("domains")
    for domain in addressing.same_domains:
        if domain not in domains:
            told = f"no domain {domain!r}{amongst(domain, domains)}"
            raise top.table("addressing").error("same_domains", told)
    return addressing


def _dmarc_rfc(top: Table, file: str) -> int:
    if "dmarc" not in top:
        # What is told of a year before RFC 9989, of May 2026, goes by the edition of that time.
        era = _ERA.search(file)
        return 7489 if era and int(era[1]) < 2026 else 9989
    table = top.sourced("dmarc", required=["rfc"])
    rfc = table.number("rfc", 9989)
    if rfc not in _DMARC_RFCS:
        raise table.error("rfc", f"{rfc!r} is no RFC of DMARC; it takes 9989, or 7489")
    return rfc


def _like(top: Table, file: str) -> str:
    like, name = top.text("like"), top.text("name")
    if like and (like != name or file == f"{like}.toml"):
        told = "an era's file is like its own provider's of today"
        raise top.error("like", f"{like!r} in {file}: {told}, {name!r}")
    return like
