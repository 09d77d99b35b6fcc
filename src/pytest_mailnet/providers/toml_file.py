"""The reader of a provider's TOML file; its errors name file and key."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

from pytest_mailnet.errors import InvalidReply, InvalidSetting, ProviderFileError, amongst
from pytest_mailnet.handles.attributes import is_whole
from pytest_mailnet.mailboxes.addressing import Addressing
from pytest_mailnet.providers.facts import Facts, Submission
from pytest_mailnet.providers.phrasebook import Phrase
from pytest_mailnet.providers.ruleset import Ruleset
from pytest_mailnet.providers.variables import VARIABLES
from pytest_mailnet.providers.wording import Wording
from pytest_mailnet.rules import RULES, Rule, When
from pytest_mailnet.smtp.manners import Manners
from pytest_mailnet.values import DELIVERY, Reply, Stage

__all__ = ["parse_facts"]

T = TypeVar("T")


def parse_facts(
    text: str,
    file: str,
    others: Callable[[Facts], Mapping[str, Phrase]] | None = None,
    today: str = "",
) -> Facts:
    """Read the TOML of a provider.

    Args:
        text: the TOML.
        file: the file's name, for messages.
        others: finds the phrases that the rules may use besides the file's own; None to leave the rules
            unchecked until they are asked for.
        today: the TOML of the provider as it is today, which an era's file may be `like`.

    Raises:
        ProviderFileError: with file and key, for anything that is missing, misspelt or of the wrong type.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProviderFileError(f"{file}: no valid TOML: {error}") from error
    if "like" in table:
        table = _changed(tomllib.loads(today), table)
    reader = _Reader(file, table)
    facts = reader.facts()
    if others is not None:
        reader.check_conditions(facts, {**others(facts), **facts.phrases})
    return facts


def _changed(today: dict[str, Any], era: dict[str, Any]) -> dict[str, Any]:
    """Today's table with an era's keys in it: tables are changed key by key, all else is replaced."""
    changed = {key: value for key, value in today.items() if key != "era"}
    for key, value in era.items():
        known = changed.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            changed[key] = _changed(known, value)
        else:
            changed[key] = value
    return changed


