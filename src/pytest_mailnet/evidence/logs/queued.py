"""What earlier lines of a log told of the mails in a queue, for as many of them as there is room for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from pytest_mailnet.evidence.failure import Failure

__all__ = ["ROOM", "Found", "LogQueue", "LoggedMail"]

ROOM = 100_000
"""How many mails, and failures that have been told, are remembered; the oldest are forgotten first."""


class Found(NamedTuple):
    """A failure, and the names that its mail goes by.

    Attributes:
        names: its queue id, its Message-ID in angle brackets, whatever else the program calls it.
        failure: what the log tells.
    """

    names: tuple[str, ...]
    failure: Failure


class LoggedMail(NamedTuple):
    """What is known of a mail in a queue."""

    sender: str | None = None
    message_id: str | None = None
    failed: bool = False


_UNKNOWN = LoggedMail()


class LogQueue:
    """The mails of which a program's log has told, by their queue ids.

    Args:
        room: how many are remembered.
    """

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._mails: OrderedDict[str, LoggedMail] = OrderedDict()
        self._told: OrderedDict[int, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._mails) + len(self._told)

    def mail(self, queue_id: str) -> LoggedMail:
        """What is known of a mail."""
        return self._mails.get(queue_id, _UNKNOWN)

    def learn(
        self, queue_id: str, *, sender: str | None = None, message_id: str | None = None, failed: bool = False
    ) -> None:
        """Take down what a line tells of a mail; what is None stays as it was."""
        known = self._mails.pop(queue_id, _UNKNOWN)
        self._mails[queue_id] = LoggedMail(
            known.sender if sender is None else sender, message_id or known.message_id, failed or known.failed
        )
        if len(self._mails) > self._room:
            self._mails.popitem(last=False)

    def forget(self, queue_id: str) -> None:
        """A mail has left the queue, and its id may be given to another."""
        self._mails.pop(queue_id, None)

    def is_told(self, *of: Hashable) -> bool:
        """Whether this has been asked before with the same values; a queue's many tries repeat themselves."""
        key = hash(of)  # 64 bits instead of replies of any length
        if key in self._told:
            self._told.move_to_end(key)
            return True
        self._told[key] = None
        if len(self._told) > self._room:
            self._told.popitem(last=False)
        return False

    def names(self, queue_id: str) -> tuple[str, ...]:
        """The names that a mail goes by."""
        message_id = self.mail(queue_id).message_id
        return (queue_id,) if message_id is None else (queue_id, message_id)

    def found(self, queue_id: str, failure: Failure, *more_names: str) -> tuple[Found, ...]:
        """A failure of a mail, unless the same has been told of it before."""
        what = failure.reply or failure.fault or failure.words
        if self.is_told(queue_id, failure.sender, failure.recipient, what):
            return ()
        if queue_id:
            self.learn(queue_id, failed=True)
        return (Found((*self.names(queue_id), *more_names), failure),)
