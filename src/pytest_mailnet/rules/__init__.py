"""Rules: each looks at a session at one stage, and answers or leaves it to the next.

A provider's file names the rules that it applies, in order; a rule's fields are the keys that the file
may set. Fields that are a `Condition` name replies of the provider's phrasebook.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType, ModuleType

from pytest_mailnet.rules.rule import (
    PERMIT,
    Condition,
    Permit,
    Refusal,
    Rule,
    RuleContext,
    When,
)

__all__ = [
    "PERMIT",
    "RULES",
    "Condition",
    "Permit",
    "Refusal",
    "Rule",
    "RuleContext",
    "When",
    "family_of",
    "name_of",
]

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")

_FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "authentication": "authentication",
        "bounces": "null_sender",
        "bulk": "bulk",
        "content": "content",
        "dnsbl": "dnsbl",
        "greylisting": "greylisting",
        "helo": "helo",
        "limits": "limits",
        "rates": "rates",
        "recipients": "recipients",
        "reputation": "reputation",
        "reverse_dns": "reverse_dns",
        "sender_domain": "sender_domain",
        "submission": "submission",
        "tarpit": "tarpit",
    }
)
"""The families of rules, and the module of each."""


def name_of(rule: Rule | type[Rule]) -> str:
    """What a provider's file calls a rule: `UnknownMailbox` is "unknown_mailbox"."""
    return _snake_case((rule if isinstance(rule, type) else type(rule)).__name__)


@functools.cache
def _snake_case(name: str) -> str:
    return _CAPITAL.sub("_", name).lower()


def family_of(rule: Rule | type[Rule]) -> str:
    """The family that a rule belongs to: "authentication"."""
    return _FAMILY_OF[rule if isinstance(rule, type) else type(rule)]


def _rules_in(module: ModuleType) -> list[type[Rule]]:
    found = (getattr(module, name) for name in module.__all__)
    return [it for it in found if isinstance(it, type) and issubclass(it, Rule)]


_FAMILY_OF: Mapping[type[Rule], str] = MappingProxyType(
    {
        rule: family
        for family, module in _FAMILIES.items()
        for rule in _rules_in(import_module(f"{__name__}.{module}"))
    }
)

RULES: Mapping[str, type[Rule]] = MappingProxyType({name_of(rule): rule for rule in _FAMILY_OF})
"""All rules, by the names that a provider's file has for them."""
