"""Works out the failed recipients of an SMTP session from its commands and replies."""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import Any

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.transcripts.client_lines import Command
from pytest_mailnet.evidence.transcripts.server_lines import split_host
from pytest_mailnet.values import Stage

__all__ = ["TranscriptSession"]

_ORDER = (Stage.CONNECT, Stage.EHLO, Stage.STARTTLS, Stage.AUTH, Stage.MAIL)
_OF_SYNTAX = frozenset({500, 501, 502, 503, 504})
_MOST_RECIPIENTS = 10_000


@dataclasses.dataclass
class _Mail:
    """One mail, from MAIL to the final reply."""

    sender: str | None = None
    named: dict[str | None, None] = field(default_factory=dict)  # by RCPT, whatever the reply
    accepted: dict[str | None, None] = field(default_factory=dict)  # and without a final reply yet
    refused: dict[str | None, Failure] = field(default_factory=dict)
    refusal: Failure | None = None  # of MAIL, and so of every recipient
    decided: bool = False  # whether those accepted have had their final reply


class TranscriptSession:
    """One session after another: takes replies, and returns failed recipients.

    A failure of the whole session or transaction is returned at its end, when all recipients are known.

    Attributes:
        host: the server's name; None if unknown.
        hints: the sender and the recipients of the next mail, where they are known before its commands.
        mail: the transaction that is under way.
        obstacle: the failure of the session, until a later attempt succeeds.
    """

    def __init__(self) -> None:
        self.host: str | None = None
        self.hints: tuple[str | None, tuple[str, ...]] = (None, ())
        self.mail: _Mail = _Mail()
        self.obstacle: Failure | None = None
        self._address: str | None = None

    def begins(self, *, again: bool) -> list[Failure]:
        """Note that the client connects; return the failures of the session before.

        Args:
            again: whether this is one more address of a server that did not answer.
        """
        self._address = None
        if again:
            return []
        failures = self.finish()
        self.host = None
        return failures

    def meets(self, host: str) -> None:
        """Note the server's name or its address."""
        name, address = split_host(host)
        self.host = name or self.host
        self._address = address or self._address

    def accepted(self, recipient: str | None) -> None:
        """Note that a recipient was accepted, and forget an earlier refusal."""
        self._names(recipient)
        self.mail.refused.pop(recipient, None)
        if len(self.mail.accepted) < _MOST_RECIPIENTS:
            self.mail.accepted[recipient] = None

    def gets_to(self, stage: Stage | None) -> None:
        """Note that a stage was passed: forget a failure of the session at this stage or before."""
        failed = None if self.obstacle is None else self.obstacle.stage
        if stage in _ORDER and failed in _ORDER and _ORDER.index(failed) <= _ORDER.index(stage):
            self.obstacle = None

    def next_mail(self, sender: str | None) -> list[Failure]:
        """End the transaction, return its failures, and begin another.

        Args:
            sender: the reverse-path of the next one; None if it has not begun.
        """
        mail, self.mail = self.mail, _Mail(sender)
        if sender is not None and mail.refusal is not None and mail.refusal.code in _OF_SYNTAX:
            mail.refusal = None  # a typing error: the command was repeated
        return self._ended(mail, self.hints[1])

    def refused(self, command: Command, reply: tuple[str, ...], code: int) -> list[Failure]:
        """Note that a command was refused; return the failures that are certain now.

        Args:
            command: the command.
            reply: the lines of the reply.
            code: the reply code.
        """
        stage = command.stage
        followed = self.obstacle is not None and code in {503, 530}  # a consequence of the failure before
        failure = self.failure(stage, reply=reply)
        if stage is Stage.MAIL:
            failures = self.next_mail(None)
            self.mail.sender = command.path
            if not followed:
                self.obstacle = None
                self.mail.refusal = self.failure(stage, reply=reply)
            return failures
        if stage is Stage.RCPT:
            return self._refused_recipient(command.path, failure, code, followed=followed)
        if stage in _ORDER:
            if self.obstacle is None or self.obstacle.fault or code not in _OF_SYNTAX:
                self.obstacle = failure
            return []
        if followed or (stage is None and not (code == 421 and self.mail.accepted)):
            return []
        if command.path is None:
            return self._decided(failure)
        self.mail.accepted.pop(command.path, None)  # LMTP
        return [dataclasses.replace(failure, recipient=command.path)]

    def unasked(self, reply: tuple[str, ...], code: int, *, heard_client: bool) -> list[Failure]:
        """Read a reply to no command: the server ends an idle session, or the client's lines are not shown.

        Args:
            reply: the lines of the reply.
            code: the reply code.
            heard_client: whether the text has lines of the client.
        """
        taken = self.mail.accepted
        if code < 400 or (not taken and (heard_client or code in _OF_SYNTAX)):
            return []
        failure = self.failure(None, reply=reply)
        return self._decided(failure) if taken else [failure]

    def breaks(self, recipients: list[str | None], failure: Failure, *, greeted: bool) -> list[Failure]:
        """Note that the connection broke off; return the failures that are certain now.

        Args:
            recipients: the recipients that were sent but had no reply yet.
            failure: the failure, without a recipient.
            greeted: whether the server has greeted.
        """
        mail, stage = self.mail, failure.stage
        for it in recipients:
            self._names(it)
        if stage is Stage.MAIL:
            mail.refusal = mail.refusal or failure
        elif stage in _ORDER or (stage is None and not greeted):
            self.obstacle = failure if self.obstacle is None or self.obstacle.fault else self.obstacle
        elif self.obstacle is None and mail.refusal is None:
            for it in recipients:
                self.accepted(it)
            return self._decided(failure) + self.finish()
        return self.finish() if greeted else []

    def completes(self, failure: Failure) -> list[Failure]:
        """Complete a failure from elsewhere by what is known of the session; one for each recipient."""
        failure = failure.completed_by(self.failure(None))
        if failure.recipient is not None:
            return [failure]
        return _of_each(failure, tuple(self.mail.named) or self.hints[1])

    def failure(self, stage: Stage | None, **told: Any) -> Failure:
        """Make a failure of the mail that is under way, without a recipient.

        Args:
            stage: the stage of the session; None if unknown.
            told: fields of `Failure`: its reply, or a fault and words.
        """
        sender = self.hints[0] if self.mail.sender is None else self.mail.sender
        return Failure(sender=sender, host=self.host, address=self._address, stage=stage, **told)

    def finish(self) -> list[Failure]:
        """End the session and return its remaining failures."""
        obstacle, self.obstacle = self.obstacle, None
        mail, self.mail = self.mail, _Mail()
        (sender, hinted), self.hints = self.hints, (None, ())
        failures = self._ended(mail, hinted)
        if obstacle is None or failures:
            return failures
        sender = sender if mail.sender is None else mail.sender
        return _of_each(dataclasses.replace(obstacle, sender=sender), tuple(mail.named) or hinted)

    def _names(self, recipient: str | None) -> None:
        if len(self.mail.named) < _MOST_RECIPIENTS:
            self.mail.named[recipient] = None

    def _refused_recipient(
        self, recipient: str | None, failure: Failure, code: int, *, followed: bool
    ) -> list[Failure]:
        mail = self.mail
        self._names(recipient)
        if followed or mail.refusal is not None:
            return []
        if code == 421:  # ends the session (RFC 5321, 3.8), and with it the whole mail
            self.accepted(recipient)
            return self._decided(failure)
        mail.refused[recipient] = dataclasses.replace(failure, recipient=recipient)
        if len(mail.refused) < _MOST_RECIPIENTS:
            return []
        refused, mail.refused = mail.refused, {}
        return list(refused.values())

    def _decided(self, failure: Failure) -> list[Failure]:
        """What failed for all accepted recipients, unless there are none or they had their final reply."""
        mail = self.mail
        decided, mail.decided = mail.decided, True
        if mail.refusal is not None or (not mail.accepted and (mail.refused or decided)):
            return []
        recipients, mail.accepted = tuple(mail.accepted), {}
        return _of_each(failure, recipients)

    def _ended(self, mail: _Mail, hinted: tuple[str, ...]) -> list[Failure]:
        """The failures of a mail that is over, besides those that were certain before."""
        failures = list(mail.refused.values())
        if mail.refusal is None:
            return failures
        return failures + _of_each(mail.refusal, tuple(mail.named) or hinted)


def _of_each(failure: Failure, recipients: tuple[str | None, ...]) -> list[Failure]:
    return [dataclasses.replace(failure, recipient=it) for it in recipients or (None,)]
