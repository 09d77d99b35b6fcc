"""What is known of the client's address."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

from pytest_mailnet.dns.blocklists import reversed_name
from pytest_mailnet.errors import InvalidSetting, amongst
from pytest_mailnet.rules.reverse_dns import looks_generic, reverse_names
from pytest_mailnet.rules.rule import Condition, Refusal, RefusingRule, RuleContext
from pytest_mailnet.values import DELIVERY, Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import Step

__all__ = ["DynamicAddress", "LowReputation", "ThrottledAddress"]

_PBL = ("pbl.spamhaus.org", "zen.spamhaus.org")
_PBL_CODES = ("127.0.0.10", "127.0.0.11")
_Reputation: TypeAlias = Literal["poor", "bad"]


class DynamicAddress(RefusingRule):
    """Refuses mail from addresses of dial-up and residential ranges.

    They are told by what the test says of its sender, by their reverse name, or by the PBL of Spamhaus.

    """

    stages: ClassVar[frozenset[Stage]] = frozenset(DELIVERY)

    stage: Stage = Stage.MAIL
    reply: Condition = "dynamic_ip"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        ip = step.client.ip
        sender = context.sender_at(ip)
        if sender is not None and sender.dynamic:
            return Refusal(self.reply, f"{ip} is a dynamic address")
        for name in reverse_names(ip, context):
            if looks_generic(name, ip):
                return Refusal(self.reply, f"{name}, the PTR of {ip}, is that of an access line")
        for zone in _PBL:
            for code in context.dns.lookup(reversed_name(ip, zone), "A").values("A"):
                if code in _PBL_CODES:
                    return Refusal(self.reply, f"{ip} is listed in {zone}: {code}")
        return None


class LowReputation(RefusingRule):
    """Refuses mail from addresses of low reputation: `mailnet.sender.reputation = "poor"`.

    Attributes:
        is_as: the reputation that it refuses: "poor", "bad".
    """

    stages: ClassVar[frozenset[Stage]] = frozenset(DELIVERY)

    stage: Stage = Stage.MESSAGE
    is_as: _Reputation
    reply: Condition = "ip_reputation_low"

    def __post_init__(self) -> None:
        if self.is_as not in get_args(_Reputation):
            raise InvalidSetting(f"is_as: {self.is_as!r}{amongst(self.is_as, get_args(_Reputation))}")

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        sender = context.sender_at(step.client.ip)
        if sender is None or sender.reputation != self.is_as:
            return None
        return Refusal(self.reply, f"{step.client.ip} has a {self.is_as} reputation")


class ThrottledAddress(RefusingRule):
    """Defers mail from addresses that have sent too much of late."""

    stages: ClassVar[frozenset[Stage]] = frozenset(DELIVERY)

    stage: Stage = Stage.MESSAGE
    reply: Condition = "ip_rate_limited"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        sender = context.sender_at(step.client.ip)
        if sender is None or not sender.throttled:
            return None
        return Refusal(self.reply, f"{step.client.ip} has sent too much of late")
