"""Reads a provider's TOML and refuses what it does not understand, with file and key."""

from __future__ import annotations

import dataclasses
import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

from pytest_mailnet.errors import InvalidReply, ProviderFileError, UnknownName, amongst
from pytest_mailnet.model import Reply, Stage
from pytest_mailnet.providers.phrasebook import Phrase
from pytest_mailnet.providers.variables import VARIABLES
from pytest_mailnet.rules import RULES, Rule
from pytest_mailnet.rules.recipients import AuthenticatedUser, LocalRecipient, RelayingDenied, TrustedNetwork

__all__ = ["Facts", "load_facts", "parse_facts", "provider_names", "stock_phrases"]


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What is known of a provider, as its file tells it.

    Attributes:
        name: how tests call it.
        title: how people call it.
        domains: where its users' addresses end.
        ports: what its MX hosts listen on.
        queue_id: the form of its queue ids: '#' a digit, '@' a letter, '%' a hexadecimal digit.
        zone: its DNS records in master-file form (RFC 1035, 5); MX hosts without an A record get
            one of the net's addresses.
        extensions: the lines of its EHLO reply after the first.
        rules: what it decides by, in order.
        phrases: its replies.
    """

    name: str
    title: str
    domains: tuple[str, ...]
    ports: tuple[int, ...]
    queue_id: str
    zone: str
    extensions: tuple[str, ...]
    rules: tuple[Rule, ...]
    phrases: Mapping[str, Phrase]


@functools.cache
def load_facts(name: str, era: int | None = None) -> Facts:
    """The facts of a provider that the package ships, today's or those of an era.

    Raises:
        UnknownName: if there is no such provider, or none of that era.
        ProviderFileError: if its file has an error in it.
    """
    file = f"{name}-{era}.toml" if era is not None else f"{name}.toml"
    if name not in provider_names():
        raise UnknownName(
            "provider",
            name,
            provider_names(),
            "A server of one's own: mailnet.add_server('mx.shop.example').",
        )
    folder = resources.files(__package__)
    if not (folder / file).is_file():
        eras = [
            it.name.removesuffix(".toml").partition("-")[2]
            for it in _files()
            if it.name.startswith(f"{name}-")
        ]
        raise UnknownName(f"era of {name}", str(era), eras, "Without era= a provider is as it is today.")
    return parse_facts((folder / file).read_text("utf-8"), file)


@functools.cache
def provider_names() -> tuple[str, ...]:
    """The names of the providers that the package ships."""
    names = (file.name.removesuffix(".toml") for file in _files())
    return tuple(sorted(name for name in names if "-" not in name and name != "stock"))


@functools.cache
def stock_phrases() -> Mapping[str, Phrase]:
    """What a server says that has no phrases of its own: the RFCs' texts."""
    text = (resources.files(__package__) / "stock.toml").read_text("utf-8")
    return parse_facts(text, "stock.toml").phrases


