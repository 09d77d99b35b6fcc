"""What is known of a provider, as its file tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_mailnet.providers.phrasebook import Phrase
from pytest_mailnet.providers.wording import STOCK, Wording
from pytest_mailnet.rules import Rule
from pytest_mailnet.rules.recipients import AuthenticatedUser, LocalRecipient, RelayingDenied, TrustedNetwork
from pytest_mailnet.rules.submission import WrongCredentials

__all__ = ["Facts", "Submission", "plain_facts"]


@dataclass(frozen=True, slots=True, eq=False)
class Submission:
    """What is known of the servers to which a provider's users hand their mail (RFC 6409).

    Attributes:
        name: how messages call them, "gmail.submission".
        hosts: their names.
        ports: what they listen on.
        extensions: the lines of their EHLO replies after the first: those before TLS and those after.
        rules: what they decide by, in order.
        phrases: the provider's replies; those of this role come first.
        auth_before_tls: whether one may log in in the clear.
        challenges_tokens: whether a refused token is explained in a challenge first.
        also: other providers whose users log in here too.
        original_from: the field that keeps the author where the server replaces one that is not the user's;
            "" for a server that leaves From as it is.
    """

    name: str
    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    extensions: tuple[str, ...]
    rules: tuple[Rule, ...]
    phrases: Mapping[str, Phrase]
    auth_before_tls: bool = False
    challenges_tokens: bool = True
    also: tuple[str, ...] = ()
    original_from: str = ""


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
        submission: of its submission servers; None where they are not known, or are its MX hosts.
        auth_before_tls: whether its MX hosts let one log in in the clear.
        wording: how it writes its bounces.
        catch_all: whether every recipient in its domains has a mailbox.
        handled: whether a handler decides in its place, about mailboxes too.
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
    submission: Submission | None = None
    auth_before_tls: bool = False
    wording: Wording = STOCK
    catch_all: bool = False
    handled: bool = False


def plain_facts(
    name: str, domains: tuple[str, ...], ports: tuple[int, ...], *, handled: bool = False
) -> Facts:
    """The facts of a mail server of the test's own, which says what RFC 5321 has for it.

    Args:
        name: its host name.
        domains: whose mail it takes.
        ports: what it listens on.
        handled: whether a handler decides in its place.
    """
    return Facts(
        name=name,
        title=name,
        domains=domains,
        ports=ports,
        queue_id="%" * 12,
        zone="",
        extensions=_PLAIN_EXTENSIONS,
        rules=() if handled else _PLAIN_RULES,
        phrases={},
        customer="{domain}. 3600 IN MX 10 " + name + ".",
        auth_before_tls=True,
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
_PLAIN_RULES = (WrongCredentials(), TrustedNetwork(), LocalRecipient(), AuthenticatedUser(), RelayingDenied())
