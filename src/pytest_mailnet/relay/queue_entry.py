"""One mail in a queue, with the outcome of the last attempt for each recipient."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from pytest_mailnet.printable import printable
from pytest_mailnet.values import Stage

if TYPE_CHECKING:
    from pytest_mailnet.record.session import Message, Session

__all__ = ["DeliveryOutcome", "QueuedMail", "QueuedRecipient"]


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """The outcome of an attempt for one recipient.

    Attributes:
        action: "sent", "deferred" (to be tried again) or "failed".
        status: the enhanced status code, "5.1.1".
        reply: the server's reply, its lines with their codes; "" if no server has replied.
        why: the reason in words, if no server has replied.
        host: the server's name; "" if none was reached.
        ip: the server's address.
        stage: the stage of the reply; None if no server has replied.
        confirms: whether the server is now responsible for reports on the delivery (RFC 3461, 6.2).
    """

    action: Literal["sent", "deferred", "failed"]
    status: str
    reply: str = ""
    why: str = ""
    host: str = ""
    ip: str = ""
    stage: Stage | None = None
    confirms: bool = False

    def __str__(self) -> str:
        said = self.why or self.reply.replace("\n", " ")
        return f"{self.host} said: {said}" if self.reply and self.host else said


@dataclass(slots=True, eq=False)
class QueuedRecipient:
    """One recipient of a mail in a queue.

    Attributes:
        address: the recipient's address.
        options: the parameters of its RCPT, as written: NOTIFY, ORCPT.
        outcome: the outcome of the last attempt; None before the first.
        tried: the time of the last attempt; None before the first.
        verdict: the outcome that is settled before any attempt, for a mail that its server returns by itself;
            None for others.
    """

    address: str
    options: tuple[str, ...] = ()
    outcome: DeliveryOutcome | None = None
    tried: datetime | None = None
    verdict: DeliveryOutcome | None = None

    def __str__(self) -> str:
        return self.address if self.outcome is None else f"{self.address} ({self.outcome})"


class QueuedMail:
    """A mail that a server has taken for recipients elsewhere, and has to deliver.

    Only the thread that has the engine's turn changes it.

    Args:
        provider: see the attribute.
        queue_id: see the attribute.
        message: as the provider took it, or wrote it.

    Attributes:
        provider: the name of the provider or server whose queue it is in.
        host: the server that took it.
        queue_id: what that server calls it.
        sender: the reverse-path; "" for reports.
        options: the parameters of its MAIL, as written: BODY, SMTPUTF8, RET, ENVID.
        content: what will be sent, trace fields first.
        session: the session in which it came; for a report, that of the reported mail.
        arrived: when it came, by the net's clock.
        recipients: those that are still to be served.
        attempts: how often it has been tried.
        next_try: when it is due.
        warned: whether its sender got a report of the delay.
    """

    def __init__(self, provider: str, queue_id: str, message: Message) -> None:
        envelope = message.envelope
        self.provider: str = provider
        self.queue_id: str = queue_id
        self.host: str = message.session.host
        self.sender: str = envelope.mail_from
        self.options: tuple[str, ...] = envelope.mail_options
        self.content: bytes = message.trace + message.content
        self.session: Session = message.session
        self.arrived: datetime = message.received
        self.next_try: datetime = message.received
        options = envelope.rcpt_options or ((),) * len(envelope.rcpt_tos)
        self.recipients: list[QueuedRecipient] = [
            QueuedRecipient(*it) for it in zip(envelope.rcpt_tos, options, strict=True)
        ]
        self.attempts = 0
        self.warned = False

    @property
    def reason(self) -> str:
        """Why the mail still waits: the outcome of the last attempt; "" before the first."""
        outcomes = dict.fromkeys(str(it.outcome) for it in self.recipients if it.outcome is not None)
        return "; ".join(outcomes)

    def due_by(self, moment: datetime) -> bool:
        """Whether the mail is to be tried at or before a moment."""
        return self.next_try <= moment

    def age(self, now: datetime) -> timedelta:
        """How long the mail has been in the queue."""
        return now - self.arrived

    def __str__(self) -> str:
        """The mail in one line, as in the listing of a queue."""
        told = f", {self.reason}" if self.reason else ", not tried yet"
        to = " ".join(it.address for it in self.recipients)
        return printable(
            f"{self.provider} {self.queue_id} <{self.sender}> -> {to}: attempt {self.attempts + 1} at "
            f"{self.next_try:%Y-%m-%d %H:%M:%S} UTC{told}"
        )

    __repr__ = __str__
