"""One mail on its way through a session: for whom it is, and who was refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from pytest_mailnet.evidence.failure import Failure

__all__ = ["Transaction"]

_MOST_RECIPIENTS = 10_000


class Transaction:
    """What is known of one mail, from MAIL to the reply that decides it.

    Attributes:
        sender: its reverse-path, None where nobody has said it.
        accepted: the recipients that were accepted and are not yet decided.
        refusal: how MAIL was refused; then it counts for every recipient that is named.
        decided: whether the recipients that had been accepted have their replies.
    """

    def __init__(self, sender: str | None = None) -> None:
        self.sender = sender
        self.accepted: dict[str | None, None] = {}
        self.refusal: Failure | None = None
        self.decided = False
        self._named: dict[str | None, None] = {}
        self._refused: dict[str | None, Failure] = {}

    @property
    def began(self) -> bool:
        """Whether anything is known of it."""
        return self.sender is not None or bool(self._named) or self.refusal is not None

    @property
    def named(self) -> tuple[str | None, ...]:
        """All recipients that RCPT has named."""
        return tuple(self._named)

    @property
    def all_refused(self) -> bool:
        """Whether there were recipients, and none of them is left."""
        return bool(self._refused) and not self.accepted

    def name(self, recipient: str | None) -> None:
        """Note a recipient, whatever was replied."""
        if len(self._named) < _MOST_RECIPIENTS:
            self._named[recipient] = None

    def accept(self, recipient: str | None) -> None:
        """Note that a recipient was accepted; an earlier refusal is forgotten."""
        self.name(recipient)
        self._refused.pop(recipient, None)
        if len(self.accepted) < _MOST_RECIPIENTS:
            self.accepted[recipient] = None

    def refuse(self, recipient: str | None, failure: Failure) -> list[Failure]:
        """Note that a recipient was refused; return refusals that there is no more room for."""
        self.name(recipient)
        self._refused[recipient] = failure
        if len(self._refused) < _MOST_RECIPIENTS:
            return []
        return self.refusals()

    def decide(self, failure: Failure) -> list[Failure]:
        """One reply, or silence, for all that were accepted; nothing where all had their own."""
        decided, self.decided = self.decided, True
        if self.refusal is not None or self.all_refused or (decided and not self.accepted):
            return []
        recipients, self.accepted = tuple(self.accepted) or (None,), {}
        return [dataclasses.replace(failure, recipient=it) for it in recipients]

    def refusals(self) -> list[Failure]:
        """Hand out, once, the recipients that were refused by themselves."""
        refused, self._refused = self._refused, {}
        return list(refused.values())

    def end(self, hinted: Iterable[str | None] = ()) -> list[Failure]:
        """What is left to say when the next mail begins, or the session ends.

        Args:
            hinted: recipients that are known from elsewhere, where no command has named them.
        """
        refusal, self.refusal = self.refusal, None
        failures = self.refusals()
        if refusal is not None:
            recipients = self.named or tuple(hinted) or (None,)
            failures += [dataclasses.replace(refusal, recipient=it) for it in recipients]
        return failures
