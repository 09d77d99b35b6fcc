"""How much one session may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.rules.rule import Condition, Refusal, RefusingRule, RuleContext
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import Step

__all__ = ["TooManyErrors", "TooManyMessages", "TooManyRecipients"]


class TooManyRecipients(RefusingRule):
    """Defers further recipients of a mail (RFC 5321, 4.5.3.1.10); the client sends them another time.

    Attributes:
        limit: how many a mail may have; RFC 5321, 4.5.3.1.8 wants 100 or more.
    """

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.RCPT})

    stage: Stage = Stage.RCPT
    limit: int
    reply: Condition = "too_many_recipients"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        if len(step.recipients) < self.limit:
            return None
        why = f"the mail has {len(step.recipients)} recipients, and {self.limit} are taken"
        return Refusal(self.reply, why, {"count": str(len(step.recipients)), "limit": str(self.limit)})


class TooManyMessages(RefusingRule):
    """Ends a connection that has carried its full number of messages.

    Attributes:
        limit: how many messages a connection may carry.
    """

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.MAIL})

    stage: Stage = Stage.MAIL
    limit: int
    reply: Condition = "max_messages_per_connection"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        if step.messages < self.limit:
            return None
        why = f"{step.messages} messages have come over this connection, and {self.limit} are taken"
        return Refusal(self.reply, why, {"limit": str(self.limit)})


class TooManyErrors(RefusingRule):
    """Ends a session after too many refused commands, as servers do against address harvesting.

    Attributes:
        limit: how many commands may be refused for good (5yz) before the session ends.
    """

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA})

    stage: Stage = Stage.RCPT
    limit: int
    reply: Condition = "too_many_errors"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        if step.errors < self.limit:
            return None
        return Refusal(self.reply, f"{step.errors} commands were refused, and {self.limit} are borne with")
