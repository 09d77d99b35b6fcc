"""What is known of the client's address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.model import Stage
from pytest_mailnet.rules.rule import Condition, Evidence, Refusal, Rule

if TYPE_CHECKING:
    from pytest_mailnet.step import Step

__all__ = ["DynamicAddress", "ThrottledAddress"]


@dataclass(frozen=True, kw_only=True)
class DynamicAddress(Rule):
    """Refuses mail from addresses of dial-up and residential ranges.

    Attributes:
        reply: the condition to answer with.
    """

    stages: ClassVar = frozenset(Stage)

    stage: Stage = Stage.MAIL
    reply: Condition = "dynamic_ip"

    def decide(self, step: Step, evidence: Evidence) -> Refusal | None:
        sender = evidence.sender_at(step.client.ip)
        if sender is None or not sender.dynamic:
            return None
        return Refusal(self.reply, f"{step.client.ip} is a dynamic address")


@dataclass(frozen=True, kw_only=True)
class ThrottledAddress(Rule):
    """Defers mail from addresses that have sent too much of late.

    Attributes:
        reply: the condition to answer with.
    """

    stages: ClassVar = frozenset(Stage)

    stage: Stage = Stage.MESSAGE
    reply: Condition = "ip_rate_limited"

    def decide(self, step: Step, evidence: Evidence) -> Refusal | None:
        sender = evidence.sender_at(step.client.ip)
        if sender is None or not sender.throttled:
            return None
        return Refusal(self.reply, f"{step.client.ip} has sent too much of late")
