"""The rules in a provider's TOML file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from pytest_mailnet.errors import InvalidReply, InvalidSetting, amongst
from pytest_mailnet.providers.phrasebook import Phrase
from pytest_mailnet.providers.toml_table import Table
from pytest_mailnet.rules import RULES, Rule
from pytest_mailnet.values import DELIVERY

__all__ = ["check_conditions", "read_rules"]


def read_rules(tables: Iterable[Table]) -> tuple[Rule, ...]:
    """Read rules, each from its table.

    Raises:
        ProviderFileError: for an unknown rule, and for what is wrong in its settings.
    """
    return tuple(map(_rule, tables))


def _rule(table: Table) -> Rule:
    name = str(table.get("rule"))
    if name not in RULES:
        raise table.error("rule", f"no rule {name!r}{amongst(name, RULES)}")
    kind = RULES[name]
    fields = dataclasses.fields(kind)
    table.check_keys(required={"rule"}, optional={field.name for field in fields})
    settings = table.settings(kind)
    for field in fields:
        if field.default is dataclasses.MISSING and field.name not in settings:
            raise table.error(field.name, f"is missing; {name} has no default for it")
    try:
        rule = kind(**settings)
    except InvalidSetting as error:
        raise table.error("", str(error)) from error
    if getattr(rule, "reply", None) == "":
        raise table.error("reply", f"is missing; {name} has no default for it")
    if rule.stage not in rule.stages:
        able = " or ".join(stage.upper() for stage in DELIVERY if stage in rule.stages)
        raise table.error(
            "stage", f"{name} cannot speak at {rule.stage.upper()}: it has its evidence at {able}"
        )
    return rule


def check_conditions(tables: Sequence[Table], rules: Sequence[Rule], known: Mapping[str, Phrase]) -> None:
    """Check that the reply of every rule exists, and can be given at the rule's stage.

    Args:
        tables: those that the rules were read from.
        rules: the rules.
        known: the phrases that they may use, by condition.

    Raises:
        ProviderFileError: for the first that does not, or cannot.
    """
    for table, rule in zip(tables, rules, strict=True):
        for field in dataclasses.fields(rule):
            if field.type == "Condition" and (condition := getattr(rule, field.name)):
                _check_condition(table, field.name, condition, rule, known)


def _check_condition(table: Table, key: str, condition: str, rule: Rule, known: Mapping[str, Phrase]) -> None:
    if condition not in known:
        raise table.error(key, f"no reply {condition!r}{amongst(condition, known)}")
    phrase = known[condition]
    try:
        phrase.reply.check_stage(rule.stage)
    except InvalidReply as error:
        raise table.error(key, str(error)) from error
    if phrase.stage not in (rule.stage, "any"):
        raise table.error(
            key,
            f"{condition!r} is given at {phrase.stage.upper()} and this rule speaks at "
            f"{rule.stage.upper()}; give one of the two another stage, or take another reply",
        )
