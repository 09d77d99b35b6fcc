"""What an SMTP session comes to: who did not get a mail, and by what word of the server."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.transcripts.client_lines import Command
from pytest_mailnet.evidence.transcripts.hosts import split_host
from pytest_mailnet.evidence.transcripts.one_mail import Transaction
from pytest_mailnet.values import Stage

__all__ = ["TranscriptSession"]

_ORDER = (Stage.CONNECT, Stage.EHLO, Stage.STARTTLS, Stage.AUTH, Stage.MAIL)
_OF_SYNTAX = frozenset({500, 501, 502, 503, 504})


class TranscriptSession:
    """Sessions, one after the other, that are told of replies and tell which recipients failed.

    What stands in the way of a whole session or transaction is told at its end, when all recipients are
    known.

    Attributes:
        host: the server's name, None where nothing tells it.
        mail: the transaction that is under way.
    """

    def __init__(self) -> None:
        self.host: str | None = None
        self.mail = Transaction()
        self._address: str | None = None
        self._hints: tuple[str | None, tuple[str, ...]] = (None, ())
        self._obstacle: Failure | None = None

    def begins(self, *, again: bool) -> list[Failure]:
        """The client calls a server; or, `again`, one more address of a server that did not answer."""
        failures = [] if again else self.finish()
        if not again:
            self.host = None
        self._address = None
        return failures

    def meets(self, host: str) -> None:
        """Learn more of the server: its name, or its address."""
        name, address = split_host(host)
        self.host = name or self.host
        self._address = address or self._address

    def sends(self, sender: str | None, recipients: Iterable[str]) -> None:
        """Learn of whom the next mail is, and for whom, before any command has said it."""
        self._hints = (sender, tuple(recipients))

    def greeted(self) -> None:
        """Whatever was in the way is so no more."""
        self._obstacle = None

    def gets_to(self, stage: Stage | None) -> None:
        """A stage is reached: what was in the way before it has been overcome."""
        if self._obstacle is None or stage not in _ORDER or self._obstacle.stage not in _ORDER:
            return
        if _ORDER.index(self._obstacle.stage) <= _ORDER.index(stage):
            self._obstacle = None

    def next_mail(self, sender: str | None) -> list[Failure]:
        """A transaction ends, and another begins."""
        mail, self.mail = self.mail, Transaction(sender)
        if sender is not None and mail.refusal is not None and mail.refusal.code in _OF_SYNTAX:
            mail.refusal = None  # mistyped, and said again
        return mail.end(self._hints[1])

    def refused(self, command: Command, reply: tuple[str, ...], code: int) -> list[Failure]:
        """A command was refused."""
        mail, stage = self.mail, command.stage
        followed = self._obstacle is not None and code in {503, 530}  # what follows from what failed before
        told = self.failure(stage, reply=reply)
        if stage is Stage.MAIL:
            return self._refused_sender(command.path, told, followed=followed)
        if stage is Stage.RCPT:
            return self._refused_recipient(command.path, told, code, followed=followed)
        if stage in _ORDER:
            if self._obstacle is None or self._obstacle.fault or code not in _OF_SYNTAX:
                self._obstacle = told
            return []
        if followed or (stage is None and not (code == 421 and mail.accepted)):
            return []
        if command.path is None:
            return mail.decide(told)
        mail.accepted.pop(command.path, None)  # LMTP
        return [dataclasses.replace(told, recipient=command.path)]

    def unasked(self, reply: tuple[str, ...], code: int, *, heard_client: bool) -> list[Failure]:
        """A reply to nothing: a server that ends an idle session, or a client whose lines are not shown."""
        if code < 400 or (code in _OF_SYNTAX and not self.mail.accepted):
            return []
        if self.mail.accepted:
            return self.mail.decide(self.failure(None, reply=reply))
        return [] if heard_client else [self.failure(None, reply=reply)]

    def breaks(
        self, stage: Stage | None, recipients: list[str | None], told: Failure, *, greeted: bool
    ) -> list[Failure]:
        """The connection ends before its time.

        Args:
            stage: where it stood.
            recipients: those under way that were not accepted yet.
            told: what there is to say.
            greeted: whether the server has greeted.
        """
        mail = self.mail
        for it in recipients:
            mail.name(it)
        if stage is Stage.MAIL:
            mail.refusal = mail.refusal or told
        elif stage in _ORDER or (stage is None and not greeted):
            self._obstacle = told if self._obstacle is None or self._obstacle.fault else self._obstacle
        elif self._obstacle is None and mail.refusal is None:
            for it in recipients:
                mail.accept(it)
            return mail.decide(told) + self.finish()
        return self.finish() if greeted else []

    def completes(self, failure: Failure) -> list[Failure]:
        """What is known elsewhere of the session, with what is known here: a failure for each recipient."""
        failure = failure.completed_by(self.failure(None))
        if failure.recipient is not None:
            return [failure]
        recipients = self.mail.named or self._hints[1] or (None,)
        return [dataclasses.replace(failure, recipient=it) for it in recipients]

    def failure(
        self, stage: Stage | None, *, reply: tuple[str, ...] = (), fault: str | None = None, words: str = ""
    ) -> Failure:
        """A failure of the mail that is under way."""
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
        """The session is over."""
        obstacle, self._obstacle = self._obstacle, None
        mail, self.mail = self.mail, Transaction()
        sender, hinted = self._hints
        self._hints = (None, ())
        failures = mail.end(hinted)
        if obstacle is not None and not failures:
            obstacle = dataclasses.replace(obstacle, sender=sender if mail.sender is None else mail.sender)
            failures = [dataclasses.replace(obstacle, recipient=it) for it in mail.named or hinted or (None,)]
        return failures

    def _refused_sender(self, sender: str | None, told: Failure, *, followed: bool) -> list[Failure]:
        failures = self.next_mail(None)
        self.mail.sender = sender
        if not followed:
            self._obstacle = None
            self.mail.refusal = self.failure(Stage.MAIL, reply=told.reply)
        return failures

    def _refused_recipient(
        self, recipient: str | None, told: Failure, code: int, *, followed: bool
    ) -> list[Failure]:
        mail = self.mail
        if followed or mail.refusal is not None:
            mail.name(recipient)
            return []
        if code == 421:  # ends the session (RFC 5321, 3.8), and with it the whole mail
            mail.accept(recipient)
            return mail.decide(told)
        return mail.refuse(recipient, dataclasses.replace(told, recipient=recipient))
