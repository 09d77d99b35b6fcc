"""A mail operator in one net: its mailboxes, its hosts, a test's own answers, and its rules."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, TypeVar

from pytest_mailnet.accounts import Account
from pytest_mailnet.attributes import steady
from pytest_mailnet.authentication import trace_of
from pytest_mailnet.dns.records import checked_name
from pytest_mailnet.errors import InvalidAddress, InvalidSetting, UnknownName
from pytest_mailnet.journal import Incident, Session
from pytest_mailnet.mailbox import Mailbox, Message, split_address
from pytest_mailnet.model import Envelope, Stage
from pytest_mailnet.providers.agent import INSTEAD, Agent
from pytest_mailnet.providers.facts import Facts
from pytest_mailnet.providers.phrasebook import Phrasebook
from pytest_mailnet.providers.policy import Policy
from pytest_mailnet.script import Script
from pytest_mailnet.sender import Sender
from pytest_mailnet.smtp.paths import CommandError, forward_path
from pytest_mailnet.snapshot import Snapshot, since
from pytest_mailnet.stamps import completed, received_field, with_own_author
from pytest_mailnet.step import Step

if TYPE_CHECKING:
    from random import Random

    from pytest_mailnet.clock import Clock
    from pytest_mailnet.dns.resolver import Dns
    from pytest_mailnet.journal import Journal
    from pytest_mailnet.mailbox import Arrivals
    from pytest_mailnet.providers.host import Host

__all__ = ["Provider", "Relay"]

T = TypeVar("T")


class Relay(Protocol):
    """Where a provider leaves the mail that does not end with it."""

    def accept(self, provider: Provider, step: Step, message: Message, elsewhere: list[int]) -> None:
        """Take a mail for those of its recipients, by their numbers, who have no mailbox at the provider.

        Told of mail without such recipients too, where its sender wants to hear of its delivery.
        """

    def complain(self, provider: Provider, message: Message, to: str) -> None:
        """Send a feedback report."""


@steady("a provider", INSTEAD)
class Provider(Agent):
    """A mail operator: `mailnet.gmail`, or what `mailnet.add_server` returns.

    A test's answers hold at all of its hosts. Its rules are those of its MX hosts; the hosts to which its
    users hand their mail have rules of their own, and answers that hold only there are written to
    `mailnet.gmail.submission`.

    """

    _facts: Facts
    _hosts: dict[str, Host]
    _clock: Clock
    _dns: Dns
    _random: Random
    _sender_at: Callable[[str], Sender | None]
    _journal: Journal
    _arrivals: Arrivals
    _relay: Relay
    _catch_all: bool
    _present: Callable[[str], Provider | None]
    _domains: tuple[str, ...]
    _mailboxes: dict[str, Mailbox]
    _networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
    _submission: Agent

    def __init__(
        self,
        facts: Facts,
        phrasebook: Callable[[str], Phrasebook],
        *,
        clock: Clock,
        dns: Dns,
        journal: Journal,
        arrivals: Arrivals,
        random: Random,
        sender_at: Callable[[str], Sender | None],
        relay: Relay,
        present: Callable[[str], Provider | None],
        catch_all: bool = False,
        enforced: Iterable[str] = (),
    ) -> None:
        policy = Policy(facts, enforced)
        super().__init__(facts.name, policy, phrasebook("mx"), journal.elapsed)
        # At once: an attribute by itself is looked at by `steady`.
        vars(self).update(
            _facts=facts,
            _hosts={},
            _clock=clock,
            _dns=dns,
            _random=random,
            _sender_at=sender_at,
            _journal=journal,
            _arrivals=arrivals,
            _relay=relay,
            _catch_all=catch_all,
            _present=present,
            _domains=facts.domains,
            _mailboxes={},
            _submission=self,
        )
        if facts.submission is not None:
            of_submission = Policy(facts.submission, enforced)
            self._submission = Agent(
                facts.submission.name, of_submission, phrasebook("submission"), journal.elapsed, self.script
            )

    @property
    def facts(self) -> Facts:
        """What is known of it."""
        return self._facts

    @property
    def domains(self) -> tuple[str, ...]:
        """Where its users' addresses end."""
        return self._domains

    @property
    def hosts(self) -> Mapping[str, Host]:
        """Its machines by name."""
        return MappingProxyType(self._hosts)

    @property
    def submission(self) -> Agent:
        """Its submission agents; itself, where no others are known."""
        return self._submission

    @property
    def clock(self) -> Clock:
        """The net's."""
        return self._clock

    @property
    def dns(self) -> Dns:
        """The net's."""
        return self._dns

    @property
    def random(self) -> Random:
        """By which it draws lots."""
        return self._random

    def sender_at(self, ip: str) -> Sender | None:
        """What the world knows of an address."""
        return self._sender_at(ip)

    def memory(self, owner: object, kind: Callable[[], T]) -> T:
        """What a rule, or a class of them, remembers in this net; made by `kind` when first asked for."""
        return self._policy.memory(owner, kind)

    def add_host(self, host: Host) -> None:
        """Put one of its machines in."""
        self._hosts[host.name] = host

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
        if not isinstance(password, str | None):
            raise InvalidSetting(f"add_mailbox({address!r}, password={password!r}): a password is a text")
        address = self._named(address)
        key = self._key(address)
        mailbox = self._mailboxes.get(key)
        if mailbox is None:
            mailbox = Mailbox(address, Account(address, self.clock), self._complain)
        if quota is not None:
            mailbox.quota = quota
        if password is not None:
            mailbox.account.password = password
        also = [self._named(alias) for alias in ([aliases] if isinstance(aliases, str) else aliases)]
        mailbox.account.aliases = tuple(dict.fromkeys((*mailbox.account.aliases, *also)))
        for alias in (it for it in also if self.is_local(split_address(it)[1])):
            self._mailboxes.setdefault(self._key(alias), mailbox)
        return self._mailboxes.setdefault(key, mailbox)

    def mailbox(self, address: str) -> Mailbox:
        """The mailbox of an address, "alice" or "alice@gmail.com".

        Raises:
            UnknownName: if the test has not added it; names the near misses.
        """
        mailbox = self.mailbox_of(self._in_full(address))
        if mailbox is None:
            raise UnknownName(
                f"mailbox at {self.name}",
                self._in_full(address),
                [mailbox.address for mailbox in self._mailboxes.values()],
                f"A provider knows the mailboxes that the test adds: .add_mailbox({address!r}).",
            )
        return mailbox

    @property
    def mailboxes(self) -> list[Mailbox]:
        """All mailboxes, in the order in which they were added."""
        found = dict.fromkeys(self._mailboxes.values())
        return Snapshot(found, "provider.mailboxes", ".add_mailbox('alice') opens one.")

    @property
    def sessions(self) -> list[Session]:
        """The sessions with this provider's hosts."""
        own = (session for session in self._journal.sessions if session.provider == self.name)
        return Snapshot(own, "provider.sessions", since("provider.sessions"))

    @property
    def scripts(self) -> list[tuple[Script, list[Session]]]:
        """The test's own answers, here and at submission, with the sessions that each script can answer."""
        sessions = self.sessions
        if self.submission is self:
            return [(self.script, sessions)]
        handed_in = [it for it in sessions if self.hosts[it.host].agent is self.submission]
        return [(self.script, sessions), (self.submission.script, handed_in)]

    def trust(self, network: str) -> None:
        """Take mail for anybody from a network, as an office's server does from its subnet.

        Args:
            network: "10.0.0.0/8", or one address.

        Raises:
            InvalidAddress: if that is no network.
        """
        try:
            self._networks += (ipaddress.ip_network(network),)
        except ValueError as error:
            raise InvalidAddress(
                f"{network!r} is no network ({error}); it takes one as in '10.0.0.0/8'"
            ) from None

    def add_domain(self, domain: str) -> None:
        """Take mail for a further domain; `mailnet.add_domain` adds its records too.

        Raises:
            ZoneError: if that is no domain name.
        """
        self._domains = (*self._domains, checked_name(domain))

    def explain(self, session: Session) -> str:
        """Tell, rule by rule, why a session got the replies that it got.

        Raises:
            InvalidSetting: if that is no session.
        """
        if not isinstance(session, Session):
            raise InvalidSetting(f"explain({session!r}) takes one of mailnet.sessions")
        host = self.hosts.get(session.host)
        return (self if host is None else host.agent).explanation(session)

    def is_local(self, domain: str) -> bool:
        """Whether mail for that domain ends here; "" is the server itself."""
        return not domain or domain in self.domains or (self._catch_all and not self.domains)

    def mailbox_of(self, address: str) -> Mailbox | None:
        """The mailbox that mail for an address is laid in."""
        key = self._full_key(address)
        known = self._mailboxes.get(key)
        if known is None and self._catch_all and self.is_local(key.rpartition("@")[2]):
            return self.add_mailbox(address)
        return known

    def trusts(self, ip: str) -> bool:
        """Whether an address lies in a network that `trust` was told of."""
        return any(ipaddress.ip_address(ip) in network for network in self._networks)

    def account_of(self, identity: str) -> Account | None:
        """Who logs in by that name, "alice" or "alice@gmail.com"; None for nobody known here."""
        mailbox = self._mailboxes.get(self._full_key(identity))
        if mailbox is not None:
            return mailbox.account
        others = map(self._present, self.facts.submission.also if self.facts.submission else ())
        return next((found for it in others if it and (found := it.account_of(identity))), None)

    def deliver(self, step: Step, envelope: Envelope, content: bytes) -> None:
        """Lay a mail into the mailboxes of its recipients, wake who waits for it, and relay the rest."""
        homes = [self.mailbox_of(to) for to in envelope.rcpt_tos]
        elsewhere = [number for number, mailbox in enumerate(homes) if mailbox is None]
        trace = trace_of(step)
        if elsewhere or step.authenticated_as is not None:
            trace, content = self._stamped(step, trace, content)
        message = Message(envelope, content, step.session, self.clock.now(), self.name, trace)
        self.lay(message, homes)
        if elsewhere or any(envelope.rcpt_options):
            self._relay.accept(self, step, message, elsewhere)

    def lay(self, message: Message, homes: Iterable[Mailbox | None]) -> None:
        """Lay a message into mailboxes, once each, and wake who waits for it."""
        for mailbox in dict.fromkeys(box for box in homes if box is not None):
            mailbox.messages.append(message)
        self._arrivals.append(message)

    def _stamped(self, step: Step, trace: bytes, content: bytes) -> tuple[bytes, bytes]:
        host, now = self.hosts[step.host], self.clock.now()
        step.queue_id = host.value_of(step, "queue_id")
        back = self.dns.lookup(ipaddress.ip_address(step.client.ip).reverse_pointer, "PTR").values("PTR")
        trace = received_field(step, next(iter(back), "").rstrip("."), now) + trace
        account = self.account_of(step.authenticated_as or "")
        if account is None:
            return trace, content
        known = self.facts.submission
        if known is not None and known.original_from and step.host in known.hosts:
            content = with_own_author(content, account, known.original_from)
        return trace + completed(step, now), content

    def failed(self, error: Exception, stage: Stage, step: Step) -> None:
        """Note an exception of a rule or predicate, for the test to fail with."""
        text = (
            f"{type(error).__name__} at {stage.upper()} of session {step.session.number} with {step.host}: "
            f"{error}. The client was told {self.phrase('local_error')}"
        )
        self._journal.add(Incident(self._journal.elapsed(), "error", text, error))

    def _complain(self, message: Message, to: str) -> None:
        self._relay.complain(self, message, to)

    def _named(self, address: str) -> str:
        """An address in full, as RCPT can name it."""
        if not isinstance(address, str):
            raise InvalidAddress(f"{address!r} is no mail address; it takes a text, as in 'alice@gmail.com'")
        address = self._in_full(address)
        split_address(address)
        try:
            forward_path(f"TO:<{address}>")
        except CommandError:
            raise InvalidAddress(
                f"{address!r} is no mail address: no RCPT command could name it (RFC 5321, 4.1.2)"
            ) from None
        return address

    def _in_full(self, address: str) -> str:
        if "@" in address or not self.domains:
            return address
        return f"{address}@{self.domains[0]}"

    def _key(self, address: str) -> str:
        local, domain = split_address(address)
        if not self.is_local(domain):
            if not self.domains:
                raise InvalidAddress(
                    f"{address!r} cannot be a mailbox of {self.name}, which has no domain of its own: "
                    f"mailnet.add_domain({domain!r}, on={self.name!r}) puts one there"
                )
            raise InvalidAddress(
                f"{address!r} cannot be a mailbox of {self.name}: its users' addresses end in "
                f"{' or '.join('@' + name for name in self.domains)}"
            )
        return f"{local.lower()}@{domain}"

    def _full_key(self, address: str) -> str:
        local, _, domain = self._in_full(address).rpartition("@")
        return f"{local.lower()}@{domain.lower()}"

    def __repr__(self) -> str:
        return f"<Provider {self.name} ({self.facts.title})>"
