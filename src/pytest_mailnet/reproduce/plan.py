"""Plans the net in which a failure from production happens again."""

from __future__ import annotations

import glob
import ipaddress
import re
from dataclasses import dataclass
from typing import Literal

from pytest_mailnet.addresses import checked_ip
from pytest_mailnet.errors import InvalidAddress
from pytest_mailnet.evidence import Failure
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.providers import Catalogue
from pytest_mailnet.providers.zones import customer_zones, exchanges, exchanges_in
from pytest_mailnet.reproduce.match import Recognised
from pytest_mailnet.values import Reply, Stage

__all__ = ["PASSWORD", "Operated", "Own", "Plan", "plan_for"]

PASSWORD = "secret"  # noqa: S105
"""The password with which a sender logs in at a submission server."""

_NAME = r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
_HOST = re.compile(rf"(?=.{{1,253}}$){_NAME}", re.IGNORECASE)
_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]{1,64}"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM}){{0,32}}|\"[^\"\\\x00-\x1f\x7f]{{1,62}}\"")  # RFC 5321, 4.1.2
_QUOTABLE = re.compile(r"[^\"\\<>\x00-\x1f\x7f]{1,62}")
_NOBODY = "somebody@reproduced.example"
_SENDER = "app@sender.example"
_OF_SENDERS = (ipaddress.ip_network("203.0.113.0/24"), ipaddress.ip_network("2001:db8:203::/48"))


@dataclass(frozen=True, slots=True)
class Own:
    """A server for this failure alone: `mailnet.add_server(host, domain=..., ip=...)`.

    Attributes:
        host: the server's name.
        domain: the domain whose mail it takes; "" if it takes any, like the application's own relay.
        address: its IP address; "" for the next free one.
    """

    host: str
    domain: str
    address: str


@dataclass(frozen=True, slots=True)
class Operated:
    """A host of a provider in the catalogue: `mailnet.provider(name)`.

    Attributes:
        name: the provider's name.
        host: the host's name.
        submission: whether the host is a submission server.
        joins: the recipient's domain, if it has to be added to the provider; "" if it is there already.
        customer: whether the catalogue has the provider's DNS records for customers' domains.
        alias: a host name unknown to the catalogue that has to lead to `host`; "" for none.
        accounts: whether those who hand in mail have accounts and no mailboxes, for want of a domain.
    """

    name: str
    host: str
    submission: bool
    joins: str
    customer: bool
    alias: str
    accounts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The setting in which a failure happens again.

    Attributes:
        failure: the failure.
        sender: the sender's address; a made-up one if the evidence has none.
        recipient: the address that the application writes to; a made-up one if the evidence has none.
        server: the server that fails.
        stage: the stage of the session.
        reply: the server's reply; "" if there is a fault instead.
        composed: whether the reply is made up, because the evidence quotes none.
        fault: the id of one of `pytest_mailnet.FAULTS`; "" if there is a reply.
    """

    failure: Failure
    sender: str
    recipient: str
    server: Own | Operated
    stage: Stage
    reply: str
    composed: bool
    fault: FaultName | Literal[""]

    @property
    def method(self) -> str:
        """The name of the method that scripts the stage: "on_rcpt"."""
        return f"on_{self.stage}"

    @property
    def domain(self) -> str:
        """The recipient's domain, in lower case."""
        return self.recipient.rpartition("@")[2].lower()

    @property
    def match(self) -> str | None:
        """The pattern of recipients that get the scripted reply; None at stages that know no recipient."""
        named = self.stage in (Stage.RCPT, Stage.DATA, Stage.MESSAGE)
        # A net removes quotes that are not needed.
        local, _, domain = self.recipient.rpartition("@")
        quoted = local[:1] == '"'
        match = f"*{glob.escape(local[1:-1])}*@{domain}" if quoted else glob.escape(self.recipient)
        return match if named else None

    @property
    def by_mx(self) -> bool:
        """Whether the recipient's MX leads to the server."""
        if isinstance(self.server, Own):
            return bool(self.server.domain)
        return not self.server.submission


