"""Rules: each looks at a session at one stage, and answers or leaves it to the next.

A provider's file names the rules that it applies, in order; a rule's fields are the keys that the file
may set. Fields that are a `Condition` name replies of the provider's phrasebook. A family is a module.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from types import MappingProxyType

from pytest_mailnet.rules import (
    authentication,
    bounces,
    bulk,
    content,
    dnsbl,
    greylisting,
    helo,
    limits,
    rates,
    recipients,
    reputation,
    reverse_dns,
    sender_domain,
    submission,
    tarpit,
)
from pytest_mailnet.rules.rule import PERMIT, Condition, Evidence, Permit, Refusal, Rule, When

__all__ = [
    "PERMIT",
    "RULES",
    "Condition",
    "Evidence",
    "Permit",
    "Refusal",
    "Rule",
    "When",
    "family_of",
    "name_of",
]

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


def name_of(rule: Rule | type[Rule]) -> str:
    """What a provider's file calls a rule: `UnknownMailbox` is "unknown_mailbox"."""
    return _snake_case((rule if isinstance(rule, type) else type(rule)).__name__)


@functools.cache
def _snake_case(name: str) -> str:
    return _CAPITAL.sub("_", name).lower()


def family_of(rule: Rule | type[Rule]) -> str:
    """The module that a rule's class stands in: "authentication"."""
    kind = rule if isinstance(rule, type) else type(rule)
    return kind.__module__.rpartition(".")[2]


_FAMILIES = (
    authentication,
    bounces,
    bulk,
    content,
    dnsbl,
    greylisting,
    helo,
    limits,
    rates,
    recipients,
    reputation,
    reverse_dns,
    sender_domain,
    submission,
    tarpit,
)

RULES: Mapping[str, type[Rule]] = MappingProxyType(
    {
        name_of(rule): rule
        for family in _FAMILIES
        for name in family.__all__
        if isinstance(rule := getattr(family, name), type) and issubclass(rule, Rule)
    }
)
