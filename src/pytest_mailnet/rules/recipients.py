"""Whose mail a server takes: from its own networks, for its own users, and from users who have logged in.

These are the three ways by which servers bypass each other's authentication. `relaying_denied` stands
behind them and refuses what none of them permitted. A mailbox may be unknown, disabled, full or busy.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.mailboxes.addressing import split_address
from pytest_mailnet.mailboxes.mailbox import has_room_for, is_busy
from pytest_mailnet.rules.rule import PERMIT, Condition, Permit, Refusal, RefusingRule, Rule, RuleContext
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.mailboxes.mailbox import Mailbox
    from pytest_mailnet.smtp.state import Step

__all__ = [
    "AuthenticatedUser",
    "BusyMailbox",
    "DisabledMailbox",
    "FullMailbox",
    "LocalRecipient",
    "RelayingDenied",
    "TrustedNetwork",
    "UnknownMailbox",
]


class TrustedNetwork(Rule):
    """Permits all mail from the provider's own networks."""

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.RCPT})

    stage: Stage = Stage.RCPT

    def decide(self, step: Step, context: RuleContext) -> Permit | None:
        return PERMIT if context.trusts(step.client.ip) else None


class AuthenticatedUser(Rule):
    """Permits all mail of users who have logged in."""

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.RCPT})

    stage: Stage = Stage.RCPT

    def decide(self, step: Step, context: RuleContext) -> Permit | None:  # noqa: ARG002
        return PERMIT if step.authenticated_as is not None else None


class LocalRecipient(Rule):
    """Permits mail for the provider's own domains, from anybody."""

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.RCPT})

    stage: Stage = Stage.RCPT

    def decide(self, step: Step, context: RuleContext) -> Permit | None:
        return PERMIT if context.is_local(_domain(step)) else None


class RelayingDenied(RefusingRule):
    """Refuses every recipient that no rule before it has permitted."""

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.RCPT})

    stage: Stage = Stage.RCPT
    reply: Condition = "relay_denied"

    def decide(self, step: Step, context: RuleContext) -> Refusal:  # noqa: ARG002
        why = f"{_domain(step)} is not local, {step.client.ip} is not trusted, and nobody has logged in"
        return Refusal(self.reply, why)


class UnknownMailbox(RefusingRule):
    """Refuses recipients at the provider's own domains that have no mailbox there.

    After the dot it refuses a mail of which no recipient has one.

    """

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.RCPT, Stage.MESSAGE})

    stage: Stage = Stage.RCPT
    reply: Condition = "user_unknown"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        named = step.named_recipients
        for address in named:
            if not context.is_local(_domain_of(address)) or context.mailbox_of(address) is not None:
                return None
        return Refusal(self.reply, f"there is no mailbox {' or '.join(named)}", {"recipient": named[0]})


class _OfMailboxes(RefusingRule):
    """Refuses recipients for the state of their mailbox; after the dot, a mail with none in order."""

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.RCPT, Stage.MESSAGE})

    stage: Stage = Stage.RCPT

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        why = ""
        named = step.named_recipients
        for address in named:
            mailbox = context.mailbox_of(address)
            found = None if mailbox is None else self._objection(mailbox, step, context)
            if found is None:
                return None
            why = why or found
        return Refusal(self.reply, why, {"recipient": named[0]})

    @abstractmethod
    def _objection(self, mailbox: Mailbox, step: Step, context: RuleContext) -> str | None:
        """What is wrong with a mailbox."""


class DisabledMailbox(_OfMailboxes):
    """Refuses recipients whose mailbox is disabled: `mailbox.disabled = True`."""

    reply: Condition = "user_disabled"

    def _objection(self, mailbox: Mailbox, step: Step, context: RuleContext) -> str | None:  # noqa: ARG002
        return f"{mailbox.address} is disabled" if mailbox.disabled else None


class FullMailbox(_OfMailboxes):
    """Refuses recipients whose mailbox has no room for the mail: `mailbox.quota = 0`.

    At RCPT the mail is as large as SIZE said at MAIL (RFC 1870, 6), or of no size where it was not said.

    """

    reply: Condition = "mailbox_full"

    def _objection(self, mailbox: Mailbox, step: Step, context: RuleContext) -> str | None:  # noqa: ARG002
        size = (step.declared_size or 0) if step.content is None else len(step.content)
        if has_room_for(mailbox, size):
            return None
        return f"{mailbox.address} has a quota of {mailbox.quota} bytes, and {size} more do not fit"


class BusyMailbox(_OfMailboxes):
    """Refuses recipients that have reached their hourly limit: `mailbox.hourly_limit = 10`."""

    reply: Condition = "recipient_rate_limited"

    def _objection(self, mailbox: Mailbox, step: Step, context: RuleContext) -> str | None:  # noqa: ARG002
        if not is_busy(mailbox, context.clock.now()):
            return None
        return f"{mailbox.address} takes {mailbox.hourly_limit} messages an hour, and has had them"


def _domain(step: Step) -> str:
    return _domain_of(step.recipient or "")


def _domain_of(recipient: str) -> str:
    # `RCPT TO:<postmaster>` has no domain and means this server's own (RFC 5321, 4.5.1).
    return split_address(recipient)[1] if "@" in recipient else ""
