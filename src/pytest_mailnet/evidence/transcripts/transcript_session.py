"""Works out the failed recipients of an SMTP session from its commands and replies."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.transcripts.client_lines import Command
from pytest_mailnet.evidence.transcripts.hosts import split_host
from pytest_mailnet.evidence.transcripts.one_mail import Transaction
from pytest_mailnet.handles.names import FaultName
from pytest_mailnet.values import Stage

__all__ = ["TranscriptSession"]

_ORDER = (Stage.CONNECT, Stage.EHLO, Stage.STARTTLS, Stage.AUTH, Stage.MAIL)
_OF_SYNTAX = frozenset({500, 501, 502, 503, 504})


class TranscriptSession:
    """One session after another: takes replies, and returns failed recipients.

    A failure of the whole session or transaction is returned at its end, when all recipients are known.

    Attributes:
        host: the server's name; None if unknown.
        mail: the transaction that is under way.
    """

    def __init__(self) -> None:
        self.host: str | None = None
        self.mail: Transaction = Transaction()
        self._address: str | None = None
        self._hints: tuple[str | None, tuple[str, ...]] = (None, ())
        self._obstacle: Failure | None = None

    def begins(self, *, again: bool) -> list[Failure]:
        """Note that the client connects; return the failures of the session before.

        Args:
            again: whether this is one more address of a server that did not answer.
        """
        failures = [] if again else self.finish()
        if not again:
            self.host = None
        self._address = None
        return failures

    def meets(self, host: str) -> None:
        """Note the server's name or its address."""
        name, address = split_host(host)
        self.host = name or self.host
        self._address = address or self._address

    def sends(self, sender: str | None, recipients: Iterable[str]) -> None:
        """Note the sender and the recipients of the next mail, before its commands.

        Args:
            sender: the reverse-path; None if unknown.
            recipients: the recipients' addresses.
        """
        self._hints = (sender, tuple(recipients))

    def greeted(self) -> None:
        """Note that the server has greeted: forget an earlier failure of the session."""
        self._obstacle = None

    def gets_to(self, stage: Stage | None) -> None:
        """Note that a stage was passed: forget a failure of the session at this stage or before."""
        if self._obstacle is None or stage not in _ORDER or self._obstacle.stage not in _ORDER:
            return
        if _ORDER.index(self._obstacle.stage) <= _ORDER.index(stage):
            self._obstacle = None

    def next_mail(self, sender: str | None) -> list[Failure]:
        """End the transaction, return its failures, and begin another.

        Args:
            sender: the reverse-path of the next one; None if it has not begun.
        """
        mail, self.mail = self.mail, Transaction(sender)
        if sender is not None and mail.refusal is not None and mail.refusal.code in _OF_SYNTAX:
            mail.refusal = None  # a typing error: the command was repeated
        return mail.end(self._hints[1])

    def refused(self, command: Command, reply: tuple[str, ...], code: int) -> list[Failure]:
        """Note that a command was refused; return the failures that are certain now.

        Args:
            command: the command.
            reply: the lines of the reply.
            code: the reply code.
        """
        mail, stage = self.mail, command.stage
        followed = self._obstacle is not None and code in {503, 530}  # a consequence of the failure before
        failure = self.failure(stage, reply=reply)
        if stage is Stage.MAIL:
            return self._refused_sender(command.path, failure, followed=followed)
        if stage is Stage.RCPT:
            return self._refused_recipient(command.path, failure, code, followed=followed)
        if stage in _ORDER:
            if self._obstacle is None or self._obstacle.fault or code not in _OF_SYNTAX:
                self._obstacle = failure
            return []
        if followed or (stage is None and not (code == 421 and mail.accepted)):
            return []
        if command.path is None:
            return mail.decide(failure)
        mail.accepted.pop(command.path, None)  # LMTP
        return [dataclasses.replace(failure, recipient=command.path)]

    def unasked(self, reply: tuple[str, ...], code: int, *, heard_client: bool) -> list[Failure]:
        """Read a reply to no command: the server ends an idle session, or the client's lines are not shown.

        Args:
            reply: the lines of the reply.
            code: the reply code.
            heard_client: whether the text has lines of the client.
        """
        if code < 400 or (code in _OF_SYNTAX and not self.mail.accepted):
            return []
        if self.mail.accepted:
            return self.mail.decide(self.failure(None, reply=reply))
        return [] if heard_client else [self.failure(None, reply=reply)]

    def breaks(
        self, stage: Stage | None, recipients: list[str | None], failure: Failure, *, greeted: bool
    ) -> list[Failure]:
        """Note that the connection broke off; return the failures that are certain now.

        Args:
            stage: the stage of the session.
            recipients: the recipients that were sent but had no reply yet.
            failure: the failure, without a recipient.
            greeted: whether the server has greeted.
        """
        mail = self.mail
        for it in recipients:
            mail.name(it)
        if stage is Stage.MAIL:
            mail.refusal = mail.refusal or failure
        elif stage in _ORDER or (stage is None and not greeted):
            self._obstacle = failure if self._obstacle is None or self._obstacle.fault else self._obstacle
        elif self._obstacle is None and mail.refusal is None:
            for it in recipients:
                mail.accept(it)
            return mail.decide(failure) + self.finish()
        return self.finish() if greeted else []

    def completes(self, failure: Failure) -> list[Failure]:
        """Complete a failure from elsewhere by what is known of the session; one for each recipient."""
        failure = failure.completed_by(self.failure(None))
        if failure.recipient is not None:
            return [failure]
        recipients = self.mail.named or self._hints[1] or (None,)
        return [dataclasses.replace(failure, recipient=it) for it in recipients]

    def failure(
        self,
        stage: Stage | None,
        *,
        reply: tuple[str, ...] = (),
        fault: FaultName | None = None,
        words: str = "",
    ) -> Failure:
        """Make a failure of the mail that is under way, without a recipient.

        Args:
            stage: the stage of the session; None if unknown.
            reply: the lines of the reply; empty for none.
            fault: the id of one of `pytest_mailnet.FAULTS`; None for none.
            words: the text of the evidence, if there is no reply.
        """
        sender = self.mail.sender
        return Failure(
            sender=self._hints[0] if sender is None else sender,
            host=self.host,
            address=self._address,
            stage=stage,
            reply=reply,
            fault=fault,
            words=words,
        )

    def finish(self) -> list[Failure]:
        """End the session and return its remaining failures."""
        obstacle, self._obstacle = self._obstacle, None
        mail, self.mail = self.mail, Transaction()
        sender, hinted = self._hints
        self._hints = (None, ())
        failures = mail.end(hinted)
        if obstacle is not None and not failures:
            obstacle = dataclasses.replace(obstacle, sender=sender if mail.sender is None else mail.sender)
            failures = [dataclasses.replace(obstacle, recipient=it) for it in mail.named or hinted or (None,)]
        return failures

    def _refused_sender(self, sender: str | None, failure: Failure, *, followed: bool) -> list[Failure]:
        failures = self.next_mail(None)
        self.mail.sender = sender
        if not followed:
            self._obstacle = None
            self.mail.refusal = self.failure(Stage.MAIL, reply=failure.reply)
        return failures

    def _refused_recipient(
        self, recipient: str | None, failure: Failure, code: int, *, followed: bool
    ) -> list[Failure]:
        mail = self.mail
        if followed or mail.refusal is not None:
            mail.name(recipient)
            return []
        if code == 421:  # ends the session (RFC 5321, 3.8), and with it the whole mail
            mail.accept(recipient)
            return mail.decide(failure)
        return mail.refuse(recipient, dataclasses.replace(failure, recipient=recipient))
