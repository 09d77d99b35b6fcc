"""Lists of addresses and domains in DNS (RFC 5782)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.dns.blocklists import meaning_of, reversed_name
from pytest_mailnet.rules.rule import ClientRule, Condition, Refusal, RefusingRule, RuleContext
from pytest_mailnet.smtp.headers import domain_of
from pytest_mailnet.values import DELIVERY, Stage

if TYPE_CHECKING:
    from pytest_mailnet.smtp.state import Step

__all__ = ["ListedAddress", "ListedSenderDomain"]


class ListedAddress(ClientRule):
    """Refuses clients whose address stands in a list. It asks the net's DNS, as the application can.

    The reply can tell {rbl}, and {rbl_reason} from the TXT record.

    Attributes:
        zone: the list: "zen.spamhaus.org".
        codes: which of its answers count; without any all do, as for servers that only ask whether there
            is an answer. Those take Spamhaus's error codes, 127.255.255.x, for listings of everybody, which
            happens in life: `mailnet.dns.add("*.zen.spamhaus.org", "A", "127.255.255.254")`.
    """

    stages: ClassVar[frozenset[Stage]] = frozenset(DELIVERY)

    stage: Stage = Stage.RCPT
    zone: str
    codes: tuple[str, ...] = ()
    reply: Condition = "ip_in_dnsbl"

    def judge(self, ip: str, context: RuleContext) -> Refusal | None:
        return _listed(reversed_name(ip, self.zone), ip, self, context)


class ListedSenderDomain(RefusingRule):
    """Refuses mail from a domain that stands in a list, by its reverse-path, or EHLO name for bounces.

    The reply can tell {rbl}, {rbl_reason} and {domain}.

    Attributes:
        zone: the list: "dbl.spamhaus.org".
        codes: which of its answers count; without any all do.
    """

    stages: ClassVar[frozenset[Stage]] = frozenset({Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.MESSAGE})

    stage: Stage = Stage.RCPT
    zone: str
    codes: tuple[str, ...] = ()
    reply: Condition = "sender_domain_in_dbl"

    def decide(self, step: Step, context: RuleContext) -> Refusal | None:
        domain = domain_of(step.reverse_path or "") or step.helo
        if not domain or domain.startswith("["):
            return None
        return _listed(f"{domain}.{self.zone}", domain, self, context)


def _listed(
    name: str, what: str, rule: ListedAddress | ListedSenderDomain, context: RuleContext
) -> Refusal | None:
    codes = [
        code for code in context.dns.lookup(name, "A").values("A") if not rule.codes or code in rule.codes
    ]
    if not codes:
        return None
    reason = " ".join(context.dns.lookup(name, "TXT").values("TXT"))
    details = {"rbl": rule.zone, "rbl_reason": reason, "domain": what}
    found = ", ".join(map(functools.partial(_told, rule.zone), codes))
    return Refusal(rule.reply, f"{rule.zone} answers for {what}: {found}", details)


def _told(zone: str, code: str) -> str:
    meaning = meaning_of(zone, code)
    return f"{code} ({meaning})" if meaning else code
