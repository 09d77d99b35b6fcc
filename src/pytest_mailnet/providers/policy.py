"""The rules of a provider in one net: which are on, what they remember, what they have decided."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pytest_mailnet.errors import InvalidSetting, UnknownName, amongst
from pytest_mailnet.record.session import Finding
from pytest_mailnet.rules import PERMIT, RULES, Refusal, Rule, RuleContext, When, family_of, name_of
from pytest_mailnet.smtp.headers import domain_of
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Dns
    from pytest_mailnet.providers.facts import Facts, Submission
    from pytest_mailnet.record.session import Session
    from pytest_mailnet.smtp.state import Step

__all__ = ["EVERYTHING", "OWN_ANSWER", "Policy", "check_rules"]

T = TypeVar("T")

EVERYTHING = "all"
"""Stands for the names of all rules."""

OWN_ANSWER = Finding("script", "")
"""Stands in the record for an answer of the test's own."""


class _Asked(NamedTuple):
    rule: Rule
    permits: Finding
    if_published: bool


class Policy:
    """What a provider decides by. Rules run in the engine's thread; a test turns them on at any time.

    Args:
        facts: of the provider, or of its submission servers; rules are asked in the order of their file.
        enforced: names of rules and families that are on beside those that are on by themselves.
    """

    def __init__(self, facts: Facts | Submission, enforced: Iterable[str] = ()) -> None:
        self._facts = facts
        self._owner = facts.name
        self._rules = facts.rules
        self._memories: dict[int, Any] = {}
        self._enforced: frozenset[str] = frozenset(enforced)
        self._asked = self._in_force()

    def enforce(self, *names: str) -> None:
        """Turn rules on, by their names or by that of their family.

        Raises:
            UnknownName: if the provider has no such rule; names the near misses.
            InvalidSetting: without a name, or for one that turns nothing on.
        """
        if not names:
            raise InvalidSetting(f"{self._owner}.enforce() takes the names of rules: {', '.join(self.names)}")
        __tracebackhide__ = True
        able = [it for rule in self._rules if rule.when is not When.ALWAYS for it in _names(rule)]
        for name in names:
            if not isinstance(name, str):
                raise InvalidSetting(
                    f"{self._owner}.enforce({name!r}): several rules follow each other, as in "
                    "enforce('bulk', 'content')"
                )
            if name not in {EVERYTHING, *self.names}:
                raise UnknownName(
                    f"rule of {self._owner}", name, self.names, "Its file tells the rules that it applies."
                )
            if name not in {EVERYTHING, *able} or not able:
                raise InvalidSetting(f"{self._owner}.enforce({name!r}) turns nothing on: {_idle(able)}")
        self._enforced |= frozenset(names)
        # Replaced as a whole: the servers read it meanwhile.
        self._asked = self._in_force()

    @property
    def names(self) -> list[str]:
        """The names of its rules, and of their families."""
        return list(dict.fromkeys(it for rule in self._rules for it in _names(rule)))

    def decide(self, stage: Stage, step: Step, context: RuleContext) -> Refusal | None:
        """The first refusal at a stage; None where a rule permits or none has an objection."""
        published: bool | None = None
        for rule, permits, if_published in self._asked[stage]:
            if if_published:
                if published is None:
                    published = _published(step, context.dns)
                if not published:
                    continue
            answer = rule.decide(step, context)
            if answer is None:
                continue
            if answer is PERMIT:
                step.finding = permits
                return None
            step.finding = Finding(permits.rule, answer.why)
            return answer
        return None

    def memory(self, owner: object, kind: Callable[[], T]) -> T:
        """What a rule, or a class of them, remembers in this net; made by `kind` when first asked for."""
        found: T | None = self._memories.get(id(owner))
        if found is None:
            found = self._memories[id(owner)] = kind()
        return found

    def _in_force(self) -> Mapping[Stage, tuple[_Asked, ...]]:
        # What a provider's file tells is the same in one net after the other; a test's own server is not.
        found = _in_force_by_file if self._facts.phrases else _in_force
        return found(self._facts, self._enforced)

    def explain(self, session: Session) -> Iterator[str]:
        """Line by line, what each rule made of each command of a session."""
        for exchange in session.exchanges:
            if exchange.stage is None:
                continue
            command = exchange.request.split(b"\r\n", 1)[0].decode("utf-8", "backslashreplace")
            said = exchange.reply.decode("utf-8", "backslashreplace").rstrip("\r\n").splitlines()
            yield f"{_titled(exchange.stage, command)} -> {said[-1] if said else 'no reply'}"
            if exchange.finding == OWN_ANSWER:
                yield "    the test's own answer, which comes before the rules"
            elif exchange.finding is None and (exchange.code or 0) >= 400:
                yield "    no rule was asked: the command was not in order, or came out of order"
            else:
                yield from self._asked_at(exchange.stage, exchange.finding)

    def _asked_at(self, stage: Stage, finding: Finding | None) -> Iterator[str]:
        asked = {it.permits.rule: it.if_published for it in self._asked[stage]}
        decided = False
        for rule in self._rules:
            if rule.stage != stage:
                continue
            name = name_of(rule)
            if finding is not None and finding.rule == name:
                decided = True
                yield f"    {name}: {finding.why or 'permitted, which ends the stage'}"
            elif name not in asked:
                yield f"    {name}: off until the test asks, .enforce({name!r})"
            elif decided:
                yield f"    {name}: not asked"
            elif asked[name]:
                yield f"    {name}: let it pass, or waits for records of the sender's domain"
            else:
                yield f"    {name}: let it pass"


def _names(rule: Rule) -> tuple[str, str]:
    return name_of(rule), family_of(rule)


def _idle(able: Iterable[str]) -> str:
    """Why a name turns nothing on, and what does."""
    if not able:
        return "all its rules are on in a fresh net. Providers have more: mailnet.gmail.enforce('bulk')"
    return f"what it means is on in a fresh net. What turns something on: {', '.join(sorted(set(able)))}"


def check_rules(names: Iterable[str]) -> None:
    """Refuse a setting `enforce` that names what there is not.

    Raises:
        InvalidSetting: for a name that no rule or family has; names the near misses.
    """
    for name in names:
        known = {EVERYTHING, *RULES, *map(family_of, RULES.values())}
        if name not in known:
            raise InvalidSetting(f"enforce: no rule {name!r}{amongst(name, known)}")


def _in_force(facts: Facts | Submission, enforced: frozenset[str]) -> Mapping[Stage, tuple[_Asked, ...]]:
    def on(rule: Rule) -> bool:
        return not enforced.isdisjoint({EVERYTHING, name_of(rule), family_of(rule)})

    return {
        stage: tuple(
            _Asked(rule, Finding(name_of(rule), ""), rule.when is When.PUBLISHED and not on(rule))
            for rule in facts.rules
            if rule.stage == stage and (rule.when is not When.ASKED or on(rule))
        )
        for stage in Stage
    }


_in_force_by_file = functools.lru_cache(maxsize=256)(_in_force)


def _published(step: Step, dns: Dns) -> bool:
    """Whether the test has published anything by which the sender's domain can be told from others."""
    if not dns.authenticated:
        return False
    domains = {domain_of(step.reverse_path or ""), domain_of(step.helo if not step.reverse_path else "")}
    if step.content is not None:
        domains |= step.author_domains
    return any(dns.authenticates(domain) for domain in domains if domain)


def _titled(stage: Stage, command: str) -> str:
    if stage is Stage.CONNECT:
        return "connection"
    return "message" if stage is Stage.MESSAGE else command
