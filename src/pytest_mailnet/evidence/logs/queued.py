"""Remembers what earlier lines of a log said about the mails in a queue, up to a number of mails."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from pytest_mailnet.evidence.failure import Failure

__all__ = ["ROOM", "Found", "LogQueue", "LoggedMail"]

ROOM = 100_000
"""How many mails, and how many reported failures at most, are remembered; the oldest are forgotten first."""


class Found(NamedTuple):
    """A failure, and the ids of its mail.

    Attributes:
        names: the queue id, the Message-ID in angle brackets, and other ids that the program has for it.
        failure: the failure.
    """

    names: tuple[str, ...]
    failure: Failure


class LoggedMail(NamedTuple):
    """A mail in a queue.

    Attributes:
        sender: the reverse-path; None if unknown.
        message_id: the Message-ID in angle brackets; None if unknown.
        failed: whether a failure of the mail was found.
    """

    sender: str | None = None
    message_id: str | None = None
    failed: bool = False


_UNKNOWN = LoggedMail()


class LogQueue:
    """The mails in a program's log so far, by their queue ids.

    Args:
        room: how many mails are remembered, and how many values of `is_told`.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._mails: OrderedDict[str, LoggedMail] = OrderedDict()
        # Two halves, of which the older one is forgotten as a whole: half of what one in order would take.
        self._told: set[int] = set()
        self._told_before: set[int] = set()

    def __len__(self) -> int:
        return len(self._mails) + len(self._told | self._told_before)

    def mail(self, queue_id: str) -> LoggedMail:
        """The mail with a queue id; an empty `LoggedMail` if the id is new."""
        return self._mails.get(queue_id, _UNKNOWN)

    def learn(
        self, queue_id: str, *, sender: str | None = None, message_id: str | None = None, failed: bool = False
    ) -> None:
        """Remember facts about a mail.

        Args:
            queue_id: the queue id.
            sender: the reverse-path; None leaves it as it was.
            message_id: the Message-ID in angle brackets; None leaves it as it was.
            failed: whether a failure was found; False leaves it as it was.
        """
        known = self._mails.pop(queue_id, _UNKNOWN)
        self._mails[queue_id] = LoggedMail(
            known.sender if sender is None else sender, message_id or known.message_id, failed or known.failed
        )
        if len(self._mails) > self._room:
            self._mails.popitem(last=False)

    def forget(self, queue_id: str) -> None:
        """Forget a mail that has left the queue, since its id may be reused."""
        self._mails.pop(queue_id, None)

    def is_told(self, *of: Hashable) -> bool:
        """Whether this was called before with the same values: later attempts log the same again."""
        key = hash(of)  # 64 bits, where a reply may have any length
        known = key in self._told or key in self._told_before
        self._told.add(key)
        if len(self._told) >= self._room // 2:
            self._told, self._told_before = set(), self._told
        return known

    def names(self, queue_id: str) -> tuple[str, ...]:
        """The queue id of a mail, and its Message-ID if known."""
        message_id = self.mail(queue_id).message_id
        return (queue_id,) if message_id is None else (queue_id, message_id)

    def found(self, queue_id: str, failure: Failure, *more_names: str) -> tuple[Found, ...]:
        """A failure with the ids of its mail; empty if the mail had the same failure before.

        Args:
            queue_id: the queue id; "" if the mail has none.
            failure: the failure.
            more_names: further ids of the mail.
        """
        what = failure.reply or failure.fault or failure.words
        # The sender of a mail in the queue may have been learnt only since.
        sender = None if queue_id and failure.recipient else failure.sender
        if self.is_told(queue_id, sender, failure.recipient, what):
            return ()
        if queue_id:
            self.learn(queue_id, failed=True)
        return (Found((*self.names(queue_id), *more_names), failure),)
