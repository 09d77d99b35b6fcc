"""The reader of a provider's NAME.reading.toml; its errors name file and key."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from typing import Any, get_args

from pytest_mailnet.errors import InvalidReply, ProviderFileError, amongst
from pytest_mailnet.mailboxes.shelf import PLAIN, FolderLayout
from pytest_mailnet.providers.reading_facts import (
    Passwords,
    Protocol,
    ReadingFacts,
    ReadingServers,
    SourcedText,
)
from pytest_mailnet.providers.toml_file import with_changes
from pytest_mailnet.providers.toml_table import Table
from pytest_mailnet.reading.response import Response

__all__ = ["parse_reading"]

_PORTS: Mapping[str, tuple[list[int], frozenset[int]]] = {
    "IMAP": ([993], frozenset({993})),
    "POP3": ([995], frozenset({995})),
}
_OPTIONAL = {
    "also",
    "capabilities",
    "capabilities_after_login",
    "connections",
    "daily_octets",
    "idle_seconds",
    "lets_disabled_in",
    "lines",
    "needs_id",
    "needs_tls",
    "passwords",
    "ports",
    "tls_ports",
    "words",
}
_OF_UIDPLUS = re.compile(r"(?:^\* OK)? \[(?:APPENDUID|COPYUID) [^\]]*\]")
_USES = (
    "",
    "\\All",
    "\\Archive",
    "\\Drafts",
    "\\Flagged",
    "\\Important",
    "\\Junk",
    "\\Noselect",
    "\\Sent",
    "\\Trash",
)


def parse_reading(
    text: str,
    file: str,
    name: str,
    stock: ReadingFacts | None = None,
    others: Callable[[str], str | None] = lambda _: None,
    *,
    reader: Callable[[str, Mapping[str, Any]], Table] = Table,
) -> ReadingFacts:
    """Read what a file tells of those who read mail at a provider.

    Args:
        text: the TOML.
        file: the file's name, for messages.
        name: the provider's.
        stock: the words for conditions that the file has none for; None for the file of these words itself.
        others: returns another provider's file about that, which this one may be `like`; None for none.
        reader: reads a file's table, by the file's name and what is in it.

    Raises:
        ProviderFileError: with file and key, for anything that is missing, misspelt or of the wrong type.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProviderFileError(f"{file}: no valid TOML: {error}") from error
    top = reader(file, values)
    if like := top.text("like"):
        if (theirs := others(like)) is None:
            raise top.error("like", f"nothing is told of those who read mail at {like!r}")
        # A folder more or less is another layout.
        top = reader(file, with_changes(tomllib.loads(theirs), values) | _own(values, "folders"))
    top.check_keys(required=(), optional={"folders", "imap", "like", "pop3", "sources"})
    sources = top.table("sources")
    named = {it: sources.text(it) for it in sources}
    servers = {
        protocol: _servers(top, protocol, name, named, stock)
        for protocol in get_args(Protocol)
        if protocol.lower() in top
    }
    return ReadingFacts(_layout(top), servers.get("IMAP"), servers.get("POP3"))


def _layout(top: Table) -> FolderLayout:
    if "folders" not in top:
        return PLAIN
    table = top.sourced(
        "folders", required=["names"], optional=["delimiter", "fixed", "keeps_sent", "labels", "tells_exists"]
    )
    names = table.table("names")
    folders = []
    for name in names:
        use = names.one_of(name, _USES, kind="special use ")
        folders.append((name, use))
    return FolderLayout(
        tuple(folders),
        table.text("delimiter", "/"),
        labels=table.flag("labels"),
        keeps_sent=table.flag("keeps_sent"),
        tells_exists=table.flag("tells_exists"),
        fixed=table.flag("fixed", usual=True),
    )


def _servers(
    top: Table, protocol: Protocol, name: str, sources: Mapping[str, str], stock: ReadingFacts | None
) -> ReadingServers:
    table = top.sourced(protocol.lower(), required=["hosts"], optional=_OPTIONAL)
    usual, implicit = _PORTS[protocol]
    ports = table.numbers("ports", usual)
    tls_ports = table.numbers("tls_ports", [it for it in ports if it in implicit])
    if missing := [port for port in tls_ports if port not in ports]:
        raise table.error("tls_ports", f"{missing[0]} is not among the ports, {list(ports)}")
    known = None if stock is None else (stock.imap if protocol == "IMAP" else stock.pop3)
    words = _said(table.table("words"), sources)
    lines = _said(table.table("lines"), sources)
    for condition, said in words.items():
        if known is not None and condition not in known.words:
            told = f"no condition {condition!r}{amongst(condition, known.words)}"
            raise table.table("words").error(condition, told)
        try:
            Response.parse(said.text, pop3=protocol == "POP3")
        except InvalidReply as error:
            raise table.table("words").error(condition, str(error)) from error
    before = table.texts("capabilities")
    after = table.texts("capabilities_after_login") or before
    if known is not None and "capabilities" not in table:
        before, after = known.capabilities, known.capabilities_after_login
    passwords: Passwords = table.one_of("passwords", get_args(Passwords), "usual")  # type: ignore[assignment]
    return ReadingServers(
        name=f"{name}.{protocol.lower()}",
        protocol=protocol,
        hosts=table.texts("hosts"),
        ports=ports,
        tls_ports=tls_ports,
        capabilities=before,
        capabilities_after_login=after,
        words={**_usual(known.words if known else {}, after), **words},
        lines={**_usual(known.lines if known else {}, after), **lines},
        passwords=passwords,
        idle_seconds=table.number("idle_seconds", known.idle_seconds if known else 1800),
        connections=table.number("connections", 0),
        daily_octets=table.number("daily_octets", 0),
        needs_id=table.flag("needs_id"),
        needs_tls=table.flag("needs_tls"),
        lets_disabled_in=table.flag("lets_disabled_in"),
        also=table.texts("also"),
    )


def _usual(said: Mapping[str, SourcedText], able: Collection[str]) -> dict[str, SourcedText]:
    """What the stock says, without the codes of UIDPLUS (RFC 4315, 3) where the server does not have it."""
    if "UIDPLUS" in able:
        return dict(said)
    return {name: it._replace(text=_OF_UIDPLUS.sub("", it.text)) for name, it in said.items()}


def _own(values: dict[str, Any], key: str) -> dict[str, Any]:
    """A key of a file as it stands there; {} if it is not there."""
    return {key: values[key]} if key in values else {}


def _said(table: Table, sources: Mapping[str, str]) -> dict[str, SourcedText]:
    found = {}
    for name in table:
        each = table.table(name)
        each.check_keys(required={"text", "source"}, optional={"year", "note"})
        each.text("note")  # for who reads the file
        source = each.text("source")
        found[name] = SourcedText(each.text("text"), sources.get(source, source), each.number("year", None))
    return found
