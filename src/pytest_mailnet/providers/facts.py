"""What is known of a provider, as its file tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_mailnet.providers.phrasebook import Phrase
from pytest_mailnet.rules import Rule
from pytest_mailnet.rules.recipients import AuthenticatedUser, LocalRecipient, RelayingDenied, TrustedNetwork

__all__ = ["Facts", "plain_facts"]


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What is known of a provider, as its file tells it.

    Attributes:
        name: how tests call it.
        title: how people call it.
        aliases: further names: tests may call Outlook.com "hotmail" or "outlook".
        domains: where its users' addresses end.
        ports: what its MX hosts listen on.
        queue_id: the form of its queue ids: '#' a digit, '@' a letter, '%' a hexadecimal digit.
        zone: its DNS records in master-file form (RFC 1035, 5); MX hosts without an A record get
            one of the net's addresses.
        customer: the records of a domain that somebody else has on it, in the same form, with {domain}
            for that domain and {label} for the same with dashes; "" where it takes none.
        extensions: the lines of its EHLO reply after the first.
        rules: what it decides by, in order.
        phrases: its replies, by name.
        shared_from: another provider whose replies it has, "" for none.
        shared: which of them, by name; empty for all.
    """

    name: str
    title: str
    domains: tuple[str, ...]
    ports: tuple[int, ...]
    queue_id: str
    zone: str
    extensions: tuple[str, ...]
    rules: tuple[Rule, ...]
    phrases: Mapping[str, Phrase]
    aliases: tuple[str, ...] = ()
    customer: str = ""
    shared_from: str = ""
    shared: tuple[str, ...] = ()


def plain_facts(name: str, domains: tuple[str, ...], ports: tuple[int, ...]) -> Facts:
    """What there is to know of a mail server of the test's own, which says what RFC 5321 has for it."""
    return Facts(
        name=name,
        title=name,
        domains=domains,
        ports=ports,
        queue_id="%" * 12,
        zone="",
        extensions=("SIZE 35651584", "8BITMIME", "ENHANCEDSTATUSCODES", "PIPELINING", "SMTPUTF8"),
        rules=(TrustedNetwork(), LocalRecipient(), AuthenticatedUser(), RelayingDenied()),
        phrases={},
        customer="{domain}. 3600 IN MX 10 " + name + ".",
    )
