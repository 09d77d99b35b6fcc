"""Whether mail can be sent back to the domain of the reverse-path."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.rules.rule import Condition, Refusal, RefusingRule, RuleContext
from pytest_mailnet.smtp.headers import domain_of
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import Step

__all__ = [
    "SenderDomainNotFound",
    "SenderDomainNullMx",
    "SenderDomainTemperror",
    "SenderDomainUnreachable",
    "SenderDomainWithoutSoa",
    "SenderNotQualified",
]

_STAGES = frozenset({Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.MESSAGE})


class _OfSenderDomain(RefusingRule):
    stages: ClassVar[frozenset[Stage]] = _STAGES

    stage: Stage = Stage.RCPT

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        domain = domain_of(step.reverse_path or "")
        why = self._objection(domain, context) if domain and not domain.startswith("[") else None
        return None if why is None else Refusal(self.reply, why, {"domain": domain})

    @abstractmethod
    def _objection(self, domain: str, context: RuleContext) -> str | None:
        """What is wrong with a domain."""


class SenderNotQualified(_OfSenderDomain):
    """Refuses reverse-paths whose domain is not fully qualified: bob@localhost."""

    reply: Condition = "sender_not_fqdn"

    def _objection(self, domain: str, context: RuleContext) -> str | None:  # noqa: ARG002
        return None if "." in domain else f"{domain} is not fully qualified"


class SenderDomainNotFound(_OfSenderDomain):
    """Refuses reverse-paths whose domain does not exist. A DNS that fails is no context."""

    reply: Condition = "sender_domain_not_found"

    def _objection(self, domain: str, context: RuleContext) -> str | None:
        rcode = context.dns.lookup(domain, "MX").rcode
        return f"{domain} does not exist, NXDOMAIN" if rcode == "NXDOMAIN" else None


class SenderDomainTemperror(_OfSenderDomain):
    """Refuses reverse-paths whose domain cannot be looked up for now: `mailnet.dns.fail(…, "SERVFAIL")`.

    The reply should be one that defers.
    """

    def _objection(self, domain: str, context: RuleContext) -> str | None:
        for rdtype in ("MX", "A", "AAAA"):
            answer = context.dns.lookup(domain, rdtype)
            if answer.failed:
                return f"{domain} cannot be looked up, {rdtype} is answered with {answer.rcode}"
            if answer.values(rdtype):
                return None
        return None


class SenderDomainUnreachable(_OfSenderDomain):
    """Refuses reverse-paths whose domain has neither MX nor address (RFC 5321, 5.1), or does not exist."""

    reply: Condition = "sender_domain_not_found"

    def _objection(self, domain: str, context: RuleContext) -> str | None:
        for rdtype in ("MX", "A", "AAAA"):
            answer = context.dns.lookup(domain, rdtype)
            if answer.values(rdtype) or answer.failed:
                return None
        return f"{domain} has no MX, A or AAAA record"


class SenderDomainWithoutSoa(RefusingRule):
    """Refuses mail whose domains do not exist, as a query for their SOA has it (RFC 1035, 3.3.13).

    They are the domain of the reverse-path and, after the dot, those of the addresses in From. A domain
    without MX or address exists all the same. A DNS that fails is no context.
    """

    stages: ClassVar[frozenset[Stage]] = _STAGES

    stage: Stage = Stage.MESSAGE
    reply: Condition = "sender_domain_not_found"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        domains = {domain_of(step.reverse_path or "")}
        if step.content is not None:
            domains |= step.author_domains
        for domain in sorted(domains):
            if not domain or domain.startswith("["):
                continue
            if context.dns.lookup(domain, "SOA").rcode == "NXDOMAIN":
                return Refusal(self.reply, f"{domain} does not exist, NXDOMAIN", {"domain": domain})
        return None


class SenderDomainNullMx(_OfSenderDomain):
    """Refuses reverse-paths whose domain has a null MX, which says that it takes no mail (RFC 7505, 4.2)."""

    reply: Condition = "sender_domain_null_mx"

    def _objection(self, domain: str, context: RuleContext) -> str | None:
        hosts = [value.split()[-1] for value in context.dns.lookup(domain, "MX").values("MX")]
        return f"{domain} has a null MX" if hosts == ["."] else None
