"""What the address of a client resolves back to."""

from __future__ import annotations

import functools
import ipaddress
import re
from typing import TYPE_CHECKING, ClassVar

from pytest_mailnet.dns.records import plain_name
from pytest_mailnet.rules.rule import ClientRule, Condition, Refusal, RuleContext
from pytest_mailnet.values import DELIVERY, Stage

if TYPE_CHECKING:
    from pytest_mailnet.dns.answers import DnsAnswer

__all__ = ["GenericPtr", "NoPtr", "UnconfirmedPtr", "looks_generic", "reverse_names"]

_GENERIC = (
    r"(^|[.\d_-])"
    r"(adsl|cable|dhcp|dial|dialin|dialup|dsl|dyn|dynamic|dynip|ftth|pool|ppp|pppoe|residential|vdsl)"
    r"([.\d_-]|$)"
)


class NoPtr(ClientRule):
    """Refuses clients whose address has no reverse name. A DNS that fails is no context."""

    stages: ClassVar[frozenset[Stage]] = frozenset(DELIVERY)

    stage: Stage = Stage.MESSAGE
    reply: Condition = "no_ptr"

    def judge(self, ip: str, context: RuleContext) -> Refusal | None:
        return _without_ptr(ip, _pointer(ip, context), self.reply)


class UnconfirmedPtr(ClientRule):
    """Refuses clients whose reverse name does not resolve back to their address (FCrDNS, RFC 8499, 7).

    Those without one are refused too. A DNS that fails is no context.

    """

    stages: ClassVar[frozenset[Stage]] = frozenset(DELIVERY)

    stage: Stage = Stage.MESSAGE
    reply: Condition = "no_ptr"

    def judge(self, ip: str, context: RuleContext) -> Refusal | None:
        rdtype = "AAAA" if ":" in ip else "A"
        pointer = _pointer(ip, context)
        names = _names_in(pointer)
        if not names:
            return _without_ptr(ip, pointer, self.reply)
        for name in names:
            answer = context.dns.lookup(name, rdtype)
            if answer.failed or ip in answer.values(rdtype):
                return None
        return Refusal(self.reply, f"{' and '.join(names)}, the PTR of {ip}, has no {rdtype} record with it")


class GenericPtr(ClientRule):
    """Refuses clients whose reverse name looks like those that access providers give to all addresses."""

    stages: ClassVar[frozenset[Stage]] = frozenset(DELIVERY)

    stage: Stage = Stage.MAIL
    reply: Condition = "dynamic_ip"

    def judge(self, ip: str, context: RuleContext) -> Refusal | None:
        for name in reverse_names(ip, context):
            if looks_generic(name, ip):
                return Refusal(self.reply, f"{name}, the PTR of {ip}, is that of an access line")
        return None


def reverse_names(ip: str, context: RuleContext) -> list[str]:
    """The names that an address resolves back to.

    Args:
        ip: the address.
        context: has the DNS to ask.
    """
    return _names_in(_pointer(ip, context))


def looks_generic(name: str, ip: str) -> bool:
    """Whether a reverse name contains its address, or a word for an access line such as "dsl".

    Args:
        name: the reverse name.
        ip: its address.
    """
    # What stands before the registered domain: a firm may be called "cable".
    host = ".".join(name.lower().split(".")[:-2])
    if re.search(_GENERIC, host):
        return True
    if ":" in ip:
        return ipaddress.ip_address(ip).exploded.replace(":", "") in re.sub(r"[^0-9a-f]", "", host)
    octets = ip.split(".")
    numbers = [number.lstrip("0") or "0" for number in re.findall(r"\d+", host)]
    if "".join(octet.zfill(3) for octet in octets) in host:
        return True
    ends = range(len(octets), len(numbers) + 1)
    return any(numbers[end - len(octets) : end] in (octets, octets[::-1]) for end in ends)


def _pointer(ip: str, context: RuleContext) -> DnsAnswer:
    return context.dns.lookup(_pointer_name(ip), "PTR")


@functools.lru_cache(maxsize=256)
def _pointer_name(ip: str) -> str:
    return ipaddress.ip_address(ip).reverse_pointer


def _names_in(pointer: DnsAnswer) -> list[str]:
    return [plain_name(name) for name in pointer.values("PTR")]


def _without_ptr(ip: str, pointer: DnsAnswer, reply: Condition) -> Refusal | None:
    return None if pointer.failed or pointer.values("PTR") else Refusal(reply, f"{ip} has no PTR record")
