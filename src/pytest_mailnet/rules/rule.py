"""What a rule is, and what it may look at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final, Protocol

from pytest_mailnet.model import Reply, Stage

if TYPE_CHECKING:
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.mailbox import Mailbox
    from pytest_mailnet.resolver import Dns
    from pytest_mailnet.sender import Sender
    from pytest_mailnet.step import Step

__all__ = ["PERMIT", "Evidence", "Permit", "Rule"]


class Permit(Enum):
    """The type of `PERMIT`."""

    PERMIT = "permit"


PERMIT: Final = Permit.PERMIT
"""Yes, and no later rule of this stage is asked."""


class Evidence(Protocol):
    """What a provider can find out about a session, by the means that it has in life."""

    clock: Clock
    dns: Dns

    def phrase(self, condition: str) -> Reply:
        """The phrasebook's reply for a condition."""

    def is_local(self, domain: str) -> bool:
        """Whether the provider is where that domain's mail ends."""

    def mailbox_of(self, address: str) -> Mailbox | None:
        """The mailbox that mail for an address is laid in."""

    def trusts(self, ip: str) -> bool:
        """Whether an address lies in the provider's own networks."""

    def sender_at(self, ip: str) -> Sender | None:
        """What the world knows of an address."""


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """One reason to say no, or to say yes at once.

    Attributes:
        stage: when it is asked.
    """

    stage: Stage

    @abstractmethod
    def decide(self, step: Step, evidence: Evidence) -> Reply | Permit | None:
        """A reply to give, `PERMIT`, or None to leave it to the next rule."""
