"""The rules in a provider's file, made when the first session asks for them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from pytest_mailnet.record.session import Finding
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.rules import Rule

__all__ = ["EVERYTHING", "RuleInForce", "Ruleset"]

EVERYTHING = "all"
"""A name that stands for all rules."""


class RuleInForce(NamedTuple):
    """A rule that is asked at its stage.

    Attributes:
        rule: the rule.
        permits: the finding that is recorded if it permits.
        if_published: whether it is asked only once records of the sender's domain are published.
    """

    rule: Rule
    permits: Finding
    if_published: bool


class Ruleset:
    """The rules of a provider's hosts, the same in all nets.

    Args:
        make: makes the rules. It is called when they are first asked for: most tests meet a few families of
            rules, and many meet none.
    """

    def __init__(self, make: Callable[[], tuple[Rule, ...]]) -> None:
        self._make = make
        # Two threads may both make them; the first result is kept, since memories go by a rule's identity.
        self._made: dict[None, tuple[Rule, ...]] = {}
        self._in_force: dict[frozenset[str], Mapping[Stage, tuple[RuleInForce, ...]]] = {}

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in the order in which they decide."""
        found = self._made.get(None)
        return self._made.setdefault(None, self._make()) if found is None else found

    @functools.cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the rules, and of their families, each once."""
        from pytest_mailnet.rules import family_of, name_of  # noqa: PLC0415  # as in `_in_force`

        return tuple(dict.fromkeys(it for rule in self.rules for it in (name_of(rule), family_of(rule))))

    def in_force(self, enforced: frozenset[str]) -> Mapping[Stage, tuple[RuleInForce, ...]]:
        """The rules that are asked at each stage.

        Args:
            enforced: the names of rules and families that are turned on besides those of a fresh net.
        """
        found = self._in_force.get(enforced)
        if found is None:
            found = self._in_force[enforced] = _in_force(self.rules, enforced)
        return found


def _in_force(rules: tuple[Rule, ...], enforced: frozenset[str]) -> Mapping[Stage, tuple[RuleInForce, ...]]:
    from pytest_mailnet.rules import When, family_of, name_of  # noqa: PLC0415  # their families come with the rules

    def on(rule: Rule) -> bool:
        return not enforced.isdisjoint({EVERYTHING, name_of(rule), family_of(rule)})

    return {
        stage: tuple(
            RuleInForce(rule, Finding(name_of(rule), ""), rule.when is When.PUBLISHED and not on(rule))
            for rule in rules
            if rule.stage == stage and (rule.when is not When.ASKED or on(rule))
        )
        for stage in Stage
    }
