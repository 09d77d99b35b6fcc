"""A mail operator in one net: its mailboxes, its hosts, a test's own answers, and its rules."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pytest_mailnet.authentication import trace_of
from pytest_mailnet.errors import InvalidAddress, UnknownName
from pytest_mailnet.journal import Incident, Session
from pytest_mailnet.mailbox import Mailbox, Message, split_address
from pytest_mailnet.model import Envelope, Reply, Stage
from pytest_mailnet.providers.facts import Facts
from pytest_mailnet.providers.phrasebook import Phrasebook, Replies
from pytest_mailnet.providers.policy import EVERYTHING, OWN_ANSWER, Policy
from pytest_mailnet.script import Expectation, Match, Script
from pytest_mailnet.sender import Sender
from pytest_mailnet.step import HangUp, Step

if TYPE_CHECKING:
    from random import Random

    from pytest_mailnet.clock import Clock
    from pytest_mailnet.journal import Journal
    from pytest_mailnet.mailbox import Arrivals
    from pytest_mailnet.providers.host import Host
    from pytest_mailnet.resolver import Dns

__all__ = ["Provider"]


class Provider:
    """A mail operator: `mailnet.gmail`, or what `mailnet.add_server` returns.

    Its own answers (`on_rcpt` and its sisters) come before its rules.

    Attributes:
        facts: what is known of it.
        domains: where its users' addresses end; a test can add to them.
        hosts: its machines by name.
        replies: its replies by condition, `provider.replies.user_unknown`.
    """

    def __init__(
        self,
        facts: Facts,
        phrasebook: Phrasebook,
        *,
        clock: Clock,
        dns: Dns,
        journal: Journal,
        arrivals: Arrivals,
        random: Random,
        sender_at: Callable[[str], Sender | None],
        catch_all: bool = False,
        enforced: Iterable[str] = (),
    ) -> None:
        self.facts = facts
        self.hosts: dict[str, Host] = {}
        self.clock, self.dns, self.random = clock, dns, random
        self.sender_at = sender_at
        self._journal, self._arrivals, self._catch_all = journal, arrivals, catch_all
        self.domains = facts.domains
        self._mailboxes: dict[str, Mailbox] = {}
        self._networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()
        self._phrasebook = phrasebook
        self._policy = Policy(facts, enforced)
        self.memory = self._policy.memory
        self.replies = Replies(self._phrasebook)
        self.script = Script()

    @property
    def name(self) -> str:
        """How tests call it; a server's is its host name."""
        return self.facts.name

    def add_mailbox(self, address: str, *, quota: int | None = None) -> Mailbox:
        """Open a mailbox and return it; one that exists is returned as it is.

        Args:
            address: "alice" or "alice@gmail.com"; without a domain at the provider's first.
            quota: how many bytes fit into a new one; None for no end of them.

        Raises:
            InvalidAddress: if the domain is not the provider's.
            InvalidSetting: for a quota that is no number of bytes.
        """
        address = self._in_full(address)
        local, domain = split_address(address)
        if not self.is_local(domain):
            raise InvalidAddress(
                f"{address!r} cannot be a mailbox of {self.name}: its users' addresses end in "
                f"{' or '.join('@' + name for name in self.domains)}"
            )
        return self._mailboxes.setdefault(f"{local.lower()}@{domain}", Mailbox(address, quota=quota))

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
        return list(self._mailboxes.values())

    @property
    def sessions(self) -> list[Session]:
        """The sessions with this provider's hosts."""
        return [session for session in self._journal.sessions if session.provider == self.name]

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
        """Take mail for a further domain; `mailnet.add_domain` adds its records too."""
        self.domains = (*self.domains, domain)

    def enforce(self, *rules: str) -> None:
        """Turn rules on that are off in a fresh net: "greylisting", or a family: "authentication".

        Raises:
            UnknownName: if the provider has no such rule; names the near misses.
        """
        self._policy.enforce(*rules)

    def enforce_all(self) -> None:
        """Turn on every rule that the provider has."""
        self._policy.enforce(EVERYTHING)

    def explain(self, session: Session) -> str:
        """Tell, rule by rule, why a session got the replies that it got."""
        return "\n".join(self._policy.explain(session))

    def on_connect(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer a connection in place of the banner; a glob is compared with the client's address."""
        return self._on(Stage.CONNECT, match, sender)

    def on_ehlo(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer EHLO and HELO; a glob is compared with the name given there."""
        return self._on(Stage.EHLO, match, sender)

    def on_mail(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer MAIL; a glob is compared with the reverse-path ("" for the null sender)."""
        return self._on(Stage.MAIL, match, sender)

    def on_rcpt(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer RCPT; a glob is compared with the recipient.

        Args:
            match: a glob ("sales@*"), or a predicate that is given the `Step`; None for all.
            sender: a `Sender`, a glob for its address, or (with an @) one for the reverse-path.
        """
        return self._on(Stage.RCPT, match, sender)

    def on_data(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer DATA; a glob is compared with each recipient."""
        return self._on(Stage.DATA, match, sender)

    def on_message(self, match: Match | None = None, *, sender: Sender | str | None = None) -> Expectation:
        """Answer after the final dot; a glob is compared with each recipient."""
        return self._on(Stage.MESSAGE, match, sender)

    def phrase(self, condition: str) -> Reply:
        """The phrasebook's reply for a condition."""
        return self._phrasebook[condition].reply

    def is_local(self, domain: str) -> bool:
        """Whether mail for that domain ends here; "" is the server itself."""
        return not domain or domain in self.domains or (self._catch_all and not self.domains)

    def mailbox_of(self, address: str) -> Mailbox | None:
        """The mailbox that mail for an address is laid in."""
        local, _, domain = self._in_full(address).rpartition("@")
        known = self._mailboxes.get(f"{local.lower()}@{domain.lower()}")
        if known is None and self._catch_all and self.is_local(domain.lower()):
            return self.add_mailbox(address)
        return known

    def trusts(self, ip: str) -> bool:
        """Whether an address lies in a network that `trust` was told of."""
        return any(ipaddress.ip_address(ip) in network for network in self._networks)

    def decide(self, stage: Stage, step: Step) -> Reply | HangUp | None:
        """The first answer of the script, then of the rules; None lets the session go on."""
        scripted = self.script.decide(stage, step)
        if scripted is not None:
            step.finding = OWN_ANSWER
            return scripted
        refusal = self._policy.decide(stage, step, self)
        if refusal is None:
            return None
        step.details = refusal.details
        return self.phrase(refusal.condition)

    def deliver(self, step: Step, envelope: Envelope, content: bytes) -> None:
        """Lay a mail into the mailboxes of its recipients, and wake who waits for it."""
        trace = trace_of(step)
        message = Message(envelope, content, step.session, self.clock.now(), self.name, trace)
        mailboxes = {id(box): box for to in envelope.rcpt_tos if (box := self.mailbox_of(to)) is not None}
        for mailbox in mailboxes.values():
            mailbox.messages.append(message)
        self._arrivals.append(message)

    def failed(self, error: Exception, stage: Stage, step: Step) -> None:
        """Note an exception of a rule or predicate, for the test to fail with."""
        text = (
            f"{type(error).__name__} at {stage.upper()} of session {step.session.number} with {step.host}: "
            f"{error}. The client was told {self.phrase('local_error')}"
        )
        self._journal.add(Incident(self._journal.elapsed(), "error", text, error))

    def _on(self, stage: Stage, match: Match | None, sender: Sender | str | None) -> Expectation:
        return self.script.add(Expectation(self.name, stage, match, sender))

    def _in_full(self, address: str) -> str:
        if "@" in address or not self.domains:
            return address
        return f"{address}@{self.domains[0]}"

    def __repr__(self) -> str:
        return f"<Provider {self.name} ({self.facts.title})>"
