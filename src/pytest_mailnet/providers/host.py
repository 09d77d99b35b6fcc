"""A host: a name with addresses, and what its mail server says and takes."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_mailnet.attributes import Flag, Setting, steady
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.faults import DnsFault, Fault, fault_named
from pytest_mailnet.faults.arming import Armed
from pytest_mailnet.faults.fault import OF_A_HANDSHAKE
from pytest_mailnet.model import Envelope, Reply, Stage
from pytest_mailnet.native import Lock
from pytest_mailnet.providers.encryption import HostTls
from pytest_mailnet.providers.facts import Facts, Submission
from pytest_mailnet.providers.variables import VARIABLES, Circumstances
from pytest_mailnet.routes import IMPLICIT_TLS_PORTS, checked_ports
from pytest_mailnet.smtp.extensions import Extensions

if TYPE_CHECKING:
    import ssl

    from pytest_mailnet.certificates import Authority, Certificate
    from pytest_mailnet.clock import Clock
    from pytest_mailnet.providers.agent import Agent
    from pytest_mailnet.providers.provider import Provider
    from pytest_mailnet.step import HangUp, Step

__all__ = ["Host"]

_NEEDED = {Stage.STARTTLS: "STARTTLS", Stage.AUTH: "AUTH"}
_MESSAGES = "mailnet.messages and mailbox.messages have the mail, mailnet.sessions the connections"
_INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("messages", "mails", "inbox", "sessions"), _MESSAGES),
        "addresses": "mailnet.add_server(name, ip=...) gives a host its addresses",
        "ip": ".addresses has them; mailnet.add_server(name, ip=...) gives a host its addresses",
        "port": ".ports has them, and can be set: (25, 587)",
        "extensions": ".extensions.add('SIZE 1000'), .discard('SIZE') and .clear() change them",
        "tls": ".tls.expired() and its sisters, .tls.require() and .tls.strip_starttls() change it",
        "starttls": ".tls.strip_starttls() takes it away, .tls.require() asks for it",
        "faults": ".fail('reset-at-rcpt', times=1) lets something go wrong, .accept_connections() ends it",
        "down": ".refuse_connections() and .accept_connections()",
        "add_mailbox": "mailboxes are its provider's: .provider.add_mailbox('alice')",
        **{f"on_{stage}": f"answers are its agent's: .agent.on_{stage}(...)" for stage in Stage},
    }
)


@steady("a host", _INSTEAD)
class Host:
    """One machine of a provider. What it says and decides is the provider's; what it offers is its own.

    Attributes:
        ports: what it listens on; 465 is for TLS from the first byte on (RFC 8314, 3.3).
        helo_only: whether it is so old that EHLO is an unknown command to it.
    """

    ports = Setting[tuple[int, ...]]((), checked_ports)
    helo_only = Flag()
    _name: str
    _provider: Provider
    _agent: Agent
    _known: Facts | Submission
    _extensions: Extensions
    _tls: HostTls
    _faults: Armed
    _addresses: tuple[str, ...] = ()

    def __init__(self, name: str, provider: Provider, authority: Authority, faults_lock: Lock) -> None:
        facts = provider.facts
        known = facts.submission
        submission = known if known is not None and name in known.hosts else None
        held = submission or facts
        # At once: an attribute by itself is looked at by `steady`, and a net has many hosts.
        vars(self).update(
            _name=name,
            _provider=provider,
            _agent=provider if submission is None else provider.submission,
            _known=held,
            _ports=held.ports,
            _extensions=Extensions(held.extensions),
            _tls=HostTls(name, authority),
            _faults=Armed(faults_lock),
        )

    @property
    def name(self) -> str:
        """Its host name."""
        return self._name

    @property
    def provider(self) -> Provider:
        """Whose machine it is."""
        return self._provider

    @property
    def agent(self) -> Agent:
        """Who decides: the provider, or its submission agent."""
        return self._agent

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its IP addresses."""
        return self._addresses

    @property
    def extensions(self) -> Extensions:
        """What it offers in reply to EHLO; `discard` takes one away."""
        return self._extensions

    @property
    def tls(self) -> HostTls:
        """How it encrypts, and what is wrong with it."""
        return self._tls

    @property
    def faults(self) -> Armed:
        """What goes wrong on its connections."""
        return self._faults

    @property
    def challenges_tokens(self) -> bool:
        """Whether it tells in a challenge, before the reply, what is wrong with a token (RFC 7628, 3.2.2)."""
        return not isinstance(self._known, Submission) or self._known.challenges_tokens

    def settle_at(self, addresses: Iterable[str]) -> None:
        """Give it its addresses, which have been claimed for it."""
        self._addresses = tuple(addresses)

    def refuse_connections(self) -> None:
        """Let every connection fail as where nothing listens (ECONNREFUSED)."""
        self.fail("refused-at-connect")

    def accept_connections(self) -> None:
        """Take connections again, and let nothing go wrong on them any more."""
        self.faults.clear()

    def fail(self, fault: Fault | DnsFault | str, *, times: int | None = None) -> None:
        """Let something go wrong on its connections: `host.fail("reset-after-dot", times=1)`.

        Args:
            fault: one of `pytest_mailnet.faults.FAULTS`, or its id.
            times: how often; without it every time, until `accept_connections`.

        Raises:
            UnknownName: if there is no such fault; names the near misses.
            InvalidSetting: if it cannot happen at its stage, no connection to this host comes there, or
                the count is below 1.
        """
        self.faults.add(self.check(fault), times)

    def check(self, fault: Fault | DnsFault | str) -> Fault:
        """A fault by name, if connections to this host can meet it.

        Raises:
            UnknownName, InvalidSetting: as `fail` does.
        """
        known = fault_named(fault)
        if isinstance(known, DnsFault):
            raise InvalidSetting(
                f"{self.name}.fail({known.id!r}): that happens to a domain, not to a host: "
                f"mailnet.fail('shop.example', {known.id!r})"
            )
        reason = self._why_not(known)
        if reason is not None:
            raise InvalidSetting(
                f"{self.name}.fail({known.id!r}): no connection comes to {known.stage.upper()}, "
                f"since {reason}"
            )
        return known

    def can_meet(self, fault: Fault) -> bool:
        """Whether a connection to this host comes to the fault's stage."""
        return self._why_not(fault) is None

    def _why_not(self, fault: Fault) -> str | None:
        needed = _NEEDED.get(fault.stage)
        if needed is None or (fault.manner in OF_A_HANDSHAKE and IMPLICIT_TLS_PORTS.intersection(self.ports)):
            return None
        if self.helo_only:
            return "the host knows no EHLO; .helo_only = False teaches it"
        if needed not in self.extensions:
            return f"the host does not offer {needed}; .extensions.add(...) offers it"
        if needed == "STARTTLS" and self.tls.stripped:
            return "its STARTTLS is stripped; .tls.valid() offers it again"
        return None

    def unreachable(self, port: int, drawn: Fault | None = None) -> tuple[int, str] | None:
        """With which error a connection to a port fails, and why; None if there is somebody to answer.

        Args:
            port: which.
            drawn: what this connection meets besides the host's own faults.
        """
        fault = self.faults.with_drawn(drawn).dial()
        if fault is not None:
            return fault[0], f"{self.name}: {fault[1]}"
        if port not in self.ports:
            listening = ", ".join(map(str, self.ports))
            return errno.ECONNREFUSED, f"{self.name} does not listen on port {port}, only on {listening}"
        return None

    @property
    def clock(self) -> Clock:
        """The net's."""
        return self.provider.clock

    @property
    def hostname(self) -> str:
        """The name that its mail server goes by."""
        return self.name

    def phrase(self, condition: str) -> Reply:
        """The reply for a condition."""
        return self.agent.phrase(condition)

    def extension_lines(self, step: Step) -> tuple[str, ...] | None:
        """What follows the first line of its EHLO reply; None where it does not know EHLO."""
        if self.helo_only:
            return None
        without_starttls = step.tls or step.stripped or self.tls.stripped
        in_the_clear = self._known.auth_before_tls and not self.tls.required
        return self.extensions.lines_for(tls=without_starttls, auth=step.tls or in_the_clear)

    @property
    def certificate(self) -> Certificate:
        """What it shows to who wants to encrypt."""
        return self.tls.certificate

    def tls_context(self, certificate: Certificate) -> ssl.SSLContext:
        """What it shakes hands with to show a certificate."""
        return self.tls.context(certificate)

    def user_of(self, identity: str) -> str:
        """The address of the account that logs in by a name; the name itself where there is none."""
        account = self.provider.account_of(identity)
        return identity if account is None else account.address

    def decide(self, stage: Stage, step: Step) -> Reply | HangUp | None:
        """The provider's answer at a stage; None lets the session go on."""
        if self.tls.required and not step.tls and stage is Stage.MAIL:
            return self.phrase("starttls_required")
        return self.agent.decision(stage, step, self.provider)

    def deliver(self, step: Step, envelope: Envelope, content: bytes) -> None:
        """Hand a mail to the provider."""
        self.provider.deliver(step, envelope, content)

    def failed(self, error: Exception, stage: Stage, step: Step) -> None:
        """Tell the test of an exception in a rule or in its own predicate."""
        self.provider.failed(error, stage, step)

    def value_of(self, step: Step, variable: str) -> str:
        """What stands for a variable of a reply in this session."""
        provider = self.provider
        return VARIABLES[variable](
            Circumstances(step, provider.facts.queue_id, provider.random, provider.clock)
        )

    def __repr__(self) -> str:
        return f"<Host {self.name} {' '.join(self.addresses)}>"
