"""One mail in a session: its recipients, and which of them were refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from pytest_mailnet.evidence.failure import Failure

__all__ = ["Transaction"]

_MOST_RECIPIENTS = 10_000


class Transaction:
    """The state of one mail, from MAIL to the final reply.

    Args:
        sender: the reverse-path; None if unknown.

    Attributes:
        sender: the reverse-path; None if unknown.
        accepted: the recipients that were accepted and have no final reply yet, as keys.
        refusal: the refusal of MAIL, which applies to every recipient; None if MAIL was not refused.
        decided: whether the accepted recipients have had their final reply.
    """

    def __init__(self, sender: str | None = None) -> None:
        self.sender = sender
        self.accepted: dict[str | None, None] = {}
        self.refusal: Failure | None = None
        self.decided: bool = False
        self._named: dict[str | None, None] = {}
        self._refused: dict[str | None, Failure] = {}

    @property
    def began(self) -> bool:
        """Whether the sender, a recipient or a refusal is known."""
        return self.sender is not None or bool(self._named) or self.refusal is not None

    @property
    def named(self) -> tuple[str | None, ...]:
        """All recipients that were given in RCPT."""
        return tuple(self._named)

    @property
    def all_refused(self) -> bool:
        """Whether recipients were refused, and none is accepted."""
        return bool(self._refused) and not self.accepted

    def name(self, recipient: str | None) -> None:
        """Note a recipient, whatever the reply."""
        if len(self._named) < _MOST_RECIPIENTS:
            self._named[recipient] = None

    def accept(self, recipient: str | None) -> None:
        """Note that a recipient was accepted, and forget an earlier refusal."""
        self.name(recipient)
        self._refused.pop(recipient, None)
        if len(self.accepted) < _MOST_RECIPIENTS:
            self.accepted[recipient] = None

    def refuse(self, recipient: str | None, failure: Failure) -> list[Failure]:
        """Note that a recipient was refused.

        Args:
            recipient: the recipient; None if unknown.
            failure: the refusal.

        Returns:
            All refusals so far, once they are 10,000; otherwise nothing yet.
        """
        self.name(recipient)
        self._refused[recipient] = failure
        if len(self._refused) < _MOST_RECIPIENTS:
            return []
        return self.refusals()

    def decide(self, failure: Failure) -> list[Failure]:
        """Apply one refusal, or the lack of a reply, to all accepted recipients, and return their failures.

        Returns nothing if MAIL or every recipient was refused, or if all had their final reply before.
        """
        decided, self.decided = self.decided, True
        if self.refusal is not None or self.all_refused or (decided and not self.accepted):
            return []
        recipients, self.accepted = tuple(self.accepted) or (None,), {}
        return [dataclasses.replace(failure, recipient=it) for it in recipients]

    def refusals(self) -> list[Failure]:
        """Return the failures of single recipients, and forget them."""
        refused, self._refused = self._refused, {}
        return list(refused.values())

    def end(self, hinted: Iterable[str | None] = ()) -> list[Failure]:
        """Return the remaining failures when the next mail begins, or the session ends.

        Args:
            hinted: recipients that are known from elsewhere; used if RCPT gave none.
        """
        refusal, self.refusal = self.refusal, None
        failures = self.refusals()
        if refusal is not None:
            recipients = self.named or tuple(hinted) or (None,)
            failures += [dataclasses.replace(refusal, recipient=it) for it in recipients]
        return failures
