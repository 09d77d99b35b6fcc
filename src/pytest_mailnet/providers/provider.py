"""A mail operator and its hosts as a test holds them: `mailnet.gmail`, `mailnet.host("mx.shop.example")`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pytest_mailnet.addresses import checked_ports
from pytest_mailnet.errors import InvalidSetting, UnknownName
from pytest_mailnet.faults import DnsFault, Fault
from pytest_mailnet.handles.attributes import flag, steady
from pytest_mailnet.handles.snapshot import Snapshot, since
from pytest_mailnet.mailboxes.mailbox import Mailbox
from pytest_mailnet.providers.agent import INSTEAD, Agent
from pytest_mailnet.providers.facts import Facts
from pytest_mailnet.providers.host_service import HostService
from pytest_mailnet.providers.operator import Operator
from pytest_mailnet.providers.tls import HostTls
from pytest_mailnet.record.session import Session
from pytest_mailnet.smtp.extensions import Extensions
from pytest_mailnet.values import Stage

__all__ = ["Host", "Provider"]

_MESSAGES = "mailnet.messages and mailbox.messages have the mail, mailnet.sessions the connections"
_OF_A_HOST: Mapping[str, str] = MappingProxyType(
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
        **{f"on_{stage}": f"answers are its provider's: .provider.on_{stage}(...)" for stage in Stage},
    }
)


@steady("a provider", INSTEAD)
class Provider(Agent):
    """A mail operator: `mailnet.gmail`, `mailnet.provider("fastmail")`.

    A test's answers hold at all of its hosts. Its rules are those of its MX hosts; the hosts to which its
    users hand their mail have rules of their own, and answers that hold only there are written to
    `mailnet.gmail.submission`.

    Args:
        operator: what it does.
        services: what the net's hosts do, by name.
    """

    def __init__(self, operator: Operator, services: Mapping[str, HostService]) -> None:
        super().__init__(operator.mx)
        self._operator, self._services = operator, services
        self._faces: dict[str, Host] = {}
        self._submission = self if operator.submission is operator.mx else Agent(operator.submission)

    @property
    def facts(self) -> Facts:
        """What is known of it."""
        return self._operator.facts

    @property
    def domains(self) -> tuple[str, ...]:
        """Where its users' addresses end."""
        return self._operator.domains

    @property
    def hosts(self) -> Mapping[str, Host]:
        """Its machines by name."""
        for name in self._operator.hosts:
            if name not in self._faces:
                self._faces.setdefault(name, Host(self._services[name], self))
        return MappingProxyType(self._faces)

    @property
    def submission(self) -> Agent:
        """Its submission agents; itself, where no others are known."""
        return self._submission

    def add_mailbox(
        self,
        address: str,
        *,
        quota: int | None = None,
        password: str | None = None,
        aliases: Iterable[str] = (),
    ) -> Mailbox:
        """Open a mailbox and return it; one that exists is returned, with what is given here changed.

        Args:
            address: "alice" or "alice@gmail.com"; without a domain at the provider's first.
            quota: how many bytes fit in; None for no end of them.
            password: with which its owner can log in at the provider's submission servers.
            aliases: further addresses of its owner, who may send as them; mail for those that end in the
                provider's domains comes in here.

        Raises:
            InvalidAddress: for what is no address, or if the domain is not the provider's.
            InvalidSetting: for a quota that is no number of bytes, or a password that is no text.
        """
        return self._operator.add_mailbox(address, quota=quota, password=password, aliases=aliases)

    def mailbox(self, address: str) -> Mailbox:
        """The mailbox of an address, "alice" or "alice@gmail.com".

        Raises:
            UnknownName: if the test has not added it; names the near misses.
        """
        full = self._operator.in_full(address)
        mailbox = self._operator.mailbox_of(full)
        if mailbox is None:
            raise UnknownName(
                f"mailbox at {self.name}",
                full,
                [mailbox.address for mailbox in self._operator.mailboxes],
                f"A provider knows the mailboxes that the test adds: .add_mailbox({address!r}).",
            )
        return mailbox

    @property
    def mailboxes(self) -> list[Mailbox]:
        """All mailboxes, in the order in which they were added."""
        added = ".add_mailbox('alice') opens one."
        return Snapshot(self._operator.mailboxes, "provider.mailboxes", added)

    @property
    def sessions(self) -> list[Session]:
        """The sessions with this provider's hosts."""
        return Snapshot(self._operator.sessions, "provider.sessions", since("provider.sessions"))

    def trust(self, network: str) -> None:
        """Take mail for anybody from a network, as an office's server does from its subnet.

        Args:
            network: "10.0.0.0/8", or one address.

        Raises:
            InvalidAddress: if that is no network.
        """
        self._operator.trust(network)

    def add_domain(self, domain: str) -> None:
        """Take mail for a further domain; `mailnet.add_domain` adds its records too.

        Args:
            domain: "shop.example".

        Raises:
            ZoneError: if that is no domain name.
        """
        self._operator.add_domain(domain)

    def explain(self, session: Session) -> str:
        """Tell, rule by rule, why a session got the replies that it got.

        Args:
            session: one of `mailnet.sessions`.

        Raises:
            InvalidSetting: if that is no session.
        """
        if not isinstance(session, Session):
            raise InvalidSetting(f"explain({session!r}) takes one of mailnet.sessions")
        return self._operator.decisions_at(session.host).explain(session)

    def __repr__(self) -> str:
        return f"<Provider {self.name} ({self.facts.title})>"


