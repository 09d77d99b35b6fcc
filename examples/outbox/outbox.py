"""A small application: mails wait in a queue, go to the MX hosts of their recipients, and are tried again.

Nothing in it knows of a test. Its clock is an argument, as in any application with a schedule.
"""

from __future__ import annotations

import contextlib
import smtplib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import dns.exception
import dns.name
import dns.resolver

SCHEDULE = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4), timedelta(days=1))


@dataclass(frozen=True)
class Answer:
    """What became of a recipient: a server's reply, or with code 0 what went wrong before there was one."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.text}" if self.code else self.text


class Undeliverable(Exception):
    """The domain takes no mail, now or ever."""


@dataclass
class Delivery:
    """One recipient of one mail; `state` is queued, sent, deferred or failed."""

    sender: str
    recipient: str
    message: bytes
    due: datetime
    state: str = "queued"
    answers: list[Answer] = field(default_factory=list)

    @property
    def reply(self) -> str:
        return str(self.answers[-1]) if self.answers else ""

    def settle(self, answer: Answer, now: datetime) -> None:
        self.answers.append(answer)
        tries = len(self.answers)
        if 200 <= answer.code < 300:
            self.state = "sent"
        elif answer.code >= 500 or tries > len(SCHEDULE):
            self.state = "failed"
        else:
            self.state, self.due = "deferred", now + SCHEDULE[tries - 1]


class Outbox:
    """The queue, in memory."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._queue: list[Delivery] = []

    def send(self, sender: str, recipients: Iterable[str], message: bytes) -> dict[str, Delivery]:
        """Queue a mail, try it at once, and return its deliveries by recipient."""
        added = {to: Delivery(sender, to, message, self._now()) for to in recipients}
        self._queue += added.values()
        self.flush()
        return added

    def flush(self) -> None:
        """Try what is due: one connection for all recipients of a mail at one domain."""
        batches: dict[tuple[int, str], list[Delivery]] = {}
        for delivery in self._queue:
            if delivery.due <= self._now():
                batches.setdefault((id(delivery.message), _domain(delivery.recipient)), []).append(delivery)
        for (_, domain), batch in batches.items():
            answers = _attempt(domain, batch[0], [it.recipient for it in batch])
            for delivery in batch:
                delivery.settle(answers[delivery.recipient], self._now())
        self._queue = [it for it in self._queue if it.state in {"queued", "deferred"}]


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def mail_hosts(domain: str) -> list[str]:
    """The hosts that take mail for a domain, the preferred ones first (RFC 5321, 5.1)."""
    try:
        records = sorted(dns.resolver.resolve(domain, "MX"), key=lambda mx: mx.preference)
    except dns.resolver.NXDOMAIN:
        raise Undeliverable(f"no domain {domain}") from None
    except dns.resolver.NoAnswer:
        try:
            dns.resolver.resolve(domain, "A")
        except dns.resolver.NoAnswer:
            raise Undeliverable(f"{domain} has neither MX nor A records") from None
        return [domain]
    if [mx.exchange for mx in records] == [dns.name.root]:
        raise Undeliverable(f"{domain} takes no mail (null MX, RFC 7505)")
    return [mx.exchange.to_text(omit_final_dot=True) for mx in records]


def _attempt(domain: str, mail: Delivery, recipients: list[str]) -> dict[str, Answer]:
    last = Answer(0, f"no host of {domain} could be reached")
    try:
        hosts = mail_hosts(domain)
    except Undeliverable as error:
        return dict.fromkeys(recipients, Answer(556, str(error)))
    except dns.exception.DNSException as error:
        return dict.fromkeys(recipients, Answer(0, f"DNS: {error}"))
    for host in hosts:
        try:
            with contextlib.closing(smtplib.SMTP(host, 25, timeout=30)) as client:
                client.ehlo_or_helo_if_needed()
                if client.has_extn("starttls"):  # whoever it is: better than in the clear (RFC 7435)
                    client.starttls()
                    client.ehlo_or_helo_if_needed()
                answers = _transact(client, mail, recipients)
                with contextlib.suppress(OSError):  # a QUIT that fails changes nothing
                    client.quit()
                return answers
        except OSError as error:  # smtplib's own are OSErrors too: on to the next host
            last = _answer(error)
    return dict.fromkeys(recipients, last)


def _transact(client: smtplib.SMTP, mail: Delivery, recipients: list[str]) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    accepted: list[str] = []
    try:
        outcome = _expected(_reply(client.mail(mail.sender)))
        if outcome.code == 250:
            for recipient in recipients:
                answers[recipient] = _reply(client.rcpt(recipient))
            accepted = [to for to, answer in answers.items() if answer.code < 300]
            outcome = _reply(client.data(mail.message)) if accepted else outcome
    except OSError as error:
        outcome = _answer(error)
        accepted = [to for to in recipients if to not in answers or answers[to].code < 300]
    undecided = [to for to in recipients if to not in answers]
    return answers | dict.fromkeys([*accepted, *undecided], outcome)


def _reply(told: tuple[int, bytes]) -> Answer:
    return Answer(told[0], told[1].decode("utf-8", "replace"))


def _expected(answer: Answer) -> Answer:
    """The answer, if it is 250 or a no: any other is of a server that is out of step, and settles nothing."""
    return answer if answer.code == 250 or answer.code >= 400 else Answer(0, f"unexpected reply: {answer}")


def _answer(error: OSError) -> Answer:
    # smtplib raises the class itself for a line that is too long and for a strange reply to QUIT: neither is
    # an answer to the mail. Nor is a yes where an error is raised.
    told = (
        isinstance(error, smtplib.SMTPResponseException) and type(error) is not smtplib.SMTPResponseException
    )
    if told and error.smtp_code >= 400:
        said = error.smtp_error
        return Answer(error.smtp_code, said if isinstance(said, str) else said.decode("utf-8", "replace"))
    return Answer(0, f"{type(error).__name__}: {error}")
