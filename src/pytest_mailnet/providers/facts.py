"""The facts about a provider that its file holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_mailnet.handles.frozen_fields import FrozenFields
from pytest_mailnet.mailboxes.addressing import LITERAL, Addressing
from pytest_mailnet.providers.phrasebook import Phrase
from pytest_mailnet.providers.ruleset import Ruleset
from pytest_mailnet.providers.wording import STOCK, Wording
from pytest_mailnet.smtp.manners import USUAL, Manners

if TYPE_CHECKING:
    from pytest_mailnet.rules import Rule

__all__ = ["UNSEALED", "ArcSeal", "Facts", "Submission", "plain_facts"]


class ArcSeal(FrozenFields):
    """With which key a provider seals the mail that its mailboxes forward (RFC 8617).

    Attributes:
        domain: the domain that answers for it, d=; "" for a provider that does not seal.
        selector: the name of the key, s=.
    """

    domain: str
    selector: str


UNSEALED = ArcSeal(domain="", selector="")
"""That of a provider that does not seal."""


class Submission(FrozenFields):
    """The facts about a provider's submission servers, to which its users hand their mail (RFC 6409).

    Attributes:
        name: what messages call them: "gmail.submission".
        hosts: their names.
        ports: the ports that they listen on.
        tls_ports: those of them that are for TLS from the first byte on; None for 465 and 2465.
        extensions: the lines of their EHLO replies after the first, both those before TLS and those after.
        ruleset: their rules.
        phrases: the provider's replies, by name; those for submission go before its MX hosts'.
        auth_before_tls: whether they take log-ins in the clear.
        challenges_tokens: whether they explain a refused token in a challenge first.
        also: other providers whose users log in here too.
        original_from: the header field that keeps the original author where the server replaces a From that
            is not the user's; "" for a server that leaves From as it is.
    """

    name: str
    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    extensions: tuple[str, ...]
    ruleset: Ruleset
    phrases: Mapping[str, Phrase]
    auth_before_tls: bool = False
    challenges_tokens: bool = True
    also: tuple[str, ...] = ()
    original_from: str = ""
    tls_ports: tuple[int, ...] | None = None

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in the order in which they decide."""
        return self.ruleset.rules


class Facts(FrozenFields):
    """The facts about a provider that its file holds.

    Attributes:
        name: the name by which tests ask for it.
        title: the name that people know.
        aliases: further names for tests: Outlook.com is "hotmail" or "outlook".
        domains: the domains of its users' addresses.
        ports: the ports that its MX hosts listen on.
        tls_ports: those of them that are for TLS from the first byte on; None for 465 and 2465.
        queue_id: the form of its queue ids: '#' a digit, '@' a letter, '%' a hexadecimal digit.
        zone: its DNS records in master-file form (RFC 1035, 5); MX hosts without an A record get
            one of the net's addresses.
        customer: the DNS records of a customer's domain, in the same form, with {domain} for the domain and
            {label} for the domain with dashes in place of dots; "" if it takes no customers' domains.
        extensions: the lines of its EHLO reply after the first.
        ruleset: the rules of its MX hosts.
        phrases: its replies, by name.
        shared_from: another provider whose replies it uses, too; "" for none.
        shared: the names of these replies; empty for all.
        submission: the facts about its submission servers; None if they are not known, or are its MX hosts.
        auth_before_tls: whether its MX hosts take log-ins in the clear.
        wording: the words of its bounces.
        suppresses: whether it keeps a list of recipients to whom it sends no more.
        dmarc_rfc: by which edition of DMARC it goes: 9989, or 7489.
        addressing: what it makes of tags and dots in addresses.
        arc: with which key it seals what its mailboxes forward.
        catch_all: whether every recipient in its domains has a mailbox.
        handled: whether a handler decides in its place, about mailboxes too.
        manners: how its servers hold their conversations.
        era: the name of today's facts as an era, "3.9"; "" for none.
        like: the provider whose facts of today the file of this era changes; "" for none.
    """

    name: str
    title: str
    domains: tuple[str, ...]
    ports: tuple[int, ...]
    queue_id: str
    zone: str
    extensions: tuple[str, ...]
    ruleset: Ruleset
    phrases: Mapping[str, Phrase]
    aliases: tuple[str, ...] = ()
    customer: str = ""
    shared_from: str = ""
    shared: tuple[str, ...] = ()
    submission: Submission | None = None
    auth_before_tls: bool = False
    tls_ports: tuple[int, ...] | None = None
    wording: Wording = STOCK
    suppresses: bool = False
    dmarc_rfc: int = 9989
    addressing: Addressing = LITERAL
    arc: ArcSeal = UNSEALED
    catch_all: bool = False
    handled: bool = False
    manners: Manners = USUAL
    era: str = ""
    like: str = ""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, in the order in which they decide."""
        return self.ruleset.rules


def plain_facts(
    name: str,
    domains: tuple[str, ...],
    ports: tuple[int, ...],
    tls_ports: tuple[int, ...] | None,
    *,
    handled: bool = False,
) -> Facts:
    """The facts about a test's own mail server, which answers in the words of RFC 5321.

    Args:
        name: its host name.
        domains: the domains whose mail it takes.
        ports: the ports that it listens on.
        tls_ports: those of them that are for TLS from the first byte on; None for 465 and 2465.
        handled: whether a handler decides in its place.
    """
    return Facts(
        name=name,
        title=name,
        domains=domains,
        ports=ports,
        tls_ports=tls_ports,
        queue_id="%" * 12,
        zone="",
        extensions=_PLAIN_EXTENSIONS,
        ruleset=_NO_RULES if handled else _PLAIN_RULES,
        phrases={},
        customer="{domain}. 3600 IN MX 10 " + name + ".",
        catch_all=not handled,
        handled=handled,
    )


_PLAIN_EXTENSIONS = (
    "SIZE 35651584",
    "8BITMIME",
    "STARTTLS",
    "AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER",
    "ENHANCEDSTATUSCODES",
    "PIPELINING",
    "DSN",
    "CHUNKING",
    "BINARYMIME",
    "SMTPUTF8",
)


def _plain_rules() -> tuple[Rule, ...]:
    from pytest_mailnet.rules.recipients import (  # noqa: PLC0415
        AuthenticatedUser,
        LocalRecipient,
        RelayingDenied,
        TrustedNetwork,
    )
    from pytest_mailnet.rules.submission import WrongCredentials  # noqa: PLC0415

    return WrongCredentials(), TrustedNetwork(), LocalRecipient(), AuthenticatedUser(), RelayingDenied()


_PLAIN_RULES = Ruleset(_plain_rules)
_NO_RULES = Ruleset(tuple)
