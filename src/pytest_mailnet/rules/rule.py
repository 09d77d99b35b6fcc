"""What a rule is, and what it may look at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, Protocol, TypeVar

from pytest_mailnet.handles.frozen_fields import FrozenFields
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.dns.resolver import Resolver
    from pytest_mailnet.mailboxes.account import Account
    from pytest_mailnet.mailboxes.mailbox import Mailbox
    from pytest_mailnet.senders.sender import Sender
    from pytest_mailnet.smtp.state import Step

__all__ = [
    "PERMIT",
    "ClientRule",
    "Condition",
    "Permit",
    "Refusal",
    "RefusingRule",
    "Rule",
    "RuleContext",
    "When",
]

T = TypeVar("T")

Condition = str
"""A field of a rule that names a reply of the phrasebook; "" for none."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


class Permit(Enum):
    """The type of `PERMIT`."""

    PERMIT = "permit"


PERMIT: Final = Permit.PERMIT
"""Yes, and no later rule of this stage is asked."""


class When(StrEnum):
    """When a rule is asked."""

    ALWAYS = "always"
    PUBLISHED = "published"  # once the test has published SPF, DKIM or DMARC for the sender's domain
    ASKED = "asked"  # once the test asks for it: `provider.enforce`, the setting `enforce`


class Refusal(NamedTuple):
    """The answer of a rule that refuses.

    Attributes:
        condition: which reply of the phrasebook.
        why: the context, for the test to read: "203.0.113.7 has no PTR record".
        details: values for variables of the reply that only the rule knows: "rbl", "header".
    """

    condition: Condition
    why: str
    details: Mapping[str, str] = _NOTHING


class RuleContext(Protocol):
    """What a provider can find out about a session, by the means that it has in life.

    Rules run in the engine's turn, one at a time; what they remember needs no lock.
    """

    @property
    def clock(self) -> Clock:
        """The net's."""
        ...

    @property
    def dns(self) -> Resolver:
        """The net's."""
        ...

    @property
    def dmarc_rfc(self) -> int:
        """By which edition of DMARC the provider goes: 9989, or 7489."""
        ...

    def is_local(self, domain: str, /) -> bool:
        """Whether the provider has the mailboxes of a domain."""
        ...

    def mailbox_of(self, address: str, /) -> Mailbox | None:
        """The mailbox that takes mail for an address; None if there is none."""
        ...

    def account_of(self, identity: str) -> Account | None:
        """The account of a user name: "alice", "alice@gmail.com"; None if there is none."""
        ...

    def trusts(self, ip: str) -> bool:
        """Whether an address lies in the provider's own networks."""
        ...

    def sender_at(self, ip: str, /) -> Sender | None:
        """The sender that has an address; None if the net has no such sender."""
        ...

    def memory(self, owner: object, kind: Callable[[], T]) -> T:
        """What a rule, or a class of rules, remembers in this net.

        Args:
            owner: the rule or the class.
            kind: makes the empty memory when it is first asked for.
        """
        ...


class Rule(FrozenFields, ABC):
    """One reason to say no, or to say yes at once. Its fields are the keys that a provider's file may set.

    Attributes:
        stages: the stages at which its evidence is there; a file that puts it elsewhere is refused.
        stage: the stage at which it is asked.
        when: whether it is on from the start.
    """

    stages: ClassVar[frozenset[Stage]]

    stage: Stage
    when: When = When.ALWAYS

    @abstractmethod
    def decide(self, step: Step, context: RuleContext) -> Refusal | Permit | None:
        """Decide on one command, or on one mail.

        Args:
            step: the session, and the command that is to be answered.
            context: what the provider can find out.

        Returns:
            A refusal, `PERMIT`, or None to leave the answer to the next rule.
        """


class RefusingRule(Rule):
    """A rule that refuses, with a reply of the provider's phrasebook.

    Attributes:
        reply: the condition to answer with.
    """

    reply: Condition = ""


class ClientRule(RefusingRule):
    """A rule about the client's address alone: judged once a session, and again when DNS has changed."""

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        asked = id(self), context.dns.version
        if asked not in step.known:
            step.known[asked] = self.judge(step.client.ip, context)
        judged: Refusal | None = step.known[asked]
        return judged

    @abstractmethod
    def judge(self, ip: str, context: RuleContext) -> Refusal | None:
        """Decide on a client's address.

        Args:
            ip: the address.
            context: what the provider can find out.

        Returns:
            A refusal, or None to leave the answer to the next rule.
        """
