"""The list of rules, and of each provider's rules, as Markdown tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_mailnet.cli.tables import heading, row
from pytest_mailnet.providers import Catalogue
from pytest_mailnet.rules import RULES, Rule, family_of, name_of
from pytest_mailnet.values import DELIVERY

__all__ = ["as_markdown"]


def as_markdown(catalogue: Catalogue, provider: str = "") -> Iterator[str]:
    """Tables of all rules, and of each provider's rules with their stages and when they are on.

    Args:
        catalogue: the catalogue of providers.
        provider: the name of one provider, to list only its rules; "" for everything.

    Raises:
        UnknownName: if there is no such provider; names the near misses.
    """
    if not provider:
        yield "\n## All rules\n"
        yield from heading("rule", "family", "what it does")
        for name, kind in sorted(RULES.items()):
            yield row(f"`{name}`", f"`{family_of(kind)}`", (kind.__doc__ or "").strip().splitlines()[0])
    for stem in [catalogue.stem(provider)] if provider else catalogue.stems:
        facts = catalogue.load_stem(stem)
        yield from _table(stem, facts.rules)
        if facts.submission is not None:
            yield from _table(f"{stem}, where its users hand in mail", facts.submission.rules)


def _table(title: str, rules: Sequence[Rule]) -> Iterator[str]:
    if rules:
        yield f"\n## {title}\n"
        yield from heading("stage", "rule", "on", "reply")
    for rule in sorted(rules, key=lambda rule: DELIVERY.index(rule.stage)):
        reply = getattr(rule, "reply", "")
        yield row(rule.stage, f"`{name_of(rule)}`", rule.when, f"`{reply}`" if reply else "")
