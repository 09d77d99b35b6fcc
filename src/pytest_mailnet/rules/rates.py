"""How much an address or a domain may send in a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias, get_args

from pytest_mailnet.errors import InvalidSetting, amongst
from pytest_mailnet.rules.counting import Windows, network_of
from pytest_mailnet.rules.rule import Condition, Refusal, RefusingRule, RuleContext
from pytest_mailnet.smtp.headers import domain_of
from pytest_mailnet.values import DELIVERY, Stage

if TYPE_CHECKING:
    from pytest_mailnet.record.session import Session
    from pytest_mailnet.smtp.state import Step

__all__ = ["ConcurrentConnections", "RateLimit"]

_Whose: TypeAlias = Literal["address", "network", "user"]
_Who: TypeAlias = Literal["address", "network", "sender", "sender_domain", "user"]
_HOUR = 3600


class RateLimit(RefusingRule):
    """Defers a client that sends too much, and refuses it if it goes on.

    It counts connections at CONNECT, log-ins at AUTH, recipients at RCPT, and mails at the other stages.
    Refused ones count too.

    Attributes:
        per: who is counted: "address" or "network" (/24 or /64) of the client, "sender" (the reverse-path),
            "sender_domain" (of the reverse-path), "user" (who logs in, or has).
        limit: how many are taken in a window.
        window: in seconds of the net's clock; it begins with the first that is counted.
        hard_limit: beyond how many the answer is `hard_reply`; 0 for never.
        hard_reply: the condition to answer with then.
    """

    stages: ClassVar[frozenset[Stage]] = frozenset(DELIVERY) - {Stage.EHLO, Stage.STARTTLS}

    stage: Stage = Stage.MAIL
    per: _Who = "address"
    limit: int
    window: int = _HOUR
    reply: Condition = "ip_rate_limited"
    hard_limit: int = 0
    hard_reply: Condition = ""

    def __post_init__(self) -> None:
        if self.per not in get_args(_Who):
            raise InvalidSetting(f"per: {self.per!r}{amongst(self.per, get_args(_Who))}")
        if self.stage is Stage.CONNECT and self.per.startswith("sender"):
            raise InvalidSetting(
                f"per: {self.per!r} is not known at CONNECT; count by 'address' or 'network'"
            )
        if bool(self.hard_limit) != bool(self.hard_reply):
            raise InvalidSetting("hard_limit and hard_reply go together; one of them is missing")

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        who = _who(self.per, step)
        if not who:
            return None
        windows = context.memory(self, lambda: Windows(self.window))
        count = windows.count(who, context.clock.time())
        if count <= self.limit:
            return None
        hard = self.hard_limit and count > self.hard_limit
        why = f"number {count} from {who} within {self.window} s, where {self.limit} are taken"
        details = {"count": str(count), "limit": str(self.limit), "range": network_of(step.client.ip)}
        return Refusal(self.hard_reply if hard else self.reply, why, details)


class ConcurrentConnections(RefusingRule):
    """Defers a client that has too many connections at once. Only those that reached the stage count.

    Attributes:
        per: who is counted: "address" or "network" of the client, "user" (who has logged in).
        limit: how many are taken.
    """

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.CONNECT, Stage.EHLO, Stage.MAIL, Stage.MESSAGE})

    stage: Stage = Stage.CONNECT
    per: _Whose = "address"
    limit: int
    reply: Condition = "too_many_connections"

    def __post_init__(self) -> None:
        if self.per not in get_args(_Whose):
            raise InvalidSetting(f"per: {self.per!r}{amongst(self.per, get_args(_Whose))}")

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        who = _who(self.per, step)
        known: dict[str, list[Session]] = context.memory(self, dict)
        kept = [it for it in known.pop(who, []) if it.open and it is not step.session]
        known[who] = [*kept, step.session]
        for other in [it for it, sessions in known.items() if not any(each.open for each in sessions)]:
            del known[other]
        if len(kept) < self.limit:
            return None
        why = f"{who} has {len(kept) + 1} connections at once, where {self.limit} are taken"
        return Refusal(self.reply, why, {"count": str(len(kept) + 1), "limit": str(self.limit)})


def _who(per: str, step: Step) -> str:
    match per:
        case "address":
            return step.client.ip
        case "network":
            return network_of(step.client.ip)
        case "sender":
            return step.reverse_path or ""
        case "user":
            return step.authenticated_as or (step.credentials.identity.lower() if step.credentials else "")
        case _:
            return domain_of(step.reverse_path or "")
