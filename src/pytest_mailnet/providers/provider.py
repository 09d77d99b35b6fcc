"""A mail operator and its hosts, as tests see them: `mailnet.gmail`, `mailnet.host("mx.shop.example")`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_mailnet.addresses import checked_ports, checked_ports_among
from pytest_mailnet.errors import InvalidSetting, UnknownName
from pytest_mailnet.faults import DnsFault, Fault
from pytest_mailnet.faults.disruption import Disruption
from pytest_mailnet.handles.attributes import flag, steady
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.handles.snapshot import Snapshot, since
from pytest_mailnet.mailboxes.account import Account
from pytest_mailnet.mailboxes.mailbox import Mailbox
from pytest_mailnet.providers.agent import INSTEAD, Agent
from pytest_mailnet.providers.facts import Facts
from pytest_mailnet.providers.host_service import HostService
from pytest_mailnet.providers.operator import Operator
from pytest_mailnet.providers.tls import HostTls
from pytest_mailnet.record.session import Session
from pytest_mailnet.smtp.extensions import Extensions
from pytest_mailnet.values import DELIVERY

if TYPE_CHECKING:
    from pytest_mailnet.providers.reading_agent import ReadingAgent
    from pytest_mailnet.providers.reading_facts import ReadingServers

__all__ = ["Host", "Provider"]

_MESSAGES = "mailnet.messages and mailbox.messages have the mail, mailnet.sessions the connections"
_OF_A_HOST: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("messages", "mails", "inbox", "sessions"), _MESSAGES),
        "addresses": "mailnet.add_server(name, ip=...) gives a host its addresses",
        "ip": ".addresses has them; mailnet.add_server(name, ip=...) gives a host its addresses",
        "tls_port": ".tls_ports has them, and can be set: (465, 2465)",
        "port": ".ports has them, and can be set: (25, 587)",
        "extensions": ".extensions.add('SIZE 1000'), .discard('SIZE') and .clear() change them",
        "tls": ".tls.expired() and its sisters, .tls.require() and .tls.strip_starttls() change it",
        "starttls": ".tls.strip_starttls() takes it away, .tls.require() asks for it",
        "faults": ".fail('reset-at-rcpt', times=1) lets something go wrong, .end() of that ends it",
        "down": ".refuse_connections() and .accept_connections()",
        "add_mailbox": "mailboxes are its provider's: .provider.add_mailbox('alice')",
        **{
            f"on_{stage}": f"answers are its provider's: .provider.on_{stage}(...)"
            for stage in (*DELIVERY, "command")
        },
    }
)


@steady("a provider", INSTEAD)
class Provider(Agent):
    """A mail operator: `mailnet.gmail`, `mailnet.provider("fastmail")`.

    A test's answers hold at all of its hosts. Its rules are those of its MX hosts. Its submission servers, to
    which its users hand their mail, have rules of their own; answers scripted on `mailnet.gmail.submission`
    hold only there.

    Args:
        operator: the operator at work.
        services: the net's hosts at work, by name.
    """

    def __init__(self, operator: Operator, services: Mapping[str, HostService]) -> None:
        super().__init__(operator.mx)
        self._operator, self._services = operator, services
        self._faces: dict[str, Host] = {}
        self._submission = self if operator.submission is operator.mx else Agent(operator.submission)

    @property
    def facts(self) -> Facts:
        """The facts about it."""
        return self._operator.facts

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of its users' addresses."""
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
        """Its submission servers; the provider itself if it has none of their own."""
        return self._submission

    @property
    def imap(self) -> ReadingAgent:
        """Its IMAP servers.

        Raises:
            InvalidSetting: if it has none, or they are not known.
        """
        return self._reading("IMAP", self._operator.reading.imap)

    @property
    def pop3(self) -> ReadingAgent:
        """Its POP3 servers.

        Raises:
            InvalidSetting: if it has none, or they are not known.
        """
        return self._reading("POP3", self._operator.reading.pop3)

    def _reading(self, protocol: str, servers: ReadingServers | None) -> ReadingAgent:
        from pytest_mailnet.providers.reading_agent import ReadingAgent  # noqa: PLC0415  # few tests read mail

        if servers is None:
            raise InvalidSetting(
                f"no mail is read by {protocol} at {self.name}, as far as the catalogue knows"
            )
        return ReadingAgent(self._operator, servers)

    def add_mailbox(
        self,
        address: str,
        *,
        quota: int | None = None,
        password: str | None = None,
        aliases: Iterable[str] = (),
    ) -> Mailbox:
        """Open a mailbox and return it. One that exists already gets the settings given here.

        Args:
            address: "alice" or "alice@gmail.com"; without a domain, the provider's first is added.
            quota: how many bytes fit in; None for no limit, or to leave an existing mailbox's quota.
            password: the owner's, for log-ins at the submission servers; None for none, or to leave it.
            aliases: further addresses that the owner may send from; mail for those in the provider's domains
                arrives in this mailbox.

        Raises:
            InvalidAddress: for an invalid address, or a domain that is not the provider's.
            InvalidSetting: for a quota that is no number of bytes, a password that is no text, or a provider
                that is served by the application.
        """
        return self._operator.add_mailbox(address, quota=quota, password=password, aliases=aliases)

    def add_account(self, name: str, *, password: str | None = None, aliases: Iterable[str] = ()) -> Account:
        """Add a user who hands in mail and has no mailbox here, and return the account.

        Services that send for applications have such users. One that exists already gets the settings given
        here.

        Args:
            name: what the user logs in as, letter by letter: "apikey", "AKIAIOSFODNN7EXAMPLE".
            password: the user's; None for none, or to leave it.
            aliases: the addresses from which the user may send, "@shop.example" for all of a domain.

        Raises:
            InvalidSetting: for a name or password that is no text, or an alias without "@".
        """
        return self._operator.clientele.add_account(name, password=password, aliases=aliases)

    def suppress(self, address: str) -> None:
        """Put a recipient on the suppression list: mail for them is taken and dropped, as after a bounce.

        Args:
            address: the recipient's address.

        Raises:
            InvalidAddress: if that is no address.
            InvalidSetting: for a provider that has no suppression list.
        """
        self._operator.clientele.suppress(address)

    @property
    def suppressed(self) -> list[str]:
        """The recipients on the suppression list: those given to `suppress`, and those whose mail bounced."""
        added = ".suppress('bob@hotmail.com') puts one on the list."
        return Snapshot(self._operator.clientele.suppressed, "provider.suppressed", added)

    def send(
        self,
        *,
        to: str | Iterable[str],
        sender: str = "someone",
        subject: str = "",
        text: str = "",
        content: bytes | None = None,
    ) -> Mailbox:
        """Let a user write a mail: `mailnet.gmail.send(to="support@app.example", subject="Help")`.

        It goes out with `mailnet.deliver_all()`; see `Mailbox.send`.

        Args:
            to: the recipient or recipients.
            sender: the user, "alice" or "alice@gmail.com", whose mailbox is opened if there is none.
            subject: the subject.
            text: what it says, in plain text.
            content: a whole message in place of subject and text, sent as it is.

        Returns:
            The user's mailbox, in which answers and bounces arrive.

        Raises:
            InvalidAddress: for an invalid sender or recipient.
            InvalidSetting: for a content that is no bytes, or that comes with a subject or text.
        """
        mailbox = self._operator.add_mailbox(sender)
        mailbox.send(to=to, subject=subject, text=text, content=content)
        return mailbox

    def mailbox(self, address: str) -> Mailbox:
        """The mailbox of an address, "alice" or "alice@gmail.com".

        Raises:
            UnknownName: if the test has not added such a mailbox; names the near misses.
        """
        full = self._operator.register.in_full(address)
        mailbox = self._operator.mailbox_of(full)
        if mailbox is None:
            raise UnknownName(
                f"mailbox at {self.name}",
                full,
                [mailbox.address for mailbox in self._operator.register.mailboxes],
                f"A provider knows the mailboxes that the test adds: .add_mailbox({address!r}).",
            )
        return mailbox

    @property
    def mailboxes(self) -> list[Mailbox]:
        """All mailboxes, in the order in which they were added."""
        added = ".add_mailbox('alice') opens one."
        return Snapshot(self._operator.register.mailboxes, "provider.mailboxes", added)

    @property
    def sessions(self) -> list[Session]:
        """The sessions with this provider's hosts."""
        return Snapshot(self._operator.sessions, "provider.sessions", since("provider.sessions"))

    def trust(self, network: str) -> None:
        """Take mail for anybody from a network, as an office's server does from its subnet.

        Args:
            network: "10.0.0.0/8", or one address.

        Raises:
            InvalidAddress: if that is neither.
        """
        self._operator.trust(network)

    def add_domain(self, domain: str) -> None:
        """Take mail for a further domain; `mailnet.add_domain` adds its DNS records, too.

        Args:
            domain: the domain, such as "shop.example".

        Raises:
            ZoneError: if that cannot be a domain name.
        """
        self._operator.add_domain(domain)

    def explain(self, session: Session) -> str:
        """Explain the replies of a session, rule by rule.

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
    """One machine of a provider. Its replies and rules are the provider's; ports, TLS and faults are its own.

    Args:
        service: the host at work.
        provider: the provider that runs it.
    """

    def __init__(self, service: HostService, provider: Provider) -> None:
        self._service, self._provider = service, provider

    @property
    def name(self) -> str:
        """Its host name."""
        return self._service.name

    @property
    def provider(self) -> Provider:
        """The provider that runs it."""
        return self._provider

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its IP addresses."""
        return self._service.addresses

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that it listens on.

        Raises:
            InvalidSetting: when set to anything but port numbers.
        """
        return self._service.ports

    @ports.setter
    def ports(self, ports: tuple[int, ...]) -> None:
        __tracebackhide__ = True
        self._service.listen_on(checked_ports(ports, "ports of a host"))

    @property
    def tls_ports(self) -> tuple[int, ...]:
        """Those of its ports that are for TLS from the first byte on; 465, if it is one (RFC 8314, 3.3).

        Raises:
            InvalidSetting: when set to a port that is not among `ports`.
        """
        return self._service.tls_ports

    @tls_ports.setter
    def tls_ports(self, ports: tuple[int, ...]) -> None:
        __tracebackhide__ = True
        self._service.tls_ports = checked_ports_among(self.ports, ports, "tls_ports of a host")

    @property
    def lmtp_ports(self) -> tuple[int, ...]:
        """Those of its ports at which it speaks LMTP; 24, if it is one (RFC 2033).

        Raises:
            InvalidSetting: when set to a port that is not among `ports`.
        """
        return self._service.lmtp_ports

    @lmtp_ports.setter
    def lmtp_ports(self, ports: tuple[int, ...]) -> None:
        __tracebackhide__ = True
        self._service.lmtp_ports = checked_ports_among(self.ports, ports, "lmtp_ports of a host")

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
    def auth_before_tls(self) -> bool:
        """Whether it takes log-ins in the clear. Few do (RFC 8314, 3); passwords are for after STARTTLS.

        Raises:
            InvalidSetting: when set to anything but True or False.
        """
        return self._service.auth_before_tls

    @auth_before_tls.setter
    def auth_before_tls(self, auth_before_tls: bool) -> None:  # a setter has one argument
        __tracebackhide__ = True
        self._service.auth_before_tls = flag(auth_before_tls, "auth_before_tls of a host")

    @property
    def extensions(self) -> Extensions:
        """The extensions that it offers in reply to EHLO; `discard` takes one away."""
        return self._service.extensions

    @property
    def tls(self) -> HostTls:
        """How it encrypts, and what is wrong with that."""
        return self._service.tls

    def refuse_connections(self) -> None:
        """Refuse every connection, as if nothing listened (ECONNREFUSED)."""
        self.fail("refused-at-connect")

    def accept_connections(self) -> None:
        """Take connections again, and end all faults of the host."""
        self._service.faults.clear()

    def fail(
        self, fault: FaultName | Fault | DnsFault, *, times: int | None = None, seconds: float | None = None
    ) -> Disruption:
        """Let a fault happen on its connections: `host.fail("reset-after-dot", times=1)`.

        Args:
            fault: one of `pytest_mailnet.FAULTS`, or its id.
            times: how often; None for every time, until `end` or `accept_connections`.
            seconds: how late a late reply comes ("late-after-dot"); None for 30 s.

        Returns:
            The failure; its `end()` lets the fault happen no more, however often it was asked for.

        Raises:
            UnknownName: if there is no such fault; names the near misses.
            InvalidSetting: if the fault cannot happen: it is one of a domain, no connection comes to its
                stage, or another fault always comes before; or if `times` is below 1.
        """
        return self._service.fail(fault, times, seconds)

    def __repr__(self) -> str:
        return f"<Host {self.name} {' '.join(self.addresses)}>"
