"""What servers take from the null sender, whose mails are bounces (RFC 5321, 4.5.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.rules.counting import Windows
from pytest_mailnet.rules.rule import Condition, Refusal, RefusingRule, RuleContext
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import Step

__all__ = ["BounceRate", "BounceToMany"]


class BounceToMany(RefusingRule):
    """Refuses a further recipient of a mail from the null sender: a bounce has one."""

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.RCPT, Stage.DATA, Stage.MESSAGE})

    stage: Stage = Stage.RCPT
    reply: Condition = "bounce_multi_recipient"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        several = len(step.recipients) > 1 or (step.recipient is not None and bool(step.recipients))
        if step.reverse_path or not several:
            return None
        return Refusal(self.reply, "a bounce, from the null sender, to more than one recipient")


class BounceRate(RefusingRule):
    """Defers an address that sends too many bounces: backscatter.

    Attributes:
        limit: how many mails from the null sender an address may send in a window.
        window: in seconds of the net's clock.
    """

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.MAIL, Stage.RCPT, Stage.MESSAGE})

    stage: Stage = Stage.MAIL
    limit: int
    window: int = 3600
    reply: Condition = "ip_rate_limited"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        if step.reverse_path:
            return None
        windows = context.memory(self, lambda: Windows(self.window))
        count = windows.count(step.client.ip, context.clock.time())
        if count <= self.limit:
            return None
        why = f"bounce {count} from {step.client.ip} within {self.window} s, where {self.limit} are taken"
        return Refusal(self.reply, why, {"count": str(count), "limit": str(self.limit)})
