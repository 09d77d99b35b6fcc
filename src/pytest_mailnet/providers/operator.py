"""A mail operator at work in one net: its mailboxes, its view of senders, and its handling of mail."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_mailnet.dns.records import checked_name
from pytest_mailnet.errors import InvalidAddress, InvalidSetting
from pytest_mailnet.mailboxes.account import Account
from pytest_mailnet.mailboxes.mailbox import Mailbox, answered_lately, note_sent, told_of_change
from pytest_mailnet.mailboxes.register import Register
from pytest_mailnet.providers.clientele import Clientele
from pytest_mailnet.providers.decisions import Decisions
from pytest_mailnet.providers.delivering import Distribution, for_some, forwarded
from pytest_mailnet.providers.facts import Facts
from pytest_mailnet.providers.phrasebook import Phrasebook
from pytest_mailnet.providers.policy import Policy
from pytest_mailnet.providers.variables import VARIABLES, Circumstances
from pytest_mailnet.record.journal import Incident
from pytest_mailnet.record.session import Finding, Message, Session, add_message
from pytest_mailnet.scripting.script import Script
from pytest_mailnet.senders.sender import Sender
from pytest_mailnet.smtp.state import Step
from pytest_mailnet.values import DELIVERY, Envelope, Stage

if TYPE_CHECKING:
    from random import Random

    from pytest_mailnet.clock import Clock
    from pytest_mailnet.dns.resolver import Resolver
    from pytest_mailnet.mailboxes.arrivals import Arrivals
    from pytest_mailnet.providers.readers import Readers
    from pytest_mailnet.providers.reading_facts import ReadingFacts, ReadingServers
    from pytest_mailnet.providers.relaying import Relay
    from pytest_mailnet.reading.response import Response
    from pytest_mailnet.record.journal import Journal

__all__ = ["Operator"]

T = TypeVar("T")

_CHECKS_DMARC = "dmarc_reject"
"""The rule of providers that look at DMARC policies."""


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
        reading: returns the facts about how its users read their mail.

    Attributes:
        mx: the script, rules and replies of its MX hosts.
        submission: those of its submission hosts; the same as `mx` if it has none of its own.
        register: its mailboxes.
        is_local, mailbox_of: the register's, which rules ask several times a mail.
        clientele: its users without a mailbox, and its suppression list.
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
        relay: Relay[Operator],
        present: Callable[[str], Operator | None],
        reading: Callable[[], ReadingFacts],
        enforced: Iterable[str] = (),
    ) -> None:
        self.facts = facts
        self._reading = reading
        self.clock: Clock = clock
        self.dns: Resolver = dns
        self.journal: Journal = journal
        self.arrivals: Arrivals = arrivals
        self.random: Random = random
        self.sender_at = sender_at
        self.hosts: list[str] = []
        self.clientele: Clientele = Clientele(facts, clock, journal)
        self._relay, self._present = relay, present
        self._scripts_of_reading: dict[str, Script[Response]] = {}
        self._readers: dict[str, Readers] = {}
        self.register: Register = Register(
            facts.name,
            facts.domains,
            facts.addressing,
            takes_all=facts.catch_all,
            clock=clock,
            outgoing=self,
            layout=lambda: self.reading.layout,
        )
        self.is_local: Callable[[str], bool] = self.register.is_local
        self.mailbox_of: Callable[[str], Mailbox | None] = self.register.home_of
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

    @functools.cached_property
    def reading(self) -> ReadingFacts:
        """The facts about how its users read their mail."""
        return self._reading()

    def script_of(self, protocol: str) -> Script[Response]:
        """A test's own answers at the servers where mail is read by a protocol."""
        return self._scripts_of_reading.setdefault(protocol, Script(self.journal.elapsed))

    def readers(self, protocol: str) -> Readers:
        """The clients that are connected where mail is read by a protocol."""
        from pytest_mailnet.providers.readers import Readers  # noqa: PLC0415  # few tests read mail

        return self._readers.setdefault(protocol, Readers())

    def scripts_at(self, servers: ReadingServers) -> Iterator[Script[Response]]:
        """The scripts that are asked where mail is read: its own, and those of others that read there too."""
        for it in (self, *filter(None, map(self._present, servers.also))):
            yield it.script_of(servers.protocol)

    def sessions_of(self, protocol: str) -> list[Session]:
        """The sessions with its hosts in which mail was read by a protocol, "IMAP" or "POP3"."""
        hosts = {host for it in self.reading.servers if it.protocol == protocol for host in it.hosts}
        return [it for it in self.journal.sessions_of(protocol) if it.host in hosts]

    @property
    def dmarc_rfc(self) -> int:
        """By which edition of DMARC it goes: 9989, or 7489."""
        return self.facts.dmarc_rfc

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
                f"add_mailbox({address!r}): {self.name} is served by the application, which decides itself "
                "who has a mailbox"
            )
        plain = isinstance(address, str) and "@" not in address
        if self.facts.submission is not None and not self.domains and (plain or not self.facts.customer):
            raise InvalidAddress(
                f"{address!r} cannot be a mailbox of {self.name}, which has no domain of its own. Who only "
                f"hands in mail: mailnet.provider({self.name!r}).add_account({address!r}, password='...')"
            )
        return self.register.add(address, quota=quota, password=password, aliases=aliases)

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of its users' addresses."""
        return self.register.domains

    @property
    def sessions(self) -> list[Session]:
        """The sessions with its hosts."""
        return [session for session in self.journal.sessions if session.provider == self.name]

    @property
    def scripts(self) -> list[tuple[Script[Any], list[Session]]]:
        """The scripts of the provider and of its submission hosts, with the sessions that each can answer."""
        sessions = self.sessions
        read = [(script, self.sessions_of(it)) for it, script in self._scripts_of_reading.items()]
        if self.submission is self.mx:
            return [(self.mx.script, sessions), *read]
        handed_in = [it for it in sessions if self.decisions_at(it.host) is self.submission]
        return [(self.mx.script, sessions), (self.submission.script, handed_in), *read]

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
        self.register.add_domain(checked_name(domain))

    def trusts(self, ip: str) -> bool:
        """Whether an IP address lies in a network given to `trust`."""
        return any(ipaddress.ip_address(ip) in network for network in self._networks)

    def account_of(self, identity: str) -> Account | None:
        """The account that logs in by a name, "alice" or "alice@gmail.com"; None for an unknown name."""
        mailbox = self.register.find(identity)
        known = self.clientele.account_of(identity) if mailbox is None else mailbox.account
        if known is not None:
            return known
        others = map(self._present, self.facts.submission.also if self.facts.submission else ())
        return next((found for it in others if it and (found := it.account_of(identity))), None)

    def mailbox_named(self, identity: str, also: Iterable[str] = ()) -> Mailbox | None:
        """The mailbox of a user who logs in by a name.

        Args:
            identity: "alice" or "alice@gmail.com".
            also: the names of providers whose users log in here too.
        """
        homes = (self, *filter(None, map(self._present, also)))
        found = (it.register.find(identity) for it in homes)
        return next((it for it in found if it is not None), None)

    def deliver(self, step: Step, envelope: Envelope, content: bytes) -> None:
        """Deliver a mail: to mailboxes here, to waiting tests, and to the relay for recipients elsewhere.

        Args:
            step: the session in which it came.
            envelope: its sender and recipients.
            content: its bytes, dot-unstuffed.
        """
        to = Distribution(self.mailbox_of, envelope, content)
        trace, suspicion = b"", ""
        if "authentication" in step.results:
            from pytest_mailnet.rules.auth import quarantined, trace_of  # noqa: PLC0415  # loaded by the rule that has asked

            trace = trace_of(step)
            suspicion = (
                quarantined(step) if _CHECKS_DMARC in self.decisions_at(step.host).policy.names else ""
            )
        to.decide(step.fate, suspicion)
        if to.elsewhere or to.onward or to.bounced or to.looping or step.authenticated_as is not None:
            trace, content = self._stamped(step, trace, content)
        message = Message(envelope, content, step.session, self.clock.now(), self.name, trace)
        add_message(message)
        self.lay(message, to.inboxes, to.junk)
        if step.authenticated_as is not None and (author := self.register.find(step.authenticated_as)):
            note_sent(author, message)
        self._send_on(step, message, to)
        if to.notes:
            step.finding = Finding(step.finding.rule if step.finding else "delivery", "; ".join(to.notes))

    def _send_on(self, step: Step, message: Message, to: Distribution) -> None:
        """Hand to the relay what leaves this operator: for other servers, forwarded, answered, returned."""
        relay = self._relay
        if to.elsewhere or any(message.envelope.rcpt_options):
            gone = {*to.bounced, *to.discarded, *to.looping}
            left = [it for it in range(len(message.envelope.rcpt_tos)) if it not in gone]
            mail = for_some(message, left) if gone else message
            relay.accept(self, step, mail, [left.index(it) for it in to.elsewhere])
        for onward in to.onward:
            relay.forward(self, step, forwarded(message, onward))
        if to.bounced and step.fate is not None:
            relay.bounce(self, step, for_some(message, to.bounced), said=step.fate.diagnostic)
        for number, mailbox in to.looping.items():
            why = f"mail forwarding loop for {mailbox.address}"
            relay.bounce(self, step, for_some(message, [number]), why=why)
        for mailbox, address in to.reached.items():
            if mailbox.auto_reply is not None:
                to.notes.append(self._answered(mailbox, mailbox.auto_reply, message, address))

    def _answered(self, mailbox: Mailbox, text: str, message: Message, address: str) -> str:
        """Send an automatic reply, unless there is a reason not to; what has been done, in words."""
        from pytest_mailnet.mailboxes.auto_reply import automatic_reply, why_unanswered  # noqa: PLC0415  # few tests have them

        now = self.clock.now()
        why = why_unanswered(mailbox, message, [address])
        if not why and answered_lately(mailbox, message.sender, now):
            why = f"{message.sender} has had it in the last days"
        if why:
            return f"no automatic reply of {mailbox.address}, since {why}"
        self._relay.post(self, message.sender, automatic_reply(mailbox, text, message, now), message.session)
        return f"automatic reply of {mailbox.address} to {message.sender}"

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
        fate = step.fate
        if fate is not None and fate.diagnostic is None:
            raise InvalidSetting(
                f".on_message(...).{fate.name}(): {self.name} is served by the application, which decides "
                "itself what becomes of a mail"
            )
        if fate is not None:
            self.value_of(step, "queue_id")
            self._relay.bounce(self, step, for_some(message, sorted(fate.recipients)), said=fate.diagnostic)

    def lay(self, message: Message, homes: Iterable[Mailbox], junk: Iterable[Mailbox] = ()) -> None:
        """Put a message into mailboxes, and wake tests that wait for it.

        Args:
            message: the message.
            homes: the mailboxes in whose inbox it goes.
            junk: the mailboxes that file it as junk.
        """
        for mailbox in homes:
            mailbox.messages.append(message)
            told_of_change(mailbox)
        for mailbox in junk:
            mailbox.junk.append(message)
            told_of_change(mailbox)
        self.arrivals.append(message)

    def _stamped(self, step: Step, trace: bytes, content: bytes) -> tuple[bytes, bytes]:
        from pytest_mailnet.providers import trace_fields  # noqa: PLC0415  # of mail that goes on from here

        now = self.clock.now()
        self.value_of(step, "queue_id")
        trace = trace_fields.received_field(step, self._name_of(step.client.ip), now) + trace
        account = self.account_of(step.authenticated_as or "")
        if account is None:
            return trace, content
        known = self.facts.submission
        if known is not None and known.original_from and step.host in known.hosts:
            content = trace_fields.with_own_author(content, account, known.original_from)
        return trace + trace_fields.completed(step, now), content

    def value_of(self, step: Step, variable: str) -> str:
        """The value of a reply's variable in a session.

        Args:
            step: the session. It keeps its queue id from the first use on.
            variable: a name in `VARIABLES`.
        """
        circumstances = Circumstances(step, self.facts.queue_id, self.random, self.clock, self._name_of)
        return VARIABLES[variable](circumstances)

    def _name_of(self, ip: str) -> str:
        back = self.dns.lookup(ipaddress.ip_address(ip).reverse_pointer, "PTR").values("PTR")
        return next(iter(back), "").rstrip(".")

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

    def complain(self, message: Message, to: str) -> None:
        """Send a feedback report on a message, when the queue runs; see `Mailbox.report_spam`."""
        self._relay.complain(self, message, to)

    def delivery_fields(self, mailbox: Mailbox, message: Message) -> bytes:
        """The fields before a message in a mailbox: Return-Path (RFC 5321, 4.4), Delivered-To (RFC 9228)."""
        for address in message.envelope.rcpt_tos:
            if self.mailbox_of(address) is mailbox:
                return f"Return-Path: <{message.sender}>\r\nDelivered-To: {address}\r\n".encode()
        return b""  # its owner has put it there

    def arrived(self, messages: Sequence[Message], count: int, timeout: float) -> list[Message]:
        """Wait until there are so many messages in a list; see `Mailbox.wait_for_messages`."""
        return self.arrivals.wait(count, timeout, messages)

    async def arrived_async(
        self,
        messages: Sequence[Message],
        count: int,
        timeout: float,  # noqa: ASYNC109
    ) -> list[Message]:
        """Do the same in a task."""
        return await self.arrivals.wait_async(count, timeout, messages)

    def send(
        self,
        author: str,
        to: tuple[str, ...],
        subject: str,
        text: str,
        *,
        content: bytes | None = None,
        answered: Message | None = None,
    ) -> None:
        """Take a mail that the owner of a mailbox writes; see `Mailbox.send` and `Mailbox.reply_to`.

        Args:
            author: the address of the mailbox.
            to: the recipients.
            subject: the subject.
            text: what it says.
            content: the whole mail in place of these two.
            answered: the message that it answers; None for none.
        """
        if content is None:
            from pytest_mailnet.mailboxes.letter import answered_fields, letter  # noqa: PLC0415  # few tests write

            more = answered_fields(answered) if answered else []
            content = letter(author, to, subject, text, self.clock.now(), more=more)
        self._relay.send(self, author, to, content)
