"""Replies that come late."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.rules.rule import Rule, RuleContext, When
from pytest_mailnet.values import DELIVERY, Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import Step

__all__ = ["Tarpit"]


class Tarpit(Rule):
    """Delays the reply to a client by moving the net's clock on; no real time passes.

    Attributes:
        seconds: the length of the delay.
        errors: how many refusals (5yz) in the session a client must have had to be delayed; 0 for all.
    """

    stages: ClassVar[frozenset[Stage]] = frozenset(DELIVERY)

    stage: Stage = Stage.RCPT
    when: When = When.ASKED
    seconds: int = 5
    errors: int = 0

    def decide(self, step: Step, context: RuleContext) -> None:
        if step.errors >= self.errors and self.seconds:
            context.clock.advance(seconds=self.seconds)
