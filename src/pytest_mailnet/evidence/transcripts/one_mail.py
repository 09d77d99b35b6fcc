"""One mail in a session: its recipients, and which of them were refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import field

from pytest_mailnet.evidence.failure import Failure

__all__ = ["Transaction", "each_once", "of_each"]

_MOST_RECIPIENTS = 10_000


@dataclasses.dataclass
class Transaction:
    """The state of one mail, from MAIL to the final reply.

    Attributes:
        sender: the reverse-path; None if unknown.
        named: the recipients that RCPT gave, whatever the reply.
        accepted: those that were accepted and have no final reply yet.
        refused: the refusals of the others.
        refusal: the refusal of MAIL, which applies to every recipient; None if MAIL was not refused.
        decided: whether the accepted recipients have had their final reply.
    """

    sender: str | None = None
    named: dict[str | None, None] = field(default_factory=dict)
    accepted: dict[str | None, None] = field(default_factory=dict)
    refused: dict[str | None, Failure] = field(default_factory=dict)
    refusal: Failure | None = None
    decided: bool = False

    def name(self, recipient: str | None) -> None:
        """Note a recipient, whatever the reply."""
        if len(self.named) < _MOST_RECIPIENTS:
            self.named[recipient] = None

    def accept(self, recipient: str | None) -> None:
        """Note that a recipient was accepted, and forget an earlier refusal."""
        self.name(recipient)
        self.refused.pop(recipient, None)
        if len(self.accepted) < _MOST_RECIPIENTS:
            self.accepted[recipient] = None

    def refuse(self, recipient: str | None, failure: Failure, *, followed: bool) -> list[Failure]:
        """Note that a recipient was refused, perhaps only because something else has failed before."""
        self.name(recipient)
        if followed or self.refusal is not None:
            return []
        if failure.code == 421:  # ends the session (RFC 5321, 3.8), and with it the whole mail
            self.accept(recipient)
            return self.decide(failure)
        self.refused[recipient] = dataclasses.replace(failure, recipient=recipient)
        if len(self.refused) < _MOST_RECIPIENTS:
            return []
        refused, self.refused = self.refused, {}
        return list(refused.values())

    def decide(self, failure: Failure) -> list[Failure]:
        """Apply one refusal, or the lack of a reply, to all accepted recipients, and return their failures.

        Returns nothing if MAIL or every recipient was refused, or if all had their final reply before.
        """
        decided, self.decided = self.decided, True
        if self.refusal is not None or (not self.accepted and (self.refused or decided)):
            return []
        accepted, self.accepted = self.accepted, {}
        return of_each(failure, accepted)

    def end(self, hinted: tuple[str, ...]) -> list[Failure]:
        """The remaining failures; those of all recipients are of the hinted ones if RCPT gave none."""
        of_all = [] if self.refusal is None else of_each(self.refusal, self.named or hinted)
        return [*self.refused.values(), *of_all]


def of_each(failure: Failure, recipients: Iterable[str | None]) -> list[Failure]:
    """A failure for each recipient, or one without a recipient for none."""
    return [dataclasses.replace(failure, recipient=it) for it in tuple(recipients) or (None,)]


def each_once(failures: Iterable[Failure]) -> list[Failure]:
    """The failures of one recipient by one reply, or in the same words, are one: each completes the first."""
    found: dict[tuple[str | None, tuple[str, ...]], Failure] = {}
    for it in failures:
        key = it.recipient, it.reply or (it.words,)
        found[key] = found[key].completed_by(it) if key in found else it
    return list(found.values())