def parse_facts(text: str, file: str) -> Facts:
    """Read the TOML of a provider.

    Args:
        text: the TOML.
        file: its name, for messages.

    Raises:
        ProviderFileError: with file and key, for whatever is missing, misspelt or of the wrong kind.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProviderFileError(f"{file}: no valid TOML: {error}") from error
    return _Reader(file).facts(table)


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file

    def facts(self, table: dict[str, Any]) -> Facts:
        self._keys("", table, required={"name", "title", "replies"}, optional=_OPTIONAL)
        zone = self._table("zone", table.get("zone", {"source": "-", "text": ""}))
        ehlo = self._table("ehlo", table.get("ehlo", {"source": "-", "lines": []}))
        self._keys("zone", zone, required={"source", "text"}, optional={"year"})
        self._keys("ehlo", ehlo, required={"source", "lines"}, optional={"year"})
        rules = self._typed("rules", table.get("rules", []), list, "a list of tables, [[rules]]")
        phrases = {
            condition: self._phrase(f"replies.{condition}", self._table(f"replies.{condition}", entry))
            for condition, entry in self._table("replies", table["replies"]).items()
        }
        facts = Facts(
            name=self._typed("name", table["name"], str, "a text"),
            title=self._typed("title", table["title"], str, "a text"),
            domains=tuple(self._texts("domains", table.get("domains", []))),
            ports=tuple(self._numbers("ports", table.get("ports", [25]))),
            queue_id=self._typed("queue_id", table.get("queue_id", "%" * 12), str, "a text"),
            zone=self._typed("zone.text", zone["text"], str, "a text"),
            extensions=tuple(self._texts("ehlo.lines", ehlo["lines"])),
            rules=tuple(
                self._rule(f"rules[{number}]", self._table(f"rules[{number}]", rule))
                for number, rule in enumerate(rules, start=1)
            ),
            phrases=MappingProxyType(phrases),
        )
        self._check_conditions(facts)
        return facts

    def _phrase(self, key: str, entry: dict[str, Any]) -> Phrase:
        self._keys(
            key, entry, required={"stage", "reply", "source"}, optional={"year", "stage_evidence", "note"}
        )
        stages = [*Stage, "any"]
        if entry["stage"] not in stages:
            raise self._error(
                f"{key}.stage", f"{entry['stage']!r}{amongst(str(entry['stage']), map(str, stages))}"
            )
        evidence = entry.get("stage_evidence", "inferred")
        if evidence not in _EVIDENCE:
            raise self._error(f"{key}.stage_evidence", f"{evidence!r}{amongst(str(evidence), _EVIDENCE)}")
        try:
            reply = Reply.parse(self._typed(f"{key}.reply", entry["reply"], str, "a text"))
            unknown = set(_VARIABLE.findall(str(reply))) - VARIABLES.keys()
            if unknown:
                name = unknown.pop()
                raise self._error(f"{key}.reply", f"no variable {{{name}}}{amongst(name, VARIABLES)}")
            # A refusal "at any" stage cannot be checked; one at a stage can.
            if entry["stage"] != "any":
                reply.check_stage(Stage(entry["stage"]))
        except InvalidReply as error:
            raise self._error(f"{key}.reply", str(error)) from error
        return Phrase(
            condition=key.removeprefix("replies."),
            stage=entry["stage"],
            reply=reply,
            source=self._typed(f"{key}.source", entry["source"], str, "a text"),
            year=entry.get("year"),
            stage_evidence=evidence,
            note=entry.get("note", ""),
        )

    def _rule(self, key: str, entry: dict[str, Any]) -> Rule:
        name = str(entry.get("rule"))
        if name not in RULES:
            raise self._error(f"{key}.rule", f"no rule {name!r}{amongst(name, RULES)}")
        fields = {field.name: field for field in dataclasses.fields(RULES[name])}
        self._keys(key, entry, required={"rule"}, optional=set(fields))
        settings = {field: value for field, value in entry.items() if field != "rule"}
        if "stage" in settings:
            if settings["stage"] not in list(Stage):
                given = str(settings["stage"])
                raise self._error(f"{key}.stage", f"no stage {given!r}{amongst(given, map(str, Stage))}")
            settings["stage"] = Stage(settings["stage"])
        return RULES[name](**settings)

    def _check_conditions(self, facts: Facts) -> None:
        if self._file == "stock.toml":
            return
        known = {**stock_phrases(), **facts.phrases}
        for number, rule in enumerate(facts.rules, start=1):
            condition = getattr(rule, "reply", None)
            if condition is None:
                continue
            key = f"rules[{number}].reply"
            if condition not in known:
                raise self._error(key, f"no reply {condition!r}{amongst(condition, known)}")
            try:
                known[condition].reply.check_stage(rule.stage)
            except InvalidReply as error:
                raise self._error(key, str(error)) from error

    def _keys(self, key: str, table: dict[str, Any], *, required: set[str], optional: set[str]) -> None:
        where = f"{key}." if key else ""
        for name in table:
            if name not in required | optional:
                raise self._error(f"{where}{name}", f"unknown key{amongst(name, required | optional)}")
        for name in sorted(required):
            if name not in table:
                raise self._error(f"{where}{name}", "is missing")

    def _table(self, key: str, value: object) -> dict[str, Any]:
        table: dict[str, Any] = self._typed(key, value, dict, "a table")
        return table

    def _texts(self, key: str, value: object) -> list[str]:
        items: list[object] = self._typed(key, value, list, "a list of texts")
        return [self._typed(f"{key}[{number}]", item, str, "a text") for number, item in enumerate(items, 1)]

    def _numbers(self, key: str, value: object) -> list[int]:
        items: list[object] = self._typed(key, value, list, "a list of numbers")
        return [
            self._typed(f"{key}[{number}]", item, int, "a number") for number, item in enumerate(items, 1)
        ]

    def _typed(self, key: str, value: object, kind: type[Any], expected: str) -> Any:
        if not isinstance(value, kind):
            raise self._error(key, f"{value!r} is not {expected}")
        return value

    def _error(self, key: str, text: str) -> ProviderFileError:
        return ProviderFileError(f"{self._file}: {key}: {text}")


def plain_facts(name: str, domains: tuple[str, ...], ports: tuple[int, ...]) -> Facts:
    """What there is to know of a mail server of the test's own, which says what RFC 5321 has for it."""
    return Facts(
        name=name,
        title=name,
        domains=domains,
        ports=ports,
        queue_id="%" * 12,
        zone="",
        extensions=("SIZE 35651584", "8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING", "SMTPUTF8"),
        rules=(TrustedNetwork(), LocalRecipient(), AuthenticatedUser(), RelayingDenied()),
        phrases={},
    )


_OPTIONAL = {"domains", "ports", "queue_id", "zone", "ehlo", "rules"}
_EVIDENCE = ("captured", "documented", "source code", "inferred")
_VARIABLE = re.compile(r"\{(\w+)\}")


def _files() -> list[Traversable]:
    return [file for file in resources.files(__package__).iterdir() if file.name.endswith(".toml")]
