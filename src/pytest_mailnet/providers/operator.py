"""A mail operator at work in one net: its mailboxes, its view of senders, and its handling of mail."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

from pytest_mailnet.dns.records import checked_name
from pytest_mailnet.errors import InvalidAddress, InvalidSetting
from pytest_mailnet.mailboxes.account import Account
from pytest_mailnet.mailboxes.mailbox import Mailbox, split_address
from pytest_mailnet.providers.clientele import Clientele
from pytest_mailnet.providers.decisions import Decisions
from pytest_mailnet.providers.facts import Facts
from pytest_mailnet.providers.phrasebook import Phrasebook
from pytest_mailnet.providers.policy import Policy
from pytest_mailnet.providers.trace_fields import completed, received_field, with_own_author
from pytest_mailnet.providers.variables import VARIABLES, Circumstances
from pytest_mailnet.record.journal import Incident
from pytest_mailnet.record.session import Message, Session, add_message
from pytest_mailnet.scripting.script import Script
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.smtp.paths import CommandError, forward_path
from pytest_mailnet.smtp.state import Step
from pytest_mailnet.values import DELIVERY, Envelope, Stage

if TYPE_CHECKING:
    from random import Random

    from pytest_mailnet.clock import Clock
    from pytest_mailnet.dns.resolver import Resolver
    from pytest_mailnet.mailboxes.arrivals import Arrivals
    from pytest_mailnet.record.journal import Journal

__all__ = ["Operator", "Relay"]

T = TypeVar("T")


class Relay(Protocol):
    """The relay to which an operator hands mail for recipients elsewhere."""

    def accept(self, operator: Operator, step: Step, message: Message, elsewhere: list[int]) -> None:
        """Take a mail for its recipients elsewhere; one without any, if its sender asks for reports (DSN).

        Args:
            operator: the operator that took it.
            step: the session in which it came.
            message: the mail.
            elsewhere: the recipients without a mailbox here, as indexes into the envelope's.
        """
        ...

    def complain(self, operator: Operator, message: Message, to: str) -> None:
        """Send a feedback report on a message (ARF, RFC 5965).

        Args:
            operator: the operator that sends it.
            message: the message that was reported as spam.
            to: the address to which the report goes.
        """
        ...


class Operator:
    """A provider at work in one net. Rules and hosts use it; tests see it through `Provider`.

    Args:
        facts: the facts about it.
        phrasebook: makes the replies of its MX hosts ("mx") and of its "submission" hosts.
        clock, dns, journal, arrivals, random: the net's.
        sender_at: finds the sender with an IP address.
        relay: takes the mail for recipients elsewhere.
        present: finds another operator of the net by name.
        enforced: names of rules and families to turn on besides those that are on in a fresh net.

    Attributes:
        mx: the script, rules and replies of its MX hosts.
        submission: those of its submission hosts; the same as `mx` if it has none of its own.
        clientele: its users without a mailbox, and its suppression list.
        domains: the domains of its users' addresses.
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
        self.clock: Clock = clock
        self.dns: Resolver = dns
        self.journal: Journal = journal
        self.arrivals: Arrivals = arrivals
        self.random: Random = random
        self.sender_at = sender_at
        self.domains: tuple[str, ...] = facts.domains
        self.hosts: list[str] = []
        self.clientele: Clientele = Clientele(facts, clock, journal)
        self._relay, self._present = relay, present
        self._mailboxes: dict[str, Mailbox] = {}
        self._networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
        self.mx: Decisions = Decisions(facts.name, Policy(facts, enforced), phrasebook("mx"), journal.elapsed)
        self.submission: Decisions = self.mx
        if facts.submission is not None:
            own = Policy(facts.submission, enforced)
            self.submission = Decisions(
                facts.submission.name, own, phrasebook("submission"), journal.elapsed, self.mx.script
            )

    @property
    def name(self) -> str:
        """The name by which tests ask for it."""
        return self.facts.name

    def decisions_at(self, host: str) -> Decisions:
        """The script, rules and replies of one of its hosts."""
        known = self.facts.submission
        return self.submission if known is not None and host in known.hosts else self.mx

    def memory(self, owner: object, kind: Callable[[], T]) -> T:
        """The memory of a rule, or of a class of rules, in this net.

        Args:
            owner: the rule, or the class.
            kind: makes the memory when it is first asked for.
        """
        return self.mx.policy.memory(owner, kind)

    def add_mailbox(
        self,
        address: str,
        *,
        quota: int | None = None,
        password: str | None = None,
        aliases: Iterable[str] = (),
    ) -> Mailbox:
        """Open a mailbox; see `Provider.add_mailbox`."""
        if self.facts.handled:
            raise InvalidSetting(
                f"add_mailbox({address!r}): {self.name} is served by a handler, which decides itself who has "
                "a mailbox"
            )
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
        """The scripts of the provider and of its submission hosts, with the sessions that each can answer."""
        sessions = self.sessions
        if self.submission is self.mx:
            return [(self.mx.script, sessions)]
        handed_in = [it for it in sessions if self.decisions_at(it.host) is self.submission]
        return [(self.mx.script, sessions), (self.submission.script, handed_in)]

    def trust(self, network: str) -> None:
        """Take mail for anybody from a network; see `Provider.trust`."""
        try:
            self._networks += (ipaddress.ip_network(network),)
        except ValueError as error:
            raise InvalidAddress(
                f"{network!r} is no network ({error}); it takes one as in '10.0.0.0/8'"
            ) from None

    def add_domain(self, domain: str) -> None:
        """Take mail for a further domain.

        Raises:
            ZoneError: if that cannot be a domain name.
        """
        self.domains = (*self.domains, checked_name(domain))

    def is_local(self, domain: str) -> bool:
        """Whether mail for a domain ends here; "" stands for the server itself."""
        return not domain or domain in self.domains or (self.facts.catch_all and not self.domains)

    def mailbox_of(self, address: str) -> Mailbox | None:
        """The mailbox to which mail for an address is delivered; None if there is none here."""
        known = self._mailboxes.get(address)  # as almost all clients write it: in full, in small letters
        if known is not None:
            return known
        key = self._full_key(address)
        known = self._mailboxes.get(key)
        if known is None and self.facts.catch_all and self.is_local(key.rpartition("@")[2]):
            return self.add_mailbox(address)
        return known

    def trusts(self, ip: str) -> bool:
        """Whether an IP address lies in a network given to `trust`."""
        return any(ipaddress.ip_address(ip) in network for network in self._networks)

    def account_of(self, identity: str) -> Account | None:
        """The account that logs in by a name, "alice" or "alice@gmail.com"; None for an unknown name."""
        mailbox = self._mailboxes.get(self._full_key(identity))
        known = self.clientele.account_of(identity) if mailbox is None else mailbox.account
        if known is not None:
            return known
        others = map(self._present, self.facts.submission.also if self.facts.submission else ())
        return next((found for it in others if it and (found := it.account_of(identity))), None)

    def deliver(self, step: Step, envelope: Envelope, content: bytes) -> None:
        """Deliver a mail: to mailboxes here, to waiting tests, and to the relay for recipients elsewhere.

        Args:
            step: the session in which it came.
            envelope: its sender and recipients.
            content: its bytes, dot-unstuffed.
        """
        homes = [self.mailbox_of(to) for to in envelope.rcpt_tos]
        elsewhere = [number for number, mailbox in enumerate(homes) if mailbox is None]
        trace = b""
        if "authentication" in step.results:
            from pytest_mailnet.rules.auth import trace_of  # noqa: PLC0415  # loaded by the rule that has asked

            trace = trace_of(step)
        if elsewhere or step.authenticated_as is not None:
            trace, content = self._stamped(step, trace, content)
        message = Message(envelope, content, step.session, self.clock.now(), self.name, trace)
        add_message(message)
        self.lay(message, homes)
        if elsewhere or any(envelope.rcpt_options):
            self._relay.accept(self, step, message, elsewhere)

    def note_taken(self, step: Step, envelope: Envelope, content: bytes) -> None:
        """Record a mail that a handler has taken, and deliver it nowhere.

        Args:
            step: the session in which it came.
            envelope: its sender and recipients.
            content: its bytes, dot-unstuffed.
        """
        message = Message(envelope, content, step.session, self.clock.now(), self.name)
        add_message(message)
        self.arrivals.append(message)

    def lay(self, message: Message, homes: Iterable[Mailbox | None]) -> None:
        """Put a message into mailboxes, and wake tests that wait for it.

        Args:
            message: the message.
            homes: the mailbox of each recipient, None for none; each mailbox gets the message once.
        """
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
        """The value of a reply's variable in a session.

        Args:
            step: the session. It keeps its queue id from the first use on.
            variable: a name in `VARIABLES`.
        """
        return VARIABLES[variable](Circumstances(step, self.facts.queue_id, self.random, self.clock))

    def failed(self, error: Exception, stage: Stage | None, step: Step, told: str | None) -> None:
        """Record an exception of a rule, a predicate or a handler, which fails the test.

        Args:
            error: the exception.
            stage: the stage at which it was raised; None for a command without a stage.
            step: the session.
            told: the reply that the client got; None for the phrase "local_error".
        """
        where = stage.upper() if stage in DELIVERY else step.verb or "another command"
        text = (
            f"{type(error).__name__} at {where} of session {step.session.number} with {step.host}: {error}. "
            f"The client was told {told or self.mx.phrase('local_error')}"
        )
        self.journal.add(Incident(self.journal.elapsed(), "error", text, error))

    def _complain(self, message: Message, to: str) -> None:
        self._relay.complain(self, message, to)

    def _named(self, address: str) -> str:
        """An address in full, after a check that RCPT can name it."""
        if not isinstance(address, str):
            raise InvalidAddress(f"{address!r} is no mail address; it takes a text, as in 'alice@gmail.com'")
        address = self.in_full(address)
        if "@" not in address and self.submission is not self.mx:
            raise InvalidAddress(
                f"{address!r} is no mail address. Who hands in mail and has no mailbox: "
                f"mailnet.provider({self.name!r}).add_account({address!r}, password='...')"
            )
        split_address(address)
        try:
            forward_path(f"TO:<{address}>")
        except CommandError:
            raise InvalidAddress(
                f"{address!r} is no mail address: no RCPT command could name it (RFC 5321, 4.1.2)"
            ) from None
        return address

    def in_full(self, address: str) -> str:
        """An address, completed with the first of the provider's domains if it has none."""
        if "@" in address or not self.domains:
            return address
        return f"{address}@{self.domains[0]}"

    def _key(self, address: str) -> str:
        local, domain = split_address(address)
        if not self.is_local(domain):
            if not self.domains:
                raise InvalidAddress(
                    f"{address!r} cannot be a mailbox of {self.name}, which has no domain of its own: "
                    + (
                        f"mailnet.add_domain({domain!r}, on={self.name!r}) puts one there"
                        if self.facts.customer
                        else f"mailnet.provider({self.name!r}).add_account(...) adds a user who only sends"
                    )
                )
            raise InvalidAddress(
                f"{address!r} cannot be a mailbox of {self.name}: its users' addresses end in "
                f"{' or '.join('@' + name for name in self.domains)}"
            )
        return f"{local.lower()}@{domain}"

    def _full_key(self, address: str) -> str:
        local, _, domain = self.in_full(address).rpartition("@")
        return f"{local.lower()}@{domain.lower()}"
