"""The mails that wait in the queues of a net's servers, and the work on them."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from pytest_mailnet.providers.variables import made_like
from pytest_mailnet.record.session import Message, Session
from pytest_mailnet.smtp.headers import domain_of, header_fields
from pytest_mailnet.system.native import lock
from pytest_mailnet.values import Endpoint, Envelope, Reply

if TYPE_CHECKING:
    from pytest_mailnet.providers.operator import Operator
    from pytest_mailnet.relay.delivery import Surroundings
    from pytest_mailnet.relay.dsn import Action
    from pytest_mailnet.relay.queue_entry import DeliveryOutcome, QueuedMail, QueuedRecipient
    from pytest_mailnet.relay.retries import RetrySchedule
    from pytest_mailnet.smtp.state import Step

__all__ = ["Spool"]

_MOST_HOPS = 100  # RFC 5321, 6.3
_AT_ONCE = 16  # mails in a row, while the engine's other work waits


class Spool:
    """The mails that the servers of a net have taken for others. A test holds the `Queue` in front of it.

    Mails stay until `run` is called. One lock: who has the engine's turn adds and removes mails, and the test
    reads them.

    Args:
        net: the net in which mails are delivered.

    """

    def __init__(self, net: Surroundings) -> None:
        self._schedule: RetrySchedule | None = None
        self._net = net
        self._mails: dict[QueuedMail, Operator] = {}
        self._lock = lock()

    @property
    def schedule(self) -> RetrySchedule:
        """When mails are tried again, and how long."""
        if self._schedule is None:
            from pytest_mailnet.relay.retries import RetrySchedule  # noqa: PLC0415  # few tests let servers relay

            self._schedule = RetrySchedule()
        return self._schedule

    @schedule.setter
    def schedule(self, schedule: RetrySchedule) -> None:
        self._schedule = schedule

    @property
    def mails(self) -> list[QueuedMail]:
        """The mails that wait, oldest first."""
        with self._lock:
            return list(self._mails)

    def accept(self, operator: Operator, step: Step, message: Message, elsewhere: list[int]) -> None:
        """Queue a mail that a server has taken, and send the reports that are due at once.

        Args:
            operator: whose server took the mail.
            step: the session, at the end of the mail.
            message: the mail.
            elsewhere: the recipients who have no mailbox at the operator, by their numbers in the envelope.
        """
        from pytest_mailnet.relay.queue_entry import DeliveryOutcome, QueuedMail  # noqa: PLC0415  # as above

        mail = QueuedMail(operator.name, step.queue_id, message)
        everybody, mail.recipients = mail.recipients, []
        looping = sum(name == "received" for name, _ in header_fields(mail.content)) > _MOST_HOPS
        for number, recipient in enumerate(everybody):
            if number not in elsewhere:
                recipient.outcome = DeliveryOutcome("sent", "2.1.5", why="delivered to the mailbox")
            elif operator.is_local(domain_of(recipient.address)):
                unknown = operator.mx.phrase("user_unknown")
                recipient.outcome = _refusal(operator, step, recipient.address, unknown, "5.1.1")
            elif looping:
                why = (
                    f"it has passed more than {_MOST_HOPS} servers, as a mail does that goes round in a loop"
                )
                recipient.outcome = DeliveryOutcome("failed", "5.4.6", why=why)
            elif operator.clientele.sends_to(recipient.address):
                mail.recipients.append(recipient)
        decided = [(it, it.outcome.action) for it in everybody if it.outcome]
        self._report(mail, [it for it, action in decided if action == "sent"], "delivered", operator)
        self._report(mail, [it for it, action in decided if action == "failed"], "failed", operator)
        if mail.recipients:
            self._add(mail, operator)

    def forward(self, operator: Operator, step: Step, message: Message) -> None:
        """Queue a mail that a mailbox forwards, sealed where its provider does that.

        Args:
            operator: whose server took the mail.
            step: the session, at the end of the mail.
            message: the mail, for the one to whom it goes on.
        """
        if operator.facts.arc.domain:
            from pytest_mailnet.relay.signing import arc_set  # noqa: PLC0415  # few mailboxes forward

            content = message.trace + message.content
            fields = arc_set(operator.dns, operator.facts.arc, step.host, content)
            message = dataclasses.replace(message, trace=fields + message.trace)
        self.accept(operator, step, message, [0])

    def bounce(
        self, operator: Operator, step: Step, message: Message, *, said: Reply | None = None, why: str = ""
    ) -> None:
        """Return a mail to its sender when the queue runs.

        Args:
            operator: whose server took the mail.
            step: the session, at the end of the mail.
            message: the mail, for the recipients for whom it is returned.
            said: the reason, as a reply; None if it is `why`.
            why: the reason in words, for a mail that goes round in a loop.
        """
        if not message.envelope.mail_from:
            return
        from pytest_mailnet.relay.queue_entry import DeliveryOutcome, QueuedMail  # noqa: PLC0415  # as above

        mail = QueuedMail(operator.name, step.queue_id, message)
        for recipient in mail.recipients:
            recipient.verdict = (
                DeliveryOutcome("failed", "5.4.6", why=why)
                if said is None
                else _refusal(operator, step, recipient.address, said)
            )
        self._add(mail, operator)

    def complain(self, operator: Operator, message: Message, to: str) -> None:
        """Send a feedback report on a message (ARF, RFC 5965).

        Args:
            operator: whose user calls the message spam.
            message: the message.
            to: the address that the report goes to.
        """
        from pytest_mailnet.relay.arf import Complaint, feedback_report  # noqa: PLC0415  # few tests complain

        envelope, host = message.envelope, message.session.host
        complaint = Complaint(
            reporting_mta=host,
            sender=f"staff@{next(iter(operator.domains), host)}",
            to=to,
            content=message.trace + message.content,
            mail_from=envelope.mail_from,
            rcpt_tos=envelope.rcpt_tos,
            source_ip=message.session.client.ip,
            arrived=message.received,
            written=self._net.clock.now(),
        )
        report = feedback_report(complaint)
        self.post(operator, to, report, message.session)

    async def run(self, span: timedelta) -> None:
        """Deliver the mails that are due now or become due within a span of time.

        The clock moves from one attempt to the next. Runs in the engine's thread, and lets the engine's other
        work go on in between.
        """
        clock = self._net.clock
        until = clock.now() + span
        while True:
            await self._deliver_due()
            following = min((mail.next_try for mail in self.mails), default=None)
            if following is None or following > until:
                break
            clock.set(following)
        if until > clock.now():
            clock.set(until)

    async def _deliver_due(self) -> None:
        from pytest_mailnet.relay.delivery import Courier  # noqa: PLC0415  # few tests let servers relay

        courier = Courier(self._net)
        try:
            while due := [mail for mail in self.mails if mail.due_by(self._net.clock.now())]:
                for number, mail in enumerate(due):
                    operator = self._mails[mail]
                    await courier.carry(mail, operator)
                    self._settle(mail, operator)
                    if number % _AT_ONCE == 0:
                        await asyncio.sleep(0)
        finally:
            await courier.close()

    def _settle(self, mail: QueuedMail, operator: Operator) -> None:
        """Send the reports that an attempt calls for, and set the time of the next attempt."""
        now, schedule = self._net.clock.now(), self.schedule
        mail.attempts += 1
        expired = mail.age(now) >= schedule.give_up_after
        waiting, failed, relayed = [], [], []
        for recipient in mail.recipients:
            outcome = recipient.outcome
            assert outcome is not None
            if outcome.action == "deferred" and not expired:
                waiting.append(recipient)
            elif outcome.action == "deferred":
                recipient.outcome = dataclasses.replace(outcome, action="failed", status="4.4.7")
                failed.append(recipient)
            elif outcome.action == "failed":
                operator.clientele.bounced(recipient.address)
                failed.append(recipient)
            elif not outcome.confirms:
                relayed.append(recipient)
        self._report(mail, failed, "failed", operator)
        self._report(mail, relayed, "relayed", operator)
        mail.recipients = waiting
        if not waiting:
            with self._lock:
                del self._mails[mail]
            return
        if not mail.warned and schedule.warn_after is not None and mail.age(now) >= schedule.warn_after:
            mail.warned = True
            self._report(mail, waiting, "delayed", operator)
        mail.next_try = min(now + schedule.wait(mail.attempts), mail.arrived + schedule.give_up_after)

    def _report(
        self, mail: QueuedMail, recipients: Sequence[QueuedRecipient], action: Action, operator: Operator
    ) -> None:
        if not recipients:
            return
        from pytest_mailnet.relay.dsn import delivery_report  # noqa: PLC0415  # few tests have reports
        from pytest_mailnet.relay.notify import notification, wanted  # noqa: PLC0415

        told = wanted(mail, recipients, action)
        if not told:
            return
        now = self._net.clock.now()
        retry_until = mail.arrived + self.schedule.give_up_after if action == "delayed" else None
        report = delivery_report(notification(mail, told, action, now, retry_until), operator.facts.wording)
        self.post(operator, mail.sender, report, mail.session)

    def send(self, operator: Operator, author: str, to: tuple[str, ...], content: bytes) -> None:
        """Send a mail of a user's, signed where that is possible.

        Args:
            operator: the operator.
            author: the reverse-path.
            to: the recipients.
            content: the mail.
        """
        # Written in a browser: there was no session, so this one is in no record.
        source = Endpoint(self._net.source_of(operator).ip, 0)
        now, host = self._net.journal.elapsed(), next(iter(operator.hosts), operator.name)
        session = Session(now, 0, source, source, host, operator.name, ended="written in the mailbox")
        from pytest_mailnet.relay.signing import signed  # noqa: PLC0415  # few users write

        self._post(operator, author, to, signed(operator.dns, author, content), session)

    def post(self, operator: Operator, to: str, content: bytes, about: Session) -> None:
        """Send a mail of the operator's own from the null sender.

        Args:
            operator: the operator.
            to: the recipient.
            content: the mail.
            about: the session of the mail that it tells of or answers.
        """
        self._post(operator, "", (to,), content, about)

    def _post(
        self, operator: Operator, sender: str, to: tuple[str, ...], content: bytes, session: Session
    ) -> None:
        """Put a mail of the operator's own or a user's into mailboxes here, and into the queue for others."""
        needed = {
            "BODY=8BITMIME": not content.isascii(),
            "SMTPUTF8": not all(map(str.isascii, (sender, *to))),
        }
        options = tuple(option for option, need in needed.items() if need)
        now = self._net.clock.now()
        homes = {address: operator.mailbox_of(address) for address in to}
        here = dict.fromkeys(home for home in homes.values() if home is not None)
        if here:
            operator.lay(Message(Envelope(sender, to, options), content, session, now, operator.name), here)
        if others := tuple(address for address, home in homes.items() if home is None):
            from pytest_mailnet.relay.queue_entry import QueuedMail  # noqa: PLC0415  # as above

            message = Message(Envelope(sender, others, options), content, session, now, operator.name)
            queue_id = made_like(operator.facts.queue_id, self._net.random)
            self._add(QueuedMail(operator.name, queue_id, message), operator)

    def _add(self, mail: QueuedMail, operator: Operator) -> None:
        with self._lock:
            self._mails[mail] = operator


def _refusal(operator: Operator, step: Step, address: str, reply: Reply, status: str = "") -> DeliveryOutcome:
    """The outcome for a recipient whom the operator's server accepted, and to whom it cannot deliver."""
    from pytest_mailnet.relay.queue_entry import DeliveryOutcome  # noqa: PLC0415  # as in `Spool`

    details, step.details = step.details, {"recipient": address}
    said = reply.wire(lambda variable: operator.value_of(step, variable)).decode().rstrip("\r\n")
    step.details = details
    status = reply.enhanced or status or f"{str(reply.code)[0]}.0.0"
    return DeliveryOutcome("failed", status, said.replace("\r\n", "\n"), host=step.host)
