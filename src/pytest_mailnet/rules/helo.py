"""The name that a client gives itself in EHLO or HELO (RFC 5321, 4.1.1.1 and 4.1.4)."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.rules.rule import Condition, Refusal, RefusingRule, RuleContext
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import Step

__all__ = ["HeloNoName", "HeloOwnName", "HeloUnresolvable"]

_STAGES = frozenset({Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.MESSAGE})
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)


class HeloNoName(RefusingRule):
    """Refuses clients that give neither a fully qualified name nor an address literal."""

    stages: ClassVar[frozenset[Stage]] = _STAGES

    stage: Stage = Stage.RCPT
    reply: Condition = "helo_not_fqdn"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        if _literal(step.helo) is not None or _is_qualified(step.helo):
            return None
        return Refusal(self.reply, f"{step.helo!r} is no fully qualified name and no address literal")


class HeloUnresolvable(RefusingRule):
    """Refuses clients whose name has neither an address nor an MX. A DNS that fails is no context."""

    stages: ClassVar[frozenset[Stage]] = _STAGES

    stage: Stage = Stage.RCPT
    reply: Condition = "helo_not_resolvable"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        if _literal(step.helo) is not None:
            return None
        for rdtype in ("A", "AAAA", "MX") if _is_name(step.helo) else ():
            answer = context.dns.lookup(step.helo, rdtype)
            if answer.values(rdtype) or answer.failed:
                return None
        return Refusal(self.reply, f"{step.helo} has no A, AAAA or MX record")


class HeloOwnName(RefusingRule):
    """Refuses clients that give the server's own name or address (bare or in brackets) as theirs."""

    stages: ClassVar[frozenset[Stage]] = _STAGES

    stage: Stage = Stage.RCPT
    reply: Condition = "helo_not_fqdn"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:  # noqa: ARG002
        name = step.helo.lower().rstrip(".")
        if name in (step.host, step.server.ip) or _literal(step.helo) == step.server.ip:
            return Refusal(self.reply, f"{step.helo} is this server itself")
        return None


def _literal(helo: str) -> str | None:
    """The address in "[203.0.113.7]" or "[IPv6:2001:db8::7]"."""
    if not (helo.startswith("[") and helo.endswith("]")):
        return None
    text = helo[1:-1]
    try:
        return str(ipaddress.ip_address(text[5:] if text.lower().startswith("ipv6:") else text))
    except ValueError:
        return None


def _is_name(helo: str) -> bool:
    name = helo.rstrip(".")
    return len(name) <= 253 and all(map(_LABEL.fullmatch, name.split(".")))


def _is_qualified(helo: str) -> bool:
    last = helo.rstrip(".").rpartition(".")
    return _is_name(helo) and bool(last[0]) and not last[2].isdigit()
