"""A mail operator at work in one net: its mailboxes, what it knows of senders, what it does with mails."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

from pytest_mailnet.dns.records import checked_name
from pytest_mailnet.errors import InvalidAddress, InvalidSetting
from pytest_mailnet.mailboxes.account import Account
from pytest_mailnet.mailboxes.mailbox import Mailbox, split_address
from pytest_mailnet.providers.decisions import Decisions
from pytest_mailnet.providers.facts import Facts
from pytest_mailnet.providers.phrasebook import Phrasebook
from pytest_mailnet.providers.policy import Policy
from pytest_mailnet.providers.trace_fields import completed, received_field, with_own_author
from pytest_mailnet.providers.variables import VARIABLES, Circumstances
from pytest_mailnet.record.journal import Incident
from pytest_mailnet.record.session import Message, Session, add_message
from pytest_mailnet.rules.auth import trace_of
from pytest_mailnet.scripting.script import Script
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.smtp.paths import CommandError, forward_path
from pytest_mailnet.smtp.state import Step
from pytest_mailnet.values import Envelope, Stage

if TYPE_CHECKING:
    from random import Random

    from pytest_mailnet.clock import Clock
    from pytest_mailnet.dns.resolver import Resolver
    from pytest_mailnet.mailboxes.arrivals import Arrivals
    from pytest_mailnet.record.journal import Journal

__all__ = ["Operator", "Relay"]

T = TypeVar("T")


class Relay(Protocol):
    """Where a provider leaves the mail that does not end with it."""

    def accept(self, operator: Operator, step: Step, message: Message, elsewhere: list[int]) -> None:
        """Take a mail for those of its recipients, by their numbers, who have no mailbox at the provider.

        Told of mail without such recipients too, where its sender wants to hear of its delivery.
        """

    def complain(self, operator: Operator, message: Message, to: str) -> None:
        """Send a feedback report."""


class Operator:
    """What a provider does in one net. Rules and hosts ask it; a test holds the `Provider` in front of it.

    Args:
        facts: what is known of it.
        phrasebook: makes the replies of its MX hosts ("mx") and of its "submission" hosts.
        clock, dns, journal, arrivals, random: the net's.
        sender_at: tells who sends from an address.
        relay: takes the mail that does not end here.
        present: another operator of the net, by name.
        enforced: names of rules and families that are on beside those that are on by themselves.

    Attributes:
        mx: what its MX hosts answer by.
        submission: what its submission hosts answer by; the same where no others are known.
        domains: where its users' addresses end.
        hosts: the names of its hosts.
    """

    def __init__(
        self,
        facts: Facts,
        phrasebook: Callable[[str], Phrasebook],
        *,
        clock: Clock,
        dns: Resolver,
        journal: Journal,
        arrivals: Arrivals,
        random: Random,
        sender_at: Callable[[str], Sender | None],
        relay: Relay,
        present: Callable[[str], Operator | None],
        enforced: Iterable[str] = (),
    ) -> None:
        self.facts = facts
        self.clock, self.dns, self.journal, self.arrivals, self.random = clock, dns, journal, arrivals, random
        self.sender_at = sender_at
        self.domains = facts.domains
        self.hosts: list[str] = []
        self._relay, self._present = relay, present
        self._mailboxes: dict[str, Mailbox] = {}
        self._networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
        self.mx = self.submission = Decisions(
            facts.name, Policy(facts, enforced), phrasebook("mx"), journal.elapsed
        )
        if facts.submission is not None:
            own = Policy(facts.submission, enforced)
            self.submission = Decisions(
                facts.submission.name, own, phrasebook("submission"), journal.elapsed, self.mx.script
            )

    @property
    def name(self) -> str:
        """How tests call it."""
        return self.facts.name

    def decisions_at(self, host: str) -> Decisions:
        """What one of its hosts answers by."""
        known = self.facts.submission
        return self.submission if known is not None and host in known.hosts else self.mx

    def memory(self, owner: object, kind: Callable[[], T]) -> T:
        """What a rule, or a class of them, remembers in this net; made by `kind` when first asked for."""
        return self.mx.policy.memory(owner, kind)

    def add_mailbox(
        self,
        address: str,
        *,
        quota: int | None = None,
        password: str | None = None,
        aliases: Iterable[str] = (),
    ) -> Mailbox:
        """Open a mailbox as `Provider.add_mailbox` tells."""
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

    @property
    def mailboxes(self) -> list[Mailbox]:
        """All mailboxes, in the order in which they were added."""
        return list(dict.fromkeys(self._mailboxes.values()))

    @property
    def sessions(self) -> list[Session]:
        """The sessions with its hosts."""
        return [session for session in self.journal.sessions if session.provider == self.name]

    @property
    def scripts(self) -> list[tuple[Script, list[Session]]]:
        """The test's own answers, here and at submission, with the sessions that each script can answer."""
        sessions = self.sessions
        if self.submission is self.mx:
            return [(self.mx.script, sessions)]
        handed_in = [it for it in sessions if self.decisions_at(it.host) is self.submission]
        return [(self.mx.script, sessions), (self.submission.script, handed_in)]

    def trust(self, network: str) -> None:
        """Take mail for anybody from a network as `Provider.trust` tells."""
        try:
            self._networks += (ipaddress.ip_network(network),)
        except ValueError as error:
            raise InvalidAddress(
                f"{network!r} is no network ({error}); it takes one as in '10.0.0.0/8'"
            ) from None

    def add_domain(self, domain: str) -> None:
        """Take mail for a further domain.

        Raises:
            ZoneError: if that is no domain name.
        """
        self.domains = (*self.domains, checked_name(domain))

    def is_local(self, domain: str) -> bool:
        """Whether mail for that domain ends here; "" is the server itself."""
        return not domain or domain in self.domains or (self.facts.catch_all and not self.domains)

    def mailbox_of(self, address: str) -> Mailbox | None:
        """The mailbox that mail for an address is laid in."""
        key = self._full_key(address)
        known = self._mailboxes.get(key)
        if known is None and self.facts.catch_all and self.is_local(key.rpartition("@")[2]):
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
        add_message(message)
        self.lay(message, homes)
        if elsewhere or any(envelope.rcpt_options):
            self._relay.accept(self, step, message, elsewhere)

    def lay(self, message: Message, homes: Iterable[Mailbox | None]) -> None:
        """Lay a message into mailboxes, once each, and wake who waits for it."""
        for mailbox in dict.fromkeys(box for box in homes if box is not None):
            mailbox.messages.append(message)
        self.arrivals.append(message)

    def _stamped(self, step: Step, trace: bytes, content: bytes) -> tuple[bytes, bytes]:
        now = self.clock.now()
        self.value_of(step, "queue_id")
        back = self.dns.lookup(ipaddress.ip_address(step.client.ip).reverse_pointer, "PTR").values("PTR")
        trace = received_field(step, next(iter(back), "").rstrip("."), now) + trace
        account = self.account_of(step.authenticated_as or "")
        if account is None:
            return trace, content
        known = self.facts.submission
        if known is not None and known.original_from and step.host in known.hosts:
            content = with_own_author(content, account, known.original_from)
        return trace + completed(step, now), content

    def value_of(self, step: Step, variable: str) -> str:
        """What stands for a variable of a reply in a session; the queue id is the session's from then on."""
        return VARIABLES[variable](Circumstances(step, self.facts.queue_id, self.random, self.clock))

    def failed(self, error: Exception, stage: Stage, step: Step) -> None:
        """Note an exception of a rule or predicate, for the test to fail with."""
        text = (
            f"{type(error).__name__} at {stage.upper()} of session {step.session.number} with {step.host}: "
            f"{error}. The client was told {self.mx.phrase('local_error')}"
        )
        self.journal.add(Incident(self.journal.elapsed(), "error", text, error))

    def _complain(self, message: Message, to: str) -> None:
        self._relay.complain(self, message, to)

    def _named(self, address: str) -> str:
        """An address in full, as RCPT can name it."""
        if not isinstance(address, str):
            raise InvalidAddress(f"{address!r} is no mail address; it takes a text, as in 'alice@gmail.com'")
        address = self.in_full(address)
        split_address(address)
        try:
            forward_path(f"TO:<{address}>")
        except CommandError:
            raise InvalidAddress(
                f"{address!r} is no mail address: no RCPT command could name it (RFC 5321, 4.1.2)"
            ) from None
        return address

    def in_full(self, address: str) -> str:
        """An address, with the first of its domains where it has none."""
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
        local, _, domain = self.in_full(address).rpartition("@")
        return f"{local.lower()}@{domain.lower()}"
