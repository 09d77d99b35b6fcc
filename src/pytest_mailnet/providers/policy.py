"""The rules of a provider in one net: which are on, what they remember, what they decide."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_mailnet.errors import InvalidSetting, UnknownName, amongst
from pytest_mailnet.providers.ruleset import EVERYTHING, RuleInForce
from pytest_mailnet.record.session import Finding
from pytest_mailnet.rules import FAMILIES, PERMIT, RULES, Refusal, Rule, RuleContext, When, family_of, name_of
from pytest_mailnet.smtp.headers import domain_of
from pytest_mailnet.values import DELIVERY, Stage

if TYPE_CHECKING:
    from pytest_mailnet.dns.resolver import Resolver
    from pytest_mailnet.providers.facts import Facts, Submission
    from pytest_mailnet.record.session import Session
    from pytest_mailnet.smtp.state import Step

__all__ = ["OWN_ANSWER", "Policy", "check_rules"]

T = TypeVar("T")

OWN_ANSWER = Finding("script", "")
"""The finding that records an answer of the test's own."""


class Policy:
    """The rules that a provider decides by. They run in the engine's turn; tests turn them on at any time.

    Args:
        facts: the facts about the provider, or its submission servers; rules decide in the file's order.
        enforced: names of rules and families to turn on besides those that are on in a fresh net.
    """

    def __init__(self, facts: Facts | Submission, enforced: Iterable[str] = ()) -> None:
        self._facts = facts
        self._owner = facts.name
        self._memories: dict[int, Any] = {}
        self._enforced: frozenset[str] = frozenset(enforced)

    def enforce(self, *names: str) -> None:
        """Turn on rules, by their names or the name of their family.

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
                    f"rule of {self._owner}",
                    name,
                    self.names,
                    "`mailnet rules` tells which providers have which.",
                )
            if name not in {EVERYTHING, *able} or not able:
                raise InvalidSetting(f"{self._owner}.enforce({name!r}) turns nothing on: {_idle(able)}")
        # Replaced as a whole, since the servers read it meanwhile.
        self._enforced |= frozenset(names)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the rules, and of their families."""
        return self._facts.ruleset.names

    def decide(self, stage: Stage, step: Step, context: RuleContext) -> Refusal | None:
        """The first refusal at a stage; None if a rule permits, or none objects.

        Args:
            stage: the stage of the command.
            step: the session so far; the rule that decides is recorded there.
            context: what rules can find out about the session.
        """
        published: bool | None = None
        for rule, permits, if_published in self._facts.ruleset.in_force(self._enforced)[stage]:
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
        """The memory of a rule, or of a class of rules, in this net.

        Args:
            owner: the rule, or the class.
            kind: makes the memory when it is first asked for.
        """
        found: T | None = self._memories.get(id(owner))
        if found is None:
            found = self._memories[id(owner)] = kind()
        return found

    @property
    def _rules(self) -> tuple[Rule, ...]:
        return self._facts.rules

    @property
    def _asked(self) -> Mapping[Stage, tuple[RuleInForce, ...]]:
        return self._facts.ruleset.in_force(self._enforced)

    def explain(self, session: Session) -> Iterator[str]:
        """Explain what each rule decided about each command of a session, line by line."""
        for exchange in session.exchanges:
            if exchange.stage is None or (exchange.stage not in DELIVERY and exchange.finding is None):
                continue
            command = exchange.request.split(b"\r\n", 1)[0].decode("utf-8", "backslashreplace")
            said = exchange.reply.decode("utf-8", "backslashreplace").rstrip("\r\n").splitlines()
            yield f"{_titled(exchange.stage, command)} -> {said[-1] if said else 'no reply'}"
            if exchange.finding is not None and exchange.finding.rule == OWN_ANSWER.rule:
                yield "    the test's own answer, which comes before the rules"
                if exchange.finding.why:
                    yield f"    {exchange.finding.why}"
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
    """Why a name turns no rule on, and which names do."""
    if not able:
        return "all its rules are on in a fresh net. Providers have more: mailnet.gmail.enforce('bulk')"
    return f"what it means is on in a fresh net. What turns something on: {', '.join(sorted(set(able)))}"


def check_rules(names: Iterable[str]) -> None:
    """Check the names in the setting `enforce`.

    Raises:
        InvalidSetting: for a name that no rule or family has; names the near misses.
    """
    known = {EVERYTHING, *RULES, *FAMILIES}
    for name in names:
        if name not in known:
            raise InvalidSetting(f"enforce: no rule {name!r}{amongst(name, known)}")


def _published(step: Step, dns: Resolver) -> bool:
    """Whether the test has published records that authenticate mail of the sender's domain."""
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
