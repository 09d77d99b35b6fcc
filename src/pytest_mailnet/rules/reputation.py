"""What is known of the client's address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_mailnet.model import Reply, Stage
from pytest_mailnet.rules.rule import Evidence, Rule

if TYPE_CHECKING:
    from pytest_mailnet.step import Step

__all__ = ["DynamicAddress", "ThrottledAddress"]


@dataclass(frozen=True, kw_only=True)
class DynamicAddress(Rule):
    """Refuses mail from addresses of dial-up and residential ranges.

    Attributes:
        reply: the condition to answer with.
    """

    stage: Stage = Stage.MAIL
    reply: str = "dynamic_ip"

    def decide(self, step: Step, evidence: Evidence) -> Reply | None:
        sender = evidence.sender_at(step.client.ip)
        return evidence.phrase(self.reply) if sender is not None and sender.dynamic else None


@dataclass(frozen=True, kw_only=True)
class ThrottledAddress(Rule):
    """Defers mail from addresses that have sent too much of late.

    Attributes:
        reply: the condition to answer with.
    """

    stage: Stage = Stage.MESSAGE
    reply: str = "ip_rate_limited"

    def decide(self, step: Step, evidence: Evidence) -> Reply | None:
        sender = evidence.sender_at(step.client.ip)
        return evidence.phrase(self.reply) if sender is not None and sender.throttled else None