@steady("a host", _OF_A_HOST)
class Host:
    """One machine of a provider. What it says and decides is the provider's; what it offers is its own.

    Args:
        service: what it does.
        provider: whose machine it is.
    """

    def __init__(self, service: HostService, provider: Provider) -> None:
        self._service, self._provider = service, provider

    @property
    def name(self) -> str:
        """Its host name."""
        return self._service.name

    @property
    def provider(self) -> Provider:
        """Whose machine it is."""
        return self._provider

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its IP addresses."""
        return self._service.addresses

    @property
    def ports(self) -> tuple[int, ...]:
        """What it listens on; 465 is for TLS from the first byte on (RFC 8314, 3.3).

        Raises:
            InvalidSetting: when set to what are no ports.
        """
        return self._service.ports

    @ports.setter
    def ports(self, ports: tuple[int, ...]) -> None:
        __tracebackhide__ = True
        self._service.ports = checked_ports(ports, "ports of a host")

    @property
    def helo_only(self) -> bool:
        """Whether it is so old that EHLO is an unknown command to it.

        Raises:
            InvalidSetting: when set to anything but True or False.
        """
        return self._service.helo_only

    @helo_only.setter
    def helo_only(self, helo_only: bool) -> None:  # a setter has one argument
        __tracebackhide__ = True
        self._service.helo_only = flag(helo_only, "helo_only of a host")

    @property
    def extensions(self) -> Extensions:
        """What it offers in reply to EHLO; `discard` takes one away."""
        return self._service.extensions

    @property
    def tls(self) -> HostTls:
        """How it encrypts, and what is wrong with it."""
        return self._service.tls

    def refuse_connections(self) -> None:
        """Let every connection fail as where nothing listens (ECONNREFUSED)."""
        self.fail("refused-at-connect")

    def accept_connections(self) -> None:
        """Take connections again, and let nothing go wrong on them any more."""
        self._service.faults.clear()

    def fail(self, fault: Fault | DnsFault | str, *, times: int | None = None) -> None:
        """Let something go wrong on its connections: `host.fail("reset-after-dot", times=1)`.

        Args:
            fault: one of `pytest_mailnet.FAULTS`, or its id.
            times: how often; without it every time, until `accept_connections`.

        Raises:
            UnknownName: if there is no such fault; names the near misses.
            InvalidSetting: if it cannot happen at its stage, no connection to this host comes there, or
                the count is below 1.
        """
        self._service.fail(fault, times)

    def __repr__(self) -> str:
        return f"<Host {self.name} {' '.join(self.addresses)}>"