def plan_for(recognised: Recognised, catalogue: Catalogue) -> Plan:
    """Plan a failure: at the host that the evidence names, or else at one for the recipient's domain.

    Args:
        recognised: the failure, with its matches in the catalogue.
        catalogue: the catalogue of providers.
    """
    failure = recognised.failure
    # An application writes to the address before a server puts another in its place.
    recipient = _mailbox(failure.original) or _mailbox(failure.recipient) or _NOBODY
    server = _server(recognised, recipient.rpartition("@")[2].lower(), catalogue)
    sender = _mailbox(failure.sender) or _SENDER
    if isinstance(server, Operated) and server.submission:
        domains = catalogue.load(server.name).domains
        if domains and sender.rpartition("@")[2] not in domains:
            sender = f"app@{domains[0]}"
    reply = str(Reply.parse("\n".join(failure.reply))) if failure.reply else ""
    composed = not reply and failure.fault is None
    return Plan(
        failure=failure,
        sender=sender,
        recipient=recipient,
        server=server,
        stage=failure.stage or Stage.RCPT,
        reply=_composed(failure) if composed else reply,
        composed=composed,
        fault="" if reply else failure.fault or "",
    )


def _server(recognised: Recognised, domain: str, catalogue: Catalogue) -> Own | Operated:
    host = _host(recognised.failure.host)
    of_host = catalogue.owner(host) if host else None
    of_domain = catalogue.owner(domain)
    name = of_host or (of_domain if not host or of_domain == recognised.provider else None)
    if name is None and _is_customers(host, domain, recognised.provider, catalogue):
        name = of_host = recognised.provider
    if name is None:
        address = _address(recognised.failure.address)
        taken = of_domain is not None or catalogue.owner(address) is not None
        return Own(host or f"mx.{domain}", "" if of_domain else domain, "" if taken else address)
    facts = catalogue.load(name)
    submission = facts.submission is not None and host in facts.submission.hosts
    known = host if of_host and host else next(iter(exchanges(facts)), "")
    return Operated(
        name=name,
        host=known,
        submission=submission,
        joins="" if submission or of_domain == name else domain,
        customer=bool(facts.customer),
        alias=host if host and not of_host else "",
        accounts=not facts.domains,
    )


def _is_customers(host: str, domain: str, provider: str | None, catalogue: Catalogue) -> bool:
    """Whether a host is the MX host at which a provider takes mail for a customer's domain."""
    facts = None if provider is None else catalogue.load(provider)
    return bool(facts and facts.customer and host in exchanges_in(customer_zones(facts, domain)))


def _composed(failure: Failure) -> str:
    """Make a reply from the words of evidence without one; its class follows the status or action."""
    code = 450 if failure.permanent is False else 550
    words = "".join(it for it in failure.words if it.isprintable())[:200] or "no reply is known"
    return str(Reply.parse(" ".join(filter(None, (str(code), failure.status, words)))))


def _mailbox(address: str | None) -> str:
    """An address that is valid in a command; "" if impossible.

    The local part of "a..b@shop.example", an address that some providers gave out, is quoted there.
    """
    local, _, domain = (address or "").rpartition("@")
    if not _HOST.fullmatch(domain):
        return ""
    if _LOCAL.fullmatch(local):
        return f"{local}@{domain}"
    return f'"{local}"@{domain}' if _QUOTABLE.fullmatch(local) else f"somebody@{domain}"


def _host(name: str | None) -> str:
    return name.lower() if name and _HOST.fullmatch(name) else ""


def _address(given: str | None) -> str:
    """An IP address in its canonical form if a host of a net can have it; "" for any other."""
    try:
        ip = ipaddress.ip_address(checked_ip(given or ""))
    except InvalidAddress:
        return ""
    return "" if any(ip in network for network in _OF_SENDERS) else str(ip)