class _Reader:
    def __init__(self, file: str, table: dict[str, Any]) -> None:
        self._file = file
        self._top = table
        self._sources: dict[str, Any] = {}

    def facts(self) -> Facts:
        table = self._top
        self._keys("", table, required={"name", "title", "replies"}, optional=_OPTIONAL)
        self._sources = self._table("sources", table.get("sources", {}))
        for name, source in self._sources.items():
            self._typed(f"sources.{name}", source, str, "a text")
        ehlo = self._table("ehlo", table.get("ehlo", {"source": "-", "lines": []}))
        self._keys("ehlo", ehlo, required={"source", "lines"}, optional={"year"})
        shared = self._table("shared", table.get("shared", {"from": ""}))
        self._keys("shared", shared, required={"from"}, optional={"replies"})
        phrases = MappingProxyType(
            {
                name: self._phrase(f"replies.{name}", name, self._table(f"replies.{name}", entry))
                for name, entry in self._table("replies", table["replies"]).items()
            }
        )
        return Facts(
            name=self._typed("name", table["name"], str, "a text"),
            title=self._typed("title", table["title"], str, "a text"),
            aliases=tuple(self._texts("aliases", table.get("aliases", []))),
            domains=tuple(self._texts("domains", table.get("domains", []))),
            ports=tuple(self._numbers("ports", table.get("ports", [25]))),
            tls_ports=self._tls_ports("tls_ports", table, table.get("ports", [25])),
            queue_id=self._typed("queue_id", table.get("queue_id", "%" * 12), str, "a text"),
            zone=self._zone("zone"),
            customer=self._zone("customer"),
            shared_from=self._typed("shared.from", shared["from"], str, "a text"),
            shared=tuple(self._texts("shared.replies", shared.get("replies", []))),
            extensions=tuple(self._texts("ehlo.lines", ehlo["lines"])),
            ruleset=self._ruleset("rules", table.get("rules", [])),
            phrases=phrases,
            submission=self._submission(phrases) if "submission" in table else None,
            wording=self._wording(),
            dmarc_rfc=self._dmarc_rfc(),
            manners=self._manners(),
            suppresses=self._suppresses(),
            addressing=self._addressing(),
            era=self._typed("era", table.get("era", ""), str, "a text"),
            like=self._like(),
        )

    def _addressing(self) -> Addressing:
        domains = self._texts("domains", self._top.get("domains", []))
        return self._sourced("addressing", lambda table: Addressing.from_table(table, domains))

    def _like(self) -> str:
        like: str = self._typed("like", self._top.get("like", ""), str, "a text")
        if like and (like != self._top["name"] or self._file == f"{like}.toml"):
            told = "an era's file is like its own provider's of today"
            raise self._error("like", f"{like!r} in {self._file}: {told}, {self._top['name']!r}")
        return like

    def _submission(self, phrases: Mapping[str, Phrase]) -> Submission:
        table = self._table("submission", self._top["submission"])
        self._keys(
            "submission", table, required={"source", "hosts", "ports", "ehlo"}, optional=_OF_SUBMISSION
        )
        ehlo = self._table("submission.ehlo", table["ehlo"])
        self._keys("submission.ehlo", ehlo, required={"source", "lines"}, optional={"year"})
        flags = {
            flag: self._typed(f"submission.{flag}", table[flag], bool, "true or false")
            for flag in ("auth_before_tls", "challenges_tokens")
            if flag in table
        }
        return Submission(
            name=f"{self._top['name']}.submission",
            hosts=tuple(self._texts("submission.hosts", table["hosts"])),
            ports=tuple(self._numbers("submission.ports", table["ports"])),
            tls_ports=self._tls_ports("submission.tls_ports", table, table["ports"]),
            extensions=tuple(self._texts("submission.ehlo.lines", ehlo["lines"])),
            ruleset=self._ruleset("submission.rules", table.get("rules", [])),
            phrases=phrases,
            also=tuple(self._texts("submission.also", table.get("also", []))),
            original_from=self._typed(
                "submission.original_from", table.get("original_from", ""), str, "a text"
            ),
            **flags,
        )

    def _tls_ports(self, key: str, table: dict[str, Any], ports: list[int]) -> tuple[int, ...] | None:
        if "tls_ports" not in table:
            return None
        chosen = tuple(self._numbers(key, table["tls_ports"]))
        if missing := [port for port in chosen if port not in ports]:
            raise self._error(key, f"{missing[0]} is not among the ports, {ports}")
        return chosen

    def _wording(self) -> Wording:
        return self._sourced("bounces", Wording.from_table)

    def _manners(self) -> Manners:
        return self._sourced("manners", Manners.from_table)

    def _sourced(self, key: str, read: Callable[[Mapping[str, object]], T]) -> T:
        """Read a table that names its source, and may name the source's year."""
        table = dict(self._table(key, self._top.get(key, {"source": "-"})))
        if "source" not in table:
            raise self._error(f"{key}.source", "is missing")
        try:
            return read({name: value for name, value in table.items() if name not in {"source", "year"}})
        except ValueError as error:
            name, _, told = str(error).partition(": ")
            raise self._error(f"{key}.{name}", told) from error

    def _suppresses(self) -> bool:
        if "suppression" not in self._top:
            return False
        table = self._table("suppression", self._top["suppression"])
        self._keys("suppression", table, required={"source"}, optional={"year"})
        return True

    def _dmarc_rfc(self) -> int:
        if "dmarc" not in self._top:
            # What is told of a year before RFC 9989, of May 2026, goes by the edition of that time.
            era = _ERA.search(self._file)
            return 7489 if era and int(era[1]) < 2026 else 9989
        table = self._table("dmarc", self._top["dmarc"])
        self._keys("dmarc", table, required={"rfc", "source"}, optional={"year"})
        self._typed("dmarc.source", table["source"], str, "a text")
        if table["rfc"] not in _DMARC_RFCS:
            raise self._error("dmarc.rfc", f"{table['rfc']!r} is no RFC of DMARC; it takes 9989, or 7489")
        return int(table["rfc"])

    def _ruleset(self, key: str, given: object) -> Ruleset:
        rules = self._typed(key, given, list, f"a list of tables, [[{key}]]")
        return Ruleset(lambda: self._rules(key, rules))

    def _rules(self, key: str, rules: list[object]) -> tuple[Rule, ...]:
        return tuple(
            self._rule(f"{key}[{number}]", self._table(f"{key}[{number}]", rule))
            for number, rule in enumerate(rules, start=1)
        )

    def check_conditions(self, facts: Facts, known: Mapping[str, Phrase]) -> None:
        """Check that the reply of every rule exists, and can be given at the rule's stage."""
        rulesets = {
            "rules": facts.rules,
            "submission.rules": facts.submission.rules if facts.submission else (),
        }
        for key, rules in rulesets.items():
            for number, rule in enumerate(rules, start=1):
                for field in dataclasses.fields(rule):
                    if field.type == "Condition" and (condition := getattr(rule, field.name)):
                        self._check_condition(f"{key}[{number}].{field.name}", condition, rule, known)

    def _check_condition(self, key: str, condition: str, rule: Rule, known: Mapping[str, Phrase]) -> None:
        if condition not in known:
            raise self._error(key, f"no reply {condition!r}{amongst(condition, known)}")
        phrase = known[condition]
        try:
            phrase.reply.check_stage(rule.stage)
        except InvalidReply as error:
            raise self._error(key, str(error)) from error
        if phrase.stage not in (rule.stage, "any"):
            raise self._error(
                key,
                f"{condition!r} is given at {phrase.stage.upper()} and this rule speaks at "
                f"{rule.stage.upper()}; give one of the two another stage, or take another reply",
            )

    def _zone(self, key: str) -> str:
        if key not in self._top:
            return ""
        zone = self._table(key, self._top[key])
        self._keys(key, zone, required={"source", "text"}, optional={"year"})
        text: str = self._typed(f"{key}.text", zone["text"], str, "a text")
        return text

    def _phrase(self, key: str, name: str, entry: dict[str, Any]) -> Phrase:
        self._keys(key, entry, required={"stage", "reply", "source"}, optional=_OF_A_PHRASE)
        stage = self._one_of(f"{key}.stage", entry["stage"], [*DELIVERY, *_MORE_STAGES])
        try:
            reply = Reply.parse(
                self._typed(f"{key}.reply", entry["reply"], str, "a text"), closes=bool(entry.get("closes"))
            )
            for variable in reply.variables:
                if variable not in VARIABLES:
                    told = f"no variable {{{variable}}}{amongst(variable, VARIABLES)}"
                    raise self._error(f"{key}.reply", told)
            # A reply for "any" stage cannot be checked.
            if stage in DELIVERY and reply.code != _CHALLENGE:
                reply.check_stage(Stage(stage))
        except InvalidReply as error:
            raise self._error(f"{key}.reply", str(error)) from error
        source = self._typed(f"{key}.source", entry["source"], str, "a text")
        return Phrase(
            name=name,
            condition=self._typed(f"{key}.condition", entry.get("condition", name), str, "a text"),
            stage=stage,
            reply=reply,
            source=self._sources.get(source, source),
            year=entry.get("year"),
            stage_evidence=self._one_of(
                f"{key}.stage_evidence", entry.get("stage_evidence", "inferred"), _EVIDENCE
            ),
            role=self._one_of(f"{key}.role", entry.get("role", "mx"), _ROLES),
            secondary=self._one_of(f"{key}.confidence", entry.get("confidence", "primary"), _CONFIDENCE)
            == "secondary",
            note=entry.get("note", ""),
        )

    def _rule(self, key: str, entry: dict[str, Any]) -> Rule:
        name = str(entry.get("rule"))
        if name not in RULES:
            raise self._error(f"{key}.rule", f"no rule {name!r}{amongst(name, RULES)}")
        kind = RULES[name]
        types = {field.name: str(field.type) for field in dataclasses.fields(kind)}
        self._keys(key, entry, required={"rule"}, optional=set(types))
        settings = {
            field: self._setting(f"{key}.{field}", types[field], value)
            for field, value in entry.items()
            if field != "rule"
        }
        missing = [
            field.name
            for field in dataclasses.fields(kind)
            if field.default is dataclasses.MISSING and field.name not in settings
        ]
        if missing:
            raise self._error(f"{key}.{missing[0]}", f"is missing; {name} has no default for it")
        try:
            rule = kind(**settings)
        except InvalidSetting as error:
            raise self._error(key, str(error)) from error
        if getattr(rule, "reply", None) == "":
            raise self._error(f"{key}.reply", f"is missing; {name} has no default for it")
        if rule.stage not in rule.stages:
            able = " or ".join(stage.upper() for stage in DELIVERY if stage in rule.stages)
            raise self._error(
                f"{key}.stage", f"{name} cannot speak at {rule.stage.upper()}: it has its evidence at {able}"
            )
        return rule

    def _setting(self, key: str, kind: str, value: object) -> Any:
        match kind:
            case "Stage":
                return Stage(self._one_of(key, value, DELIVERY, "stage "))
            case "When":
                return When(self._one_of(key, value, list(When)))
            case "int":
                if not is_whole(value) or value < 0:
                    raise self._error(key, f"{value!r} is not a number of 0 or more")
                return value
            case "bool":
                return self._typed(key, value, bool, "true or false")
            case "tuple[str, ...]":
                return tuple(self._texts(key, value))
            case _:
                return self._typed(key, value, str, "a text")

    def _one_of(self, key: str, value: object, known: Collection[str], kind: str = "") -> str:
        given = str(value)
        if given not in known:
            what = f"no {kind}{given!r}" if kind else repr(given)
            raise self._error(key, f"{what}{amongst(given, map(str, known))}")
        return given

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


_OPTIONAL = {
    "addressing",
    "aliases",
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
    "tls_ports",
    "suppression",
    "zone",
}
_OF_SUBMISSION = {
    "also",
    "auth_before_tls",
    "challenges_tokens",
    "original_from",
    "rules",
    "tls_ports",
    "year",
}
_DMARC_RFCS = (7489, 9989)
_ERA = re.compile(r"-(\d{4})\.toml$")
_OF_A_PHRASE = {"closes", "condition", "confidence", "note", "role", "stage_evidence", "year"}
_CHALLENGE = 334  # RFC 4954, 4
_MORE_STAGES = ("any", "ndr")
_EVIDENCE = ("captured", "documented", "source code", "inferred")
_CONFIDENCE = ("primary", "secondary")
_ROLES = ("mx", "submission")
