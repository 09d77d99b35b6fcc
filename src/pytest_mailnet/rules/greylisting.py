"""Deferring the first mail of unknown senders (RFC 6647)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.rules.counting import network_of
from pytest_mailnet.rules.rule import Condition, Refusal, RefusingRule, RuleContext, When
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import Step

__all__ = ["Greylisting"]

_Triplet = tuple[str, str, str]


@dataclass(slots=True)
class _Triplets:
    """When triplets were first tried, and when the known ones came last; oldest first in both."""

    tried: dict[_Triplet, float] = field(default_factory=dict)
    known: dict[_Triplet, float] = field(default_factory=dict)

    def forget(self, now: float, window: float, lifetime: float) -> None:
        """Drop those whose time is over."""
        for times, longest in ((self.tried, window), (self.known, lifetime)):
            while times and times[oldest := next(iter(times))] + longest <= now:
                del times[oldest]


class Greylisting(RefusingRule):
    """Defers a recipient at the first try from an address, by a sender; a real mail server tries again.

    Attributes:
        delay: seconds before which a further try is deferred too.
        window: seconds within which it has to come; later it is a first try again.
        lifetime: seconds for which the three are then known; each mail begins them anew.
        network: whether the addresses of a network (/24, /64) are taken as one.
    """

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.RCPT})

    stage: Stage = Stage.RCPT
    when: When = When.ASKED
    delay: int = 300
    window: int = 4 * 3600
    lifetime: int = 36 * 86400
    network: bool = True
    reply: Condition = "greylisted"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        now = context.clock.time()
        triplets = context.memory(self, _Triplets)
        triplets.forget(now, self.window, self.lifetime)
        client = network_of(step.client.ip) if self.network else step.client.ip
        triplet = client, step.reverse_path or "", step.recipient or ""
        since = triplets.tried.get(triplet)
        if triplets.known.pop(triplet, None) is None:
            if since is None:
                triplets.tried[triplet] = now
                return self._deferral(f"the first from {client} by <{triplet[1]}> to <{triplet[2]}>")
            if now - since < self.delay:
                return self._deferral(f"tried again after {now - since:.0f} s, and not after {self.delay} s")
            del triplets.tried[triplet]
        triplets.known[triplet] = now
        return None

    def _deferral(self, why: str) -> Refusal:
        return Refusal(self.reply, why, {"seconds": str(self.delay)})
