"""What a net needs for a failure to happen in it as it happened in production."""

from __future__ import annotations

import glob
import ipaddress
import re
from dataclasses import dataclass

from pytest_mailnet.evidence import Failure
from pytest_mailnet.providers import Catalogue
from pytest_mailnet.providers.zones import customer_zones, exchanges, exchanges_in
from pytest_mailnet.reproduce.match import Recognised
from pytest_mailnet.values import Reply, Stage

__all__ = ["PASSWORD", "Operated", "Own", "Plan", "plan_for"]

PASSWORD = "secret"  # noqa: S105
"""With which whoever sends logs in at a submission server."""

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
    """A server that only this failure has: `mailnet.add_server(host, domain=..., ip=...)`.

    Attributes:
        host: its name.
        domain: whose mail it takes; "" for one that takes any, as a relay of the application's own does.
        address: its address; "" for the next free one.
    """

    host: str
    domain: str
    address: str


@dataclass(frozen=True, slots=True)
class Operated:
    """A host of a provider that the net knows: `mailnet.provider(name)`.

    Attributes:
        name: the provider's.
        host: its name.
        submission: whether it is where users hand in their mail.
        joins: the recipient's domain, where that has to be put on the provider; "" where it is there.
        customer: whether the provider has records for such domains.
        alias: a host name that is not known as the provider's, and leads to `host`; "" for none.
    """

    name: str
    host: str
    submission: bool
    joins: str
    customer: bool
    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a failure is set up.

    Attributes:
        failure: what happened.
        sender: who sends; somebody, where the evidence does not tell.
        recipient: to whom; likewise.
        server: where it happens.
        stage: where in a session.
        reply: what is answered; "" where something goes wrong instead.
        composed: whether the reply was put together, because the evidence quotes none.
        fault: the id of what goes wrong; "" where a server replies.
    """

    failure: Failure
    sender: str
    recipient: str
    server: Own | Operated
    stage: Stage
    reply: str
    composed: bool
    fault: str

    @property
    def method(self) -> str:
        """The method of a provider by which the stage is scripted: "on_rcpt"."""
        return f"on_{self.stage}"

    @property
    def domain(self) -> str:
        """The recipient's."""
        return self.recipient.rpartition("@")[2].lower()

    @property
    def match(self) -> str | None:
        """What the answer is given to; None where nobody is named yet, or each stage's caller is the same."""
        named = self.stage in (Stage.RCPT, Stage.DATA, Stage.MESSAGE)
        # A net takes quotes off where they are not needed.
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
    """How to set a failure up: at the host that evidence names, or at one for the recipient's domain."""
    failure = recognised.failure
    recipient = _mailbox(failure.recipient) or _NOBODY
    server = _server(recognised, recipient.rpartition("@")[2].lower(), catalogue)
    sender = _mailbox(failure.sender) or _SENDER
    if isinstance(server, Operated) and server.submission:
        domains = catalogue.load(server.name).domains
        sender = sender if sender.rpartition("@")[2] in domains else f"app@{domains[0]}"
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
    joins = "" if submission or of_domain == name else domain
    return Operated(
        name, known, submission, joins, bool(facts.customer), host if host and not of_host else ""
    )


def _is_customers(host: str, domain: str, provider: str | None, catalogue: Catalogue) -> bool:
    """Whether a host is where a provider takes the mail of a customer's domain."""
    facts = None if provider is None else catalogue.load(provider)
    return bool(facts and facts.customer and host in exchanges_in(customer_zones(facts, domain)))


def _composed(failure: Failure) -> str:
    """A reply in the words of evidence that quotes none; of the class that its status or action has."""
    code = 450 if failure.permanent is False else 550
    words = "".join(it for it in failure.words if it.isprintable())[:200] or "no reply is known"
    return str(Reply.parse(" ".join(filter(None, (str(code), failure.status, words)))))


def _mailbox(address: str | None) -> str:
    """An address as a command can have it: "a..b@shop.example", which some gave out, is quoted there."""
    local, _, domain = (address or "").rpartition("@")
    if not _HOST.fullmatch(domain):
        return ""
    if _LOCAL.fullmatch(local):
        return f"{local}@{domain}"
    return f'"{local}"@{domain}' if _QUOTABLE.fullmatch(local) else f"somebody@{domain}"


def _host(name: str | None) -> str:
    return name.lower() if name and _HOST.fullmatch(name) else ""


def _address(given: str | None) -> str:
    """An address that a host of a net can have, in its usual form; "" for any other."""
    try:
        ip = ipaddress.ip_address(given or "")
    except ValueError:
        return ""
    no_host = ip.is_loopback or ip.is_unspecified or ip.is_multicast or ip.is_link_local
    return "" if no_host or any(ip in network for network in _OF_SENDERS) else str(ip)
